"""Opens a form of devices whose servers hang, and one when they are back."""

from __future__ import annotations

import json
import os
import signal

from tests.programs.window_base import TaurusForm, factory, job, run, timed, told
from tests.support.stopping import stop

for pid in job["pids"]:
    stop(pid)
hung, well = TaurusForm(), TaurusForm()
timed("window", hung.setModel, job["models"] * 10)
told["rows"] = len(hung)
for pid in job["pids"]:
    os.kill(pid, signal.SIGCONT)
devices = [item.getModelObj() for item in hung.getItems()]
run(
    lambda: all(factory.device_access.connection(one).configured for one in devices),
    "they are back",
)
timed("well", well.setModel, job["models"] * 10)
print(json.dumps(told))
