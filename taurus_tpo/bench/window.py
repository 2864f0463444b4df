"""One run with a window: opens a form and measures it from the GUI thread.

``python -m taurus_tpo.bench.window`` reads a
:class:`~taurus_tpo.bench.protocol.LookOrder`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

from taurus_tpo.bench.looking import Looking
from taurus_tpo.bench.protocol import CLOSING, STALL, WINDOW, LookOrder
from taurus_tpo.bench.watching import Stalls, first_paint

#: The period of the timer that detects stalls, ms.
TICK = 5

#: The minimum time for which the window is watched, s: work after the last value may
#: stall it, too.
WATCHED = 1.0


def main() -> None:
    """Carry out the order from the standard input."""
    order = LookOrder.from_json(sys.stdin.readline())
    application = TaurusApplication(
        ["bench"], cmd_line_parser=None, app_name="taurus_tpo bench"
    )
    run = _Run(order, application)
    run.open()
    application.exec_()
    # From here on Python ends as for a user; the time until then is measured.


class _Run:
    """The form and its measurement."""

    def __init__(self, order: LookOrder, application: Any) -> None:
        self._order = order
        self._application = application
        self._looking = Looking(order, self._give_up)
        self._looking.values.watch_widgets()
        self._stalls = Stalls()
        self._window = 0.0
        self._painted = first_paint(self._on_window)
        self._timer = Qt.QTimer()
        self._timer.setTimerType(Qt.Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._form: Any = None

    def open(self) -> None:
        """Build and show the form."""
        self._looking.begin()
        self._form = TaurusForm()
        self._form.setModel(list(self._order.models))
        self._form.installEventFilter(self._painted)
        self._form.resize(600, 900)
        self._form.show()

    def _on_window(self) -> None:
        self._form.removeEventFilter(self._painted)
        self._window = self._stalls.begin()
        self._looking.telling.tell(WINDOW, seconds=self._looking.since(self._window))
        self._timer.start(TICK)

    def _tick(self) -> None:
        now = self._stalls.tick()
        self._looking.tell_values()
        watched = now - self._window > WATCHED
        if watched and self._looking.is_over and self._looking.is_rested:
            self._timer.stop()
            self._tell_end(gave_up=False)
            self._close()

    def _close(self) -> None:
        self._looking.telling.tell(CLOSING)
        self._form.close()
        self._application.quit()

    def _give_up(self) -> None:
        """End the process; called in a separate thread, as the GUI thread may hang."""
        self._tell_end(gave_up=True)
        os._exit(0)

    def _tell_end(self, gave_up: bool) -> None:
        for when, pause in self._stalls.noticed:
            at = self._looking.since(when)
            self._looking.telling.tell(STALL, seconds=at, pause=pause)
        # A form that is still being built may not be queried.
        has_form = self._window > 0
        attributes = {} if gave_up or not has_form else self._attributes()
        rows = self._rows() if has_form else None
        self._looking.tell_end(gave_up, attributes, rows)

    def _rows(self) -> int:
        """Return how many models have a row; some items of the form have none."""
        widgets = [item.readWidget() for item in self._form.getItems()]
        return sum(w is not None and self._form.isAncestorOf(w) for w in widgets)

    def _attributes(self) -> dict[str, Any]:
        items = zip(self._order.models, self._form.getItems())
        found = {model: item.getModelObj() for model, item in items}
        return {model: one for model, one in found.items() if one is not None}


if __name__ == "__main__":
    main()
