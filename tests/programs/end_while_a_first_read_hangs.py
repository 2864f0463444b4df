"""A script that ends while a first read hangs.

Arguments: the attribute, the process id of its server.
"""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import TimeoutError

import taurus

attr = taurus.Attribute(sys.argv[1])
attr.read()
os.kill(int(sys.argv[2]), signal.SIGSTOP)
future = taurus.Factory("tango").readAttributeFirstTime(attr)
try:
    future.result(0.3)
except TimeoutError:
    print("still reading")
raise SystemExit(7)
