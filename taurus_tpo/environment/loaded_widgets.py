"""Looks up Taurus widget classes without importing their modules.

Importing Taurus's forms loads 70 modules. If the module of a class is not loaded, no
instance of the class exists.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple


class WidgetClass(NamedTuple):
    """The location of a class: its module and its name."""

    module: str
    name: str

    def find(self) -> Any:
        """Return the class, or None if its module is not (completely) loaded."""
        return getattr(sys.modules.get(self.module), self.name, None)

    def has(self, thing: Any) -> bool:
        """Return whether ``thing`` is an instance of the class."""
        found = self.find()
        return found is not None and isinstance(thing, found)


COMPONENT = WidgetClass("taurus.qt.qtgui.base.taurusbase", "TaurusBaseComponent")
WRITABLE = WidgetClass("taurus.qt.qtgui.base.taurusbase", "TaurusBaseWritableWidget")
CONTROLLER = WidgetClass(
    "taurus.qt.qtgui.base.tauruscontroller", "TaurusBaseController"
)
LABEL_CONTROLLER = WidgetClass(
    "taurus.qt.qtgui.display.tauruslabel", "TaurusLabelController"
)
LABEL = WidgetClass("taurus.qt.qtgui.display.tauruslabel", "TaurusLabel")
FORM = WidgetClass("taurus.qt.qtgui.panel.taurusform", "TaurusForm")
FRAME = WidgetClass("taurus.qt.qtgui.container.tauruswidget", "TaurusWidget")
COMMANDS = WidgetClass("taurus.qt.qtgui.panel.taurusform", "TaurusCommandsForm")
ROW = WidgetClass("taurus.qt.qtgui.panel.taurusvalue", "TaurusValue")
SYNOPTIC = WidgetClass(
    "taurus.qt.qtgui.graphic.jdraw.jdraw_view", "TaurusJDrawSynopticsView"
)
MAIN_WINDOW = WidgetClass(
    "taurus.qt.qtgui.container.taurusmainwindow", "TaurusMainWindow"
)
