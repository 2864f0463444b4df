"""A form of devices whose class is somebody else's.

As Sardana's: the constructor asks for the proxy, and listens to the device.
"""

from __future__ import annotations

import json
from typing import Any

from tests.programs.window_base import (
    TaurusForm,
    factory,
    hang,
    job,
    resume,
    run,
    timed,
    told,
)

# isort: split
from taurus.core.tango import TangoDevice


class Door(TangoDevice):
    made = 0

    def __init__(self, name: str, **kw: Any) -> None:
        self.call__init__(TangoDevice, name, **kw)
        self.proxy = self.getDeviceProxy()
        self.addListener(self.on_state)

    def _createHWObject(self) -> Any:
        Door.made += 1
        return TangoDevice._createHWObject(self)

    def on_state(self, *_event: Any) -> None:
        pass

    def poll(self, attrs: Any, asynch: bool = False, req_id: Any = None) -> Any:
        return TangoDevice.poll(self, attrs, asynch, req_id)


factory.registerDeviceClass("TpoSim", Door)
form = TaurusForm()
if job["pid"]:
    hang()
timed("window", form.setModel, job["models"])
form.show()
told["rows"] = len(form)
models = [item.getModelObj() for item in form.getItems()]
if job["pid"]:
    run(lambda: models[0].known.error, "it is told")
    resume()
run(lambda: all(model.known.value for model in models), "all values are there")
run(lambda: all(model.isUsingEvents() for model in models), "all are subscribed")
told["doors"] = [isinstance(model.getParentObj(), Door) for model in models]
told["proxy"] = models[0].getParentObj().getDeviceProxy() is not None
told["made"] = Door.made
print(json.dumps(told))
