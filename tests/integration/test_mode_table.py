"""Each cell of the table of the modes, against a real device server.

Up and down, with and without events on the attribute; through PyTango as the facts are,
and through Taurus as a user sees them. Before PyTango 10.1 the facts are those of the
two subscriptions that it has.
"""

from __future__ import annotations

import json

import pytest
import tango
import taurus
from tango_support import (
    DOWN,
    UP,
    Listener,
    calls,
    eventually,
    hold,
    model,
    plain,
    push_until,
)
from taurus.core.taurusbasetypes import SubscriptionState, TaurusEventType

from taurus_tpo.core.modes import MODES, SYNC_READ, FirstCallback, Reads
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.pytango_compat import carrier
from taurus_tpo.tango_client.subscription import Subscription

EACH_MODE = pytest.mark.parametrize("mode", MODES, ids=str)

#: Each mode that this Tango has.
TANGO_MODE = pytest.mark.parametrize(
    "mode",
    dict.fromkeys(carrier(mode, native_async_read=True) for mode in MODES),
    ids=str,
)

#: An attribute that cannot be subscribed to, for each reason there is.
FAILING = pytest.mark.parametrize(
    ("device", "attribute"), [(UP, "without_events"), (DOWN, "with_events")]
)


class Callback:
    def __init__(self) -> None:
        self.events = []

    def push_event(self, event) -> None:
        self.events.append(event)

    @property
    def failures(self) -> list:
        return [event for event in self.events if event.err]


def subscription_of(facility, device, attribute, mode, callback) -> Subscription:
    """Subscribe as the package does that calls PyTango."""
    proxy = facility.device(device)
    client = taurus.Factory("tango").tango_client
    subscription = Subscription(client, proxy, callback.push_event, mode.tries)
    subscription.begin(attribute, tango.EventType.CHANGE_EVENT, mode)
    return subscription


@pytest.fixture
def subscribe(modes):
    """Subscribe, and give all up in the end."""
    undo = []

    def subscribe(device, attribute, mode):
        callback = Callback()
        undo.append(subscription_of(modes, device, attribute, mode, callback))
        return callback

    yield subscribe
    for subscription in undo:
        subscription.end()


def reads_of(facility) -> list[list[str]]:
    """Return the read calls; Tango's own polling of ``polled`` goes on beside them."""
    return [names for names in calls(facility, UP) if names != ["polled"]]


@TANGO_MODE
def test_tries_before_it_returns_where_the_table_says_so(modes, subscribe, mode):
    """What tried has an answer when it returns: it heard, or it raised."""
    if mode.raises:
        with pytest.raises(tango.DevFailed):
            subscribe(DOWN, "with_events", mode)
        return
    callback = subscribe(DOWN, "with_events", mode)
    if mode.tries:
        assert callback.failures
    eventually(lambda: callback.failures, "the failure is told")


@FAILING
@TANGO_MODE
def test_raises_on_failure_where_the_table_says_so(subscribe, mode, device, attribute):
    if mode.raises:
        with pytest.raises(tango.DevFailed):
            subscribe(device, attribute, mode)
        return
    callback = subscribe(device, attribute, mode)
    told = eventually(lambda: callback.failures, "the failure is told")
    assert pytango_compat.is_subscription_failure(told[0])


def test_retries_by_itself_where_the_table_says_so(own_modes):
    """The server starts after the subscription failed, in each mode."""
    callbacks = {carrier(mode, native_async_read=True): Callback() for mode in MODES}
    undo = []
    for mode, callback in callbacks.items():
        try:
            undo.append(subscription_of(own_modes, DOWN, "with_events", mode, callback))
        except tango.DevFailed:
            # Raised, and no subscription left: Tango has nothing to retry.
            assert not mode.retries
    own_modes.server("TpoSim/down").start()
    retrying = [callbacks[mode] for mode in callbacks if mode.retries]
    eventually(lambda: all(map(succeeded, retrying)), "Tango subscribes", timeout=60)
    assert not any(callbacks[m].events for m in callbacks if not m.retries)
    for subscription in undo:
        subscription.end()


def succeeded(callback: Callback) -> bool:
    return any(not event.err for event in callback.events)


@TANGO_MODE
def test_reads_when_the_table_says_so(modes, subscribe, mode):
    device = modes.device(UP)
    device.ResetCalls()
    callback = subscribe(UP, "with_events", mode)
    if mode.reads is Reads.DURING:
        assert reads_of(modes) == [["with_events"]]
        return
    if mode.reads is Reads.AFTER:
        eventually(lambda: callback.events, "the value comes")
    hold(modes, "rw", 5.5)
    other = subscribe(UP, "rw", SYNC_READ)
    assert other.events
    # What came later is there: a read of with_events would be there too.
    expected = [["with_events"]] if mode.reads else []
    assert [names for names in reads_of(modes) if "rw" not in names] == expected


@TANGO_MODE
def test_the_first_callback_is_what_the_table_says(modes, subscribe, mode):
    callback = subscribe(UP, "with_events", mode)
    if mode.first_callback is FirstCallback.AT_ONCE_WITH_DATA:
        assert callback.events[0].attr_value.value == 1.5
        return
    if mode.first_callback is FirstCallback.ON_NEXT_EVENT:
        assert callback.events == []
        push_until(modes, lambda: callback.events)
    first = eventually(lambda: callback.events, "it calls back")[0]
    if mode.first_callback is FirstCallback.AFTER_SUBSCRIPTION_NO_DATA:
        assert first.attr_value is None
    else:
        assert first.attr_value.value == 1.5


