"""One run with a window: opens a panel and measures it from the GUI thread.

``python -m taurus_tpo.bench.window`` reads a
:class:`~taurus_tpo.bench.protocol.LookOrder`, and opens a form. Programs with other
panels call :func:`measure_panel`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
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


class Panel:
    """A window that is measured; all its methods are called in the GUI thread.

    :param order: of the run.
    :param looking: the values that it gets.
    """

    def __init__(self, order: LookOrder, looking: Looking) -> None:
        self.order = order
        self.looking = looking
        #: Figures of this panel, by their names.
        self.more: dict[str, float] = {}

    def prepare(self) -> None:
        """Do what is not part of the measurement, before its start."""

    def open(self) -> Any:
        """Build the window, and return it; its caller shows it."""
        raise NotImplementedError

    def work(self) -> Iterator[float]:
        """Use the window once its values are there.

        :return: yields how long the event loop is to run before it is resumed, s.
        """
        yield from ()

    def rows(self) -> int | None:
        """Return how many models are shown; None if that is not known."""
        raise NotImplementedError

    def attributes(self) -> dict[str, Any]:
        """Return Taurus's attributes by model, as far as known."""
        return {}


class FormPanel(Panel):
    """A form over all models."""

    def open(self) -> Any:
        self.form = self.new_form()
        self.form.setModel(list(self.order.models))
        self.form.resize(600, 900)
        return self.form

    def new_form(self) -> Any:
        """Return the empty form."""
        return TaurusForm()

    def rows(self) -> int:
        return rows_of([self.form])

    def attributes(self) -> dict[str, Any]:
        items = zip(self.order.models, self.form.getItems())
        found = {model: item.getModelObj() for model, item in items}
        return {model: one for model, one in found.items() if one is not None}


def rows_of(forms: Sequence[Any]) -> int:
    """Return how many models have a row; some items of a form have none."""
    return sum(
        widget is not None and form.isAncestorOf(widget)
        for form in forms
        for widget in (item.readWidget() for item in form.getItems())
    )


def main() -> None:
    """Carry out the order from the standard input."""
    measure_panel(FormPanel)


def measure_panel(panel: type[Panel]) -> None:
    """Carry out the order from the standard input with a panel of this class."""
    order = LookOrder.from_json(sys.stdin.readline())
    application = TaurusApplication(
        ["bench"], cmd_line_parser=None, app_name="taurus_tpo bench"
    )
    run = _Run(order, application, panel)
    run.open()
    application.exec_()
    # From here on Python ends as for a user; the time until then is measured.


class _Run:
    """The panel and its measurement."""

    def __init__(self, order: LookOrder, application: Any, panel: type[Panel]) -> None:
        self._application = application
        self._looking = Looking(order, self._give_up)
        self._looking.values.watch_widgets()
        self._stalls = Stalls()
        self._window = 0.0
        self._painted = first_paint(self._on_window)
        self._timer = Qt.QTimer()
        self._timer.setTimerType(Qt.Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._panel = panel(order, self._looking)
        self._work: Iterator[float] | None = None
        self._widget: Any = None

    def open(self) -> None:
        """Build and show the panel."""
        self._panel.prepare()
        self._looking.begin()
        self._widget = self._panel.open()
        self._widget.installEventFilter(self._painted)
        self._widget.show()

    def _on_window(self) -> None:
        self._widget.removeEventFilter(self._painted)
        self._window = self._stalls.begin()
        self._looking.telling.tell(WINDOW, seconds=self._looking.since(self._window))
        self._timer.start(TICK)

    def _tick(self) -> None:
        now = self._stalls.tick()
        self._looking.tell_values()
        watched = now - self._window > WATCHED
        if watched and self._looking.is_over and self._looking.is_rested:
            self._timer.stop()
            self._work = self._panel.work()
            self._go_on()

    def _go_on(self) -> None:
        """Resume the work of the panel; at its end, end the run."""
        assert self._work is not None
        pause = next(self._work, None)
        if pause is not None:
            Qt.QTimer.singleShot(int(1000 * pause), self._go_on)
            return
        self._tell_end(gave_up=False)
        self._close()

    def _close(self) -> None:
        self._looking.telling.tell(CLOSING)
        self._widget.close()
        self._application.quit()

    def _give_up(self) -> None:
        """End the process; called in a separate thread, as the GUI thread may hang."""
        self._tell_end(gave_up=True)
        os._exit(0)

    def _tell_end(self, gave_up: bool) -> None:
        for when, pause in self._stalls.noticed:
            at = self._looking.since(when)
            self._looking.telling.tell(STALL, seconds=at, pause=pause)
        # A panel that is still being built may not be queried.
        has_window = self._window > 0
        attributes = {} if gave_up or not has_window else self._panel.attributes()
        rows = self._panel.rows() if has_window else None
        self._looking.tell_end(gave_up, attributes, rows, self._panel.more)


if __name__ == "__main__":
    main()
