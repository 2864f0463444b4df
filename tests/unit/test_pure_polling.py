"""When it is whose turn to be polled, by a driven clock."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure_support import SOON, DrivenClock, DrivenTimer, SomeDevice, wait_until

from taurus_tpo.concurrency.io_pool import GATHER, DevicePool
from taurus_tpo.concurrency.timers import Timers
from taurus_tpo.core.scheduler import Batch, Report, RequestKind
from taurus_tpo.scheme.polling import (
    MOST_UNANSWERED,
    SHORTEST,
    UNANSWERED_FOR,
    Polling,
)

PERIOD = 3.0


class Device(SomeDevice):
    """A device, as the pool and the attributes know it."""

    def getFullName(self) -> str:
        return self.name


class Attribute:
    """Knows its device, and counts how often it was polled."""

    def __init__(self, device: Device, name: str = "x") -> None:
        self.device = device
        self.name = name
        self.polled = 0
        self.is_being_subscribed = False

    def getParentObj(self) -> Device:
        return self.device


class Hands:
    """Has attributes read when the test says so; keeps none of them alive."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.waiting: list[tuple[str, Future[Any]]] = []
        self.able = True

    def poll(self, attribute: Attribute, delay: float) -> Future[Any] | None:
        if not self.able:
            return None
        self.asked.append((attribute.name, delay))
        # As the pool does, what waits already waits once.
        for name, future in self.waiting:
            if name == attribute.name and not future.done():
                return future
        future: Future[Any] = Future()
        self.waiting.append((attribute.name, future))
        return future

    def read(self) -> list[str]:
        """Read all that waits now; return what that was."""
        waiting, self.waiting = self.waiting, []
        for _, future in waiting:
            future.set_result(None)
        return [name for name, _ in waiting]

    @property
    def delays(self) -> list[float]:
        return [delay for _, delay in self.asked]


class SlowDevice(Hands):
    """Reads all that fall due in one call, one call after the other.

    :param takes: how long a call takes, s.
    :param spread: how long after the first of a call the last of it is done, s.
    """

    def __init__(self, clock: DrivenClock, takes: float, spread: float) -> None:
        super().__init__()
        self._clock = clock
        self._takes = takes
        self._spread = spread
        self._due: dict[Future[Any], float] = {}

    def poll(self, attribute: Attribute, delay: float) -> Future[Any] | None:
        future = super().poll(attribute, delay)
        assert future is not None
        self._due[future] = self._clock.now + delay
        return future

    def call(self) -> list[str]:
        """Wait until somebody is due; return who was read in that call."""
        waiting, clock, due = self.waiting, self._clock, self._due
        clock.now = max(clock.now, min(due[future] for _, future in waiting))
        taken = [one for one in waiting if due[one[1]] <= clock.now + GATHER]
        self.waiting = [one for one in waiting if one not in taken]
        clock.now += self._takes
        for _, future in taken:
            future.set_result(None)
            clock.now += self._spread / len(taken)
        return sorted(name for name, _ in taken)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def polling(hands: Hands, timer: DrivenTimer, clock: DrivenClock) -> Polling:
    return Polling(hands.poll, timer.after, clock)


@pytest.fixture
def attribute() -> Attribute:
    return Attribute(Device("device"))


# --- turns ---------------------------------------------------------------------------


def test_the_first_poll_comes_soon_and_the_next_in_turn(
    polling: Polling, hands: Hands, clock: DrivenClock, attribute: Attribute
) -> None:
    polling.add(attribute, PERIOD)
    assert hands.delays == pytest.approx([GATHER])
    due = []
    for _ in range(4):
        clock.now += hands.delays[-1]
        due.append(clock.now)
        assert hands.read() == ["x"]
    gaps = [later - earlier for earlier, later in zip(due[1:], due[2:])]
    assert gaps == pytest.approx([PERIOD, PERIOD])


def test_the_next_poll_waits_until_the_one_before_is_done(
    polling: Polling, hands: Hands, clock: DrivenClock, attribute: Attribute
) -> None:
    polling.add(attribute, PERIOD)
    clock.now += 10 * PERIOD
    assert len(hands.asked) == 1
    hands.read()
    assert len(hands.asked) == 2


