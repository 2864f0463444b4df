"""A process that is made to end in the midst of its start.

``python -m benchmarks.leaver`` reads an order, does what a program of a user's does,
and tells when its end begins; what comes after that is its end.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any

from benchmarks.protocol import LeaveOrder
from taurus_tpo.bench.protocol import END, Telling

#: What a program tells once a signal would reach it as it does a user's.
BEGUN = "begun"

#: The ends of a program with a window, and of one without.
CLOSED, CTRL_C, EXIT, SCRIPT = "closed", "Ctrl-C", "sys.exit", "end of script"
WITH_WINDOW = (CLOSED, CTRL_C, EXIT)
HOWS = (CLOSED, CTRL_C, EXIT, SCRIPT)


def main() -> None:
    """Carry out the order on the standard input."""
    order = LeaveOrder.from_json(sys.stdin.readline())
    telling = Telling()
    # A shell has what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # One that comes while modules are imported was seen to be lost, also without the
    # plugin.
    import taurus.qt.qtgui.panel  # noqa: F401

    telling.tell(BEGUN)
    leaver = _Leaver(order, telling)
    if order.how in WITH_WINDOW:
        leaver.window()
    else:
        leaver.script()


class _Leaver:
    def __init__(self, order: LeaveOrder, telling: Telling) -> None:
        self._order = order
        self._telling = telling
        #: The moments count from when all of Taurus is imported.
        self._end = time.monotonic() + order.moment

    def window(self) -> None:
        """Open a form, and end when it is time."""
        from taurus.external.qt import Qt
        from taurus.qt.qtgui.application import TaurusApplication
        from taurus.qt.qtgui.panel import TaurusForm

        application = TaurusApplication(["leaver"], cmd_line_parser=None)
        form = TaurusForm()
        # Ctrl-C comes from outside, at whatever moment.
        if self._order.how != CTRL_C:
            left = max(0.0, self._end - time.monotonic())
            Qt.QTimer.singleShot(int(1000 * left), lambda: self._leave(form))
        form.setModel(list(self._order.models))
        form.show()
        sys.exit(application.exec_())

    def _leave(self, form: Any) -> None:
        self._telling.tell(END)
        if self._order.how == CLOSED:
            form.close()
        else:
            sys.exit(0)

    def script(self) -> None:
        """Use one attribute after the other, until it is time."""
        import taurus

        kept = []
        for model in self._order.models:
            if time.monotonic() > self._end:
                break
            attribute = taurus.Attribute(model)
            attribute.addListener(_heard)
            kept.append(attribute)
        threading.Event().wait(max(0.0, self._end - time.monotonic()))
        self._telling.tell(END)


def _heard(*_event: Any) -> None:
    """Listen."""


if __name__ == "__main__":
    main()
