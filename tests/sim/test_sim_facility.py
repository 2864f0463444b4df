"""A facility end to end: real servers, a real database, real events."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tango
from paths import FACILITIES
from sim_support import SOON, act_until, is_alive, process_state, subscription

from taurus_tpo.sim import Facility, FacilityError
from taurus_tpo.sim.spec import parse
from taurus_tpo.sim.waiting import wait_until

#: Long enough for a healthy device on a busy machine, short enough to wait for (ms).
SHORT_TIMEOUT = 300


@pytest.fixture(scope="module")
def facility() -> Iterator[Facility]:
    with Facility(FACILITIES / "modes.toml") as facility:
        yield facility


@pytest.fixture
def up(facility: Facility) -> Iterator[tango.DeviceProxy]:
    """The device that is up, as the file says; what a test changes is undone."""
    device = facility.device("sim/modes/up")
    yield device
    device.Init()


def set_value(device: tango.DeviceProxy, attribute: str, value: object) -> None:
    device.SetValue(json.dumps({"attribute": attribute, "value": value}))


def test_attributes_have_the_values_of_the_file(up: tango.DeviceProxy) -> None:
    names = ["with_events", "polled", "rw", "text", "choice"]
    values = [reading.value for reading in up.read_attributes(names)]
    assert values == [1.5, 3.5, 5.5, "hello", 1]
    assert up.read_attribute("wave").value.shape == (16,)
    assert up.read_attribute("picture").value.shape == (4, 8)
    assert up.read_attribute("rw").w_value == 5.5
    assert up.state() == tango.DevState.ON


def test_attributes_have_the_configuration_of_the_file(up: tango.DeviceProxy) -> None:
    rw, choice, wave = (
        up.get_attribute_config(name) for name in ("rw", "choice", "wave")
    )
    assert (rw.unit, rw.min_value, rw.max_value) == ("A", "-10", "10")
    assert (rw.alarms.min_alarm, rw.alarms.max_alarm) == ("-9", "9")
    assert rw.writable == tango.AttrWriteType.READ_WRITE
    assert up.get_attribute_config("with_events").label == "With events"
    assert list(choice.enum_labels) == ["RED", "GREEN", "BLUE"]
    assert (wave.data_format, wave.max_dim_x) == (tango.AttrDataFormat.SPECTRUM, 16)


def test_init_takes_back_what_was_written(up: tango.DeviceProxy) -> None:
    up.write_attribute("rw", 7.5)
    up.write_attribute("text", "written")
    up.Init()
    readings = up.read_attributes(["rw", "text"])
    assert [(one.value, one.w_value) for one in readings] == [
        (5.5, 5.5),
        ("hello", "hello"),
    ]


def test_alias_names_the_device(facility: Facility) -> None:
    assert facility.device("modes-up").dev_name() == "sim/modes/up"


@pytest.mark.parametrize(
    ("name", "value"), [("rw", -2.5), ("text", "written"), ("choice", 2)]
)
def test_write_is_held_and_pushed(
    up: tango.DeviceProxy, name: str, value: object
) -> None:
    with subscription(up, name) as events:
        act_until(
            lambda: up.write_attribute(name, value),
            lambda: value in events.values,
            "the event of the write",
        )
    assert up.read_attribute(name).value == value
    assert json.loads(up.Truth())[name] == value


def test_value_out_of_its_alarms_has_the_quality_alarm(up: tango.DeviceProxy) -> None:
    up.rw = 9.5
    assert up.read_attribute("rw").quality == tango.AttrQuality.ATTR_ALARM


def test_slow_read_takes_its_time(up: tango.DeviceProxy) -> None:
    start = time.monotonic()
    up.read_attribute("slow")
    assert time.monotonic() - start >= 0.2


def test_failing_read_says_why(up: tango.DeviceProxy) -> None:
    with pytest.raises(tango.DevFailed) as caught:
        up.read_attribute("failing")
    error = caught.value.args[0]
    assert error.reason == "TpoSim_ReadFails"
    assert error.desc == "this attribute is simulated to fail"
    assert error.origin == "sim/modes/up/failing"


@pytest.mark.parametrize("name", ["with_events", "polled"])
def test_events_are_sent(up: tango.DeviceProxy, name: str) -> None:
    with subscription(up, name) as events:
        # Tango's polling sends an event only of a value that differs from the last.
        values = itertools.count(42.0)
        act_until(
            lambda: set_value(up, name, next(values)),
            lambda: max(events.values, default=0) >= 42,
            "the event of a change",
        )


def test_value_and_time_belong_together(up: tango.DeviceProxy) -> None:
    request = {"attribute": "with_events", "value": 8.0, "time": 1e9}
    with subscription(up, "with_events") as events:
        act_until(
            lambda: up.SetValue(json.dumps(request)),
            lambda: 8.0 in events.values,
            "the event",
        )
    sent = events.received[-1].attr_value
    assert sent.time.totime() == 1e9
    assert up.read_attribute("with_events").time.totime() == 1e9


def test_value_may_change_without_an_event(up: tango.DeviceProxy) -> None:
    with subscription(up, "with_events") as events:
        request = {"attribute": "with_events", "value": 9.0, "push": False}
        up.SetValue(json.dumps(request))
        assert up.with_events == 9.0
        act_until(
            lambda: set_value(up, "with_events", 10.0),
            lambda: 10.0 in events.values,
            "the event after",
        )
    assert 9.0 not in events.values


@pytest.mark.parametrize("name", ["without_events", "failing"])
def test_subscription_without_events_is_refused(
    up: tango.DeviceProxy, name: str
) -> None:
    with pytest.raises(tango.DevFailed) as caught, subscription(up, name):
        pass
    assert caught.value.args[0].reason == "API_AttributePollingNotStarted"


def test_failing_attribute_sends_its_error(up: tango.DeviceProxy) -> None:
    with subscription(up, "failing_events") as events:
        # The first is that of the read that comes with a subscription.
        act_until(
            lambda: set_value(up, "failing_events", 1.0),
            lambda: events.reasons[1:],
            "a pushed error",
        )
    assert set(events.reasons) == {"TpoSim_ReadFails"}


def test_reads_can_be_told_to_fail_and_to_be_slow(up: tango.DeviceProxy) -> None:
    request = {"attribute": "with_events", "error": 1.0, "error_text": "broken"}
    up.Configure(json.dumps(request))
    with pytest.raises(tango.DevFailed, match="broken"):
        up.read_attribute("with_events")
    request = {"attribute": "with_events", "error": 0.0, "read_delay": 0.1}
    up.Configure(json.dumps(request))
    # Another test may have changed it.
    held = json.loads(up.Truth())["with_events"]
    start = time.monotonic()
    assert up.with_events == held
    assert time.monotonic() - start >= 0.1


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        ("SetValue", {"attribute": "nothing", "value": 1}),
        ("SetValue", {"attribute": "rw", "value": "x"}),
        ("Configure", {"attribute": "rw", "delay": 1}),
    ],
)
def test_wrong_request_is_an_error(
    up: tango.DeviceProxy, command: str, request_: dict[str, object]
) -> None:
    with pytest.raises(tango.DevFailed):
        up.command_inout(command, json.dumps(request_))


def test_calls_are_counted_not_attributes() -> None:
    with Facility(FACILITIES / "batches.toml") as facility:
        device = facility.device("sim/batch/2")
        device.ResetCalls()
        names = [f"volt{n:02}" for n in range(1, 6)]
        device.read_attributes(names)
        assert json.loads(device.Calls()) == {
            "read_calls": 1,
            "attributes_read": 5,
            "batches": [names],
        }
        device.read_attribute("volt25")
        assert json.loads(device.Calls())["read_calls"] == 2
        untouched = facility.device("sim/batch/1")
        assert json.loads(untouched.Calls())["read_calls"] == 0

        failing = facility.device("sim/batch/failing")
        read = failing.read_attributes(["good1", "bad", "good9"])
        assert [reading.has_failed for reading in read] == [False, True, False]


def test_down_device_is_known_and_not_there(facility: Facility) -> None:
    assert not facility.server("TpoSim/down").running
    with pytest.raises(tango.DevFailed) as caught:
        facility.device("sim/modes/down").ping()
    assert caught.value.args[0].reason == "API_DeviceNotExported"


def test_down_server_can_be_started(facility: Facility) -> None:
    server = facility.server("TpoSim/down")
    server.start()
    assert facility.device("sim/modes/down").with_events == 0.0
    with pytest.raises(FacilityError, match="TpoSim/down runs already"):
        server.start()
    server.terminate()
    assert not server.running


def test_hung_server_answers_when_it_is_resumed(
    facility: Facility, up: tango.DeviceProxy
) -> None:
    server = facility.server("TpoSim/modes")
    up.set_timeout_millis(SHORT_TIMEOUT)
    server.hang()
    assert server.running
    with pytest.raises(tango.DevFailed):
        up.ping()
    server.resume()
    wait_until(lambda: _answers(up), SOON, "the resumed server")


def _answers(device: tango.DeviceProxy) -> bool:
    try:
        device.ping()
    except tango.DevFailed:
        return False
    return True


def test_killed_server_can_be_started_again(facility: Facility) -> None:
    server = facility.server("TpoSim/modes")
    server.kill()
    assert not server.running
    with pytest.raises(FacilityError, match="does not run"):
        server.hang()
    server.start()
    device = facility.device("sim/modes/up")
    with subscription(device, "with_events") as events:
        act_until(
            lambda: set_value(device, "with_events", 77.0),
            lambda: 77.0 in events.values,
            "an event of the new process",
        )
    # Others share it.
    device.Init()


def test_restart_is_a_new_process(facility: Facility) -> None:
    server = facility.server("TpoSim/modes")
    before = server.pid
    server.restart()
    assert not is_alive(before)
    assert facility.device("sim/modes/up").with_events == 1.5


def test_servers_live_without_their_database(facility: Facility) -> None:
    known = facility.device("sim/modes/up")
    known.ping()
    facility.stop_database()
    try:
        assert known.with_events == 1.5
        with pytest.raises(tango.DevFailed):
            facility.device("sim/modes/up").ping()
    finally:
        facility.start_database()
    # This client, which found none, is slow to try again.
    wait_until(lambda: _alias_of_up(facility) == "modes-up", SOON, "the database")
    assert facility.device("modes-up").with_events == 1.5


def _alias_of_up(facility: Facility) -> str | None:
    try:
        return str(facility.device("sim/modes/up").alias())
    except tango.DevFailed:
        return None


def test_hung_from_the_start() -> None:
    text = (FACILITIES / "modes.toml").read_text()
    spec = parse(text.replace('condition = "down"', 'condition = "hung"'), "hung")
    with Facility(spec) as facility:
        pid = facility.server("TpoSim/down").pid
        assert process_state(pid) == "T"
        assert process_state(facility.server("TpoSim/modes").pid) != "T"
    assert not is_alive(pid)


def test_facilities_of_one_process_are_apart(facility: Facility) -> None:
    with Facility(FACILITIES / "modes.toml") as other:
        assert other.tango_host != facility.tango_host
        set_value(other.device("sim/modes/up"), "with_events", -1.0)
        assert facility.device("sim/modes/up").with_events == 1.5
        assert other.device("sim/modes/up").with_events == -1.0
        assert other.environment()["TANGO_HOST"] == other.tango_host


def test_children_outlive_the_thread_that_started_them() -> None:
    facility = Facility(FACILITIES / "modes.toml")
    starter = threading.Thread(target=facility.start, name="starter")
    starter.start()
    starter.join()
    try:
        assert facility.device("sim/modes/up").with_events == 1.5
    finally:
        facility.close()


def test_server_that_does_not_start_is_reported_with_its_output(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A Python that cannot import gevent.
    (tmp_path / "gevent.py").write_text("raise ImportError('no gevent here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    facility = Facility(FACILITIES / "green.toml")
    threads = set(threading.enumerate())
    with pytest.raises(FacilityError, match=r"(?s)TpoSim/gevent ended .*no gevent"):
        facility.start()
    assert set(threading.enumerate()) == threads
    with pytest.raises(FacilityError, match="not been started"):
        _ = facility.tango_host


def test_close_leaves_nothing_and_start_works_again() -> None:
    facility = Facility(FACILITIES / "modes.toml")
    for _ in range(2):
        with facility:
            pid = facility.server("TpoSim/modes").pid
            directory = facility.server("TpoSim/modes").output.parent
            with pytest.raises(FacilityError, match="started already"):
                facility.start()
        facility.close()
        assert not is_alive(pid)
        assert not directory.exists()


def test_unknown_server_is_named(facility: Facility) -> None:
    with pytest.raises(FacilityError, match=r"did you mean TpoSim/modes\?"):
        facility.server("TpoSim/mods")
