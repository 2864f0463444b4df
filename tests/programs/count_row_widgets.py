"""A form whose rows count how often they make their widgets.

The argument is a JSON list of models.
"""

from __future__ import annotations

import json
import sys

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm, TaurusValue

models: list[str] = json.loads(sys.argv[1])
made: list[str] = []
app = TaurusApplication(["test"], cmd_line_parser=None)


class Row(TaurusValue):
    def updateReadWidget(self) -> None:
        made.append(self.getModel())
        super().updateReadWidget()


form = TaurusForm()
form.setFormWidget(Row)
form.setModel(models)
form.show()


def look() -> None:
    labels = [form.getItemByIndex(n).readWidget() for n in range(len(models))]
    if all(label is not None and label.text() not in ("", "None") for label in labels):
        print(json.dumps(sorted(made.count(model) for model in set(made))))
        app.quit()


timer = Qt.QTimer()
timer.timeout.connect(look)
timer.start(50)
app.exec_()
