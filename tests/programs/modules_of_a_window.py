"""Shows an attribute, the argument, in a label; tells what of Taurus is loaded."""

from __future__ import annotations

import sys

from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication

app = TaurusApplication(["x"], cmd_line_parser=None)

from taurus.qt.qtgui.display import TaurusLabel  # noqa: E402

label = TaurusLabel()
label.setModel(sys.argv[1])
label.show()


def look() -> None:
    if label.text() not in ("", "-----"):
        timer.stop()
        Qt.QTimer.singleShot(500, app.quit)


timer = Qt.QTimer()
timer.timeout.connect(look)
timer.start(20)
app.exec_()
print(*sorted(name for name in sys.modules if name.partition(".")[0] == "taurus"))
