"""A program without a window, which waits for what it asks.

Arguments: the authority, a device of it.
"""

from __future__ import annotations

import sys

import taurus
from taurus.core.taurusexception import TaurusException

authority, device = sys.argv[1:]
print(taurus.Authority(authority))
try:
    taurus.Device(device)
except TaurusException:
    print("told")
