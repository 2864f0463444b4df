"""Makes a device of a class that is registered, while the database takes its time."""

from __future__ import annotations

import json

import taurus
from taurus.core.tango import TangoDevice

from tests.programs.plain_window_base import job, told
from tests.programs.slow_database_base import take_time


class Door(TangoDevice):
    pass


taurus.Factory("tango").registerDeviceClass("TpoSim", Door)
take_time(0.1)
door = taurus.Device(job["device"])
told["door"] = isinstance(door, Door)
told["name"] = door.getFullName()
told["proxy"] = door.getDeviceProxy() is not None
take_time(0)
print(json.dumps(told))