# --- as a Taurus user sees it: the same in every mode --------------------------------


@pytest.fixture(params=["ours", "native"])
def async_read(request, monkeypatch):
    """AsyncRead as the plugin carries it out, and as Tango does."""
    from taurus import tauruscustomsettings

    monkeypatch.setattr(
        tauruscustomsettings,
        "TANGO_ASYNCREAD_NATIVE",
        request.param == "native",
        raising=False,
    )
    return request.param


@EACH_MODE
@pytest.mark.parametrize("attribute", ["with_events", "polled", "slow", "wave"])
def test_an_attribute_with_events_is_subscribed_and_has_its_value(
    modes, factory, listener, async_read, mode, attribute
):
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, attribute))
    attr.addListener(listener)
    first = eventually(lambda: listener.values, "the first value comes")
    assert attr.isUsingEvents()
    assert attr.getSubscriptionState() == SubscriptionState.Subscribed
    assert not attr.isPollingActive()
    truth = json.loads(modes.device(UP).Truth())[attribute]
    assert list(_flat(first[0])) == list(_flat(truth))
    # Stock Taurus tells what it reads apart as it tells polls. Where another
    # subscription to it lingers, Tango brings a value in each mode.
    reads = mode.reads or carrier(mode).reads
    read_apart = () if reads else (TaurusEventType.Periodic,)
    assert listener.value_kinds[0] in (TaurusEventType.Change, *read_apart)
    assert attr.event_sub_mode == pytango_compat.tango_event_sub_mode(mode)


def _flat(value):
    return value if hasattr(value, "__len__") else [value]


@pytest.mark.parametrize("mode", [m for m in MODES if not m.raises], ids=str)
def test_another_thread_gets_the_value_where_no_caller_waits(
    modes, factory, listener, mode
):
    factory.set_event_sub_mode(mode.name)
    heard = {name: Listener() for name in ("slow", "rw", "wave", "text")}
    attributes = [taurus.Attribute(model(modes, name)) for name in heard]
    for attr, each in zip(attributes, heard.values()):
        attr.addListener(each)
    for each in heard.values():
        eventually(lambda each=each: each.values, "the value comes")
        assert "MainThread" not in each.threads


@EACH_MODE
def test_it_is_subscribed_before_its_first_event(modes, factory, listener, mode):
    """Stock Taurus leaves Sync and Async in Subscribing until the first event."""
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, "text"))
    attr.addListener(listener)
    eventually(attr.isUsingEvents, "it is subscribed though nothing is pushed")


@EACH_MODE
def test_an_attribute_without_events_is_polled(modes, factory, listener, mode):
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, "without_events"))
    attr.addListener(listener)
    assert eventually(lambda: listener.values, "the value comes")[0] == 2.5
    eventually(attr.isPollingActive, "it is polled")
    assert not attr.isUsingEvents()
    assert attr.getSubscriptionState() == SubscriptionState.PendingSubscribe
    assert listener.value_kinds[0] == TaurusEventType.Periodic


@EACH_MODE
@pytest.mark.parametrize("attribute", ["failing", "failing_events"])
def test_an_attribute_that_fails_tells_its_error(
    modes, factory, listener, mode, attribute
):
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, attribute))
    attr.addListener(listener)
    error = eventually(lambda: listener.errors, "the error comes")[0]
    assert isinstance(error, tango.DevFailed)
    assert error.args[0].reason == "TpoSim_ReadFails"


def test_events_end_polling_when_the_server_comes(own_modes, factory):
    """Falls back to polling, lets Tango retry; when events start, polling stops."""
    listened = []
    for number, mode in enumerate(MODES, start=1):
        name = model(own_modes, f"event{number}", DOWN)
        factory.set_event_sub_mode(mode.name, pattern=f"*/event{number}")
        attr, listener = taurus.Attribute(name), Listener()
        attr.addListener(listener)
        listened.append((attr, listener))
    assert [str(attr.event_sub_decision.mode) for attr, _ in listened] == [
        mode.name for mode in MODES
    ]
    eventually(lambda: all(heard.errors for _, heard in listened), "errors are told")
    eventually(lambda: all(a.isPollingActive() for a, _ in listened), "it is polled")
    own_modes.server("TpoSim/down").start()
    eventually(lambda: all(a.isUsingEvents() for a, _ in listened), "events", 60)
    eventually(lambda: not any(a.isPollingActive() for a, _ in listened), "no polling")
    for attr, heard in listened:
        assert eventually(lambda heard=heard: heard.values, "a value")[-1] == 6.5
        assert plain(attr.known.value) == 6.5


@EACH_MODE
def test_what_the_server_says_is_what_is_cached(modes, factory, listener, mode):
    factory.set_event_sub_mode(mode.name)
    attr = taurus.Attribute(model(modes, "rw"))
    attr.addListener(listener)
    eventually(lambda: listener.values, "the first value comes")
    for number in range(20):
        hold(modes, "rw", float(number))

    def is_true() -> bool:
        hold(modes, "rw", 19.0)
        return plain(attr.known.value) == 19.0

    eventually(is_true, "the last value is cached")
    assert listener.values[-1] == 19.0
    stamps = [value.time.totime() for _, value in listener.heard]
    assert stamps == sorted(stamps)
    hold(modes, "rw", 5.5)
