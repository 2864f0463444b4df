"""A widget that is asked for its text before it has a value; prints what it shows."""

from __future__ import annotations

from typing import Any

# Before its state controller, which cannot be imported first.
import taurus.core  # noqa: F401
from taurus import taurusstatecontroller
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.container import TaurusWidget

app = TaurusApplication(["early"], cmd_line_parser=None)
taurusstatecontroller.application.application_started()


class Widget(TaurusWidget):
    def handleEvent(self, source: Any, kind: Any, value: Any) -> None:
        if value is not None and value.rvalue is not None:
            print(self.getDisplayValue())
            app.quit()


widget = Widget()
widget.setModel("sim/modes/up/state")
widget.getDisplayValue()
app.exec_()
