"""The attribute as Taurus's users have it: reads, listeners, states, its end."""

from __future__ import annotations

import gc
import itertools
import json
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
import pytest
import tango
import taurus
from program_support import run_program
from tango_support import (
    DOWN,
    UP,
    Listener,
    calls,
    eventually,
    eventually_collected,
    hold,
    model,
    plain,
)
from taurus import tauruscustomsettings
from taurus.core.taurusbasetypes import (
    DataFormat,
    DataType,
    SubscriptionState,
    TaurusEventType,
    TaurusSerializationMode,
)

from taurus_tpo.core.lifecycle import State
from taurus_tpo.core.modes import MODES
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.environment import taurus_compat

VALUES = (TaurusEventType.Change, TaurusEventType.Periodic)
MODES = pytest.mark.parametrize("mode", MODES, ids=str)

#: Events that are never destroyed.
_KEPT: list[Any] = []


@pytest.fixture
def heard(modes, factory, listener):
    """Return an attribute that has its first value, and its listener."""

    def listen(name, mode="Async"):
        factory.set_event_sub_mode(mode)
        attr = taurus.Attribute(model(modes, name))
        attr.addListener(listener)
        eventually(lambda: listener.values, "the first value comes")
        return attr

    return listen


# --- reads ---


def test_a_script_reads_without_listening(modes, factory):
    attr = taurus.Attribute(model(modes, "with_events"))
    assert plain(attr.read()) == 1.5
    assert attr.getSubscriptionState() == SubscriptionState.Unsubscribed
    assert attr.rvalue.magnitude == 1.5
    assert str(attr.rvalue.units) == "V"


@MODES
@pytest.mark.parametrize("name", ["with_events", "without_events"])
def test_read_waits_for_the_first_value(modes, factory, listener, mode, name):
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, name))
    attr.addListener(listener)
    assert plain(attr.read()) in (1.5, 2.5)


def test_read_of_the_cache_costs_no_call(modes, heard):
    # SyncRead: nothing is under way any more when the value is there, but for a poll,
    # where the subscription took its time, and the look some time after it.
    attr = heard("text", "SyncRead")
    pool = attr.factory().first_read
    eventually(lambda: not pool.pending(RequestKind.POLL), "no poll is under way")
    eventually(lambda: attr.state is State.SUBSCRIBED, "it has been looked at")
    modes.device(UP).ResetCalls()
    # The value is as old as the server.
    assert attr.read().rvalue == attr.read(cache=3_600_000).rvalue
    assert ["text"] not in calls(modes, UP)
    attr.read(cache=False)
    assert ["text"] in calls(modes, UP)


def test_a_cached_value_that_is_too_old_is_read_again(modes, heard):
    attr = heard("text")
    modes.device(UP).ResetCalls()
    time.sleep(0.05)  # not a wait: the age that the next line is about
    attr.read(cache=10)
    assert ["text"] in calls(modes, UP)


def test_a_failing_read_raises_tangos_own_error(modes, factory):
    attr = taurus.Attribute(model(modes, "failing"))
    for cache in (False, True):
        with pytest.raises(tango.DevFailed) as caught:
            attr.read(cache=cache)
        assert caught.value.args[0].reason == "TpoSim_ReadFails"
    assert attr.getValueObj() is None


def test_a_write_is_read_back_and_told(modes, heard, listener):
    attr = heard("rw")
    attr.write(7.25)
    assert plain(attr.read()) == 7.25
    eventually(lambda: listener.values[-1] == 7.25, "the listeners hear of it")
    attr.write(5.5)


@pytest.mark.parametrize("always", [False, True], ids=["before 5.3", "since 5.3"])
def test_what_a_write_returns_is_as_in_stock_taurus(modes, heard, monkeypatch, always):
    """Before 5.3 nothing, if an event brings the value or nobody wants it."""
    monkeypatch.setattr(taurus_compat, "reads_after_each_write", lambda: always)
    listened = heard("rw")
    other = taurus.Attribute(model(modes, "text"))
    told = [listened.write(5.5), other.write("hello", with_read=False)]
    assert [value and plain(value) for value in told] == (
        [5.5, "hello"] if always else [None, None]
    )
    assert plain(other.write("hello")) == "hello"


