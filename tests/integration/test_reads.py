"""What programs and widgets ask an attribute, while its device does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import tango
import taurus
from faults_support import (
    MODES,
    TIMEOUT,
    Heard,
    heard,
    name_of,
    resume_all,
    told_by_program,
    volts,
)
from paths import FACILITIES
from snapshot import initialize
from stopwatch import Stopwatch
from tango_support import calls, eventually, plain
from taurus.core.taurusbasetypes import DataFormat, DataType

from taurus_tpo.sim import Facility

SERVER = "TpoSim/victim"
ONE, TWO = "sim/victim/1", "sim/victim/2"


@pytest.fixture(scope="module")
def running() -> Iterator[Facility]:
    """A server to which things happen, and its neighbor."""
    with Facility(FACILITIES / "faults.toml") as facility:
        yield facility


@pytest.fixture
def faults(running, factory) -> Iterator[Facility]:
    """The same, healthy before and after each test."""
    yield running
    resume_all(running)
    eventually(lambda: running.device(ONE).ping() >= 0, "it answers again")
    initialize(running)


@MODES
def test_a_read_of_the_cache_fails_at_once_on_a_silent_server(faults, factory, mode):
    """Also of an attribute of it that nobody has asked yet."""
    factory.set_event_sub_mode(mode.name)
    faults.server(SERVER).hang()
    with factory.hurry():
        first = Heard(volts(faults, ONE, 1, 3))
        first.listen()
        eventually(first.all_errors, "its silence is told")
        later = Heard(volts(faults, TWO, 1, 3))
        later.listen()
        eventually(later.all_errors, "its silence is told")
    watch = Stopwatch()
    for attribute in first.attributes + later.attributes:
        with pytest.raises(tango.DevFailed) as caught:
            attribute.read()
        assert SERVER in caught.value.args[0].desc
        assert attribute.getValueObj() is None
        assert attribute.rvalue is None
    assert watch.seconds < TIMEOUT


def test_read_and_write_go_to_the_device(faults, factory):
    (attribute,) = heard([name_of(faults, ONE, "rw")]).attributes
    device = faults.device(ONE)
    device.SetValue(json.dumps({"attribute": "rw", "value": 6.5, "push": False}))
    assert plain(attribute.read()) == 5.5
    assert plain(attribute.read(cache=False)) == 6.5
    assert plain(attribute.read()) == 6.5
    device.ResetCalls()
    for _ in range(3):
        attribute.read(cache=False)
    assert calls(faults, ONE).count(["rw"]) == 3
    attribute.write(7.5)
    assert device.read_attribute("rw").value == 7.5
    assert plain(attribute.read()) == 7.5
    attribute.write(5.5)


def test_what_was_heard_last_can_be_read_while_it_hangs(faults, factory):
    found = heard(volts(faults, ONE, 1, 5))
    faults.server(SERVER).hang()
    watch = Stopwatch()
    assert [plain(attribute.read()) for attribute in found.attributes] == [1.5] * 5
    assert [attribute.rvalue.magnitude for attribute in found.attributes] == [1.5] * 5
    assert watch.seconds < TIMEOUT


def test_read_and_write_wait_for_a_hung_device_and_fail(faults, factory):
    """Whoever asks for the device itself gets Tango's own error, after its timeout."""
    (attribute,) = heard([name_of(faults, ONE, "rw")]).attributes
    faults.server(SERVER).hang()
    with pytest.raises(tango.DevFailed):
        attribute.read(cache=False)
    # PyTango cannot ask for the format that it is to write.
    with pytest.raises((tango.DevFailed, TypeError)):
        attribute.write(7.5)
    faults.server(SERVER).resume()

    def is_read() -> bool:
        try:
            return plain(attribute.read(cache=False)) in (5.5, 7.5)
        except tango.DevFailed:
            return False

    eventually(is_read, "it is read")
    attribute.write(5.5)


@MODES
def test_what_widgets_ask_never_waits(faults, mode):
    told = told_by_program(
        "ask_hung_attributes",
        faults,
        mode=mode.name,
        pid=faults.server(SERVER).pid,
        ready=volts(faults, ONE, 1, 2),
        unread=volts(faults, ONE, 3, 4),
        unknown=volts(faults, TWO, 1, 2),
    )
    assert told["asking"] < TIMEOUT
    assert told["dead"] < TIMEOUT
    # Nor in Taurus's own: it looks for them in a configuration that is not there.
    assert set(told["raised"]) <= {"getMaxDim", "getShape"}


def test_what_widgets_ask_of_a_device(faults):
    told = told_by_program(
        "describe_hung_devices",
        faults,
        pid=faults.server(SERVER).pid,
        known=name_of(faults, ONE, "volt01"),
        unknown=name_of(faults, TWO, "volt01"),
    )
    state, hung = told["described"].pop("device state"), told["hung"]
    assert (state, hung.pop("device state")) == ("Ready (ON)", "Undefined")
    assert hung == told["described"]
    assert told["asking"] < TIMEOUT


def test_a_placeholder_becomes_what_it_is(faults, factory):
    faults.server(SERVER).hang()
    with factory.hurry():
        found = Heard([name_of(faults, ONE, "rw")])
    (attribute,) = found.attributes
    assert attribute.data_format == DataFormat._0D
    assert attribute.type == DataType.String
    assert not attribute.isWritable()
    found.listen()
    faults.server(SERVER).resume()
    eventually(found.all_values, "its value comes")
    assert attribute.type == DataType.Float
    assert attribute.isWritable()
    assert taurus.Attribute(attribute.getFullName()) is attribute
