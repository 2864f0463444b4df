"""Mixin for widgets that show all attributes and therefore have no model."""

from __future__ import annotations

from typing import Any, ClassVar


class ModellessWidget:
    """Makes a widget usable as a panel of a TaurusGui and in Qt Designer.

    Must precede the Qt class in the list of bases.
    """

    #: The icon (one of Designer's own files) and the tooltip in Designer.
    DESIGNER_ICON: ClassVar[str]
    DESIGNER_TIP: ClassVar[str]

    def setModel(self, _model: Any = None) -> None:
        """Do nothing. A TaurusGui sets a model on its panels."""

    @classmethod
    def getQtDesignerPluginInfo(cls) -> dict[str, Any]:
        """Return the description of this widget for Qt Designer."""
        return {
            "module": "taurus_tpo.qt",
            "group": "Taurus Performance Optimization",
            "icon": f"designer:{cls.DESIGNER_ICON}",
            "tooltip": cls.DESIGNER_TIP,
            "container": False,
        }
