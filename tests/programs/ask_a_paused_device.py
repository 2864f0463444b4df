"""Asks a device for its proxy while its server stands still for two seconds."""

from __future__ import annotations

import json
import threading

import tango
import taurus

from tests.programs.window_base import hang, job, resume, told

hang()
device = taurus.Device(job["device"])
threading.Timer(2.0, resume).start()
told["proxy"] = type(device.getDeviceProxy()) is tango.DeviceProxy
told["ping"] = device.ping() > 0
print(json.dumps(told))
