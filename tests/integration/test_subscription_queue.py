"""The queue lets Tango have one unanswered subscription a server."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import tango
from sim_support import act_until
from tango_support import UP, eventually, hold, push_until

from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.modes import ASYNC, MODES, STATELESS, SYNC_READ, SubMode
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.client import TangoClient
from taurus_tpo.tango_client.device_subscriptions import DeviceSubscriptions
from taurus_tpo.tango_client.server_registry import ServerRegistry
from taurus_tpo.tango_client.subscription import Subscription
from taurus_tpo.tango_client.subscription_queue import (
    PATIENCE,
    SubscriptionQueue,
    SubscriptionRequest,
)

VALUE, CONFIGURATION = tango.EventType.CHANGE_EVENT, tango.EventType.ATTR_CONF_EVENT


class Begun:
    """What the queue knows of a subscription: whether it was ended, and whom to tell.

    :param begin: what happens when it is begun.
    """

    def __init__(self, begin, tried: bool = False) -> None:
        self.begin = begin
        self.tried = tried
        self.ended = self.awaits_read = False
        self.on_answer = None


class Device:
    """A device that answers, or not."""

    place = None
    answered_just_now = is_subscribed_to = True

    def __init__(self, server: object, answers) -> None:
        self.server = server
        self._answers = answers

    @property
    def answers_lately(self) -> bool:
        return self._answers()

    def heard(self) -> None:
        pass


class UnknownSubscriptions(Device):
    """A device whose subscriptions nobody may search for one that works."""

    @property
    def is_subscribed_to(self) -> bool:
        raise AssertionError("a search for a subscription that works")


class Database:
    """Lets Tango subscribe, or not."""

    def __init__(self, is_ready: bool, has_subscribed: bool = True) -> None:
        self._is_ready = is_ready
        self.has_subscribed = has_subscribed

    def is_ready(self, _place) -> bool:
        return self._is_ready

    def note_subscription(self) -> None:
        self.has_subscribed = True


class Clock:
    """A clock that a subscription sets forward."""

    now = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.now


class Teller:
    """Is told what becomes of a subscription."""

    def __init__(self, name, told, refuse) -> None:
        self._name, self._told, self._refuse = name, told, refuse

    def rejected(self, _subscription) -> None:
        self._told.append(("rejected", self._name))

    def refused(self, _subscription, _error) -> None:
        self._refuse()
        self._told.append(("refused", self._name))


class Office:
    """Keeps a record of what becomes of requests.

    :param always_reads: as of the queue.
    :param readiness: as of the queue.
    """

    def __init__(self, always_reads: bool = False, readiness=None) -> None:
        self.executor = SerialExecutor("taurus_tpo subscriber")
        self.clock = Clock()
        self.subscription_queue = SubscriptionQueue(
            self.executor, readiness, clock=self.clock, always_reads=always_reads
        )
        self.told: list[tuple[str, str]] = []
        self.begun: dict[str, Begun] = {}
        self._tellers: list[Teller] = []

    def apply(
        self,
        name,
        server="server",
        answers=lambda: True,
        event_type=VALUE,
        error=None,
        mode=ASYNC,
        refuse=lambda: None,
        device=None,
        takes=0.0,
    ) -> None:
        def begin(*_what) -> None:
            if error is not None:
                raise error
            self.clock.now += takes
            self.told.append(("begun", name))
            self.thread = threading.current_thread().name
            self.begun[name] = subscription

        subscription = self.last = Begun(begin, mode.tries)
        # Only weak callbacks are kept.
        teller = Teller(name, self.told, refuse)
        self._tellers.append(teller)
        request = SubscriptionRequest(
            device or Device(server, answers),
            subscription,
            name,
            event_type,
            mode,
            WeakCallback(teller.rejected),
            WeakCallback(teller.refused),
        )
        self.subscription_queue.add(request)

    def answer(self, name: str) -> None:
        self.begun[name].on_answer()
        self.finish()

    def finish(self) -> None:
        assert self.executor.wait(20)


@pytest.fixture
def client() -> TangoClient:
    return TangoClient(ServerRegistry())


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_server_has_one_unanswered_subscription(office):
    for name in "abc":
        office.apply(name)
    assert office.told == [("begun", "a")]
    office.answer("a")
    office.answer("b")
    assert office.told == [("begun", "a"), ("begun", "b"), ("begun", "c")]


def test_where_the_database_answers_no_subscription_is_searched_for():
    office = Office(readiness=Database(is_ready=True))
    office.apply("a", device=UnknownSubscriptions("server", lambda: True))
    assert office.told == [("begun", "a")]


def test_a_device_with_a_subscription_needs_no_database():
    office = Office(readiness=Database(is_ready=False))
    office.apply("a", device=Device("server", lambda: True))
    assert office.told == [("begun", "a")]


def test_another_server_has_its_own(office):
    office.apply("a", "one")
    office.apply("b", "other")
    assert office.told == [("begun", "a"), ("begun", "b")]


def test_the_urgent_come_first(office):
    office.apply("first")
    office.apply("configuration", event_type=CONFIGURATION)
    office.apply("value")
    office.answer("first")
    office.answer("value")
    names = [name for _, name in office.told]
    assert names == ["first", "value", "configuration"]


def test_a_rejected_subscription_holds_nobody_up(office):
    office.apply("first")
    office.apply("a", answers=lambda: False)
    office.apply("b")
    office.answer("first")
    assert office.told[1:] == [("rejected", "a"), ("begun", "b")]


def test_what_fails_at_once_is_told_and_holds_nobody_up(office):
    office.apply("first")
    office.apply("a", error=RuntimeError("no"))
    office.apply("b")
    office.answer("first")
    assert office.told[1:] == [("refused", "a"), ("begun", "b")]


def _raise(*_args: object) -> bool:
    raise RuntimeError("no")


def test_whatever_an_applicant_raises_holds_nobody_up(office, caplog):
    office.apply("first")
    office.apply("a", answers=_raise)
    office.apply("b", error=RuntimeError("no"), refuse=_raise)
    office.apply("c")
    office.answer("first")
    assert office.told[1:] == [("refused", "a"), ("begun", "c")]
    assert "could not be reported" in caplog.text
    office.answer("c")
    office.apply("later")
    assert office.told[-1] == ("begun", "later")


@pytest.mark.usefixtures("hasty")
def test_subscriptions_are_added_while_one_that_works_is_searched_for(client):
    """In several threads, of one device, as fast as they can."""
    subscriptions, heard = DeviceSubscriptions(), Heard()

    def add(_number: int) -> tuple[Subscription, bool]:
        made = Subscription(client, object(), heard.push_event, answered=False)
        subscriptions.add(made)
        return made, subscriptions.work

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(add, range(600)))
    assert not any(works for _, works in made)


def test_what_was_ended_meanwhile_is_not_begun(office):
    office.apply("first")
    office.apply("a")
    office.last.ended = True
    office.apply("b")
    office.answer("first")
    assert office.told[1:] == [("begun", "b")]


def test_a_line_that_has_ended_begins_anew(office):
    office.apply("a")
    office.answer("a")
    office.apply("b")
    assert office.told[-1] == ("begun", "b")


def test_one_that_has_waited_for_tango_leaves_the_line_at_once(office):
    office.apply("a", mode=STATELESS)
    office.apply("b", mode=STATELESS)
    office.finish()
    assert office.told == [("begun", "a"), ("begun", "b")]


def test_another_thread_begins_one_that_waits_for_its_server(office):
    office.apply("a", mode=STATELESS)
    office.finish()
    assert office.told == [("begun", "a")]
    assert office.thread == "taurus_tpo subscriber"


def test_another_thread_begins_the_first_of_all():
    """Tango connects to the default database in that call."""
    office = Office(readiness=Database(is_ready=True, has_subscribed=False))
    office.apply("a", "one")
    office.finish()
    assert office.thread == "taurus_tpo subscriber"
    office.apply("b", "other")
    assert office.told == [("begun", "a"), ("begun", "b")]
    assert office.thread == threading.current_thread().name


# --- where each subscription reads, as before PyTango 10.1 ---------------------------


@pytest.fixture
def reading_office() -> Iterator[Office]:
    """An office whose thread is busy until ``goes_on`` is set."""
    office = Office(always_reads=True)
    office.goes_on = threading.Event()
    office.executor.do(lambda: office.goes_on.wait(20))
    yield office
    office.goes_on.set()
    office.finish()


def test_the_subscriptions_of_a_slow_device_come_last(reading_office):
    slow, quick = Device("slow", lambda: True), Device("quick", lambda: True)
    for name, device, takes in (
        *(("slow 1", slow, 0.2), ("slow 2", slow, 0.2), ("slow 3", slow, 0.2)),
        *(("quick 1", quick, 0.0), ("quick 2", quick, 0.0)),
    ):
        reading_office.apply(name, mode=STATELESS, device=device, takes=takes)
    reading_office.goes_on.set()
    reading_office.finish()
    assert [name for _, name in reading_office.told] == [
        *("slow 1", "quick 1", "quick 2", "slow 2", "slow 3")
    ]


@pytest.mark.parametrize("forgotten", [False, True])
def test_those_of_a_slow_device_wait_until_its_values_were_read(
    reading_office, forgotten
):
    slow = Device("slow", lambda: True)
    for name in ("first", "second", "third"):
        reading_office.apply(name, mode=STATELESS, device=slow, takes=0.2)
    read_last = reading_office.last
    read_last.awaits_read = True
    reading_office.goes_on.set()
    eventually(lambda: reading_office.told, "the first is begun")
    reading_office.executor.do(lambda: None)
    assert reading_office.told == [("begun", "first")]
    if forgotten:
        reading_office.clock.now += 2 * PATIENCE
    else:
        read_last.awaits_read = False
    reading_office.finish()
    assert [name for _, name in reading_office.told] == ["first", "second", "third"]


def test_a_slow_device_that_became_quick_comes_in_turn(reading_office):
    device, other = Device("one", lambda: True), Device("other", lambda: True)
    for number, takes in enumerate((0.2, 0.0)):
        reading_office.apply(f"a{number}", mode=STATELESS, device=device, takes=takes)
    reading_office.goes_on.set()
    reading_office.finish()
    reading_office.goes_on.clear()
    reading_office.executor.do(lambda: reading_office.goes_on.wait(20))
    reading_office.apply("a2", mode=STATELESS, device=device)
    reading_office.apply("b", mode=STATELESS, device=other)
    reading_office.goes_on.set()
    reading_office.finish()
    assert [name for _, name in reading_office.told] == ["a0", "a1", "a2", "b"]


# --- the threads ---------------------------------------------------------------------


def test_what_is_ended_holds_nobody_up(client):
    """Ending a subscription waits for its device, which may hang."""
    hangs, begun = threading.Event(), []
    client.unsubscriber.do(lambda: hangs.wait(60))
    try:
        client.subscriber.do(lambda: begun.append("begun"))
        assert client.subscriber.wait(20)
        assert begun == ["begun"]
    finally:
        hangs.set()


# --- how PyTango calls back ----------------------------------------------------------


def callers(frame: Any) -> list[str]:
    """Return the functions that have called, the last one first."""
    found = []
    while frame is not None:
        found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found


@pytest.mark.parametrize("traced", [False, True])
def test_pytango_calls_back_without_a_function_around_it(modes, monkeypatch, traced):
    """Unless something traces what Python does: it may need that function.

    PyTango may have other names for what is replaced: then each event takes longer.
    """
    monkeypatch.setattr(pytango_compat, "_is_traced", lambda: traced)
    proxy = pytango_compat.synchronous(modes.device(UP))
    stacks: list[list[str]] = []

    def take(_event: Any) -> None:
        stacks.append(callers(sys._getframe()))

    kind = tango.EventType.CHANGE_EVENT
    number = pytango_compat.subscribe(proxy, "with_events", kind, take, SYNC_READ)
    first = len(stacks)
    push_until(modes, lambda: len(stacks) > first)
    assert stacks[-1][0] == "take"
    assert (len(stacks[-1]) > 1) == traced
    pytango_compat.unsubscribe(proxy, number)


# --- how a subscription is given up --------------------------------------------------


def test_what_pytango_has_forgotten_reaches_tango(modes):
    """It forgets a subscription before Tango, which may be too busy, gives it up."""
    proxy = modes.device(UP)
    kind = tango.EventType.CHANGE_EVENT
    number = pytango_compat.subscribe(proxy, "rw", kind, lambda _: None, SYNC_READ)
    pytango_compat.unsubscribe(proxy, number)
    with pytest.raises(tango.DevFailed) as caught:
        pytango_compat.unsubscribe(proxy, number)
    assert caught.value.args[0].reason == "API_EventNotFound"


class Leaver:
    """Ends a subscription with the first that it hears, in whatever thread that is."""

    def __init__(self, client: TangoClient, proxy: object, mode: SubMode) -> None:
        self.heard = 0
        self.subscription = Subscription(client, proxy, self.push_event, mode.tries)

    def push_event(self, event: object) -> None:
        self.heard += 1
        self.subscription.end()


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_what_is_ended_while_it_is_begun_is_given_up(modes, client, mode):
    """Some modes call back before they return: there is nothing to give up yet."""
    proxy = modes.device(UP)
    leaver = Leaver(client, proxy, mode)
    leaver.subscription.begin("rw", tango.EventType.CHANGE_EVENT, mode)
    push = partial(hold, modes, "rw", 2.5)
    act_until(push, lambda: leaver.heard, "it is told something")
    number = leaver.subscription._number

    def is_given_up() -> bool:
        client.unsubscriber.wait(20)
        try:
            proxy.unsubscribe_event(number)
        except (KeyError, tango.DevFailed):
            return True
        return False

    assert is_given_up()
    assert leaver.heard == 1


def begun(modes, client, heard) -> Subscription:
    """A subscription that Tango has answered."""
    proxy = modes.device(UP)
    subscription = Subscription(client, proxy, heard.push_event, answered=False)
    subscription.begin("rw", tango.EventType.CHANGE_EVENT, ASYNC)
    eventually(lambda: subscription.works or heard.events, "Tango answers")
    return subscription


class Heard:
    """Listens to a subscription."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def push_event(self, event: object) -> None:
        self.events.append(event)


