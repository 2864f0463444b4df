"""The queue lets Tango have one unanswered subscription a server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import tango
from tango_support import UP, eventually, hold

from taurus_tpo.core.modes import ASYNC, MODES, SYNC_READ, SubMode
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.server_registry import DeviceLocation
from taurus_tpo.tango_client.subscriber import Subscriber
from taurus_tpo.tango_client.subscription import UNSUBSCRIBER
from taurus_tpo.tango_client.subscription import Subscription as Tangos
from taurus_tpo.tango_client.subscription_queue import SUBSCRIBER, SubscriptionQueue


class Subscription:
    """What the queue knows of one: whether it was ended, and whom to tell."""

    def __init__(self, ended: bool = False, tried: bool = False) -> None:
        self.ended = ended
        self.tried = tried
        self.on_answer = None


class Office:
    """Keeps a record of what becomes of applicants."""

    def __init__(self) -> None:
        self.subscription_queue = SubscriptionQueue()
        self.told: list[tuple[str, str]] = []
        self.begun: dict[str, Subscription] = {}

    def apply(
        self,
        name,
        server="server",
        may=True,
        urgent=True,
        error=None,
        tried=False,
        later=False,
        refuse=None,
    ) -> None:
        subscription = Subscription(tried=tried)

        def begin() -> None:
            if error is not None:
                raise error
            self.told.append(("begun", name))
            self.thread = threading.current_thread().name
            self.begun[name] = subscription

        pending = SimpleNamespace(
            subscription=subscription,
            may_begin=may if callable(may) else lambda: may,
            begin=begin,
            rejected=lambda: self.told.append(("rejected", name)),
            refused=refuse or (lambda _error: self.told.append(("refused", name))),
            urgent=urgent,
        )
        apply = (
            self.subscription_queue.apply_later
            if later
            else self.subscription_queue.apply
        )
        apply(server, pending)
        self.last = subscription

    def answer(self, name: str) -> None:
        self.begun[name].on_answer()
        assert SUBSCRIBER.wait(20)


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


def test_another_server_has_its_own(office):
    office.apply("a", "one")
    office.apply("b", "other")
    assert office.told == [("begun", "a"), ("begun", "b")]


def test_the_urgent_come_first(office):
    office.apply("first")
    office.apply("configuration", urgent=False)
    office.apply("value")
    office.answer("first")
    office.answer("value")
    names = [name for _, name in office.told]
    assert names == ["first", "value", "configuration"]


def test_a_rejected_subscription_holds_nobody_up(office):
    office.apply("first")
    office.apply("a", may=False)
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
    office.apply("a", may=_raise)
    office.apply("b", error=RuntimeError("no"), refuse=_raise)
    office.apply("c")
    office.answer("first")
    assert office.told[1:] == [("refused", "a"), ("begun", "c")]
    assert "could not be reported" in caplog.text
    office.answer("c")
    office.apply("later")
    assert office.told[-1] == ("begun", "later")


class Wants:
    """Somebody who wants subscriptions to a device that has not answered."""

    def __init__(self) -> None:
        self.away: list[str] = []
        self.device = SimpleNamespace(
            server=object(), proxy=object, answers_lately=False
        )
        place = DeviceLocation("127.0.0.1:1", "sim/one/1", has_database=True)
        self.subscriber = Subscriber(place, None)

    def rejected(self, subscription: object) -> None:
        self.away.append("one")

    def heard(self, *what: object) -> None:
        pytest.fail(f"{what} of a device that has not answered")

    def subscribe(self, name: str) -> object:
        return self.subscriber.subscribe(
            self.device,
            name,
            tango.EventType.CHANGE_EVENT,
            ASYNC,
            self.heard,
            self.rejected,
            self.heard,
        )


@pytest.mark.usefixtures("hasty")
def test_subscriptions_are_made_while_one_that_works_is_looked_for():
    """In several threads, of one device, as fast as they can."""
    wants = Wants()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(wants.subscribe, ["volt"] * 600))
    assert SUBSCRIBER.wait(20)
    assert len(wants.away) == len(made) == 600


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
    office.apply("a", tried=True)
    office.apply("b", tried=True)
    assert office.told == [("begun", "a"), ("begun", "b")]


def test_another_thread_begins_one_that_waits_for_its_server(office):
    office.apply("a", tried=True, later=True)
    assert SUBSCRIBER.wait(20)
    assert office.told == [("begun", "a")]
    assert office.thread == "taurus_tpo subscriber"


def test_who_gives_up_holds_nobody_up(office):
    """Giving a subscription up waits for its device, which may hang."""
    hangs = threading.Event()
    UNSUBSCRIBER.do(lambda: hangs.wait(60))
    try:
        office.apply("a")
        office.apply("b")
        office.answer("a")
        office.apply("c", server="other", tried=True, later=True)
        assert SUBSCRIBER.wait(20)
        assert [name for _, name in office.told] == ["a", "b", "c"]
    finally:
        hangs.set()


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

    def __init__(self, proxy: object, mode: SubMode) -> None:
        self.heard = 0
        self.subscription = Tangos(proxy, self.push_event, answered=mode.tries)

    def push_event(self, event: object) -> None:
        self.heard += 1
        self.subscription.end()


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_what_is_ended_while_it_is_begun_is_given_up(modes, mode):
    """Some modes call back before they return: there is nothing to give up yet."""
    proxy = modes.device(UP)
    leaver = Leaver(proxy, mode)
    leaver.subscription.begin("rw", tango.EventType.CHANGE_EVENT, mode)
    hold(modes, "rw", 2.5)
    eventually(lambda: leaver.heard, "it is told something")
    number = leaver.subscription._number

    def is_given_up() -> bool:
        UNSUBSCRIBER.wait(20)
        try:
            proxy.unsubscribe_event(number)
        except (KeyError, tango.DevFailed):
            return True
        return False

    assert is_given_up()
    assert leaver.heard == 1


def begun(modes, heard) -> Tangos:
    """A subscription that Tango has answered."""
    subscription = Tangos(modes.device(UP), heard.push_event, answered=False)
    subscription.begin("rw", tango.EventType.CHANGE_EVENT, ASYNC)
    eventually(lambda: subscription.works or heard.events, "Tango answers")
    return subscription


class Heard:
    """Listens to a subscription."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def push_event(self, event: object) -> None:
        self.events.append(event)


