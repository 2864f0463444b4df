"""Ends while a device that hangs is written and listened to, with status 5.

Tells when the program was at its end, s since the epoch.
"""

from __future__ import annotations

import time

from tests.programs.greenlets_base import HEALTHY, gevent, green, hang

HUNG = "sim/greenlets/hung1/rw"

green.read(f"{HEALTHY}/rw", HUNG)
stream = green.events(f"{HEALTHY}/rw", HUNG)
stream.__enter__()
hang()
green.write(HUNG, 1.0, wait=False)
green.read(HUNG, wait=False)
gevent.sleep(0.3)
print(time.time(), flush=True)
raise SystemExit(5)
