"""When attributes do what can wait until no window is being built."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Hashable
from concurrent.futures import Future
from math import ceil
from typing import Any

import pytest
import tango
from hypothesis import given
from hypothesis import strategies as st
from pure_support import DrivenClock, DrivenTimer

from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.verification import CHANNEL_OPENS, COMPANY
from taurus_tpo.scheme.deferred_setup import (
    LONGEST_QUIET,
    LONGEST_WAIT,
    PACE,
    QUIET,
    SOME,
    DeferredSetup,
)


class Device:
    """Also its own connection; waits after a failure as long as a test says."""

    retry_delay = 4.0


class Attribute:
    """Counts how often it had each of its turns."""

    def __init__(self, device: Device | None) -> None:
        self.device = device
        self.closed = False
        self.is_listened_to = True
        self.turns = 0
        self.second_turns = 0
        self.configuration = self

    def getParentObj(self) -> Device | None:
        return self.device

    def when_idle(self) -> None:
        self.turns += 1

    def when_open(self) -> None:
        assert self.turns > self.second_turns
        self.second_turns += 1


class Pool:
    """Asks devices, which answer when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Device, float]] = []
        self.waiting: dict[tuple[Device, Hashable], Future[Any]] = {}

    def submit(
        self,
        device: Device,
        name: Hashable,
        target: Any,
        kind: RequestKind,
        delay: float,
        patient: bool,
    ) -> Future[Any]:
        assert kind is RequestKind.CONNECT
        assert target() is device, "it is not kept alive"
        assert patient, "it waits for a server that hangs"
        assert (device, name) not in self.waiting, "each group has a name of its own"
        self.asked.append((device, delay))
        return self.waiting.setdefault((device, name), Future())

    def withdraw(
        self, device: Any, kind: RequestKind, name: Hashable, owner: Any = None
    ) -> None:
        assert kind is RequestKind.CONNECT
        waiting = self.waiting.pop((device, name), None)
        if waiting is not None:
            waiting.cancel()

    @property
    def devices(self) -> list[Device]:
        """Those that were asked for a first turn."""
        return [device for device, delay in self.asked if not delay]

    def answer(self, error: Exception | None = None) -> None:
        """Let all answer that were asked."""
        waiting, self.waiting = self.waiting, {}
        for (device, _), future in waiting.items():
            if error is None:
                future.set_result(device)
            else:
                future.set_exception(error)


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def deferred_setup(pool: Pool, timer: DrivenTimer, clock: DrivenClock) -> DeferredSetup:
    return DeferredSetup(pool, connection_of, timer.after, clock)


def connection_of(device: Device) -> Device:
    return device


def refusal() -> Any:
    try:
        tango.Except.throw_exception("reason", "description", "origin")
    except tango.DevFailed as error:
        return error


