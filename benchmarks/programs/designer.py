"""A window as people draw it in Qt Designer: many widgets, made one by one, in tabs.

Each tab has a box for some devices. When all values are there, each tab is shown once;
the longest of these changes is measured.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.button import TaurusCommandButton
from taurus.qt.qtgui.display import TaurusLabel, TaurusLed
from taurus.qt.qtgui.input import (
    TaurusValueCheckBox,
    TaurusValueComboBox,
    TaurusValueLineEdit,
)

from benchmarks.cases import Figure
from benchmarks.facilities import CHOICE, ENTRY, LAMP, SWITCH
from taurus_tpo.bench.watching import first_paint
from taurus_tpo.bench.window import Panel, measure_panel

TABS = 5

#: The number of columns of a box.
COLUMNS = 4

#: The widgets of attributes by the names of their kinds; all others have labels.
WIDGETS = {
    LAMP.name: TaurusLed,
    ENTRY.name: TaurusValueLineEdit,
    CHOICE.name: TaurusValueComboBox,
    SWITCH.name: TaurusValueCheckBox,
}

#: How long a user looks at a tab, s.
LOOK = 0.2


class Designer(Panel):
    """The window with tabs."""

    def open(self) -> Any:
        self.widgets: list[Any] = []
        self.tabs = Qt.QTabWidget()
        groups = itertools.groupby(self.order.models, lambda m: m.rpartition("/")[0])
        devices = [(device, list(models)) for device, models in groups]
        per_tab = -(-len(devices) // TABS)
        for first in range(0, len(devices), per_tab):
            page = Qt.QWidget()
            layout = Qt.QVBoxLayout(page)
            for device, models in devices[first : first + per_tab]:
                layout.addWidget(self._box(page, device, models))
            self.tabs.addTab(page, f"Tab {self.tabs.count() + 1}")
        self.tabs.resize(900, 900)
        return self.tabs

    def _box(self, page: Any, device: str, models: list[str]) -> Any:
        box = Qt.QGroupBox(device, page)
        layout = Qt.QGridLayout(box)
        for number, model in enumerate(models):
            widget = self._widget(box, model)
            layout.addWidget(widget, *divmod(number, COLUMNS))
            self.widgets.append(widget)
        button = TaurusCommandButton(box, command="Status", text="Status")
        button.setProperty("model", device)
        layout.addWidget(button, *divmod(len(models), COLUMNS))
        return box

    def _widget(self, box: Any, model: str) -> Any:
        """Return the widget of an attribute, as the code that pyuic writes makes it."""
        kind = model.rpartition("/")[2].rstrip("0123456789")
        widget = WIDGETS.get(kind, TaurusLabel)(box)
        if kind == CHOICE.name:
            widget.setValueNames([("low", 0), ("middle", 1), ("high", 2)])
        widget.setProperty("model", model)
        return widget

    def work(self) -> Iterator[float]:
        changes = []
        for index in range(1, self.tabs.count()):
            yield LOOK
            painted = threading.Event()
            watch = first_paint(painted.set)
            self.tabs.widget(index).installEventFilter(watch)
            begun = time.monotonic()
            self.tabs.setCurrentIndex(index)
            while not painted.is_set():
                yield 0.0
            # The event loop has painted the widgets of the tab, too.
            changes.append(time.monotonic() - begun)
            self.tabs.widget(index).removeEventFilter(watch)
        self.more[Figure.TAB.value] = max(changes)

    def rows(self) -> int:
        return sum(widget.getModelObj() is not None for widget in self.widgets)


if __name__ == "__main__":
    measure_panel(Designer)
