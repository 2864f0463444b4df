"""What listeners are told and what is cached are one truth, as with stock Taurus."""

from __future__ import annotations

import gc
import json
import logging
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tango
import taurus
from program_support import run_program
from tango_support import Listener, eventually, model, plain
from taurus import tauruscustomsettings
from taurus.core.taurusbasetypes import (
    AttrQuality,
    DataType,
    SubscriptionState,
    TaurusEventType,
)

from taurus_tpo.core.configuration_cache import ConfigurationCache
from taurus_tpo.core.lifecycle import State
from taurus_tpo.core.scheduler import RequestKind
from tests.differential.facility import Facility

DOUBLE, ENUM, ENCODED = (
    f"{name}_scalar_rw" for name in ("DevDouble", "DevEnum", "DevEncoded")
)

#: How long looks take that follow a first subscription, s.
LOOKED = 15.0


@pytest.fixture(scope="module")
def facility() -> Iterator[Facility]:
    """Devices with attributes of all kinds, one for each test."""
    with Facility() as running:
        yield running


class Driven:
    """A device that does what a test says."""

    def __init__(self, facility: Facility, **attributes: bool) -> None:
        self.name = f"tango://{facility.host}/{facility.device()}"
        self.proxy = tango.DeviceProxy(self.name)
        specs = [
            {"name": kind, "kind": kind, "events": events, "stamps": "held"}
            for kind, events in attributes.items()
        ]
        request = {"attributes": specs, "base": time.time() - 10.0}
        self.proxy.Prepare(json.dumps(request))

    def drive(self, do: str, attribute: str = DOUBLE, **args: Any) -> None:
        self.proxy.Drive(json.dumps({"do": do, "name": attribute, "args": args}))

    def attribute(self, name: str = DOUBLE) -> Any:
        return taurus.Attribute(f"{self.name}/{name}")


@pytest.fixture
def driven(facility: Facility, factory: Any) -> Driven:
    """A device with a number, an enumeration and an encoded value, with events."""
    return Driven(facility, **dict.fromkeys((DOUBLE, ENUM, ENCODED), True))


def listened(attribute: Any, listener: Listener) -> None:
    """Listen, and return when the value is there and all looks are over."""
    attribute.addListener(listener)
    eventually(lambda: listener.values, "the first value comes")
    looked_at(attribute)


def looked_at(attribute: Any) -> None:
    is_done = (State.SUBSCRIBED, State.UNTRUSTED)
    eventually(lambda: attribute.state in is_done, "it is looked at", 2 * LOOKED)


# --- reading ------------------------------------------------------------------------


@pytest.mark.parametrize("events", [True, False], ids=["events", "no events"])
def test_a_read_follows_the_device_where_nobody_listens(facility, factory, events):
    driven = Driven(facility, **{DOUBLE: events})
    attribute = driven.attribute()
    assert plain(attribute.read()) == 1.0
    driven.drive("set", value=1)
    assert plain(attribute.read()) == -2.5
    assert attribute.rvalue.magnitude == -2.5


def test_a_read_follows_the_device_when_the_last_listener_has_gone(driven, listener):
    attribute = driven.attribute()
    listened(attribute, listener)
    attribute.removeListener(listener)
    driven.drive("set", value=1)
    assert plain(attribute.read()) == -2.5


def test_an_error_goes_with_its_cause(driven):
    attribute = driven.attribute()
    driven.drive("fail")
    with pytest.raises(tango.DevFailed):
        attribute.read()
    driven.drive("fail", failing=False)
    assert plain(attribute.read()) == 1.0


class Local:
    """Something that a caller has in a variable."""


@pytest.mark.parametrize("cache", [True, False])
def test_a_kept_error_keeps_no_caller(driven, cache):
    attribute = driven.attribute()

    def read() -> weakref.ref[Local]:
        mine = Local()
        with pytest.raises(tango.DevFailed):
            attribute.read(cache=cache)
        return weakref.ref(mine)

    driven.drive("fail", failing=True)
    caller = read()
    driven.drive("fail", failing=False)
    assert plain(attribute.read(cache=False)) == 1.0
    assert attribute.history.error is not None
    gc.collect()
    assert caller() is None


