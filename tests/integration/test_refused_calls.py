"""A call fails as a whole: because of one attribute, or whatever is read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import tango
import taurus
from tango_support import Listener, eventually

from tests.differential.facility import Facility
from tests.differential.kinds import KINDS

#: Attributes of one device, without events: they are polled.
NAMES = sorted(kind for kind in KINDS if kind.endswith("_scalar_r"))[:6]


@pytest.fixture(scope="module")
def facility() -> Iterator[Facility]:
    """A server that does what a test says."""
    with Facility() as running:
        yield running


@pytest.fixture
def device(facility: Facility, factory: Any) -> tango.DeviceProxy:
    """A device with some attributes that are polled."""
    proxy = tango.DeviceProxy(f"tango://{facility.host}/{facility.device()}")
    specs = [
        {"name": name, "kind": name, "events": False, "stamps": "now"} for name in NAMES
    ]
    proxy.Prepare(json.dumps({"attributes": specs, "base": time.time()}))
    return proxy


def fail(device: tango.DeviceProxy, name: str, failing: bool = True) -> None:
    request = {"do": "fail_all", "name": name, "args": {"failing": failing}}
    device.Drive(json.dumps(request))


@pytest.fixture
def listeners(facility: Facility, device: tango.DeviceProxy) -> Iterator[dict]:
    """One for each attribute, polled every 200 ms."""
    name = f"tango://{facility.host}/{device.dev_name()}"
    found = {one: Listener() for one in NAMES}
    attributes = [taurus.Attribute(f"{name}/{one}") for one in NAMES]
    for attribute, listener in zip(attributes, found.values()):
        attribute.changePollingPeriod(200)
        attribute.addListener(listener)
    for one, listener in found.items():
        eventually(lambda listener=listener: listener.values, f"the value of {one}")
    yield found
    for attribute, listener in zip(attributes, found.values()):
        attribute.removeListener(listener)


def fails(listener: Listener) -> bool:
    """Return whether it was told an error last."""
    return bool(listener.errors) and listener.heard[-1][1] is listener.errors[-1]


def test_one_that_makes_calls_fail_is_in_error_alone(device, listeners):
    fail(device, NAMES[2])
    eventually(partial(fails, listeners[NAMES[2]]), "it is in error")
    others = [listeners[name] for name in NAMES if name != NAMES[2]]
    eventually(lambda: not any(map(fails, others)), "the others are not")
    fail(device, NAMES[2], failing=False)
    eventually(lambda: not fails(listeners[NAMES[2]]), "it is read again")


def test_a_device_that_refuses_all_is_found_out_when_it_does_not(
    device, listeners, factory
):
    for name in NAMES:
        fail(device, name)
    eventually(lambda: all(map(fails, listeners.values())), "all are in error")
    [connection] = {
        factory.device_access.connection(attribute.getParentObj())
        for attribute in factory.attributes()
        if attribute.getSimpleName() in NAMES
    }
    told = len(listeners[NAMES[0]].errors)
    located = []

    def is_told_again() -> bool:
        located.append(connection.located)
        return len(listeners[NAMES[0]].errors) > told + 5

    eventually(is_told_again, "it is polled all the same")
    # The database need not be asked where it is: it has answered.
    assert all(located)
    for name in NAMES[1:]:
        fail(device, name, failing=False)
    others = [listeners[name] for name in NAMES[1:]]
    eventually(lambda: not any(map(fails, others)), "all but one are read again")
    assert fails(listeners[NAMES[0]])


def test_attributes_that_wait_for_each_other_are_read_one_by_one(
    device, listeners, caplog
):
    """Each call for several keeps the device from all, longer than Tango waits."""
    request = {"do": "wait_in_company", "name": NAMES[1], "args": {"seconds": 4.0}}
    device.set_timeout_millis(60_000)
    device.Drive(json.dumps(request))
    eventually(lambda: "are read one by one" in caplog.text, "that is found out")
    assert str(device.dev_name()) in caplog.text
    told = {name: len(listener.values) for name, listener in listeners.items()}
    begun = time.monotonic()

    def are_told(more: int) -> bool:
        return all(len(listeners[name].values) >= told[name] + more for name in NAMES)

    eventually(partial(are_told, 10), "all are polled")
    # Ten rounds of calls for several would take thirty seconds, and bring nothing.
    assert time.monotonic() - begun < 20
    assert not any(map(fails, listeners.values()))
