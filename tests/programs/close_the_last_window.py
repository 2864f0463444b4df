"""A program whose last window is closed while a server hangs."""

from __future__ import annotations

import sys
import time

from tests.programs.hanging_base import hang_while
from tests.programs.window_base import Qt, TaurusForm, app, job, run

form = TaurusForm()
form.setModel(job["well"])
form.show()


def close() -> None:
    print(time.time(), flush=True)
    form.close()


def go() -> None:
    hang_while(
        job["stage"],
        lambda names: form.addModels(names),
        lambda: form.setModel([]),
        lambda condition: run(condition, "it is so"),
    )
    Qt.QTimer.singleShot(int(1000 * job["pause"]), close)


Qt.QTimer.singleShot(100, go)
sys.exit(app.exec_() or job["status"])