def test_whoever_cannot_wait_for_the_janitor_gives_it_up_himself(modes):
    """It may be waiting for another device, which hangs."""
    heard = Heard()
    subscription = begun(modes, heard)
    told: list[str] = []
    subscription.when_gone(lambda: told.append(threading.current_thread().name))
    hangs = threading.Event()
    UNSUBSCRIBER.do(lambda: hangs.wait(60))
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
    assert UNSUBSCRIBER.wait(20)


def test_what_follows_a_subscription_comes_when_that_is_given_up(modes):
    heard = Heard()
    subscription = begun(modes, heard)
    told: list[str] = []
    hangs = threading.Event()
    UNSUBSCRIBER.do(lambda: hangs.wait(60))
    subscription.end()
    subscription.when_gone(lambda: told.append("gone"))
    assert not subscription.end_now(0.0)
    assert told == []
    hangs.set()
    assert UNSUBSCRIBER.wait(20)
    assert told == ["gone"]
    subscription.when_gone(lambda: told.append("long ago"))
    assert told == ["gone", "long ago"]


def test_what_was_ended_is_not_begun(modes):
    """Whoever waits for Tango's answer to it is not left waiting."""
    heard, told = Heard(), []
    subscription = Tangos(modes.device(UP), heard.push_event, answered=False)
    subscription.on_answer = lambda: told.append("answered")
    subscription.when_gone(lambda: told.append("gone"))
    subscription.end()
    subscription.begin("rw", tango.EventType.CHANGE_EVENT, ASYNC)
    assert told == ["gone", "answered"]
    hold(modes, "rw", 6.5)
    assert heard.events == []


@pytest.mark.parametrize("reason", ["API_CommandTimedOut", "API_ZmqFailed"])
def test_what_tango_cannot_give_up_now_is_given_up_later(modes, monkeypatch, reason):
    """It is busy with another device, or has no socket left for now."""
    heard, tried = Heard(), []
    subscription = begun(modes, heard)
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
