"""A form whose values change: the CPU it uses, and how late the rows in view are.

An update counts when Qt paints another text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taurus.external.qt import Qt

from benchmarks.programs.steady import SETTLE, Meter, stamp_of
from taurus_tpo.bench.window import FormPanel, measure_panel


class _Painted(Qt.QObject):
    """An event filter that reports when another text of a label is painted."""

    def __init__(self, meter: Meter, stamps: dict[str, float], name: str) -> None:
        super().__init__()
        self._meter = meter
        self._stamps = stamps
        self._name = name
        self._text = ""

    def eventFilter(self, label: Any, event: Any) -> bool:
        """Look at the text of the label that is about to be painted."""
        if event.type() == Qt.QEvent.Paint:
            text = label.text()
            stamp = self._stamps.get(self._name)
            if self._text and text != self._text and stamp is not None:
                self._meter.updated(stamp)
            self._text = text
        return False


class SteadyForm(FormPanel):
    """A form that is left alone."""

    def prepare(self) -> None:
        #: The server's time of the last value of each attribute.
        self._stamps: dict[str, float] = {}
        self.looking.values.also.append(self._hear)

    def _hear(self, name: str, value: Any) -> None:
        stamp = stamp_of(value)
        if stamp is not None:
            self._stamps[name] = stamp

    def work(self) -> Iterator[float]:
        yield min(SETTLE, self.order.watched)
        widgets = [item.readWidget() for item in self.form.getItems()]
        seen = [one for one in widgets if not one.visibleRegion().isEmpty()]
        meter = Meter(len(seen))
        filters = []
        for label in seen:
            name = label.getModelObj().getFullName().lower()
            filters.append(_Painted(meter, self._stamps, name))
            label.installEventFilter(filters[-1])
        yield self.order.watched
        self.more = meter.figures(thread=True)


if __name__ == "__main__":
    measure_panel(SteadyForm)
