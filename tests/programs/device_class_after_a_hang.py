"""Makes devices of a registered class while the database hangs, and when it is back."""

from __future__ import annotations

import json

import taurus
from taurus.core.tango import TangoDevice
from taurus.taurusstatecontroller import application

from tests.programs.window_base import factory, hang, job, resume, run, timed, told

application.application_started()


class Door(TangoDevice):
    pass


factory.registerDeviceClass("TpoSim", Door)
hang()
first = timed("made", taurus.Device, job["device"])
told["first"] = isinstance(first, Door)
again = timed("again", taurus.Device, job["other"])
resume()
run(lambda: isinstance(taurus.Device(job["device"]), Door), "it is a door")
second = taurus.Device(job["device"])
told["kept"] = taurus.Device(job["device"]) is second
told["state"] = second.state.name
told["first_state"] = first.state.name
print(json.dumps(told))
