"""Opens a form as ``taurus form`` does; tells how many values are known.

When it is painted first. Arguments: a JSON list of models, the mode.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import taurus
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

models, mode = json.loads(sys.argv[1]), sys.argv[2]
app = TaurusApplication(["test"], cmd_line_parser=None)
factory = taurus.Factory("tango")
factory.set_event_sub_mode(mode)
# What is on its way is waited for. A busy machine may need longer than a user would.
vars(sys.modules[type(factory).__module__])["FIRST_PAINT"] = 20.0
form = TaurusForm()
form.setModel(models)


class FirstPaint(Qt.QObject):
    def eventFilter(self, _widget: Any, event: Any) -> bool:
        if event.type() == Qt.QEvent.Paint:
            known = [taurus.Attribute(name).known.value is not None for name in models]
            print(json.dumps({"rows": len(form.getModel()), "known": sum(known)}))
            app.quit()
        return False


watch = FirstPaint()
form.installEventFilter(watch)
form.show()
app.exec_()
