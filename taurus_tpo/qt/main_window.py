"""Gives each ``TaurusMainWindow`` the progress of the first read and the inspector."""

from __future__ import annotations

from typing import Any

from taurus.core.util.log import Logger
from taurus.external.qt import Qt

from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.environment.loaded_widgets import MAIN_WINDOW
from taurus_tpo.qt.forms.rebuild import build_anew
from taurus_tpo.qt.inspector.window import show_inspector
from taurus_tpo.qt.progress_bar import FirstReadProgress

_LOG = Logger("TaurusTPO")

#: How often new windows are looked for, ms.
LOOK_PERIOD = 500

#: What the entry in the menu is called.
TITLE = "Attribute &inspector"

#: The menus that may take it, the best one first.
_MENUS = ("toolsMenu", "taurusMenu", "viewMenu", "helpMenu")

#: The property of a window that has been joined.
_JOINED = "taurus_tpo_joined"


def watch_windows() -> None:
    """Join the windows of this application, now and later; once an application.

    Called in the thread of the GUI, while a widget is being built: begins later.
    """
    app = Qt.QApplication.instance()
    if app is not None and app.findChild(_Watch) is None:
        _Watch(app)


class _Watch(Qt.QObject):
    """Looks for windows, and for devices that came late; lives as long as the
    application.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._timer = Qt.QTimer(self)
        self._timer.timeout.connect(self.look)
        # At once when the event loop runs, or runs again.
        self._timer.start(0)

    def look(self) -> None:
        """Join the windows that have come."""
        self._timer.setInterval(0 if build_anew() else LOOK_PERIOD)
        if MAIN_WINDOW.find() is None:
            return
        for window in Qt.QApplication.topLevelWidgets():
            if MAIN_WINDOW.has(window) and not window.property(_JOINED):
                join(window)


def join(window: Any) -> None:
    """Put progress into the status bar of a main window, the inspector into its menu.

    :param window: a ``TaurusMainWindow``, joined once.
    """
    window.setProperty(_JOINED, True)
    menus = (getattr(window, name, None) for name in _MENUS)
    menu = next((menu for menu in menus if menu is not None), None)
    if menu is not None:
        menu.addAction(TITLE).triggered.connect(lambda *_checked: show_inspector())
    if CUSTOM_SETTINGS.current().progress:
        window.statusBar().insertPermanentWidget(0, FirstReadProgress(window))
    _LOG.debug("%r has the inspector in its menu", window.windowTitle())
