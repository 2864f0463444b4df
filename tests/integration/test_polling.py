"""Polling by the hands of the pool: periods, who decides, and who delays whom."""

from __future__ import annotations

import json
import time
import weakref
from collections import Counter
from collections.abc import Iterator

import pytest
import tango
import taurus
from faults_support import BACK, TIMEOUT, heard, in_time, name_of, resume_all
from paths import FACILITIES
from snapshot import initialize
from tango_support import Listener, calls, eventually, eventually_collected, plain
from taurus.core.taurusbasetypes import SubscriptionState, TaurusEventType

from taurus_tpo.core import modes
from taurus_tpo.core.lifecycle import State
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.sim import Facility

MODES = pytest.mark.parametrize("mode", modes.MODES, ids=str)

ONE, TWO = "sim/polled/1", "sim/polled/2"
SLOW = "sim/slow/1"
MORTAL = "sim/mortal/1"

#: A period that is far longer than any test, ms.
NEVER = 3_600_000


@pytest.fixture(scope="module")
def running() -> Iterator[Facility]:
    """Devices that are polled."""
    with Facility(FACILITIES / "polling.toml") as facility:
        yield facility


@pytest.fixture
def facility(running, factory) -> Iterator[Facility]:
    """The same, healthy before and after each test."""
    yield running
    factory.enablePolling()
    resume_all(running)
    if not running.server("TpoSim/mortal").running:
        running.server("TpoSim/mortal").start()
    initialize(running)


def attribute(facility: Facility, name: str, device: str = ONE) -> taurus.Attribute:
    return taurus.Attribute(name_of(facility, device, name))


class Polled(Listener):
    """A listener that keeps its attribute, which is polled every ``period`` ms."""

    def __init__(
        self, facility: Facility, name: str, period: int, device: str = ONE
    ) -> None:
        super().__init__()
        self.times: list[float] = []
        self.attr = attribute(facility, name, device)
        self.attr.changePollingPeriod(period)
        self.attr.addListener(self)
        eventually(self.attr.isPollingActive, "it is polled")
        eventually(lambda: self.values, "its value comes")

    def eventReceived(self, source, kind, value) -> None:
        super().eventReceived(source, kind, value)
        self.times.append(time.monotonic())

    @property
    def longest_pause(self) -> float:
        """How long it has not been told anything, at the longest, s."""
        times = [*self.times, time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))


def polled(facility: Facility, name: str, period: int, device: str = ONE) -> Polled:
    """Return who listens to an attribute that is polled, and has its first value."""
    return Polled(facility, name, period, device)


def reads(facility: Facility, device: str = ONE) -> Counter:
    """Return how often each attribute of a device has been read."""
    return Counter(name for batch in calls(facility, device) for name in batch)


def let_be_read(facility: Facility, name: str, times: int, device: str = ONE) -> float:
    """Wait until an attribute has been read so often; return how long it took, s."""
    begun = time.monotonic()
    start = reads(facility, device)[name]
    eventually(
        lambda: reads(facility, device)[name] >= start + times, f"{name} is read"
    )
    return time.monotonic() - begun


# --- periods -------------------------------------------------------------------------


@MODES
def test_without_events_it_is_refreshed(facility, factory, mode):
    factory.set_event_sub_mode(mode.name)
    listener = polled(facility, "calm1", 100)
    attr, device = listener.attr, facility.device(ONE)
    for value in (7.5, 8.5, 2.5):
        device.SetValue(json.dumps({"attribute": "calm1", "value": value}))
        eventually(lambda value=value: listener.values[-1] == value, "it is refreshed")
        assert plain(attr.read()) == value
    assert set(listener.kinds) <= {TaurusEventType.Periodic, TaurusEventType.Config}
    assert attr.getSubscriptionState() == SubscriptionState.PendingSubscribe


def test_each_is_polled_at_its_own_period(facility, factory):
    periods = {"calm1": 100, "calm2": 400, "calm3": 1000, "calm4": NEVER}
    held = [polled(facility, name, period) for name, period in periods.items()]
    facility.device(ONE).ResetCalls()
    seconds = let_be_read(facility, "calm1", 25)
    read = reads(facility)
    for name, period in periods.items():
        # The clock is started after the counter, which takes time on a busy machine.
        assert read[name] <= 1.5 * seconds * 1000 / period + 3
    assert read["calm2"] >= 2
    assert read["calm3"] >= 1
    assert [one.attr.getPollingPeriod() for one in held] == list(periods.values())


