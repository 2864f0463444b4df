"""Ends with a form that is visible; tells what is visible when PyQt deletes widgets.

Arguments: the attributes of the form.
"""

from __future__ import annotations

import atexit
import json
import sys

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm


def tell() -> None:
    visible = [widget for widget in app.allWidgets() if widget.isVisible()]
    print(json.dumps([type(widget).__name__ for widget in visible]))


# Registered before the plugin is used: called after its exit handlers.
atexit.register(tell)
app = TaurusApplication(["test"], cmd_line_parser=None)
form = TaurusForm()
form.setModel(sys.argv[1:])
form.show()
Qt.QTimer.singleShot(0, app.quit)
app.exec_()
assert form.isVisible()
