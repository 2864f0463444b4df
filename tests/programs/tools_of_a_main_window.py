"""Shows an attribute, the argument, in a main window; prints its menu of tools."""

from __future__ import annotations

import sys

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication

app = TaurusApplication(["x"], cmd_line_parser=None)

from taurus.qt.qtgui.container import TaurusMainWindow  # noqa: E402
from taurus.qt.qtgui.display import TaurusLabel  # noqa: E402

# Qt 6 closes the windows of an application that quits; one would ask about settings.
TaurusMainWindow.SAVE_SETTINGS_ON_CLOSE = False
window, label = TaurusMainWindow(), TaurusLabel()
label.setModel(sys.argv[1])
window.setCentralWidget(label)
window.show()
Qt.QTimer.singleShot(1500, app.quit)
app.exec_()
print([action.text() for action in window.toolsMenu.actions()])
