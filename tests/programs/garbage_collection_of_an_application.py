"""Tells Python's thresholds of garbage collection before, within and after a window.

Argument: the attribute that the window shows.
"""

from __future__ import annotations

import gc
import json
import os
import sys

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.display import TaurusLabel

told = {"before": gc.get_threshold()}
app = TaurusApplication(["test"], cmd_line_parser=None)
label = TaurusLabel()
label.setModel(sys.argv[1])
label.show()


def tell(when: str) -> None:
    told[when] = gc.get_threshold()
    app.quit()


def threshold_of_a_child() -> tuple[int, int, int]:
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(gc.get_threshold()).encode())
        os._exit(0)
    os.wait()
    return tuple(json.loads(os.read(reading, 100)))


Qt.QTimer.singleShot(1000, lambda: tell("within"))
app.exec_()
told["after"] = gc.get_threshold()
Qt.QTimer.singleShot(1500, lambda: tell("again"))
app.exec_()
label.setModel(sys.argv[1])
told["in child"] = threshold_of_a_child()
print(json.dumps(told))
