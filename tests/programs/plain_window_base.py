"""The beginning of a program with a window that stock Taurus runs, too.

The factory of stock Taurus has no mode to set. The job is the first argument, a JSON
object; ``told`` is what the program tells at its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import tango  # noqa: F401 - a pause of a server is shorter than this takes
from taurus.qt.qtgui.application import TaurusApplication
from taurus.taurusstatecontroller import application

from tests.support.stopping import stop

__all__ = ["app", "job", "pause", "run", "told"]

job: dict[str, Any] = json.loads(sys.argv[1])
told: dict[str, Any] = {}
app = TaurusApplication(["window"], cmd_line_parser=None)
application.application_started()


def pause(pid: int, seconds: float) -> None:
    """Stop a process for a while."""
    stop(pid)
    threading.Timer(seconds, os.kill, (pid, signal.SIGCONT)).start()


def run(condition: Callable[[], object], what: str, timeout: float = 30.0) -> None:
    """Run the event loop until something is the case."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        app.processEvents()
        time.sleep(0.005)
