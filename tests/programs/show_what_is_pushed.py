"""A widget that takes longer for an image than the next one takes to come."""

from __future__ import annotations

import time
from typing import Any

import taurus

from tests.programs.pushing_base import count, is_pushed, job, stop, tell

# isort: split
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.display import TaurusLabel

app = TaurusApplication(["pushing"], cmd_line_parser=None)


class Slow(TaurusLabel):
    shown: Any = None
    told = 0

    def handleEvent(self, source: Any, kind: Any, value: Any) -> None:
        if getattr(value, "rvalue", None) is not None:
            time.sleep(0.03)
            self.shown = value
            self.told += 1


labels = [Slow() for _ in job["models"]]
for label, name in zip(labels, job["models"]):
    label.setModel(name)
while is_pushed():
    app.processEvents()
    count()
    time.sleep(0.001)
stop()
newest = taurus.Attribute(job["models"][0])
end = time.monotonic() + 30
while labels[0].shown is not newest.known.value and time.monotonic() < end:
    app.processEvents()
tell(min(one.told for one in labels), labels[0].shown is newest.known.value)
