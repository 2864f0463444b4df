"""Adds the first read progress and the inspector to each ``TaurusMainWindow``."""

from __future__ import annotations

from typing import Any

from taurus.core.util.log import Logger
from taurus.external.qt import Qt

from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.environment.loaded_widgets import MAIN_WINDOW
from taurus_tpo.qt.forms.rebuild import LateWidgets
from taurus_tpo.qt.inspector.window import show_inspector
from taurus_tpo.qt.progress_bar import FirstReadProgress

_LOG = Logger("TaurusTPO")

#: How often new windows are searched for, ms.
LOOK_PERIOD = 500

#: The title of the menu entry.
TITLE = "Attribute &inspector"

#: The menus that the entry is added to, in order of preference.
_MENUS = ("toolsMenu", "taurusMenu", "viewMenu", "helpMenu")

#: The property of a window that was joined.
_JOINED = "taurus_tpo_joined"


def watch_windows() -> None:
    """Join the present and future windows of this application.

    Starts from the event loop, since it is called while a widget is being built. For
    the GUI thread. Repeated calls have no effect.
    """
    app = Qt.QApplication.instance()
    if app is not None and app.findChild(_Watch) is None:
        _Watch(app)


class _Watch(Qt.QObject):
    """Searches for windows and rebuilds widgets of late devices, until the end of the
    application.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._late = LateWidgets()
        self._timer = Qt.QTimer(self)
        self._timer.timeout.connect(self.look)
        # The first search is due as soon as the event loop runs.
        self._timer.start(0)

    def look(self) -> None:
        """Join new windows, and rebuild widgets of devices that answered late."""
        self._timer.setInterval(0 if self._late.rebuild() else LOOK_PERIOD)
        if MAIN_WINDOW.find() is None:
            return
        for window in Qt.QApplication.topLevelWidgets():
            # The constructor of a window may run an event loop before it has menus.
            is_made = MAIN_WINDOW.has(window) and window.isVisible()
            if is_made and not window.property(_JOINED):
                join(window)


def join(window: Any) -> None:
    """Add the progress to the status bar of a main window, the inspector to a menu.

    :param window: a ``TaurusMainWindow`` that was not joined yet.
    """
    window.setProperty(_JOINED, True)
    menus = (getattr(window, name, None) for name in _MENUS)
    menu = next((menu for menu in menus if menu is not None), None)
    if menu is not None:
        menu.addAction(TITLE).triggered.connect(lambda *_checked: show_inspector())
    if CUSTOM_SETTINGS.current().progress:
        window.statusBar().insertPermanentWidget(0, FirstReadProgress(window))
    _LOG.debug("%r has the inspector in its menu", window.windowTitle())
