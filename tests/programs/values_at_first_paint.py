"""Opens a form; tells how many rows it has, and how many show their value of 1.50.

When it is painted first. The argument is a JSON list of models.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

app = TaurusApplication(["test"], cmd_line_parser=None)
form = TaurusForm()
# All rows are made before the window is shown.
form.setProperty("tpo_fast_forms", False)
form.setModel(json.loads(sys.argv[1]))


class Watch(Qt.QObject):
    def eventFilter(self, _widget: Any, event: Any) -> bool:
        if event.type() == Qt.QEvent.Paint:
            texts = [row.readWidget().text() for row in form.getItems()]
            print(json.dumps([len(texts), texts.count("1.50")]), flush=True)
            app.quit()
        return False


watch = Watch()
form.installEventFilter(watch)
form.show()
app.exec_()
