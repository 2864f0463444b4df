"""What Taurus's tools ask of a widget that is about all attributes, not about one."""

from __future__ import annotations

from typing import Any, ClassVar


class ModellessWidget:
    """Lets a widget be a panel of a TaurusGui, and be offered by Qt Designer.

    Comes before the class of Qt.
    """

    #: What Designer shows of it: a file of its own icons, and a sentence.
    DESIGNER_ICON: ClassVar[str]
    DESIGNER_TIP: ClassVar[str]

    def setModel(self, _model: Any = None) -> None:
        """Do nothing: it is about all attributes. A TaurusGui gives panels a model."""

    @classmethod
    def getQtDesignerPluginInfo(cls) -> dict[str, Any]:
        """Return what Taurus tells Qt Designer of this widget."""
        return {
            "module": "taurus_tpo.qt",
            "group": "Taurus Performance Optimization",
            "icon": f"designer:{cls.DESIGNER_ICON}",
            "tooltip": cls.DESIGNER_TIP,
            "container": False,
        }