def test_an_attribute_has_its_turn_when_it_is_quiet_and_its_device_answers(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    device = Device()
    attribute = Attribute(device)
    deferred_setup.hold(attribute)
    assert timer.delays == [QUIET]
    assert pool.asked == []
    timer.fire()
    assert pool.asked == [(device, 0.0)]
    assert attribute.turns == 0
    pool.answer()
    assert (attribute.turns, attribute.second_turns) == (1, 0)
    assert not timer, "nothing is left to wait for"
    _, delay = pool.asked[1]
    assert CHANNEL_OPENS <= delay <= CHANNEL_OPENS + COMPANY
    pool.answer()
    assert (attribute.turns, attribute.second_turns) == (1, 1)
    assert len(pool.asked) == 2, "that was all"


def test_as_long_as_attributes_come_nobody_has_a_turn(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer, clock: DrivenClock
) -> None:
    attributes = [Attribute(Device()) for _ in range(5)]
    for one in attributes:
        deferred_setup.hold(one)
        clock.now += 0.6 * QUIET
    timer.fire()
    assert pool.asked == []
    assert timer.delays[-1] == pytest.approx(0.4 * QUIET)
    timer.fire()
    assert pool.devices == [one.device for one in attributes]


def test_but_not_for_ever(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer, clock: DrivenClock
) -> None:
    one = Attribute(Device())
    for number in (1, 2):
        begun = clock.now
        while len(pool.devices) < number:
            assert clock.now <= begun + LONGEST_WAIT + QUIET, "it has waited for longer"
            deferred_setup.hold(one)
            clock.now += 0.6 * QUIET
            while timer and timer.due <= clock.now:
                timer.fire()
                pool.answer()
        # Those that go on coming wait as long again.
        assert clock.now >= begun + LONGEST_WAIT


def test_a_large_window_takes_its_time_to_be_shown(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer, clock: DrivenClock
) -> None:
    device = Device()
    attributes = [Attribute(device) for _ in range(3000)]
    for one in attributes:
        deferred_setup.hold(one)
    begun = clock.now
    while not pool.asked:
        timer.fire()
    assert clock.now == pytest.approx(begun + LONGEST_QUIET)


def test_a_device_is_asked_once_for_all_its_attributes(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    one, other = Device(), Device()
    attributes = [Attribute(device) for device in (one, other, one, other, one)]
    for attribute in (*attributes, attributes[0]):
        deferred_setup.hold(attribute)
    timer.fire()
    assert pool.devices == [one, other]
    pool.answer()
    assert [attribute.turns for attribute in attributes] == [1] * 5


@pytest.mark.parametrize("per_device", [1, 10, SOME, 3 * SOME])
def test_many_have_their_turns_one_after_the_other(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer, per_device: int
) -> None:
    """A thousand at once would freeze the window."""
    devices = [Device() for _ in range(8 * SOME // per_device)]
    attributes = [Attribute(one) for one in devices for _ in range(per_device)]
    for attribute in attributes:
        deferred_setup.hold(attribute)
    timer.fire()
    turns = 0
    while True:
        before = sum(attribute.turns for attribute in attributes)
        pool.answer()
        now = sum(attribute.turns for attribute in attributes) - before
        assert 0 < now < SOME + per_device
        turns += 1
        if not timer:
            break
        assert timer.delays[-1] == PACE
        timer.fire()
    assert [attribute.turns for attribute in attributes] == [1] * len(attributes)
    assert turns == ceil(len(devices) / ceil(SOME / per_device))


def test_who_comes_while_others_have_their_turn_waits_until_it_is_quiet(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    many = [Attribute(Device()) for _ in range(2 * SOME)]
    for one in many:
        deferred_setup.hold(one)
    timer.fire()
    late = Attribute(Device())
    deferred_setup.hold(late)
    timer.fire()
    assert len(pool.devices) == 2 * SOME
    assert timer.delays[-1] == QUIET
    while timer:
        timer.fire()
    pool.answer()
    assert late.turns == 1


def test_a_device_that_fails_is_asked_again(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    device = Device()
    attribute = Attribute(device)
    deferred_setup.hold(attribute)
    timer.fire()
    for _ in range(3):
        pool.answer(refusal())
    again = 3 * [(device, device.retry_delay)]
    assert pool.asked == [(device, 0.0), *again]
    pool.answer()
    assert attribute.turns == 1


def test_of_a_device_that_is_gone_by_then_nothing_is_seen_to(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    """It is looked at when it is back."""
    attribute = Attribute(Device())
    deferred_setup.hold(attribute)
    timer.fire()
    pool.answer()
    pool.answer(refusal())
    assert not pool.waiting
    assert (attribute.turns, attribute.second_turns) == (1, 0)


def test_a_device_that_nobody_listens_to_is_not_asked_again(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    attribute = Attribute(Device())
    attribute.is_listened_to = False
    deferred_setup.hold(attribute)
    timer.fire()
    pool.answer(refusal())
    assert not pool.waiting


def test_who_comes_later_shares_no_turn_with_those_before(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    """The second turn is some time after the first."""
    device = Device()
    one, other = Attribute(device), Attribute(device)
    deferred_setup.hold(one)
    timer.fire()
    pool.answer()
    deferred_setup.hold(other)
    timer.fire()
    assert len(pool.waiting) == 2
    pool.answer()
    assert (one.turns, one.second_turns) == (1, 1)
    assert (other.turns, other.second_turns) == (1, 0)


def test_a_device_is_not_asked_for_attributes_that_are_gone(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    device = Device()
    attribute = Attribute(device)
    deferred_setup.hold(attribute)
    timer.fire()
    del attribute
    gc.collect()
    pool.answer(refusal())
    assert len(pool.asked) == 1


def test_one_that_is_held_again_has_its_turns_anew(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    """It was subscribed anew: the channel of that is not open yet."""
    device = Device()
    again, other = Attribute(device), Attribute(device)
    for one in (again, other):
        deferred_setup.hold(one)
    timer.fire()
    pool.answer()
    deferred_setup.hold(again)
    timer.fire()
    pool.answer()
    assert (other.turns, other.second_turns) == (1, 1)
    assert (again.turns, again.second_turns) == (2, 0)
    pool.answer()
    assert (again.turns, again.second_turns) == (2, 1)


def test_for_those_that_were_cleaned_up_no_device_is_asked(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    device = Device()
    first, second, third = (Attribute(device) for _ in range(3))
    deferred_setup.hold(first)
    first.closed = True
    deferred_setup.release(first)
    for one in (second, third):
        deferred_setup.hold(one)
    timer.fire()
    pool.answer()
    deferred_setup.release(second)
    deferred_setup.release(second)
    assert pool.waiting, "the third is there still"
    deferred_setup.release(third)
    assert not pool.waiting, "nobody is"
    assert (second.second_turns, third.second_turns) == (0, 0)


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_what_is_no_word_of_the_device_ends_it(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer, how: str
) -> None:
    """The pool has ended, or has logged what is wrong with the plugin."""
    attribute = Attribute(Device())
    deferred_setup.hold(attribute)
    timer.fire()
    ((_, future),) = pool.waiting.items()
    if how == "cancelled":
        future.cancel()
    else:
        future.set_exception(ZeroDivisionError())
    assert len(pool.asked) == 1
    assert attribute.turns == 0


def test_nobody_is_kept_alive(
    deferred_setup: DeferredSetup, pool: Pool, timer: DrivenTimer
) -> None:
    gone, kept = Attribute(Device()), Attribute(Device())
    homeless = Attribute(None)
    references = [weakref.ref(gone), weakref.ref(gone.device)]
    for one in (gone, kept, homeless):
        deferred_setup.hold(one)
    del gone, one
    gc.collect()
    assert [reference() for reference in references] == [None, None]
    timer.fire()
    assert pool.devices == [kept.device]
    pool.answer()
    assert (kept.turns, homeless.turns) == (1, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.0, 2.0)), max_size=60))
def test_everybody_has_a_turn_in_the_end(steps: list[tuple[int, float]]) -> None:
    clock = DrivenClock()
    timer = DrivenTimer(clock)
    pool = Pool()
    deferred_setup = DeferredSetup(pool, connection_of, timer.after, clock)
    devices = [Device() for _ in range(3)]
    attributes = [Attribute(devices[number % 3]) for number in range(6)]
    held = set()
    for number, pause in steps:
        deferred_setup.hold(attributes[number])
        held.add(number)
        if pause > 1.5:
            timer.fire()
            pool.answer()
        elif pause < timer.delays[-1]:
            clock.now += pause
    while timer or pool.waiting:
        if timer:
            timer.fire()
        pool.answer()
    for turns in ("turns", "second_turns"):
        assert {n for n, one in enumerate(attributes) if getattr(one, turns)} == held
