"""A form of the asyncio device server of the documentation, while it ramps.

The job has the ``device`` for PyTango, and the ``model`` of Taurus. Tells what each row
has shown: its texts, or the colors of its lamp.
"""

from __future__ import annotations

import json

import tango

from tests.programs.window_base import TaurusForm, job, run, timed, told

NAMES = ("state", "current", "temperature", "field")

form = TaurusForm()
timed("window", form.setModel, [f"{job['model']}/{name}" for name in NAMES])
form.show()
shown: dict[str, list[str]] = {name: [] for name in NAMES}


def look() -> None:
    """Take note of what the rows show now."""
    for name, row in zip(NAMES, form):
        widget = row.readWidget()
        is_lamp = hasattr(widget, "getLedColor")
        text = str(widget.getLedColor() if is_lamp else widget.text())
        if shown[name][-1:] != [text]:
            shown[name].append(text)


def has_shown(name: str, text: str) -> bool:
    look()
    return any(text in one for one in shown[name])


run(lambda: has_shown("state", "yellow"), "it is on standby")
run(lambda: has_shown("field", "0.00"), "the field is measured")
proxy = tango.DeviceProxy(job["device"])
ramp = proxy.command_inout_asynch("Ramp", 60.0)
run(lambda: has_shown("state", "blue"), "it moves")
run(lambda: has_shown("state", "green"), "it has ramped")
run(lambda: has_shown("state", "orange"), "it is in alarm")
run(lambda: has_shown("field", "1.20"), "the new field is measured")
proxy.command_inout_reply(ramp, timeout=0)
form.setModel([])
print(json.dumps({**told, **shown}))
