"""A process that ends during its start.

``python -m benchmarks.leaver`` reads an order, acts like a user's program, and reports
when its end begins.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any

from benchmarks.protocol import LeaveOrder
from taurus_tpo.bench.protocol import END, Telling

#: The message that a signal now has the effect of a user's Ctrl-C.
BEGUN = "begun"

#: The ways to end a program with a window, and one without.
CLOSED, CTRL_C, EXIT, SCRIPT = "closed", "Ctrl-C", "sys.exit", "end of script"
WITH_WINDOW = (CLOSED, CTRL_C, EXIT)
HOWS = (CLOSED, CTRL_C, EXIT, SCRIPT)


def main() -> None:
    """Carry out the order from the standard input."""
    order = LeaveOrder.from_json(sys.stdin.readline())
    telling = Telling()
    # A shell makes background processes ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Import first: a SIGINT during imports was observed to be lost, also without the
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
        #: The moment counts from here, after the import of Taurus.
        self._end = time.monotonic() + order.moment

    def window(self) -> None:
        """Open a form, and end at the moment."""
        from taurus.external.qt import Qt
        from taurus.qt.qtgui.application import TaurusApplication
        from taurus.qt.qtgui.panel import TaurusForm

        application = TaurusApplication(["leaver"], cmd_line_parser=None)
        form = TaurusForm()
        # Ctrl-C is sent by the parent, at any moment.
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
        """Use one attribute after the other, until the moment."""
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
    """Ignore the event."""


if __name__ == "__main__":
    main()