def test_never_force_read_waits_for_what_comes(modes, factory, listener, monkeypatch):
    from taurus import tauruscustomsettings

    monkeypatch.setattr(
        tauruscustomsettings, "TANGO_FORCE_READ_IF_SUBSCRIPTION_FAILS", "NEVER"
    )
    factory.set_event_sub_mode("Async")
    attr = taurus.Attribute(model(modes, "without_events"))
    attr.addListener(listener)
    assert plain(attr.read()) == 2.5
    assert listener.values


# --- listeners ---


def test_a_later_listener_is_told_what_is_known(modes, heard):
    attr = heard("with_events")
    later = Listener()
    attr.addListener(later)
    assert later.kinds == [TaurusEventType.Config, TaurusEventType.Change]
    assert later.values == [1.5]
    assert attr.addListener(later) is False


def test_a_listener_that_comes_after_one_died_is_told(modes, factory):
    factory.set_event_sub_mode("Async")
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(Listener())
    gc.collect()
    assert not attr.hasListeners()
    eventually(lambda: attr.known.value, "the first value comes")
    second = Listener()
    attr.addListener(second)
    assert second.values == [1.5]


def test_the_last_listener_ends_the_subscription(modes, heard, listener):
    attr = heard("with_events")
    attr.removeListener(listener)
    assert attr.getSubscriptionState() == SubscriptionState.Unsubscribed
    heard_until_then = len(listener.heard)
    hold(modes, "with_events", 1.5)
    attr.addListener(listener)
    eventually(lambda: len(listener.heard) > heard_until_then, "it listens again")
    assert attr.isUsingEvents()


def test_a_listener_that_raises_does_not_stop_the_next(modes, factory, listener):
    class Broken:
        def eventReceived(self, *_):
            raise RuntimeError("broken listener")

    factory.set_event_sub_mode("Async")
    attr = taurus.Attribute(model(modes, "with_events"))
    broken = Broken()
    attr.addListener(broken)
    eventually(lambda: attr.known.value, "the first value comes")
    attr.addListener(listener)
    # The thread that tells the broken one may be at it still.
    eventually(lambda: listener.values == [1.5], "the next one is told")


def test_no_lock_is_held_while_a_listener_runs(modes, factory):
    """Another thread reads the attribute while its listener waits for that thread."""
    factory.set_event_sub_mode("Async")
    attr = taurus.Attribute(model(modes, "with_events"))
    done = threading.Event()

    class Waits:
        answered = None

        def eventReceived(self, *_):
            reader = threading.Thread(target=self._read)
            reader.start()
            Waits.answered = done.wait(20)

        def _read(self):
            attr.read(cache=False)
            attr.isUsingEvents()
            done.set()

    waits = Waits()
    attr.addListener(waits)
    eventually(lambda: Waits.answered is not None, "the listener returns")
    assert Waits.answered


@pytest.mark.parametrize("name", ["Serial", "Concurrent", "TangoSerial"])
def test_serialization_modes_deliver(modes, factory, listener, name):
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.setSerializationMode(getattr(TaurusSerializationMode, name))
    attr.addListener(listener)
    assert eventually(lambda: listener.values, "the value comes")[0] == 1.5


