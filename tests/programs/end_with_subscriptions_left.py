"""A script that leaves the unsubscriber with more to do than there is time for."""

from __future__ import annotations

import time

import tests.programs.script_base  # noqa: F401 - it makes the factory

# isort: split
from taurus_tpo.tango_client.subscription import UNSUBSCRIBER

for _ in range(1000):
    UNSUBSCRIBER.do(lambda: time.sleep(0.01))
print(time.time(), flush=True)
