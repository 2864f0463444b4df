"""The first read: batched, parallel, failing, dropped, ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import math
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future

import pytest
import tango
import taurus
from tango_support import (
    NEEDS_MODES,
    SOON,
    Listener,
    calls,
    eventually,
    hold,
    model,
    plain,
    readers,
)
from taurus import tauruscustomsettings
from taurus.core.tango.tangoattribute import TangoAttrValue
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.core.lifecycle import State
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.tango_client.reads import Reading

DEVICE = "sim/batch/1"
DEVICES = ("sim/batch/1", "sim/batch/2", "sim/batch2/1", "sim/batch2/2")
NAMES = [f"volt{number:02}" for number in range(1, 26)]


def attributes(facility, device, names=NAMES) -> list:
    return [taurus.Attribute(model(facility, name, device)) for name in names]


def booked(factory):
    """Return what was done so far, once it is booked: futures are settled before."""
    assert factory.first_read.wait(SOON), "reads are under way"
    return factory.first_read.stats()


def test_the_reads_of_a_device_travel_in_few_calls(batches, factory):
    attrs = attributes(batches, DEVICE)
    batches.device(DEVICE).ResetCalls()
    before = factory.first_read.stats()
    configure(batches, DEVICE, read_delay=0.5)
    try:
        futures = [factory.readAttributeFirstTime(attrs[0])]
        eventually(lambda: taken(factory, attrs[0]), "the device is being read")
        # All that is asked for meanwhile waits, however long the asking takes.
        futures += [factory.readAttributeFirstTime(attr) for attr in attrs[1:]]
        values = [future.result(20) for future in futures]
    finally:
        configure(batches, DEVICE, read_delay=0.0)
    assert all(isinstance(value, TangoAttrValue) for value in values)
    read = calls(batches, DEVICE)
    # One that took long, one to see what the next takes, and then more and more.
    assert [name for batch in read for name in batch] == NAMES
    assert [len(batch) for batch in read] == [1, 1, 4, 16, 3]
    stats = booked(factory)
    assert (stats.asked - before.asked, stats.calls - before.calls) == (25, 5)
    assert stats.read - before.read == 25
    assert factory.first_read.pending() == 0


def test_a_device_can_be_read_attribute_by_attribute(batches, factory, monkeypatch):
    gc.collect()
    patterns = ["SIM/batch/1"]
    monkeypatch.setattr(
        tauruscustomsettings, "TPO_READ_ONE_BY_ONE", patterns, raising=False
    )
    together = {}
    for device in DEVICES[:2]:
        attrs = attributes(batches, device)
        batches.device(device).ResetCalls()
        for read in [factory.readAttributeFirstTime(attr) for attr in attrs]:
            assert read.result(20)
        together[device] = max(map(len, calls(batches, device)))
    assert together[DEVICES[0]] == 1 < together[DEVICES[1]]


def test_whoever_cancels_its_read_ends_it_for_nobody_else(batches, factory):
    [attribute] = attributes(batches, DEVICE, NAMES[:1])

    async def timed_out() -> None:
        read = factory.readAttributeFirstTime(attribute)
        await asyncio.wait_for(asyncio.wrap_future(read), 0.01)

    configure(batches, DEVICE, read_delay=0.5)
    try:
        other = factory.readAttributeFirstTime(attribute)
        assert factory.readAttributeFirstTime(attribute).cancel()
        with pytest.raises(asyncio.TimeoutError):
            asyncio.run(timed_out())
        assert isinstance(other.result(20), TangoAttrValue)
    finally:
        configure(batches, DEVICE, read_delay=0.0)


@NEEDS_MODES
def test_listeners_that_come_together_cause_few_calls(batches, factory):
    factory.set_event_sub_mode("Async")
    attrs = attributes(batches, DEVICE)
    batches.device(DEVICE).ResetCalls()
    listener = Listener()
    for attr in attrs:
        attr.addListener(listener)
    eventually(lambda: len(listener.values) >= 25, "all values come")
    read = calls(batches, DEVICE)
    assert sorted(name for batch in read for name in batch) == NAMES
    assert len(read) < 12


def test_the_looks_after_the_subscription_travel_in_few_calls(batches, factory):
    factory.set_event_sub_mode("Async")
    attrs = attributes(batches, DEVICE)
    before = factory.first_read.stats(RequestKind.LOOK)
    listener = Listener()
    for attr in attrs:
        attr.addListener(listener)
    eventually(lambda: looked_at(factory, before) == 25, "all are looked at")
    assert factory.first_read.stats(RequestKind.LOOK).calls - before.calls <= 6
    eventually(lambda: {attr.state for attr in attrs} == {State.SUBSCRIBED}, "trusted")
    # What is not new is not told.
    assert len(listener.values) == 25


@NEEDS_MODES
def test_a_poll_that_was_begun_for_tango_tells_a_first_value(batches, factory):
    """It was on its way while Tango answered; stock Taurus tells of what Tango read."""
    factory.set_event_sub_mode("AsyncRead")
    [attribute] = attributes(batches, DEVICE, NAMES[:1])
    raw = batches.device(DEVICE).read_attribute(NAMES[0])
    configure(batches, DEVICE, read_delay=2.0)
    try:
        listener = Listener()
        attribute.addListener(listener)
        eventually(attribute.isUsingEvents, "Tango answers")
        assert listener.value_kinds == []
        attribute.engine.accept_read(Reading(raw, None, time.time()))
        assert listener.value_kinds == [TaurusEventType.Change]
    finally:
        configure(batches, DEVICE, read_delay=0.0)


def looked_at(factory, before) -> int:
    return factory.first_read.stats(RequestKind.LOOK).read - before.read


def test_devices_are_read_side_by_side(batches, factory):
    """Two slow devices take the time of one: each is being read while the other is."""
    pairs = [taurus.Attribute(model(batches, "volt01", name)) for name in DEVICES]
    for name in DEVICES:
        configure(batches, name, read_delay=0.5)
    try:
        futures = [factory.readAttributeFirstTime(attr) for attr in pairs]
        eventually(lambda: len(readers(factory)) >= 4, "four threads read")
        assert all(future.result(20) for future in futures)
    finally:
        for name in DEVICES:
            configure(batches, name, read_delay=0.0)


def configure(facility, device, attribute="volt01", **changes) -> None:
    request = json.dumps({"attribute": attribute, **changes})
    facility.device(device).Configure(request)


def test_threads_are_bounded_named_and_daemons(batches, factory):
    attrs = [attr for name in DEVICES for attr in attributes(batches, name, NAMES[:5])]
    futures = [factory.readAttributeFirstTime(attr) for attr in attrs]
    threads = eventually(lambda: readers(factory), "threads read")
    assert 1 <= len(threads) <= 8 + 1
    assert all(thread.daemon for thread in threads)
    assert all(thread.name.startswith("taurus_tpo reader") for thread in threads)
    assert all(future.result(20) for future in futures)
    eventually(lambda: not factory.first_read.threads(), "the threads end")
    assert factory.readAttributeFirstTime(attrs[0]).result(20)


def test_one_that_fails_costs_the_others_nothing(batches, factory):
    names = [*(f"good{number}" for number in range(1, 10)), "bad"]
    device = "sim/batch/failing"
    attrs = attributes(batches, device, names)
    batches.device(device).ResetCalls()
    futures = [factory.readAttributeFirstTime(attr) for attr in attrs]
    assert all(future.result(20) for future in futures[:-1])
    with pytest.raises(tango.DevFailed) as caught:
        futures[-1].result(20)
    assert caught.value.args[0].reason == "TpoSim_ReadFails"
    assert len(calls(batches, device)) == 2


def test_an_attribute_that_does_not_exist_costs_the_others_nothing(batches, factory):
    attrs = attributes(batches, DEVICE, ["volt01", "nothing", "volt02"])
    futures = [factory.readAttributeFirstTime(attr) for attr in attrs]
    assert futures[0].result(20)
    assert futures[2].result(20)
    with pytest.raises(tango.DevFailed):
        futures[1].result(20)


def test_an_attribute_waits_once(batches, factory):
    attr, blocker = attributes(batches, DEVICE, ["volt01", "volt02"])
    with served(factory, blocker):
        reads = [factory.readAttributeFirstTime(attr) for _ in range(3)]
    one, *others = [read.result(20) for read in reads]
    assert all(other is one for other in others)


def test_a_waiting_read_keeps_no_attribute_alive(batches, factory):
    blocker, victim = attributes(batches, DEVICE, ["volt01", "volt02"])
    with served(factory, blocker):
        waiting = factory.readAttributeFirstTime(victim)
        gone = weakref.ref(victim)
        before = factory.first_read.stats().dropped
        del victim
        gc.collect()
        assert gone() is None
    with pytest.raises(CancelledError):
        waiting.result(20)
    assert booked(factory).dropped == before + 1


def test_a_read_is_dropped_when_an_event_came_first(modes, factory, listener):
    """The event brings what the read would."""
    factory.set_event_sub_mode("SyncRead")
    attr = taurus.Attribute(model(modes, "with_events"))
    other = taurus.Attribute(model(modes, "rw"))
    attr.addListener(listener)
    eventually(lambda: listener.values, "it is subscribed")
    with served(factory, other):
        before = factory.first_read.stats()
        modes.device("sim/modes/up").ResetCalls()
        waiting = factory.readAttributeFirstTime(attr)
        heard = len(listener.values)

        def pushed() -> bool:
            hold(modes, "with_events", 1.5)
            return len(listener.values) > heard

        eventually(pushed, "an event comes")
    assert plain(waiting.result(20)) == 1.5
    assert booked(factory).dropped == before.dropped + 1
    reads = calls(modes, "sim/modes/up")
    assert not [names for names in reads if names == ["with_events"]]


@contextlib.contextmanager
def served(factory, attr) -> Iterator[None]:
    """Read ``attr``, and keep a thread of the pool at its device until the end.

    That thread waits after the read, so that the device itself is free.
    """
    go_on, me = threading.Event(), threading.get_ident()

    def stay(_read: Future) -> None:
        if threading.get_ident() != me:
            go_on.wait(SOON)

    def stays() -> bool:
        read = factory.readAttributeFirstTime(attr)
        read.add_done_callback(stay)
        return not read.done()

    eventually(stays, "a thread is at the device")
    eventually(lambda: taken(factory, attr), "the device is being read")
    try:
        yield
    finally:
        go_on.set()


def taken(factory, attr, kind=RequestKind.READ) -> bool:
    """Return whether the read of ``attr`` waits no more but runs."""
    connection = factory.device_access.connection(attr.getParentObj())
    schedule = factory.first_read._schedule
    return schedule.find(connection, kind, attr.getSimpleName().lower()) is None


def test_a_poll_that_began_before_takes_no_reads_place(batches, factory, listener):
    """What it brings may be older than what the read was asked for."""
    (attr,) = attributes(batches, DEVICE, NAMES[:1])
    attr.disablePolling()
    attr.addListener(listener)
    eventually(lambda: attr.state is State.SUBSCRIBED, "it is subscribed to")
    configure(batches, DEVICE, read_delay=0.5)
    try:
        polled = factory.poll_soon(attr, 0.0)
        eventually(
            lambda: taken(factory, attr, RequestKind.POLL), "the device is being read"
        )
        before = factory.first_read.stats()
        read = factory.readAttributeFirstTime(attr)
        assert polled.result(20)
        assert read.result(20)
    finally:
        configure(batches, DEVICE, read_delay=0.0)
        attr.removeListener(listener)
    after = booked(factory)
    assert (after.read, after.dropped) == (before.read + 1, before.dropped)


@NEEDS_MODES
def test_the_value_reaches_the_cache_then_the_listeners(modes, factory, listener):
    factory.set_event_sub_mode("Sync")
    attr = taurus.Attribute(model(modes, "text"))
    attr.addListener(listener)
    eventually(lambda: listener.values, "the value comes")
    assert listener.threads[0].startswith("taurus_tpo reader")
    assert attr.known.value is listener.heard[0][1]


def test_an_older_time_stamp_never_replaces_a_newer_one(modes, factory, listener):
    attr = taurus.Attribute(model(modes, "rw"))
    attr.addListener(listener)
    eventually(lambda: listener.values, "the first value comes")

    def heard(value: float, stamp: float) -> bool:
        hold(modes, "rw", value, time=stamp)
        return listener.values[-1] == value

    newest = time.time() + 3600
    eventually(lambda: heard(8.0, newest), "the value from the future comes")
    hold(modes, "rw", 7.0, time=newest - 10)
    # An event of before that comes late takes the place of a read.
    eventually(
        lambda: plain(factory.readAttributeFirstTime(attr).result(20)) == 7.0,
        "the device is read",
    )
    assert plain(attr.known.value) == 8.0
    assert listener.values[-1] == 8.0
    eventually(lambda: heard(5.5, newest + 1), "a newer one does")
    hold(modes, "rw", 5.5)


def test_readFirstTime_delegates_to_the_factory(modes, factory):
    attr = taurus.Attribute(model(modes, "choice"))
    before = factory.first_read.stats().asked
    attr._readFirstTime()
    assert factory.first_read.stats().asked == before + 1
    assert factory.first_read.wait(20)
    assert attr.known.value is not None


def test_an_attribute_of_somebody_elses_class_is_read_too(modes, factory, listener):
    from taurus.core.tango import TangoAttribute

    class Special(TangoAttribute):
        pass

    name = model(modes, "picture")
    factory.registerAttributeClass(name, Special)
    try:
        attr = taurus.Attribute(name)
        assert type(attr) is Special
        value = factory.readAttributeFirstTime(attr).result(20)
        assert value.rvalue.shape
    finally:
        factory.unregisterAttributeClass(name)


def test_a_read_by_the_caller_hides_no_value_from_listeners(modes, factory, listener):
    """It fills the cache, and tells nobody."""
    factory.set_event_sub_mode("SyncRead")
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(listener)
    eventually(lambda: listener.values, "the first value comes")
    hold(modes, "with_events", 9.5, push=False)
    try:
        connection = factory.device_access.connection(attr.getParentObj())
        waiting = factory.first_read.submit(
            connection, "with_events", weakref.ref(attr), delay=0.5
        )
        assert plain(attr.read(cache=False)) == 9.5
        assert plain(waiting.result(20)) == 9.5
        assert listener.values[-1] == 9.5
    finally:
        hold(modes, "with_events", 1.5)


@pytest.mark.parametrize("polled", [True, False])
def test_attributes_travel_in_the_order_of_the_model(batches, factory, polled):
    """Round after round: reading one may change what the next one brings."""
    factory.set_tango_event_subscription_disabled(polled)
    names = [*NAMES[12:], *reversed(NAMES[:12])]
    attrs = attributes(batches, DEVICE, names)
    batches.device(DEVICE).ResetCalls()
    listener = Listener()
    for attribute in attrs:
        attribute.changePollingPeriod(200)
        attribute.addListener(listener)
    most = 8 * len(names) if polled else len(names)
    eventually(lambda: len(listener.values) >= most, "all are read")
    read = calls(batches, DEVICE)
    assert len(read) >= (8 if polled else 2)
    assert [sorted(batch, key=names.index) for batch in read] == read


def test_who_is_listened_to_first_is_first_in_a_call(batches, factory):
    """Which of them has to be read first depends on who is subscribed to first."""
    attrs = attributes(batches, DEVICE, NAMES)
    listener = Listener()
    for attribute in attrs:
        attribute.addListener(listener)
    batches.device(DEVICE).ResetCalls()
    reads = [factory.readAttributeFirstTime(attr) for attr in reversed(attrs)]
    for read in reads:
        read.result(20)
    read = calls(batches, DEVICE)
    assert read
    assert [sorted(batch, key=NAMES.index) for batch in read] == read


def test_a_device_is_asked_again_only_for_what_is_in_use(batches, factory):
    attribute = taurus.Attribute(model(batches, "volt01", DEVICE))
    connection = factory.device_access.connection(attribute.getParentObj())
    eventually(lambda: connection.configured, "the device has told all")
    # Nothing else asks it any more.
    eventually(lambda: not factory.first_read.pending(RequestKind.CONNECT), "it rests")

    def is_told(name: str, since: float) -> bool:
        return connection.fresh_configuration(name, math.inf, since) is not None

    assert "volt02" in connection.attributes
    begun = time.monotonic()
    connection.connect()
    assert is_told("volt01", begun)
    assert not is_told("volt02", begun)
    assert is_told("volt02", -math.inf), "what it told before is kept"
    begun = time.monotonic()
    connection.connect()
    assert is_told("volt01", begun)
    assert is_told("volt02", begun), "it is in use now"
    assert not is_told("volt03", begun)
    # One that the device did not have may be there now, and others may not.
    assert not is_told("new", begun)
    begun = time.monotonic()
    connection.connect()
    assert is_told("volt03", begun)
