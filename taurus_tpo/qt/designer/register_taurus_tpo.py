"""Loaded by Qt Designer with PySide6: registers a class for each widget."""

from __future__ import annotations

from typing import Any

from taurus.external.qt import QtDesigner

from taurus_tpo.qt import FirstReadProgress, Inspector


def register(widget: type) -> None:
    """Register ``widget``; Designer creates it in design mode."""

    def make(self: Any, parent: Any = None) -> None:
        widget.__init__(self, parent, designMode=True)  # type: ignore[misc]

    # Designer passes a parent only, and derives the file name from the class name.
    shown = type(widget.__name__, (widget,), {"__init__": make})
    name = widget.__name__
    info = widget.getQtDesignerPluginInfo()  # type: ignore[attr-defined]
    QtDesigner.QPyDesignerCustomWidgetCollection.registerCustomWidget(
        shown,
        xml=f"<ui language='c++'><widget class='{name}' "
        f"name='{name[0].lower()}{name[1:]}'></widget></ui>",
        tool_tip=info["tooltip"],
        group=info["group"],
        module=info["module"],
        container=info["container"],
    )


for _widget in (Inspector, FirstReadProgress):
    register(_widget)