@pytest.mark.parametrize("early", [0.1 * GATHER, 0.9 * GATHER])
def test_who_travels_moments_before_its_turn_has_had_it(
    polling: Polling,
    hands: Hands,
    clock: DrivenClock,
    attribute: Attribute,
    early: float,
) -> None:
    """With another attribute of its device; it would be read twice, or more often."""
    polling.add(attribute, PERIOD)
    for _ in range(2):
        clock.now += hands.delays[-1]
        hands.read()
    clock.now += hands.delays[-1] - early
    hands.read()
    assert hands.delays[-1] == pytest.approx(PERIOD + early)


def test_who_is_read_long_before_its_turn_keeps_it(
    polling: Polling, hands: Hands, clock: DrivenClock, attribute: Attribute
) -> None:
    polling.add(attribute, PERIOD)
    for _ in range(2):
        clock.now += hands.delays[-1]
        hands.read()
    clock.now += 0.5 * PERIOD
    hands.read()
    assert hands.delays[-1] == pytest.approx(0.5 * PERIOD)


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("device", ["one", "other", "third"])
def test_polls_of_a_device_fall_due_together(
    polling: Polling, hands: Hands, clock: DrivenClock, device: str, moment: float
) -> None:
    """Wherever in the period they are when the ones before are done."""
    clock.now += moment * PERIOD
    attributes = [Attribute(Device(device), name) for name in "abc"]
    for one in attributes:
        polling.add(one, PERIOD)
        clock.now += 0.01 * PERIOD
    due = set()
    for _, future in list(hands.waiting):
        clock.now += 0.02 * PERIOD
        future.set_result(None)
        due.add(round(clock.now + hands.delays[-1], 6))
    # Those that are done after it has come have it at once.
    assert max(due) - min(due) <= 0.04 * PERIOD


@given(
    moment=st.floats(0.0, PERIOD),
    takes=st.floats(0.1, 3.0),
    spread=st.floats(0.0, 0.5),
    apart=st.floats(0.0, 1.0),
)
def test_those_that_travel_together_go_on_together(
    moment: float, takes: float, spread: float, apart: float
) -> None:
    """However slow their device is, and whatever moments their last polls end at.

    :param takes: how long a call to the device takes, in periods.
    :param spread: how long after the first of a call the last of it is done, likewise.
    :param apart: how long after the others one begins to be polled, likewise.
    """
    clock = DrivenClock(1000.0 + moment)
    device = SlowDevice(clock, takes * PERIOD, spread * PERIOD)
    polling = Polling(device.poll, DrivenTimer(clock).after, clock)
    attributes = [Attribute(Device("device"), name) for name in "abc"]
    for one in attributes[:2]:
        polling.add(one, PERIOD)
    clock.now += apart * PERIOD
    polling.add(attributes[2], PERIOD)
    calls = [device.call() for _ in range(12)]
    assert calls[6:] == [["a", "b", "c"]] * 6


@given(
    st.floats(0.0, 1e6),
    st.floats(-1.0, 1e4, allow_nan=False),
    st.lists(st.floats(0.0, 100.0), max_size=5),
)
def test_whatever_the_period_the_next_turn_is_within_it(
    now: float, period: float, steps: list[float]
) -> None:
    hands, clock = Hands(), DrivenClock(now)
    polling = Polling(hands.poll, DrivenTimer(clock).after, clock)
    attribute = Attribute(Device("device"))
    polling.add(attribute, period)
    for step in steps:
        clock.now += step
        hands.read()
    assert len(hands.asked) == 1 + len(steps)
    # From the turn that it has had, where it was read moments before that.
    most = max(period, SHORTEST) + GATHER + SHORTEST
    assert all(0 <= delay <= most for delay in hands.delays[1:])


def test_each_attribute_has_its_own_period(
    polling: Polling, hands: Hands, clock: DrivenClock
) -> None:
    device = Device("device")
    quick, slow = Attribute(device, "quick"), Attribute(device, "slow")
    polling.add(quick, 1.0)
    polling.add(slow, 5.0)
    hands.read()
    delays = dict(hands.asked[2:])
    assert delays["quick"] <= 1.0
    assert delays["slow"] <= 5.0


@pytest.mark.parametrize("fails", [True, False], ids=["failed", "cancelled"])
def test_a_poll_in_vain_is_followed_by_the_next(
    polling: Polling, hands: Hands, attribute: Attribute, fails: bool
) -> None:
    polling.add(attribute, PERIOD)
    for _ in range(3):
        ((_, future),) = hands.waiting
        hands.waiting.clear()
        if fails:
            future.set_exception(TimeoutError())
        else:
            future.cancel()
    assert len(hands.asked) == 4


