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
    WINDOW,
    Heard,
    heard,
    name_of,
    resume_all,
    told_by,
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


#: What widgets ask an attribute; name, and what they may be told of a placeholder.
ASKED = """
def ask(attribute):
    known, raised = {}, told.setdefault("raised", [])

    def answer(name, call, *args):
        try:
            known[name] = timed("asking", call, *args)
        except Exception as error:
            if name not in raised:
                raised.append(name)

    for question in (
        "getValueObj", "getDisplayDescrObj", "getLabel", "getRange", "getRanges",
        "getLimits", "getWarnings", "getAlarms", "getMinRange", "getMaxRange",
        "isBoolean", "isNumeric", "isInteger", "isFloat", "isState", "isWritable",
        "isReadOnly", "isReadWrite", "isWrite", "getDataFormat", "getType",
        "getDescription", "getFormat", "getMaxDim", "getUnit", "getStandardUnit",
        "getDisplayUnit", "getDisplayValue", "isScalar", "isSpectrum", "isImage",
        "getShape", "getParentObj", "getAttributeInfoEx", "getConfig", "getCLimits",
        "getCAlarms", "getCWarnings", "getCRanges", "getMinAlarm", "getMaxAlarm",
        "getMinWarning", "getMaxWarning", "getMinValue", "getMaxValue",
        "getSubscriptionState", "isUsingEvents", "isPollingActive", "getFullName",
        "getSimpleName", "getNormalName", "getTangoWritable", "getWritable",
        "getDisplayDescription",
    ):
        answer(question, lambda: getattr(attribute, question)())
    for name in ("rvalue", "wvalue", "time", "quality", "description", "label",
                 "range", "alarms", "warnings", "format", "display_level",
                 "data_format", "type", "name", "fullname", "precision",
                 "enum_labels", "tango_writable", "writable"):
        answer(name, getattr, attribute, name)
    return known
"""

#: Asks attributes of a hung device in the thread of a window.
ASK = f"""{WINDOW}{ASKED}
from taurus.core.taurusbasetypes import DataFormat, DataType

def what_is_told_of_a_placeholder(name):
    attribute = timed("asking", taurus.Attribute, name)
    known = ask(attribute)
    assert known["getValueObj"] is None and known["rvalue"] is None, known
    assert known["isBoolean"] is False, known
    assert known["data_format"] == DataFormat._0D, known
    assert known["type"] == DataType.String, known
    return attribute


ready = [taurus.Attribute(name) for name in job["ready"]]
listener = Listener()
for attribute in ready:
    attribute.addListener(listener)
run(lambda: have_values(job["ready"]), "these have values")
unread = [taurus.Attribute(name) for name in job["unread"]]
hang()
told["dead"] = 0.0
# One that nobody listens to, of a device that has answered: no value yet.
for attribute in unread:
    known = ask(attribute)
    assert known["rvalue"] is None, known
held = [what_is_told_of_a_placeholder(name) for name in job["unknown"]]
for attribute in held:
    attribute.addListener(listener)
    ask(attribute)
for attribute in ready:
    known = ask(attribute)
    assert known["rvalue"].magnitude == 1.5, known
    assert str(known["getUnit"]) == "V", known
run(lambda: all(a.known.error for a in held), "the silence is told")
for attribute in ready + unread + held:
    ask(attribute)
    device = attribute.getParentObj()
    for name in ("getDisplayName", "getNormalName", "getSimpleName", "getFullName"):
        timed("asking", getattr(device, name))
resume()
for attribute in unread:
    attribute.addListener(listener)
run(lambda: have_values(job["unread"] + job["unknown"]), "values come")
for attribute in held:
    assert ask(attribute)["rvalue"].magnitude == 1.5
print(json.dumps(told))
"""


@MODES
def test_what_widgets_ask_never_waits(faults, mode):
    told = told_by(
        ASK,
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


#: Asks devices of a hung server in the thread of a window.
ASK_DEVICES = f"""{WINDOW}
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
"""


def test_what_widgets_ask_of_a_device(faults):
    told = told_by(
        ASK_DEVICES,
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
