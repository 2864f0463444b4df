"""One run with a window: opens a form, and watches it from inside the GUI's thread.

``python -m benchmarks.form`` reads an order (:mod:`benchmarks.protocol`). What it looks
at is what a user sees: the texts of the widgets. It asks nothing of the plugin, so that
it is the same for stock Taurus.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

from benchmarks.census import Census, plugin_threads
from benchmarks.facilities import Row
from benchmarks.protocol import END, SHOWN, WINDOW, FormOrder, Telling, load_taurus

#: How often the GUI's thread is asked whether it lives, ms.
TICK = 5


def main() -> None:
    """Carry out the order on the standard input."""
    order = FormOrder.from_json(sys.stdin.readline())
    application = TaurusApplication(
        ["benchmark"], cmd_line_parser=None, app_name="taurus_tpo benchmark"
    )
    factory = load_taurus(order.plugin)
    if order.mode is not None:
        factory.set_event_sub_mode(order.mode)
    run = _Run(order, Telling(), application)
    run.open()
    application.exec_()
    run.end()
    # How long the end takes is not asked here, and what hangs might keep it.
    sys.stderr.flush()
    os._exit(0)


class _Run:
    """The form and what is seen of it; all but the census in the GUI's thread."""

    def __init__(self, order: FormOrder, telling: Telling, application: Any) -> None:
        self._order = order
        self._telling = telling
        self._application = application
        self._census = Census(order.limit, self._give_up)
        self._stall = _Stall()
        self._form: Any = None
        self._rows: _Rows | None = None
        self._begun = 0.0
        self._window = 0.0
        self._painted = _first_paint(self._on_window)
        self._timer = Qt.QTimer()
        self._timer.setTimerType(Qt.Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def open(self) -> None:
        """Build the form and show it."""
        models = [row.model for row in self._order.rows]
        self._begun = time.monotonic()
        self._census.start()
        self._form = TaurusForm()
        self._form.setModel(models)
        self._form.installEventFilter(self._painted)
        self._form.resize(600, 900)
        self._form.show()

    def _on_window(self) -> None:
        self._form.removeEventFilter(self._painted)
        self._window = self._stall.begin()
        self._telling.tell(WINDOW, seconds=self._window - self._begun)
        self._rows = _Rows(self._form, self._order.rows)
        self._timer.start(TICK)

    def _tick(self) -> None:
        now = self._stall.tick()
        assert self._rows is not None
        for group in self._rows.newly_shown(now):
            self._telling.tell(SHOWN, group=group, seconds=now - self._begun)
        if self._rows.last_shown is not None and self._is_over(now):
            self._application.quit()

    def _is_over(self, now: float) -> bool:
        assert self._rows is not None
        assert self._rows.last_shown is not None
        rested = not self._order.rest or now - self._rows.last_shown > self._order.rest
        return rested and now - self._window > self._order.watch

    def end(self) -> None:
        """Tell all that was seen."""
        resting = plugin_threads() if self._order.rest else None
        self._tell_end(False, resting)

    def _give_up(self) -> None:
        """End the process; called in the thread of the census: the GUI's may hang."""
        self._tell_end(True, None)
        os._exit(0)

    def _tell_end(self, gave_up: bool, resting: int | None) -> None:
        rows = self._rows
        self._telling.tell(
            END,
            gave_up=gave_up,
            models=len(self._order.rows),
            rows=rows.present if rows else None,
            # Asked for anew: none may have lost its value again.
            showing=rows.showing() if rows and not gave_up else None,
            stall=self._stall.longest,
            stall_after=self._stall.longest_at - self._window,
            threads=self._census.most,
            plugin_threads=self._census.most_of_plugin,
            plugin_threads_at_rest=resting,
        )


class _Rows:
    """The rows of the form, and which of them have shown their values."""

    def __init__(self, form: Any, rows: Sequence[Row]) -> None:
        self._form = form
        items = {str(item.getModel()): item for item in form.getItems()}
        self._items = {row: items.get(row.model) for row in rows}
        self.present = sum(map(self._is_present, self._items.values()))
        # Those that are still to show a value, by group; the last row is looked at.
        self._waiting: dict[str, list[Row]] = {}
        for row in reversed(rows):
            if row.shown:
                self._waiting.setdefault(row.group, []).append(row)
        #: When the last value was shown that will ever be; None while there are more.
        self.last_shown: float | None = None

    def newly_shown(self, now: float) -> list[str]:
        """Return the groups all of whose rows show their values as of now.

        Looks at no row twice that has shown its value, and at each time no further than
        to the first that does not: what watches must not be what is slow.
        """
        found = []
        for group, waiting in list(self._waiting.items()):
            while waiting and self._shows(waiting[-1]):
                waiting.pop()
            if not waiting:
                found.append(group)
                del self._waiting[group]
        if self.last_shown is None and not any(map(self._may_come, self._waiting)):
            self.last_shown = now
        return found

    def _may_come(self, group: str) -> bool:
        """Return whether ``group`` waits for no row that was left out of the form."""
        return self._is_present(self._items[self._waiting[group][-1]])

    def showing(self) -> int:
        """Return how many rows show the value that is theirs."""
        return sum(map(self._shows, self._items))

    def _is_present(self, item: Any) -> bool:
        widget = item.readWidget() if item is not None else None
        return widget is not None and self._form.isAncestorOf(widget)

    def _shows(self, row: Row) -> bool:
        item: Any = self._items[row]
        return self._is_present(item) and row.text in item.readWidget().text()


class _Stall:
    """The longest time for which the GUI's thread did nothing else."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.longest_at = 0.0
        self._last = 0.0

    def begin(self) -> float:
        self._last = time.monotonic()
        return self._last

    def tick(self) -> float:
        now = time.monotonic()
        if now - self._last > self.longest:
            self.longest, self.longest_at = now - self._last, now
        self._last = now
        return now


def _first_paint(then: Any) -> Any:
    """Return a Qt event filter that calls ``then`` when its widget is painted."""

    class Filter(Qt.QObject):
        def eventFilter(self, _widget: Any, event: Any) -> bool:
            if event.type() == Qt.QEvent.Paint:
                then()
            return False

    return Filter()


if __name__ == "__main__":
    main()