def test_an_attribute_without_a_device_is_not_polled(
    polling: Polling, hands: Hands, attribute: Attribute
) -> None:
    hands.able = False
    polling.add(attribute, PERIOD)
    assert hands.waiting == []


# --- while Tango has not answered a subscription -------------------------------------


def being_subscribed(number: int) -> list[Attribute]:
    """Return so many attributes of one device."""
    attributes = [Attribute(Device("device"), str(n)) for n in range(number)]
    for one in attributes:
        one.is_being_subscribed = True
    return attributes


def test_one_that_is_being_subscribed_is_asked_for_later(
    polling: Polling, hands: Hands, timer: DrivenTimer
) -> None:
    (one,) = being_subscribed(1)
    polling.add(one, PERIOD)
    assert hands.asked == []
    assert timer.delays == [UNANSWERED_FOR]
    timer.fire()
    assert hands.asked == [("0", 0.0)]
    assert hands.read() == ["0"]
    assert hands.delays[-1] <= PERIOD
    assert not timer


def test_many_that_are_being_subscribed_are_polled_less_often(
    polling: Polling, hands: Hands, timer: DrivenTimer
) -> None:
    """Each poll delays the thread of Tango that subscribes."""
    many = being_subscribed(2 * int(PERIOD * MOST_UNANSWERED))
    for one in many:
        polling.add(one, PERIOD)
    while timer:
        timer.fire()
    many[1].is_being_subscribed = False
    assert len(hands.read()) == len(many)
    delays = dict(hands.asked[len(many) :])
    assert delays["0"] == pytest.approx(delays["1"] + PERIOD)
    assert [polling.put_off(many[n]) for n in (0, 1)] == [PERIOD, None]
    # Those that are left are few.
    del many[2:], one
    gc.collect()
    asked = len(hands.asked)
    hands.read()
    assert dict(hands.asked[asked:])["0"] <= PERIOD
    assert polling.put_off(many[0]) is None


def test_one_whose_subscription_works_in_time_is_never_asked_for(
    polling: Polling, hands: Hands, timer: DrivenTimer
) -> None:
    one, other = being_subscribed(2)
    polling.add(one, PERIOD)
    polling.add(other, PERIOD)
    assert not polling.remove(one), "no poll is on its way"
    timer.fire()
    assert hands.read() == ["1"]
    assert polling.remove(other), "the next one is on its way"
    assert not polling.remove(other)


def test_whoever_is_added_meanwhile_has_a_turn_of_its_own(
    polling: Polling, hands: Hands, timer: DrivenTimer, clock: DrivenClock
) -> None:
    """Those that fall due at nearly the same time travel together."""
    first, *others = being_subscribed(4)
    polling.add(first, PERIOD)
    clock.now += 0.1
    for one in others:
        polling.add(one, PERIOD)
        clock.now += GATHER / 4
    assert len(timer.delays) == 1, "one timer for all"
    timer.fire()
    assert [name for name, _ in hands.asked] == ["0"]
    timer.fire()
    names, delays = zip(*hands.asked[1:])
    assert names == ("1", "2", "3")
    assert delays == pytest.approx((0.0, GATHER / 4, GATHER / 2))
    assert not timer
    (late,) = being_subscribed(1)
    polling.add(late, PERIOD)
    assert timer, "the next one"


def test_a_restart_before_the_first_poll_gives_one_row_of_polls(
    polling: Polling, hands: Hands, timer: DrivenTimer
) -> None:
    (one,) = being_subscribed(1)
    polling.add(one, PERIOD)
    polling.remove(one)
    polling.add(one, PERIOD)
    timer.fire()
    assert len(hands.asked) == 1
    assert hands.read() == ["0"]
    assert hands.read() == ["0"]


def test_one_that_is_held_back_is_not_kept_alive(
    polling: Polling, hands: Hands, timer: DrivenTimer
) -> None:
    (one,) = being_subscribed(1)
    polling.add(one, PERIOD)
    reference = weakref.ref(one)
    del one
    gc.collect()
    assert reference() is None
    timer.fire()
    assert hands.asked == []


def test_of_those_held_back_none_is_polled_after_the_end(
    polling: Polling, hands: Hands, timer: DrivenTimer
) -> None:
    (one,) = being_subscribed(1)
    polling.add(one, PERIOD)
    polling.close()
    timer.fire()
    assert hands.asked == []
    assert not timer