def test_what_a_caller_reads_is_told_once(driven, listener):
    attribute = driven.attribute()
    listened(attribute, listener)
    driven.drive("set", value=1, event=False)
    assert plain(attribute.read(cache=False)) == -2.5
    eventually(lambda: listener.values == [1.0, -2.5], "it is told")
    attribute.read(cache=False)
    assert listener.values == [1.0, -2.5]
    assert plain(attribute.read()) == -2.5


# --- telling ------------------------------------------------------------------------


def test_who_listens_after_a_read_is_told_the_value(driven, listener):
    attribute = driven.attribute()
    attribute.read()
    listened(attribute, listener)
    assert listener.values == [1.0]


def test_who_listens_right_before_a_look_is_told_the_value(driven, listener, factory):
    """What is read for the listener and for the look comes in one call."""
    attribute = driven.attribute()
    attribute.read()
    attribute.addListener(listener)
    eventually(lambda: attribute.state is not State.CONNECTING, "it has answered")
    factory.verify_later(attribute, 0.0)
    eventually(lambda: listener.values == [1.0], "it is told")
    looked_at(attribute)
    assert attribute.state is State.SUBSCRIBED
    assert listener.values == [1.0]


def test_an_error_that_is_gone_in_a_moment_is_told_to_nobody(driven, listener, factory):
    """A device that is made anew cannot be read meanwhile."""
    attribute = driven.attribute()
    listened(attribute, listener)
    assert attribute.state is State.SUBSCRIBED, attribute.status
    driven.drive("fail", event=False)
    factory.verify_later(attribute, 0.0)
    eventually(lambda: attribute.state is State.VERIFYING, "the error is looked after")
    driven.drive("fail", failing=False, event=False)
    looked_at(attribute)
    assert (listener.values, listener.errors) == ([1.0], [])
    driven.drive("fail", event=False)
    factory.verify_later(attribute, 0.0)
    eventually(lambda: listener.errors, "one that stays is told")
    driven.drive("fail", failing=False)


def test_a_change_of_the_configuration_repeats_no_value(driven, listener, factory):
    attribute = driven.attribute()
    listened(attribute, listener)
    eventually(
        lambda: factory.first_read.pending(RequestKind.LOOK) == 0, "all is looked at"
    )
    told = list(listener.values)
    info = driven.proxy.get_attribute_config(DOUBLE)
    info.label = "another label"
    driven.proxy.set_attribute_config(info)
    eventually(lambda: attribute.label == "another label", "it is heard of")
    eventually(lambda: attribute.state is State.VERIFYING, "it is looked at")
    looked_at(attribute)
    assert listener.values == told
    assert TaurusEventType.Config in listener.kinds


def test_each_event_is_told_though_it_repeats_the_value(driven, listener):
    """It may be one of a stream of messages."""
    attribute = driven.attribute()
    listened(attribute, listener)
    for number in range(1, 4):
        driven.drive("set", value=0)
        eventually(lambda n=number: listener.values == [1.0] * (n + 1), "it is told")


def test_polling_has_begun_when_the_first_listener_is_added(driven, listener):
    attribute = driven.attribute()
    attribute.events_to_subscribe = []
    attribute.addListener(listener)
    assert attribute.isPollingActive()
    assert attribute.getSubscriptionState() == SubscriptionState.Unsubscribed
    eventually(lambda: listener.values, "it is polled")
    assert set(listener.value_kinds) == {TaurusEventType.Periodic}


def test_those_that_are_polled_are_one_log_line(facility, factory, listener, caplog):
    kinds = [f"{name}_scalar_r" for name in ("DevDouble", "DevLong", "DevShort")]
    driven = Driven(facility, **dict.fromkeys(kinds, False))
    attributes = [driven.attribute(kind) for kind in kinds]

    def lines() -> list[str]:
        found = (record.getMessage() for record in caplog.records)
        return [line for line in found if "attributes are polled" in line]

    # Those of an earlier test would be counted in the same line.
    eventually(lambda: not factory.polled_report._reasons, "all others are logged")
    with caplog.at_level(logging.INFO):
        for attribute in attributes:
            attribute.addListener(listener)
        eventually(lines, "it is logged")
    assert lines()[0].startswith("3 attributes are polled (API_")
    assert len(lines()) == 1


