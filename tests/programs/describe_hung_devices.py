"""Asks devices of a hung server to describe themselves, in the thread of a window."""

from __future__ import annotations

import json

import taurus

from tests.programs.window_base import Listener, hang, job, resume, run, timed, told

known = taurus.Attribute(job["known"]).getParentObj()
run(lambda: known.getDeviceProxy() is not None, "it is known")
# While an application starts, Taurus describes what is cached.
known.addListener(Listener())
run(lambda: known.stateObj.known.value, "its state is known")
told["described"] = dict(known.getDisplayDescrObj())
hang()
unknown = taurus.Attribute(job["unknown"]).getParentObj()
for device in (known, unknown):
    timed("asking", device.getDisplayDescrObj)
told["hung"] = dict(known.getDisplayDescrObj())
resume()
print(json.dumps(told))
