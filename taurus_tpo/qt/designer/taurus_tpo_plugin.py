"""Loaded by Qt Designer with PyQt5 or PyQt6: defines a plugin class for each widget.

Designer instantiates every subclass of its plugin class in this namespace, so do not
import any other subclass by name.
"""

from __future__ import annotations

# Registers the folders of Taurus's icons.
import taurus.qt.qtgui.icon  # noqa: F401
from taurus.qt.qtdesigner.taurusplugin import taurusplugin

from taurus_tpo.qt import FirstReadProgress, Inspector


class InspectorPlugin(taurusplugin.TaurusWidgetPlugin):
    """Registers :class:`~taurus_tpo.qt.Inspector`."""

    WidgetClass = Inspector


class FirstReadProgressPlugin(taurusplugin.TaurusWidgetPlugin):
    """Registers :class:`~taurus_tpo.qt.FirstReadProgress`."""

    WidgetClass = FirstReadProgress