def test_a_caller_ends_it_that_cannot_wait_for_the_unsubscriber(modes, client):
    """It may be waiting for another device, which hangs."""
    heard = Heard()
    subscription = begun(modes, client, heard)
    told: list[str] = []
    subscription.when_gone(lambda: told.append(threading.current_thread().name))
    hangs = threading.Event()
    client.unsubscriber.do(lambda: hangs.wait(60))
    try:
        assert subscription.end_now(20)
    finally:
        hangs.set()
    assert told == [threading.current_thread().name]
    count = len(heard.events)
    hold(modes, "rw", 4.5)
    hold(modes, "rw", 5.5)
    assert len(heard.events) == count
    # It is done once, whoever asks for it again.
    subscription.end()
    assert subscription.end_now(0.0)
    assert client.unsubscriber.wait(20)


def test_what_follows_a_subscription_comes_when_that_is_given_up(modes, client):
    heard = Heard()
    subscription = begun(modes, client, heard)
    told: list[str] = []
    hangs = threading.Event()
    client.unsubscriber.do(lambda: hangs.wait(60))
    subscription.end()
    subscription.when_gone(lambda: told.append("gone"))
    assert not subscription.end_now(0.0)
    assert told == []
    hangs.set()
    assert client.unsubscriber.wait(20)
    assert told == ["gone"]
    subscription.when_gone(lambda: told.append("long ago"))
    assert told == ["gone", "long ago"]


