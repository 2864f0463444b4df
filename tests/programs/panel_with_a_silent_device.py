"""A panel as an application opens it; the first model is of a device that is silent.

Tells how long the window took, and what came. Arguments: the mode, the models.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import taurus
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

from tests.support.stopwatch import Stopwatch

mode, *models = sys.argv[1:]
app = TaurusApplication(["panel"], cmd_line_parser=None)
factory = taurus.Factory("tango")
factory.set_event_sub_mode(mode)
watch = Stopwatch()
form = TaurusForm()
form.setModel(models)
form.show()
told: dict[str, Any] = {"window": watch.seconds, "rows": len(form)}
attrs = [taurus.Attribute(name) for name in models]


def look() -> None:
    heard = [attr.known for attr in attrs]
    if heard[0].error is not None and all(known.value for known in heard[1:]):
        told["reason"] = heard[0].error.args[0].reason
        app.quit()


timer = Qt.QTimer()
timer.timeout.connect(look)
timer.start(20)
app.exec_()
print(json.dumps(told))
