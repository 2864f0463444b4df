"""Shows ten thousand attributes in the inspector, and tells how long that takes.

Nobody asks the attributes anything: their host is not there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from taurus.external.qt import Qt

app = Qt.QApplication([])

import taurus  # noqa: E402

factory = taurus.Factory("tango")
with factory.hurry():
    attributes = [
        taurus.Attribute(f"tango-nodb://127.0.0.1:1/a/b/{d}/{n}#dbase=no")
        for d in range(100)
        for n in range(100)
    ]

from taurus_tpo.qt import Inspector  # noqa: E402

inspector = Inspector()
inspector.show()
taken: list[float] = []


def timed(do: Callable[[], object]) -> None:
    begun = time.thread_time()
    do()
    taken.append(time.thread_time() - begun)


inspector.model.refresh()
for _ in range(40):
    timed(inspector.model.refresh)
    app.processEvents()
inspector.view.scrollToBottom()
timed(app.processEvents)
print(json.dumps({"rows": inspector.model.rowCount(), "taken": sorted(taken)}))
sys.stdout.flush()
os._exit(0)
