"""A program with a main window, as somebody writes one, that tells what it shows.

``python -m shown_window MODEL...``: for each line on its standard input it prints one
of JSON: what the inspector shows, where things are on the screen, what is in the
clipboard. Somebody else does the clicking.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.container import TaurusMainWindow
from taurus.qt.qtgui.panel import TaurusForm

from taurus_tpo.qt import FirstReadProgress, Inspector


class Window(TaurusMainWindow):
    """Nothing of it is kept, and nobody is asked."""

    SPLASH_LOGO_NAME = ""
    HELP_MENU_ENABLED = SAVE_SETTINGS_ON_CLOSE = False


def main() -> None:
    """Show the window, and answer until the input ends."""
    app = TaurusApplication(["shown"], cmd_line_parser=None, app_name="shown")
    window, form = Window(), TaurusForm()
    form.setModel(sys.argv[1:])
    window.setCentralWidget(form)
    window.setWindowTitle("shown window")
    window.setGeometry(0, 30, 600, 500)
    window.show()
    # TaurusApplication has the output for its log.
    out = sys.__stdout__

    def answer() -> None:
        if not sys.stdin.readline():
            app.quit()
            return
        print(json.dumps(state(window)), file=out, flush=True)

    listening = Qt.QSocketNotifier(0, Qt.QSocketNotifier.Type.Read)
    listening.activated.connect(lambda *_fd: answer())
    app.exec_()


def state(window: Any) -> dict[str, Any]:
    """Return what is seen."""
    bar = window.statusBar().findChild(FirstReadProgress)
    menu = Qt.QApplication.activePopupWidget()
    return {
        "bar": None if bar is None or not bar.isVisible() else bar.text(),
        "bar_at": None if bar is None else middle(bar, bar.rect()),
        "menu": [] if menu is None else [one.text() for one in menu.actions()],
        "clipboard": Qt.QApplication.clipboard().text(),
        "inspector": inspector_state(),
    }


def inspector_state() -> Any:
    """Return what the inspector shows, None where there is none."""
    tops = Qt.QApplication.topLevelWidgets()
    found = [one for one in tops if isinstance(one, Inspector) and one.isVisible()]
    if not found:
        return None
    (inspector,) = found
    view, header = inspector.view, inspector.view.horizontalHeader()
    rows = [entry for entry in inspector.model.entries() if hasattr(entry, "sample")]
    place = Qt.QRect(header.sectionViewportPosition(0), 0, 60, header.height())
    cell = view.visualRect(inspector.model.index(0, 0))
    return {
        "id": int(inspector.winId()),
        "rows": [[row.name, row.sample.status, row.sample.reads] for row in rows],
        "selected": [one.getFullName() for one in view.selected()],
        "focus": type(Qt.QApplication.focusWidget()).__name__,
        "search": inspector.search.text(),
        "header_at": middle(header.viewport(), place),
        "search_at": middle(inspector.search, inspector.search.rect()),
        "row_at": middle(view.viewport(), cell),
    }


def middle(widget: Any, place: Any) -> list[int]:
    """Return where the middle of a part of ``widget`` is on the screen."""
    point = widget.mapToGlobal(place.center())
    return [point.x(), point.y()]


if __name__ == "__main__":
    main()
