"""A script that ends while a device is read, and Python takes longer than the device.

The job has the name of the attribute, ``slow``, and how long Python takes, ``delay``.
"""

from __future__ import annotations

import sys
import threading
import time
import types
from collections.abc import Callable
from typing import TextIO

import taurus

from tests.programs.script_base import Listener, eventually, factory, job


class SlowEnd:
    def __del__(
        self,
        pause: Callable[[float], None] = time.sleep,
        delay: float = job["delay"],
        out: TextIO = sys.stdout,
    ) -> None:
        pause(delay)
        print("Python has ended", file=out, flush=True)


def in_a_call(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and "tango" in frame.f_globals["__name__"].split(".")


attribute, listener = taurus.Attribute(job["slow"]), Listener()
attribute.addListener(listener)
factory.readAttributeFirstTime(attribute)
readers = factory.first_read.threads
eventually(lambda: any(in_a_call(thread) for thread in readers()), "it is read")
# A module of its own: what is in this one lives as long as its threads.
sys.modules["keeper"] = types.ModuleType("keeper")
vars(sys.modules["keeper"])["end"] = SlowEnd()
