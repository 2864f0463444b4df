"""The device server in each of PyTango's green modes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
import tango
from paths import FACILITIES
from sim_support import SOON, act_until, subscription

from taurus_tpo.sim import Facility
from taurus_tpo.sim.facility import ServerProcess
from taurus_tpo.sim.spec import parse
from taurus_tpo.sim.waiting import wait_until

MODES = ["Synchronous", "Futures", "Gevent", "Asyncio"]


@pytest.fixture(scope="module")
def facility() -> Iterator[Facility]:
    with Facility(FACILITIES / "green.toml") as facility:
        yield facility


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def device(facility: Facility, mode: str) -> tango.DeviceProxy:
    return facility.device(f"sim/green/{mode.lower()}")


@pytest.fixture
def admin(facility: Facility, mode: str) -> tango.DeviceProxy:
    return facility.device(f"dserver/TpoSim/{mode.lower()}")


def test_runs_in_its_mode(device: tango.DeviceProxy, mode: str) -> None:
    assert device.RunsIn() == f"{mode}Executor"
    assert device.text == mode


def test_two_reads_wait_together_where_the_mode_lets_them(
    facility: Facility, device: tango.DeviceProxy, mode: str
) -> None:
    # Two attributes, since Tango never reads one twice at a time.
    delay = 0.5
    for name in ("scalar", "slow"):
        device.Configure(json.dumps({"attribute": name, "read_delay": delay}))
    proxies = [facility.device(device.dev_name()) for _ in range(2)]
    for proxy in proxies:
        proxy.ping()
    threads = [
        threading.Thread(target=proxy.read_attribute, args=(name,))
        for proxy, name in zip(proxies, ("scalar", "slow"))
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    device.Init()
    is_together = took < 1.8 * delay
    assert took >= delay
    assert is_together == (mode in ("Gevent", "Asyncio"))


def test_reads_writes_and_counts(device: tango.DeviceProxy) -> None:
    device.ResetCalls()
    names = ["scalar", "rw", "slow", "text", "without_events"]
    start = time.monotonic()
    device.read_attributes(names)
    assert time.monotonic() - start >= 0.1
    assert json.loads(device.Calls())["batches"] == [names]
    device.rw = -1.0
    assert device.rw == -1.0
    device.Init()
    assert device.rw == 2.5


def test_pushes_what_moves_by_itself(device: tango.DeviceProxy) -> None:
    with subscription(device, "moving") as events:
        wait_until(lambda: len(set(events.values)) > 3, SOON, "moving values")
    assert events.values == sorted(events.values)


def test_refuses_events_where_there_are_none(device: tango.DeviceProxy) -> None:
    with pytest.raises(tango.DevFailed), subscription(device, "without_events"):
        pass


def check_works(facility: Facility, name: str, attributes: list[str]) -> None:
    """Check that a device is as new: its attributes, values and events."""
    fresh = facility.device(name)
    assert list(fresh.get_attribute_list()) == attributes
    assert fresh.rw == 2.5
    with subscription(fresh, "moving") as events:
        wait_until(lambda: len(set(events.values)) > 2, SOON, "events of moving")
    with subscription(fresh, "scalar") as events:
        act_until(
            lambda: fresh.SetValue('{"attribute": "scalar", "value": 6.5}'),
            lambda: 6.5 in events.values,
            "an event of scalar",
        )


def test_device_can_be_restarted(
    facility: Facility, device: tango.DeviceProxy, admin: tango.DeviceProxy
) -> None:
    attributes = list(device.get_attribute_list())
    name = device.dev_name()
    device.rw = 9.0
    admin.DevRestart(name)
    check_works(facility, name, attributes)


def test_server_can_be_restarted(
    facility: Facility, device: tango.DeviceProxy, admin: tango.DeviceProxy
) -> None:
    attributes = list(device.get_attribute_list())
    name = device.dev_name()
    device.rw = 9.0
    admin.RestartServer()
    # The command returns before the server has restarted.
    wait_until(lambda: _value(facility, name) == 2.5, SOON, "the restarted server")
    check_works(facility, name, attributes)


def _value(facility: Facility, name: str) -> float | None:
    try:
        return float(facility.device(name).read_attribute("rw").value)
    except tango.DevFailed:
        return None


def test_init_and_restart_while_values_move_fast() -> None:
    text = (FACILITIES / "green.toml").read_text()
    spec = parse(text.replace("period = 0.1", "period = 0.001"), "fast")
    with Facility(spec) as facility:
        for server in facility.servers.values():
            check_init_and_restart(facility, server)


def check_init_and_restart(facility: Facility, server: ServerProcess) -> None:
    (name,) = server.devices
    device, admin = (facility.device(n) for n in (name, f"dserver/{server.name}"))
    with subscription(device, "moving") as events:
        for _ in range(20):
            device.Init()
            admin.DevRestart(name)
        # A push without an attribute, or once the device has gone, would tell there.
        output = server.output.read_text()
        assert "Traceback" not in output
        assert "not pushed" not in output
        seen = len(events.values)
        wait_until(lambda: len(events.values) > seen, SOON, "more events")
