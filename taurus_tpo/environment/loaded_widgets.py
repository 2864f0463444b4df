"""Finds classes of Taurus's widgets without loading what a program does not use.

Taurus's forms bring 70 modules with them. Where nobody has loaded the module of a
class, no widget is of that class.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple


class WidgetClass(NamedTuple):
    """Where a class is: its module, and what it is called in there."""

    module: str
    name: str

    def find(self) -> Any:
        """Return the class; None where its module is not loaded, or not whole yet."""
        return getattr(sys.modules.get(self.module), self.name, None)

    def has(self, thing: Any) -> bool:
        """Return whether ``thing`` is of that class."""
        found = self.find()
        return found is not None and isinstance(thing, found)


COMPONENT = WidgetClass("taurus.qt.qtgui.base.taurusbase", "TaurusBaseComponent")
LABEL = WidgetClass("taurus.qt.qtgui.display.tauruslabel", "TaurusLabel")
FORM = WidgetClass("taurus.qt.qtgui.panel.taurusform", "TaurusForm")
COMMANDS = WidgetClass("taurus.qt.qtgui.panel.taurusform", "TaurusCommandsForm")
ROW = WidgetClass("taurus.qt.qtgui.panel.taurusvalue", "TaurusValue")
MAIN_WINDOW = WidgetClass(
    "taurus.qt.qtgui.container.taurusmainwindow", "TaurusMainWindow"
)