def test_one_whose_poll_was_put_off_is_polled_soon_if_tango_refuses_it(
    facility, factory
):
    held = polled(facility, "calm1", NEVER)
    requested = factory._polling._polled[held.attr]
    # Listeners are told before that.
    soon = time.monotonic() + 1.0
    eventually(lambda: requested.due > soon, "the next poll is requested")
    factory.poll_in_time(held.attr)
    # As while its subscription was not answered.
    requested.is_put_off = True
    assert factory._polling.put_off(held.attr) == NEVER / 1000
    start = reads(facility)["calm1"]
    factory.poll_in_time(held.attr)
    eventually(lambda: reads(facility)["calm1"] > start, "it is read")
    assert factory._polling.put_off(held.attr) is None


def test_polls_of_one_period_travel_together(facility, factory):
    held = [polled(facility, f"calm{number}", 200) for number in range(1, 6)]
    facility.device(ONE).ResetCalls()
    let_be_read(facility, "calm1", 10)
    batches = calls(facility, ONE)
    assert sum(map(len, batches)) / len(batches) > 2
    assert all(one.attr.isPollingActive() for one in held)


def test_the_first_value_does_not_wait_for_the_period(facility, factory):
    attr, listener = attribute(facility, "calm1"), Listener()
    attr.changePollingPeriod(NEVER)
    attr.addListener(listener)
    in_time(lambda: listener.values, "the value comes")


def test_changing_the_period_often_leaves_one_row_of_polls(facility, factory):
    attr = polled(facility, "calm1", 100).attr
    for number in range(100):
        attr.changePollingPeriod(100 + number)
        if number % 10 == 0:
            let_be_read(facility, "calm1", 1)
    for _ in range(20):
        attr.disablePolling()
        attr.activatePolling(200, force=True)
    facility.device(ONE).ResetCalls()
    # Forty rows would do it in a fortieth of the time.
    assert let_be_read(facility, "calm1", 10) > 0.5 * 10 * 0.2


def test_a_period_that_becomes_shorter_counts_at_once(facility, factory):
    listener = polled(facility, "calm1", NEVER)
    attr = listener.attr
    listener.heard.clear()
    attr.changePollingPeriod(100)
    assert attr.getPollingPeriod() == 100
    eventually(lambda: len(listener.values) > 3, "it is polled often")


# --- who decides ---------------------------------------------------------------------


def test_disabled_polling_reads_no_more(facility, factory):
    listener = polled(facility, "calm1", 100)
    other = polled(facility, "calm2", 100)
    attr = listener.attr
    attr.disablePolling()
    assert not attr.isPollingEnabled()
    assert not attr.isPollingActive()
    # What was on its way.
    let_be_read(facility, "calm2", 2)
    facility.device(ONE).ResetCalls()
    let_be_read(facility, "calm2", 10)
    assert reads(facility)["calm1"] == 0
    assert other.attr.isPollingEnabled()
    attr.activatePolling(100, force=True)
    assert attr.isPollingEnabled()
    let_be_read(facility, "calm1", 3)


def test_polling_that_was_disabled_before_anybody_listens(facility, factory):
    attr, listener = attribute(facility, "calm1"), Listener()
    attr.disablePolling()
    attr.addListener(listener)
    eventually(lambda: attr.state is State.RETRYING, "it has no events")
    assert not attr.isPollingActive()
    # As in stock Taurus: nothing brings a value.
    assert not listener.values
    attr.changePollingPeriod(100)
    attr.enablePolling(force=True)
    assert attr.isPollingActive()
    assert attr.isPollingForced()
    eventually(lambda: len(listener.values) > 3, "it is polled")


@MODES
def test_forced_polling_goes_on_beside_events(facility, factory, mode):
    factory.set_event_sub_mode(mode.name)
    attr, listener = attribute(facility, "with_events"), Listener()
    attr.activatePolling(100, force=True)
    assert attr.isPollingActive()
    assert attr.isPollingForced()
    attr.addListener(listener)
    eventually(attr.isUsingEvents, "it is subscribed")
    listener.heard.clear()
    eventually(lambda: len(listener.values) > 3, "it is polled")
    assert TaurusEventType.Periodic in listener.kinds
    assert attr.isPollingActive()
    attr.removeListener(listener)
    let_be_read(facility, "with_events", 3)
    attr.disablePolling()
    assert not attr.isPollingActive()
    assert not attr.isPollingForced()


