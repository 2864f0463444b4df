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
from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.concurrency.collector_thresholds import THRESHOLDS
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: Number of new objects at which the GUI thread collects while it builds a window.
MANY = 10_000

#: How often the event loop looks whether anything is to be collected, ms.
PERIOD = 500


class GuiCollector:
    """Raises Python's first threshold, and collects in its place."""

    def look(self, many: int = 0) -> None:
        """Collect if Python would, and if there are more than ``many`` new objects."""
        collects_here = CUSTOM_SETTINGS.current().collects_in_gui_thread
        THRESHOLDS.raise_first(collects_here)
        replaced = THRESHOLDS.replaced
        if not collects_here or replaced is None:
            return
        if gc.get_count()[0] > max(many, replaced[0]):
            THRESHOLDS.collect()

    def restore(self) -> None:
        """Put the first threshold of the program in force again."""
        THRESHOLDS.raise_first(False)


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