def test_what_was_ended_is_not_begun(modes, client):
    """Whoever waits for Tango's answer to it is not left waiting."""
    heard, told = Heard(), []
    proxy = modes.device(UP)
    subscription = Subscription(client, proxy, heard.push_event, answered=False)
    subscription.on_answer = lambda: told.append("answered")
    subscription.when_gone(lambda: told.append("gone"))
    subscription.end()
    subscription.begin("rw", tango.EventType.CHANGE_EVENT, ASYNC)
    assert told == ["gone", "answered"]
    hold(modes, "rw", 6.5)
    assert heard.events == []


def test_whoever_begins_what_fails_at_once_is_told_by_the_error_only(
    modes, client, monkeypatch
):
    """The next one would be begun twice."""

    def fails(*_how) -> None:
        tango.Except.throw_exception("API_ZmqFailed", "no socket is left", "test")

    told = []
    subscription = Subscription(client, modes.device(UP), Heard().push_event, False)
    subscription.on_answer = lambda: told.append("answered")
    monkeypatch.setattr(pytango_compat, "subscribe", fails)
    with pytest.raises(tango.DevFailed):
        subscription.begin("rw", tango.EventType.CHANGE_EVENT, ASYNC)
    assert told == []
    assert client.unanswered.wait(0.0)


@pytest.mark.parametrize("reason", ["API_CommandTimedOut", "API_ZmqFailed"])
def test_what_tango_cannot_give_up_now_is_given_up_later(
    modes, client, monkeypatch, reason
):
    """It is busy with another device, or has no socket left for now."""
    heard, tried = Heard(), []
    subscription = begun(modes, client, heard)
    unsubscribe = pytango_compat.unsubscribe

    def fails_at_first(proxy, number) -> None:
        tried.append(number)
        if len(tried) == 1:
            tango.Except.throw_exception(reason, "not now", "test")
        unsubscribe(proxy, number)

    monkeypatch.setattr(pytango_compat, "unsubscribe", fails_at_first)
    subscription.end()
    gone = threading.Event()
    subscription.when_gone(gone.set)
    assert gone.wait(20)
    assert len(tried) == 2
    with pytest.raises((KeyError, tango.DevFailed)):
        modes.device(UP).unsubscribe_event(tried[0])