def test_forced_polling_needs_no_listener(facility, factory):
    attr = attribute(facility, "calm1")
    attr.activatePolling(100, force=True)
    device = facility.device(ONE)
    for value in (7.5, 2.5):
        device.SetValue(json.dumps({"attribute": "calm1", "value": value}))
        eventually(lambda value=value: plain(attr.read()) == value, "it is refreshed")
    attr.disablePolling()


def test_the_factory_stops_all_polling_and_starts_it_again(facility, factory):
    listener = polled(facility, "calm1", 100)
    other = polled(facility, "calm1", 100, TWO)
    beside = heard([name_of(facility, TWO, "moving")])
    (moving,) = beside.listeners
    factory.disablePolling()
    assert not factory.isPollingEnabled()

    def let_time_pass() -> None:
        moving.heard.clear()
        eventually(lambda: len(moving.values) > 10, "time passes")

    let_time_pass()
    facility.device(ONE).ResetCalls()
    listener.heard.clear()
    let_time_pass()
    assert reads(facility)["calm1"] == 0
    assert listener.heard == []
    other.heard.clear()
    factory.enablePolling()
    eventually(lambda: listener.values and other.values, "both are polled again")


def test_with_events_disabled_all_is_polled(facility, factory):
    factory.set_tango_event_subscription_disabled(True)
    listener = polled(facility, "with_events", 100)
    attr = listener.attr
    device = facility.device(ONE)
    device.SetValue(json.dumps({"attribute": "with_events", "value": 9.5}))
    eventually(lambda: listener.values[-1] == 9.5, "it is refreshed")
    device.SetValue(json.dumps({"attribute": "with_events", "value": 1.5}))
    assert not attr.isUsingEvents()
    assert set(listener.kinds) <= {TaurusEventType.Periodic, TaurusEventType.Config}
    assert attr.getSubscriptionState() == SubscriptionState.Unsubscribed


# --- who delays whom -----------------------------------------------------------------


@pytest.mark.parametrize("mode", ["AsyncRead", "Sync"])
def test_a_slow_a_hung_and_a_dead_device_delay_nobody(facility, factory, mode):
    factory.set_event_sub_mode(mode)
    mortal = facility.server("TpoSim/mortal")
    drag = polled(facility, "drag", 100, SLOW)
    quick = polled(facility, "quick", 100, SLOW)
    victim = polled(facility, "calm", 100, MORTAL)
    other = polled(facility, "calm", 100, "sim/mortal/2")
    punctual = polled(facility, "calm1", 100)
    mortal.hang()
    eventually(lambda: victim.errors and other.errors, "the silence is told")
    # Polls that wait for a device keep no attribute alive.
    gone = weakref.ref(other.attr)
    other.heard.clear()
    del other.attr
    eventually_collected(gone)
    victim.heard.clear()
    mortal.resume()
    eventually(lambda: victim.values, "it is back", BACK)
    victim.heard.clear()
    mortal.kill()
    error = eventually(lambda: victim.errors, "its death is told")[0]
    assert isinstance(error, tango.DevFailed)
    victim.heard.clear()
    quick.heard.clear()
    mortal.start()
    eventually(lambda: victim.values, "it is born again", BACK)
    # Its own device delays it, and yet it is refreshed.
    eventually(lambda: len(quick.values) > 1, "the neighbor of a slow one is read")
    assert punctual.longest_pause < TIMEOUT
    assert drag.attr.isPollingActive()


# --- the end of an attribute ---------------------------------------------------------


def test_one_that_is_dropped_is_polled_no_more(facility, factory):
    dropped = polled(facility, "calm1", 100)
    other = weakref.ref(polled(facility, "calm2", 100).attr)
    kept = polled(facility, "calm3", 100)
    gone = weakref.ref(dropped.attr)
    dropped.heard.clear()
    del dropped.attr
    for one in (gone, other):
        eventually_collected(one)
    let_be_read(facility, "calm3", 2)
    facility.device(ONE).ResetCalls()
    let_be_read(facility, "calm3", 10)
    read = reads(facility)
    assert read["calm1"] == read["calm2"] == 0
    assert factory.first_read.pending(RequestKind.POLL) <= 1
    assert kept.attr.isPollingActive()


def test_one_without_listeners_is_polled_no_more(facility, factory):
    listener = polled(facility, "calm1", 100)
    kept = polled(facility, "calm2", 100)
    listener.attr.removeListener(listener)
    assert not listener.attr.isPollingActive()
    let_be_read(facility, "calm2", 2)
    facility.device(ONE).ResetCalls()
    let_be_read(facility, "calm2", 10)
    assert reads(facility)["calm1"] == 0
    assert kept.attr.isPollingActive()
