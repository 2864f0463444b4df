"""A script that leaves the unsubscriber with more to do than there is time for."""

from __future__ import annotations

import time

from tests.programs.script_base import factory

unsubscriber = factory.tango_client.unsubscriber
for _ in range(1000):
    unsubscriber.do(lambda: time.sleep(0.01))
print(time.time(), flush=True)