# --- the end -------------------------------------------------------------------------


def test_after_remove_nothing_more(
    polling: Polling, hands: Hands, attribute: Attribute
) -> None:
    other = Attribute(Device("device"), "other")
    polling.add(attribute, PERIOD)
    polling.add(other, PERIOD)
    polling.remove(attribute)
    polling.remove(attribute)
    assert hands.read() == ["x", "other"]
    assert hands.read() == ["other"]


def test_after_close_nothing_more(
    polling: Polling, hands: Hands, attribute: Attribute
) -> None:
    polling.add(attribute, PERIOD)
    polling.close()
    hands.read()
    polling.add(attribute, PERIOD)
    assert hands.waiting == []
    assert len(hands.asked) == 1


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "added twice"])
def test_a_restart_during_a_poll_gives_one_row_of_polls(
    polling: Polling, hands: Hands, attribute: Attribute, removed: bool
) -> None:
    polling.add(attribute, PERIOD)
    begun, hands.waiting = hands.waiting, []
    if removed:
        polling.remove(attribute)
    polling.add(attribute, 2 * PERIOD)
    assert len(hands.asked) == 2
    begun[0][1].set_result(None)
    assert len(hands.asked) == 2, "the first row has ended"
    for _ in range(3):
        assert hands.read() == ["x"]


def test_a_restart_while_a_poll_waits_gives_one_row_of_polls(
    polling: Polling, hands: Hands, attribute: Attribute
) -> None:
    """Both rows wait for the same read; the second goes on."""
    polling.add(attribute, PERIOD)
    polling.remove(attribute)
    polling.add(attribute, 2 * PERIOD)
    for number in range(3):
        assert hands.read() == ["x"]
        assert len(hands.asked) == 3 + number


def test_it_keeps_no_attribute_alive(polling: Polling, hands: Hands) -> None:
    attribute = Attribute(Device("device"))
    reference = weakref.ref(attribute)
    polling.add(attribute, PERIOD)
    hands.read()
    del attribute
    gc.collect()
    assert reference() is None
    hands.read()
    assert hands.waiting == []


# --- with the pool -------------------------------------------------------------------


class Facility:
    """A pool that polls, with the clock that says when."""

    def __init__(self) -> None:
        self.clock = DrivenClock()
        self.pool = DevicePool(self._serve, 2, clock=self.clock)
        self.timers = Timers(clock=self.clock)
        self.polling = Polling(self._poll, self.timers.after, self.clock)

    def _poll(self, attribute: Attribute, delay: float) -> Future[Any]:
        target = weakref.ref(attribute)
        device = attribute.getParentObj()
        return self.pool.submit(
            device, attribute.name, target, RequestKind.POLL, delay, patient=True
        )

    def _serve(self, batch: Batch) -> Report:
        for request in batch.requests:
            attribute = request.target()
            if attribute is not None:
                attribute.polled += 1
                request.succeed(attribute.polled)
        return Report(answered=True)


@pytest.fixture
def facility() -> Iterator[Facility]:
    facility = Facility()
    yield facility
    facility.polling.close()
    facility.timers.close(SOON)
    facility.pool.close(SOON)


def test_attributes_are_polled_period_after_period(facility: Facility) -> None:
    device, period = Device("device"), 2 * GATHER
    attributes = [Attribute(device, name) for name in "abc"]
    for one in attributes:
        facility.polling.add(one, period)
    for number in range(1, 6):
        # A bit more: it may fall due a whole period later, but for rounding.
        facility.clock.now += 1.01 * period
        wait_until(
            lambda number=number: [one.polled for one in attributes] == [number] * 3,
            "all were polled",
        )
        wait_until(
            lambda: facility.pool.pending(RequestKind.POLL) == 3,
            "the next ones are asked for",
        )
    assert facility.pool.stats(RequestKind.POLL).calls <= 6


def test_of_a_pool_that_has_ended_no_poll_comes_back(
    facility: Facility, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is asked of it is cancelled at once."""
    attribute = Attribute(Device("device"))
    facility.polling.add(attribute, PERIOD)
    facility.polling.close()
    assert facility.pool.close(SOON)
    facility.polling.add(attribute, PERIOD)
    assert facility.pool.pending(RequestKind.POLL) == 0
    assert caplog.text == ""
