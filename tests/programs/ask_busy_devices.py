"""Asks devices by name; their server stands still while each is made and asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import taurus

from tests.programs.plain_window_base import job, pause, told

asks: dict[str, Callable[[Any], Any]] = {
    "proxy": lambda device: type(device.getDeviceProxy()).__name__,
    "ping": lambda device: device.ping() > 0,
    "command": lambda device: device.command_inout("Truth")[:1],
    "dynamic": lambda device: device.Truth()[:1],
    "query": lambda device: sorted(one.cmd_name for one in device.command_list_query()),
    "attribute": lambda device: float(device.read_attribute("volt01").value),
    "property": lambda device: sorted(device.get_property("polled_attr")),
    "state": lambda device: device.state.name,
    "state_object": lambda device: device.stateObj.read().rvalue.name,
    "described": lambda device: device.description,
    "member": lambda device: "volt01" in device,
}
for what, ask in asks.items():
    for device in job["devices"]:
        pause(job["pid"], 0.3)
        made = taurus.Device(device)
        told[what] = ask(made)
        # The next one is made anew.
        taurus.Factory("tango").removeExistingDevice(made)
        del made
print(json.dumps(told))
