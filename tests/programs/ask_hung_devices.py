"""Asks two devices of a server that hangs, and asks again when it is back."""

from __future__ import annotations

import json
from collections.abc import Callable

import tango
import taurus

from tests.programs.window_base import hang, job, resume, run, timed, told

# isort: split
from taurus.taurusstatecontroller import application

application.application_started()
hang()
first, second = (taurus.Device(name) for name in job["devices"])


def failed(call: Callable[[], object]) -> str | None:
    """Return why a call fails, None if it does not."""
    try:
        call()
    except tango.DevFailed as error:
        return str(error.args[0].reason)
    except AttributeError as error:
        return type(error.__cause__).__name__
    return None


proxy = timed("once", first.getDeviceProxy)
told["is_proxy"] = isinstance(proxy, tango.DeviceProxy)
told["errors"] = [
    timed("again", failed, call)
    for call in (
        proxy.ping,
        first.ping,
        second.ping,
        lambda: proxy.command_inout("Truth"),
        lambda: first.Truth(),
        lambda: second.getDeviceProxy().Truth(),
        lambda: proxy["volt01"],
    )
]
told["properties"] = [
    sorted(one.get_property("nothing")) for one in (proxy, first, second)
]
told["state"] = timed("again", lambda: second.state.name)
told["described"] = timed("again", lambda: second.description)
resume()
run(lambda: type(first.getDeviceProxy()) is tango.DeviceProxy, "it is there")
run(lambda: type(second.getDeviceProxy()) is tango.DeviceProxy, "it is there")
told["after"] = [proxy.ping() > 0, first.Truth()[:1], "volt01" in proxy]
told["state_after"] = second.state.name
print(json.dumps(told))