# --- time stamps --------------------------------------------------------------------


def test_a_new_listener_hears_values_whose_stamps_have_gone_back(driven, listener):
    attribute = driven.attribute()
    attribute.read()
    driven.drive("set", value=1, shift=-3600.0)
    listened(attribute, listener)
    assert listener.values == [-2.5]
    driven.drive("set", value=5)
    eventually(lambda: listener.values[-1] == 0.1, "the next one, too")


def test_older_events_count_where_the_settings_say_so(driven, listener, monkeypatch):
    monkeypatch.setattr(tauruscustomsettings, "FILTER_OLD_TANGO_EVENTS", False)
    attribute = driven.attribute()
    listened(attribute, listener)
    driven.drive("set", value=1, shift=-3600.0)
    eventually(lambda: listener.values == [1.0, -2.5], "it is told")


def test_one_stamp_that_is_ahead_heals(driven, listener):
    attribute = driven.attribute()
    listened(attribute, listener)
    driven.drive("set", value=1, shift=3600.0)
    eventually(lambda: listener.values[-1] == -2.5, "it is told")
    driven.drive("set", value=5, shift=-3599.0)
    eventually(lambda: listener.values[-1] == 0.1, "the one after it, too")
    driven.drive("set", value=0)
    eventually(lambda: listener.values[-1] == 1.0, "and the next")


# --- values and texts that cannot be decoded or compared -----------------------------


