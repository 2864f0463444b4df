"""The thread that calls functions later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure_support import SOON, DrivenClock, wait_until

from taurus_tpo.concurrency.timers import THREAD_NAME, Timers

#: Longer than any test runs, s.
NEVER = 1e6


@pytest.fixture
def timers(clock: DrivenClock) -> Iterator[Timers]:
    timers = Timers(clock=clock, idle=0.0)
    yield timers
    assert timers.close(SOON)


def test_an_action_is_called_when_it_is_due(timers: Timers, clock: DrivenClock) -> None:
    called: list[str] = []
    timers.after(0.01, lambda: called.append(threading.current_thread().name))
    timers.after(NEVER, lambda: called.append("too early"))
    assert called == []
    clock.now += 0.01
    wait_until(lambda: called, "it is called")
    assert called == [THREAD_NAME]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_actions_are_called_in_the_order_in_which_they_are_due(
    delays: list[int],
) -> None:
    clock = DrivenClock()
    timers, called = Timers(clock=clock, idle=0.0), []
    for key in enumerate(delays):
        timers.after(1.0 + key[1], partial(called.append, key))
    clock.now += 20.0
    wait_until(lambda: len(called) == len(delays), "all are called")
    assert called == sorted(called, key=itemgetter(1))
    assert timers.close(SOON)


def test_an_earlier_timer_does_not_wait_for_a_later_one(timers: Timers) -> None:
    called = threading.Event()
    timers.after(NEVER, called.clear)
    timers.after(0.0, called.set)
    assert called.wait(SOON)


def test_an_action_may_set_a_timer(timers: Timers) -> None:
    called = threading.Event()
    timers.after(0.0, lambda: timers.after(0.0, called.set))
    assert called.wait(SOON)


def test_an_action_that_raises_stops_no_other(
    timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    called = threading.Event()
    timers.after(0.0, lambda: 1 // 0)
    timers.after(0.0, called.set)
    assert called.wait(SOON)
    assert "ZeroDivisionError" in caplog.text


def test_the_thread_ends_without_a_timer_and_starts_again(timers: Timers) -> None:
    for _ in range(2):
        called = threading.Event()
        timers.after(0.0, called.set)
        assert called.wait(SOON)
        wait_until(lambda: not timers.threads(), "it ends")


def test_no_action_is_called_after_the_end(timers: Timers, clock: DrivenClock) -> None:
    called = threading.Event()
    timers.after(1.0, called.set)
    assert timers.close(SOON)
    clock.now += 1.0
    timers.after(0.0, called.set)
    assert timers.threads() == ()
    assert not called.is_set()


def test_the_end_waits_for_an_action(timers: Timers) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        goes_on.wait(SOON)

    timers.after(0.0, act)
    assert begun.wait(SOON)
    assert not timers.close(0.0)
    goes_on.set()
    assert timers.close(SOON)


def test_an_action_may_end_it(timers: Timers) -> None:
    ended: list[bool] = []
    timers.after(0.0, lambda: ended.append(timers.close(SOON)))
    wait_until(lambda: ended, "it is called")
    assert ended == [True]