def test_events_come_in_the_order_in_which_they_were_cached(modes, heard, listener):
    attr = heard("rw")
    threads = [
        threading.Thread(target=lambda: [attr.poll() for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    eventually(lambda: len(listener.heard) >= 200, "all polls are told")
    assert listener.heard[-1][1] is attr.known.value


# --- errors ---


def test_the_next_value_replaces_an_error(modes, factory, listener):
    device = modes.device(UP)
    attr = taurus.Attribute(model(modes, "failing"))
    attr.addListener(listener)
    eventually(lambda: listener.errors, "the error is told")
    device.Configure(json.dumps({"attribute": "failing", "error": 0.0}))
    try:
        eventually(lambda: listener.values, "the value replaces it")
        assert attr.known.error is None
    finally:
        device.Configure(json.dumps({"attribute": "failing", "error": 1.0}))


def test_an_error_goes_away_also_where_nobody_sends_an_event(modes, factory, listener):
    """The server repairs something, and says nothing."""
    device = modes.device(UP)
    attr = taurus.Attribute(model(modes, "failing_events"))
    attr.addListener(listener)
    eventually(lambda: listener.errors, "the error is told")
    assert isinstance(listener.errors[0], tango.DevFailed)
    eventually(attr.isUsingEvents, "it is subscribed")
    device.Configure(json.dumps({"attribute": "failing_events", "error": 0.0}))
    try:
        eventually(lambda: listener.values, "the value replaces it")
        assert attr.known.error is None
        assert not attr.isPollingActive()
    finally:
        device.Configure(json.dumps({"attribute": "failing_events", "error": 1.0}))


@MODES
def test_a_change_that_was_lost_after_the_subscription_is_found(
    modes, factory, listener, mode
):
    """The channel of its events may not have been open yet; there is one look."""
    factory.set_event_sub_mode(mode.name)
    attr, stories = taurus.Attribute(model(modes, "with_events")), []

    def lost() -> bool:
        """Change it without an event; return whether that was before the look."""
        attr.removeListener(listener)
        hold(modes, "with_events", 1.5)
        listener.heard.clear()
        attr.addListener(listener)
        eventually(lambda: listener.values, "the first value comes")
        eventually(attr.isUsingEvents, "it is subscribed")
        hold(modes, "with_events", 6.75, push=False)
        stories.append(attr.status)
        return attr.state is State.OPENING

    eventually(lost, "it changes before the look")
    assert attr.getSubscriptionState() == SubscriptionState.Subscribed
    assert stories[-1] == "subscribed to its events"
    try:
        eventually(lambda: listener.values[-1] == 6.75, "it is found")
        eventually(lambda: attr.state is State.UNTRUSTED, "no event has told so")
        assert attr.isUsingEvents()
        assert "without an event" in attr.status
        attr.changePollingPeriod(200)
        hold(modes, "with_events", 7.75, push=False)
        eventually(lambda: listener.values[-1] == 7.75, "it is compared regularly")
        hold(modes, "with_events", 8.75)
        eventually(lambda: attr.state is State.SUBSCRIBED, "an event has come through")
        told = [1.5, 6.75, 7.75, 8.75]
        eventually(lambda: listener.values[-1] == told[-1], "the last is told")
        # A poll may have read the last one before its event came.
        assert [value for value, _ in itertools.groupby(listener.values)] == told
        eventually(
            lambda: factory.first_read.pending(RequestKind.LOOK) == 0, "all is read"
        )
    finally:
        hold(modes, "with_events", 1.5)


@MODES
def test_an_event_opens_it_without_a_look(modes, factory, listener, mode):
    """It is looked at later all the same: its device may have been made anew."""
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(listener)
    eventually(attr.isUsingEvents, "it is subscribed")
    before = factory.first_read.stats(RequestKind.LOOK)

    def opened() -> bool:
        hold(modes, "with_events", 6.75)
        return attr.state is not State.OPENING

    try:
        eventually(opened, "an event comes")
        assert attr.state is State.SUBSCRIBED
        eventually(
            lambda: not factory.first_read.pending(RequestKind.LOOK), "no other look"
        )
        assert factory.first_read.stats(RequestKind.LOOK).read == before.read
    finally:
        hold(modes, "with_events", 1.5)


@MODES
def test_what_nobody_tells_is_found_by_a_check(
    modes, factory, listener, monkeypatch, mode
):
    """At regular times, where the settings ask for it; nothing new is not told."""
    monkeypatch.setattr(
        tauruscustomsettings, "TANGO_EVENT_CHECK_PERIOD", 1000, raising=False
    )
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(listener)
    eventually(attr.isUsingEvents, "it is subscribed")
    eventually(lambda: listener.values, "the first value comes")
    modes.device(UP).ResetCalls()
    told = len(listener.values)
    eventually(lambda: len(calls(modes, UP)) >= 2, "it is checked twice")
    assert len(listener.values) == told
    hold(modes, "with_events", 6.25, push=False)
    try:
        eventually(lambda: listener.values[-1] == 6.25, "it is found")
        assert len(listener.values) == told + 1
        assert not attr.isPollingActive()
    finally:
        hold(modes, "with_events", 1.5)


def test_a_failure_that_gives_no_reason_is_one_that_tango_retries(modes, heard):
    attr = heard("with_events")
    event = tango.EventData()
    event.err, event.event_reason = True, tango.EventReason.SubFail
    attr.push_event(event)
    assert attr.isPollingActive()
    assert attr.known.value is not None


def test_an_error_event_that_gives_no_reason_is_told(modes, heard, listener):
    attr = heard("with_events")
    event = tango.EventData()
    event.err, event.event_reason = True, tango.EventReason.Update
    attr.push_event(event)
    eventually(lambda: listener.errors, "the error is told")
    assert isinstance(listener.errors[-1], tango.DevFailed)


# --- configuration ---


def test_a_configuration_event_in_error_does_not_wipe_the_value(modes, heard, listener):
    attr = heard("with_events")
    known = attr.known
    listener.heard.clear()
    event = tango.AttrConfEventData()
    # PyTango 9.5 crashes when it is destroyed, unlike those that Tango has made.
    _KEPT.append(event)
    event.err = True
    attr.push_event(event)
    assert attr.known == known
    assert listener.heard == []


def test_a_device_that_is_made_anew_is_read_again(own_modes, factory, listener):
    """Tango tells only of the configuration, and that did not change."""
    attr = taurus.Attribute(model(own_modes, "with_events"))
    attr.addListener(listener)
    eventually(lambda: listener.values, "the value comes")
    hold(own_modes, "with_events", 8.5)
    eventually(lambda: plain(attr.known.value) == 8.5, "the event comes")
    own_modes.device("dserver/TpoSim/modes").DevRestart(UP)
    eventually(lambda: plain(attr.known.value) == 1.5, "what it holds now is shown")


def test_a_device_that_is_down_has_a_placeholder(modes, factory, listener):
    attr = taurus.Attribute(model(modes, "with_events", DOWN))
    assert attr.data_format == DataFormat._0D
    assert attr.type == DataType.String
    attr.addListener(listener)
    eventually(lambda: listener.errors, "the error is told")


def test_the_configuration_comes_with_the_server(own_modes, factory, listener):
    attr = taurus.Attribute(model(own_modes, "with_events", DOWN))
    attr.addListener(listener)
    eventually(lambda: listener.errors, "the error is told")
    own_modes.server("TpoSim/down").start()
    eventually(lambda: listener.values, "the value comes", 60)
    assert attr.type == DataType.Float


def test_a_configuration_event_changes_label_and_unit(modes, heard, listener):
    attr = heard("slow")
    assert attr.label != "A new label"
    proxy = modes.device(UP)
    info = proxy.get_attribute_config("slow")
    info.label, info.unit = "A new label", "mA"
    proxy.set_attribute_config(info)
    eventually(lambda: attr.label == "A new label", "the label is known")
    eventually(lambda: TaurusEventType.Config in listener.kinds, "it is told")
    assert str(attr.read(cache=False).rvalue.units) == "mA"


def test_no_change_of_a_configuration_is_missed(own_modes, factory, listener):
    """Nor one that is made before it is subscribed to, or while that is done."""
    attr = taurus.Attribute(model(own_modes, "slow"))
    attr.addListener(listener)
    proxy = own_modes.device(UP)
    for label in ("early", "in between", "later"):
        info = proxy.get_attribute_config("slow")
        info.label = label
        proxy.set_attribute_config(info)
        eventually(lambda label=label: attr.label == label, "the label is known")


def test_a_configuration_is_subscribed_to_when_the_device_answers_again(heard):
    """Nobody may have heard of it for a while when it is its turn."""
    attr = heard("slow")

    events = attr.configuration.events
    eventually(lambda: events.works, "it is subscribed to")
    events.end()
    assert not events.works
    attr.connected().doubt()
    events.want()
    events.begin()
    eventually(lambda: events.works, "it is subscribed to again")


@pytest.mark.parametrize(
    ("name", "kind", "shape"),
    [
        ("choice", getattr(DataType, "DevEnum", DataType.Integer), DataFormat._0D),
        ("text", DataType.String, DataFormat._0D),
        ("wave", DataType.Float, DataFormat._1D),
        ("picture", DataType.Integer, DataFormat._2D),
    ],
)
def test_each_sort_of_value_comes_as_stock_taurus_has_it(
    modes, factory, listener, name, kind, shape
):
    attr = taurus.Attribute(model(modes, name))
    attr.addListener(listener)
    eventually(lambda: listener.values, "the value comes")
    assert attr.type == kind
    assert attr.data_format == shape


# --- polling ---


@pytest.mark.parametrize(
    ("name", "data_type", "data_format"),
    [
        ("text", DataType.String, DataFormat._0D),
        ("wave", DataType.Float, DataFormat._1D),
    ],
)
def test_it_becomes_what_its_value_is(
    modes, heard, listener, name, data_type, data_format
):
    """Over a restart it has got another type; its configuration comes later."""
    attr = heard("with_events")
    # Nothing older than what is cached is told.
    held = json.loads(modes.device(UP).Truth())[name]
    hold(modes, name, held)
    other = modes.device(UP).read_attribute(name)
    listener.heard.clear()
    attr.poll(single=False, value=other, time=time.time())
    assert (attr.type, attr.data_format) == (data_type, data_format)
    assert listener.kinds[0] == TaurusEventType.Config
    told = [value for kind, value in listener.heard if kind in VALUES]
    assert [numpy.asarray(plain(value)).tolist() for value in told] == [held]


def test_who_polls_returns_when_the_listeners_were_told(modes, heard):
    """Also where another thread is telling them at that moment."""
    attr = heard("with_events")
    told, go_on = threading.Event(), threading.Event()

    class Slow(Listener):
        def eventReceived(self, *event) -> None:
            super().eventReceived(*event)
            if threading.current_thread() is other:
                told.set()
                go_on.wait(60)

    slow = Slow()
    other = threading.Thread(target=attr.poll)
    attr.addListener(slow)
    eventually(lambda: slow.values, "not told")
    other.start()
    assert told.wait(60)
    threading.Timer(0.2, go_on.set).start()
    count = len(slow.values)
    attr.poll()
    assert len(slow.values) == count + 1
    other.join(60)
    attr.removeListener(slow)


def test_forced_polling_goes_on_beside_events(modes, heard, listener):
    attr = heard("with_events")
    attr.activatePolling(100, force=True)
    eventually(lambda: TaurusEventType.Periodic in listener.kinds, "it is polled")
    hold(modes, "with_events", 1.5)
    assert attr.isPollingActive()
    attr.disablePolling()
    assert not attr.isPollingActive()


@pytest.mark.parametrize("mode", ["Sync", "SyncRead", "AsyncRead"])
def test_polling_that_was_forced_goes_on_until_an_event_comes(
    modes, factory, listener, mode
):
    factory.set_event_sub_mode(mode)
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(listener)
    eventually(attr.isUsingEvents, "it is subscribed")
    eventually(lambda: listener.values, "it is told")
    attr.changePollingPeriod(100)
    attr.enablePolling(force=True)
    eventually(lambda: TaurusEventType.Periodic in listener.kinds, "it is polled")
    attr.enablePolling(force=False)
    listener.heard.clear()
    eventually(lambda: len(listener.values) > 3, "each poll is told")
    assert attr.isPollingActive()
    assert set(listener.kinds) == {TaurusEventType.Periodic}
    eventually(lambda: told_of_event(modes, attr, listener), "no event comes")
    hold(modes, "with_events", 1.5)


def told_of_event(modes, attr, listener) -> bool:
    """Change the value; return whether that has ended the polls."""
    hold(modes, "with_events", 2.5 + len(listener.values))
    return not attr.isPollingActive()


def test_polling_follows_the_period(modes, heard, listener):
    attr = heard("without_events")
    eventually(attr.isPollingActive, "it is polled")
    attr.changePollingPeriod(50)
    count = len(listener.values)
    eventually(lambda: len(listener.values) > count + 5, "it is polled often")
    attr.disablePolling()
    assert not attr.isPollingActive()


def test_held_back_events_are_subscribed_later(modes, factory, listener):
    factory.set_tango_event_subscription_disabled(True)
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(listener)
    assert attr.isPollingActive()
    attr.subscribePendingEvents()
    eventually(attr.isUsingEvents, "it is subscribed")
    assert not attr.isPollingActive()


# --- its end ---


def test_nothing_is_delivered_after_cleanUp(modes, heard, listener):
    attr = heard("rw")
    attr.cleanUp()
    count = len(listener.heard)
    hold(modes, "rw", 5.5)
    other = Listener()
    again = taurus.core.tango.TangoAttribute
    assert isinstance(attr, again)
    assert attr.addListener(other) is False
    attr.poll(single=False, value=modes.device(UP).read_attribute("rw"))
    assert len(listener.heard) == count
    assert attr.getSubscriptionState() == SubscriptionState.Unsubscribed
    assert not attr.isPollingActive()


def test_after_cleanUp_the_factory_makes_a_new_one(modes, heard, listener):
    ended = heard("rw")
    ended.cleanUp()
    other = Listener()
    attr = taurus.Attribute(model(modes, "rw"))
    assert attr is not ended
    attr.addListener(other)
    eventually(lambda: other.values, "it has events")
    hold(modes, "rw", 6.5)
    eventually(lambda: other.values[-1] == 6.5, "it is told")
    assert 6.5 not in listener.values
    del ended
    assert taurus.Attribute(model(modes, "rw")) is attr


def test_the_proxy_of_a_device_ends_where_nobody_holds_a_lock(modes):
    """It waits for a lock of Tango's, whose thread may wait for one of the plugin's."""
    attribute = taurus.Attribute(model(modes, "rw"))
    assert plain(attribute) is not None
    ended: list[str] = []

    def end(_reference: object) -> None:
        ended.append(threading.current_thread().name)

    reference = weakref.ref(attribute.getParentObj().getDeviceProxy(), end)
    assert reference() is not None
    del attribute
    gc.collect()
    eventually(lambda: ended, "it ends")
    assert ended == ["taurus_tpo unsubscriber"]


def test_the_proxy_of_an_attribute_stays(modes):
    """The end of one may stand still: nobody who drops it is the last to hold it."""
    attribute = taurus.Attribute(model(modes, "rw"))
    proxy = attribute.getAttributeProxy()
    assert proxy.read().value == modes.device(UP).read_attribute("rw").value
    with ThreadPoolExecutor(8) as threads:
        attributes = [taurus.Attribute(model(modes, "rw"))] * 8
        found = list(threads.map(lambda one: one.getAttributeProxy(), attributes))
    assert all(one is proxy for one in found)
    del attribute, attributes, found
    gc.collect()
    assert taurus.Attribute(model(modes, "rw")).getAttributeProxy() is proxy
    with pytest.raises(tango.DevFailed):
        taurus.Attribute(model(modes, "nothing")).getAttributeProxy()


@MODES
@pytest.mark.parametrize("name", ["with_events", "without_events"])
def test_an_attribute_that_nobody_holds_is_gone(modes, factory, mode, name):
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, name))
    heard = Listener()
    attr.addListener(heard)
    eventually(lambda: heard.values, "the first value comes")
    gone = weakref.ref(attr)
    heard.heard.clear()
    del attr
    gc.collect()
    assert factory.first_read.wait(20)
    eventually_collected(gone)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["with_events", "without_events"])
def test_an_attribute_in_a_cycle_of_references_is_cleaned_up(modes, name):
    """Python clears the weak references to it before it calls ``__del__``."""
    subscription, gone = _in_a_cycle(model(modes, name))
    eventually_collected(gone)
    eventually(lambda: subscription.ended, "its subscription is given up")


def _in_a_cycle(name: str) -> tuple[Any, weakref.ref[Any]]:
    """Return the subscription of an attribute that only itself keeps alive, and it."""
    attribute, heard = taurus.Attribute(name), Listener()
    attribute.addListener(heard)
    eventually(lambda: heard.values, "the first value comes")
    eventually(lambda: attribute.engine.subscription, "it is subscribed to")
    attribute.cycle = attribute
    return attribute.engine.subscription, weakref.ref(attribute)


def test_attributes_that_are_dropped_at_once_leave_tango_alive(modes):
    """Tango is carrying their subscriptions out while Python lets go of them."""
    name = model(modes, "with_events")
    done = run_program("drop_attributes_at_once", name, facility=modes)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "alive"
