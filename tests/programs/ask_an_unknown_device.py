"""Asks a device that is not in the database."""

from __future__ import annotations

import json

import taurus

from tests.programs.plain_window_base import told

device = taurus.Device("sim/nobody/1")
told["proxy"] = device.getDeviceProxy() is None
told["state"] = device.state.name
try:
    device.ping()
except AttributeError as error:
    told["error"] = str(error).rpartition("has no")[2]
print(json.dumps(told))
