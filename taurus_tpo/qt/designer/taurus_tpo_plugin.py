"""What Qt Designer loads with PyQt5 or PyQt6: a class for each widget.

Designer makes one of each class here that derives from its own; no other such class may
have a name in this module.
"""

from __future__ import annotations

# Registers the folders of Taurus's icons.
import taurus.qt.qtgui.icon  # noqa: F401
from taurus.qt.qtdesigner.taurusplugin import taurusplugin

from taurus_tpo.qt import FirstReadProgress, Inspector


class InspectorPlugin(taurusplugin.TaurusWidgetPlugin):
    """Offers the inspector."""

    WidgetClass = Inspector


class FirstReadProgressPlugin(taurusplugin.TaurusWidgetPlugin):
    """Offers the bar."""

    WidgetClass = FirstReadProgress