def _warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was logged from WARNING on; an object of Taurus has its own level."""
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_bytes_that_are_no_text_trouble_nobody(driven, listener, caplog):
    neighbor = Listener()
    encoded, number = driven.attribute(ENCODED), driven.attribute()
    number.addListener(neighbor)
    with caplog.at_level(logging.WARNING):
        listened(encoded, listener)
        looked_at(number)
    assert listener.values == [("raw", b"\xff\xfe\x00\x80\x4a")]
    assert neighbor.values == [1.0]
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def test_an_invalid_enumeration_has_no_value_and_is_no_error(driven, listener, caplog):
    attribute = driven.attribute(ENUM)
    listened(attribute, listener)
    with caplog.at_level(logging.WARNING):
        driven.drive("set", ENUM, value=1, quality="INVALID")
        eventually(lambda: listener.values[-1] is None, "it is told")
    assert attribute.quality == AttrQuality.ATTR_INVALID
    assert attribute.rvalue is None
    assert listener.errors == []
    assert not _warnings(caplog)
    driven.drive("set", ENUM, value=2)
    eventually(lambda: listener.values[-1] == "DÉFAUT", "it is valid again")


def test_an_image_of_enumerations_without_elements_is_empty(
    facility, factory, listener, caplog
):
    name = "DevEnum_image_rw"
    driven = Driven(facility, **{name: False})
    attribute = driven.attribute(name)
    attribute.addListener(listener)
    eventually(lambda: listener.values, "the first value comes")
    with caplog.at_level(logging.WARNING):
        driven.drive("set", name, value=1)
        eventually(lambda: np.size(listener.values[-1]) == 0, "it is told")
    assert listener.errors == []
    assert not _warnings(caplog)
    driven.drive("set", name, value=2)
    eventually(lambda: np.size(listener.values[-1]) == 2, "it has elements again")


def test_a_unit_that_is_no_text_is_left_empty(driven, listener, facility, caplog):
    database = tango.Database(*facility.host.split(":"))
    device = driven.name.split("/", 3)[3]
    properties = {DOUBLE: {"unit": "\xb0C"}}
    database.put_device_attribute_property(device, properties)
    tango.DeviceProxy(driven.proxy.adm_name()).DevRestart(device)
    with caplog.at_level(logging.WARNING):
        attribute, other = driven.attribute(), driven.attribute(ENUM)
        listened(attribute, listener)
    assert listener.values == [1.0]
    assert attribute.rvalue.unitless
    warnings = [r for r in _warnings(caplog) if "unit" in r.getMessage()]
    assert len(warnings) == 1
    neighbor = Listener()
    listened(other, neighbor)
    info = driven.proxy.get_attribute_config(ENUM)
    info.label = "of the neighbor"
    driven.proxy.set_attribute_config(info)
    eventually(lambda: other.label == "of the neighbor", "it is followed")


# --- the configuration ---------------------------------------------------------------


def test_whoever_asks_the_device_gets_its_configuration_of_now(driven):
    attribute = driven.attribute()
    for label in ("one", "two", "three"):
        info = driven.proxy.get_attribute_config(DOUBLE)
        info.label = label
        driven.proxy.set_attribute_config(info)
        assert attribute.getAttributeInfoEx(cache=False).label == label
        assert attribute.label == label


# --- writing -------------------------------------------------------------------------


def test_what_was_written_is_written_though_reading_back_fails(
    driven, listener, caplog
):
    attribute = driven.attribute()
    listened(attribute, listener)
    driven.drive("fail", event=False)
    with caplog.at_level(logging.WARNING):
        assert attribute.write(0.1) is None
    assert "was written; reading it back failed: Diff_ReadFails" in caplog.text
    eventually(lambda: listener.errors, "the error is told")
    driven.drive("fail", failing=False, event=False)
    assert driven.proxy.read_attribute(DOUBLE).value == 0.1
    assert attribute.write(-2.5).rvalue.magnitude == -2.5


def test_a_write_that_is_refused_raises(driven, caplog):
    attribute = driven.attribute()
    driven.drive("refuse")
    with pytest.raises(tango.DevFailed) as caught:
        attribute.write(0.1)
    assert caught.value.args[0].reason == "Diff_WriteFails"
    assert "write failed (Diff_WriteFails)" in caplog.text


def test_what_was_made_before_its_device_learns_what_it_is(own_modes, factory):
    """Also where nobody listens: a program may only write."""
    server = own_modes.server("TpoSim/modes")
    server.kill()
    name = f"tango://{own_modes.tango_host}/sim/modes/up/rw"
    attribute = taurus.Attribute(name)
    assert attribute.type == DataType.String
    with pytest.raises(tango.DevFailed):
        attribute.write(4.5)
    with pytest.raises(tango.DevFailed):
        attribute.read()
    server.start()
    eventually(lambda: attribute.type == DataType.Float, "it has its own type", 40.0)
    assert attribute.write(4.5).rvalue.magnitude == 4.5
    # From then on it follows changes of its configuration.
    eventually(
        lambda: attribute.configuration.events.has_come, "it has subscribed", 20.0
    )
    device = own_modes.device("sim/modes/up")
    info = device.get_attribute_config("rw")
    info.label = "another label"
    device.set_attribute_config(info)
    eventually(lambda: attribute.label == "another label", "it has the new label", 20.0)


def test_who_finds_a_configuration_finds_a_device_that_answers(
    modes, factory, monkeypatch
):
    """Else an attribute that is made at that moment never follows its changes."""
    connection = taurus.Attribute(model(modes, "rw")).connected()
    found: list[bool] = []
    stock = ConfigurationCache.take_all

    def take_all(self: Any, infos: Any, requested: float) -> None:
        found.append(connection.answers)
        stock(self, infos, requested)

    monkeypatch.setattr(ConfigurationCache, "take_all", take_all)
    connection.answers = connection.configured = False
    connection.connect()
    assert found == [True]


# --- in the thread of a running GUI ---------------------------------------------------


def asked(facility: Any, names: list[str], **environment: str) -> list[list[str]]:
    """Return what the attributes ``names`` of a facility say in a running GUI."""
    done = run_program("ask_in_a_running_gui", *names, facility=facility, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_running_gui_gets_the_value_of_a_healthy_device_at_once(modes):
    names = ("rw", "with_events", "without_events", "text", "choice", "wave")
    full_names = [model(modes, name) for name in names]
    stock = asked(modes, full_names, TAURUS_TPO="0")
    # A machine that is busy may use up what a window waits for values.
    tries = (asked(modes, full_names) for _ in range(10))
    assert any(told == stock for told in tries)
    assert "None" not in [rvalue for rvalue, *_ in stock]
