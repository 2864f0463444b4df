"""Has Python collect garbage in the GUI thread, not in the threads that bring values.

Python collects in whichever thread has made one object too many. PyQt keeps the slots
of all signals in a table that it changes without Python's lock, and reads that table
when Python collects. If another thread collects while the GUI thread connects a signal,
the process ends: SIGSEGV in ``QHash::findNode``, below PyQt's ``visitSlotProxies``.
With PyQt5 5.15.11 it was seen once in 45 starts of a form of 1,000 rows, and within
seconds where one thread connects signals and another one collects. In stock Taurus it
can happen, too, since Tango's threads make objects.

So the number of new objects at which Python collects is raised, and the GUI thread
collects from its event loop, by Python's own rules. Where the event loop does not run,
Python collects as ever, only later.

All functions run in the GUI thread.
"""

from __future__ import annotations

import gc
import os
from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: Number of new objects at which Python collects in any thread: those of about 300 rows
#: of a form.
MOST = 100_000

#: Number of new objects at which the GUI thread collects while it builds a window.
MANY = 10_000

#: How often the event loop looks whether anything is to be collected, ms.
PERIOD = 500


class GuiCollector:
    """Sets Python's threshold, and collects in its place.

    The threshold of a program that has changed it is respected; nothing is done where
    the program has disabled the collector.
    """

    def __init__(self) -> None:
        #: The thresholds of the program; None while they are in force.
        self.replaced: tuple[int, int, int] | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.restore)

    def look(self, many: int = 0) -> None:
        """Collect if Python would, and if there are more than ``many`` new objects."""
        if not CUSTOM_SETTINGS.current().collects_in_gui_thread:
            self.restore()
            return
        self._replace()
        if self.replaced is not None:
            number = gc.get_count()[0]
            if number > many and number > self.replaced[0]:
                self._collect(self.replaced)

    def restore(self) -> None:
        """Put the thresholds of the program in force again."""
        replaced, self.replaced = self.replaced, None
        if replaced is not None and gc.get_threshold() == _raised(replaced):
            gc.set_threshold(*replaced)

    def _replace(self) -> None:
        """Replace the thresholds, unless they are ours, or nothing is collected."""
        now = gc.get_threshold()
        if self.replaced is not None and now == _raised(self.replaced):
            return
        is_on = gc.isenabled() and 0 < now[0] < MOST
        self.replaced = now if is_on else None
        if is_on:
            gc.set_threshold(*_raised(now))

    @staticmethod
    def _collect(thresholds: tuple[int, int, int]) -> None:
        """Let Python collect what is due, which decides how much that is."""
        gc.set_threshold(*thresholds)
        try:
            # A new object causes it; a set, since Python keeps some lists to use them
            # again. Since Python 3.12 it happens at the end of a pass of a loop.
            for number in range(2):
                _ = {number}
        finally:
            gc.set_threshold(*_raised(thresholds))


def _raised(thresholds: tuple[int, int, int]) -> tuple[int, int, int]:
    return (MOST, *thresholds[1:])


#: The collector of the process.
COLLECTOR = GuiCollector()


def _restore(*_arguments: Any) -> None:
    COLLECTOR.restore()


class _Timer(Qt.QTimer):
    """Looks regularly while the event loop of an application runs."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.timeout.connect(COLLECTOR.look)
        for end in (app.aboutToQuit, app.destroyed):
            end.connect(_restore)
        self.start(PERIOD)


def collect_here() -> None:
    """Begin to collect in the thread of this application; repeated calls do nothing."""
    app = Qt.QApplication.instance()
    if app is not None and app.findChild(_Timer) is None:
        _Timer(app)
        COLLECTOR.look()
