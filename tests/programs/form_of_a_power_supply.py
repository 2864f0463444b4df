"""A form of a device without a database; writes it, calls it, and gets its events.

``device`` of the job is its name as ``tango.test_context`` prints it.
"""

from __future__ import annotations

import json
from typing import Any

import taurus

from tests.programs.window_base import (
    Listener,
    TaurusForm,
    have_values,
    job,
    plain,
    run,
    told,
)

path, _, fragment = job["device"].partition("#")
models = [f"{path}/{name}#{fragment}" for name in ("current", "voltage")]


def shown(number: int) -> Any:
    return form[number].readWidget().text()


form = TaurusForm()
form.setModel([*models, job["device"]])
form.show()
run(lambda: have_values(models), "values")
current, voltage = map(taurus.Attribute, models)
told["names"] = [current.getFullName(), voltage.getFullName()]
told["rows"] = len(form)
listener = Listener()
voltage.addListener(listener)
run(voltage.isUsingEvents, "events of the polled attribute")
current.write(2.5)
run(lambda: plain(voltage.known.value) == 5.0, "an event")
run(lambda: "5" in shown(1), "the row")
device = taurus.Device(job["device"])
told["answer"] = device.ramp(3.0)
run(lambda: plain(voltage.known.value) == 6.0, "another event")
told["values"] = sorted(set(listener.values))
device.turn_on()
told["state"] = str(device.state)
told["unit"] = f"{voltage.known.value.rvalue.units:~}"
form.setModel([])
print(json.dumps(told))
