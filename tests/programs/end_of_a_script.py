"""A script that ends while a server hangs, in whatever way its job tells."""

from __future__ import annotations

import gc
import os
import signal
import time
from typing import Any

import taurus

from tests.programs.hanging_base import hang_while
from tests.programs.script_base import Listener, eventually, job

kept: list[tuple[Any, Listener]] = []


def listen(names: list[str]) -> None:
    for name in names:
        kept.append((taurus.Attribute(name), Listener()))
        kept[-1][0].addListener(kept[-1][1])


def leave() -> None:
    for attribute, listener in kept:
        attribute.removeListener(listener)


hang_while(job["stage"], listen, leave, lambda what: eventually(what, "it is so"))
if job["pause"]:
    time.sleep(job["pause"])
print(time.time(), flush=True)
if job["how"] == "killed":
    os.kill(os.getpid(), signal.SIGTERM)
elif job["how"] == "cleaned":
    del kept
    gc.collect()
elif job["how"] == "status":
    raise SystemExit(5)
