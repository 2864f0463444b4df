"""A form whose labels are the aliases of devices; the database takes its time."""

from __future__ import annotations

import json

import taurus
from taurus.qt.qtgui.panel import TaurusForm

from tests.programs.plain_window_base import job, run, told
from tests.programs.slow_database_base import take_time

take_time(0.1)
form = TaurusForm()
form.setModel(job["models"])
form.show()
take_time(0)


def labels() -> list[str]:
    return [item.labelWidget().text() for item in form.getItems()]


run(lambda: labels() == job["labels"], "each has its alias")
told["alias"] = [item.getModelObj().getSimpleName() for item in form.getItems()]
told["same"] = taurus.Device(job["labels"][0]) is form[0].getModelObj()
print(json.dumps(told))
