"""A script that ends while a first read hangs.

Arguments: the attribute, the process id of its server.
"""

from __future__ import annotations

import sys
from concurrent.futures import TimeoutError

import taurus

from tests.support.stopping import stop

attr = taurus.Attribute(sys.argv[1])
attr.read()
stop(int(sys.argv[2]))
future = taurus.Factory("tango").readAttributeFirstTime(attr)
try:
    future.result(0.3)
except TimeoutError:
    print("still reading")
raise SystemExit(7)
