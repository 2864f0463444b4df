"""The beginning of a program with a window: that of a script, and the application.

``told`` is what the program tells at its end, ``dead`` the longest time for which the
window did not react, s.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

import taurus

from tests.programs.script_base import (
    Listener,
    Stopwatch,
    eventually,
    factory,
    hang,
    job,
    plain,
    resume,
)

# isort: split
# The factory is made before Qt is loaded.
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

from taurus_tpo.qt.windows_at_exit import hide_windows_at_exit

__all__ = [
    "Listener",
    "Qt",
    "Stopwatch",
    "TaurusForm",
    "app",
    "eventually",
    "factory",
    "hang",
    "have_values",
    "job",
    "plain",
    "resume",
    "run",
    "timed",
    "told",
]

T = TypeVar("T")

app = TaurusApplication(["window"], cmd_line_parser=None)
told: dict[str, Any] = {"dead": 0.0}
if os.environ.get("TAURUS_TPO") == "0":
    # With stock Taurus, a program may crash when it ends with a visible window.
    hide_windows_at_exit()


def timed(what: str, call: Callable[..., T], *args: Any) -> T:
    """Return what ``call`` returns; tell the longest time that it has taken, s."""
    watch = Stopwatch()
    result = call(*args)
    told[what] = max(told.get(what, 0.0), watch.seconds)
    return result


def run(condition: Callable[[], object], what: str, timeout: float = 60.0) -> None:
    """Run the event loop until something is the case."""
    end = time.monotonic() + timeout
    while not timed("dead", condition):
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        timed("dead", app.processEvents)
        time.sleep(0.005)


def have_values(names: list[str]) -> bool:
    """Return whether each of these attributes has a value."""
    return all(taurus.Attribute(name).known.value is not None for name in names)
