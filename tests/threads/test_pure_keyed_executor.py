"""Calls that may block: in order for each key, beside each other for several."""

from __future__ import annotations

import gc
import queue
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from taurus_tpo.concurrency.keyed_executor import KeyedExecutor

SOON = 20.0

THREAD_NAME = "keyed"


class Barrier:
    """A call that blocks until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(SOON)
        return "done"


@pytest.fixture
def executor() -> Iterator[KeyedExecutor]:
    made = KeyedExecutor(THREAD_NAME, workers=2, blocked=0.05, idle=0.05)
    yield made
    assert made.wait(SOON)
    end = time.monotonic() + SOON
    while made.threads():
        assert time.monotonic() < end, "its threads end"
        time.sleep(0.005)


def test_the_calls_of_a_key_are_made_in_order(executor: KeyedExecutor) -> None:
    done: list[int] = []
    calls = [
        executor.submit("key", lambda n=number: done.append(n))  # type: ignore[misc]
        for number in range(200)
    ]
    for call in calls:
        call.result(SOON)
    assert done == list(range(200))


def test_the_caller_gets_the_result_or_the_error(executor: KeyedExecutor) -> None:
    assert executor.submit("key", lambda: 5).result(SOON) == 5
    with pytest.raises(ZeroDivisionError):
        executor.submit("key", lambda: 1 / 0).result(SOON)
    with pytest.raises(SystemExit):
        executor.submit("key", lambda: exec("raise SystemExit")).result(SOON)
    assert executor.submit("key", lambda: 6).result(SOON) == 6


class Kept:
    """What a call refers to."""

    def fail(self) -> None:
        raise ValueError(self)


def test_an_error_keeps_nothing_alive_once_it_is_forgotten(
    executor: KeyedExecutor,
) -> None:
    """Otherwise an attribute would end in a garbage collection, in any thread."""
    gc.disable()
    try:
        kept = Kept()
        gone = weakref.ref(kept)
        call = executor.submit("key", kept.fail)
        assert isinstance(call.exception(SOON), ValueError)
        del kept, call
        assert executor.wait(SOON)
        assert gone() is None
    finally:
        gc.enable()


def test_a_blocked_key_delays_no_other(executor: KeyedExecutor) -> None:
    blocked = [Barrier() for _ in range(10)]
    calls = [executor.submit(number, one) for number, one in enumerate(blocked)]
    assert executor.submit("other", lambda: 5).result(SOON) == 5
    for one in blocked:
        assert one.begun.wait(SOON)
        one.go.set()
    assert [call.result(SOON) for call in calls] == ["done"] * 10


def test_the_number_of_threads_is_limited() -> None:
    executor = KeyedExecutor(
        THREAD_NAME, workers=1, blocked=0.01, most_blocked=3, idle=0.05
    )
    blocked = [Barrier() for _ in range(8)]
    calls = [executor.submit(number, one) for number, one in enumerate(blocked)]
    for one in blocked[:4]:
        assert one.begun.wait(SOON)
    # Longer than until all of them count as blocked.
    time.sleep(0.1)
    assert not any(one.begun.is_set() for one in blocked[4:])
    assert len(executor.threads()) <= 1 + 3 + 1
    for one in blocked:
        one.go.set()
    assert [call.result(SOON) for call in calls] == ["done"] * 8
    assert executor.wait(SOON)


def test_few_calls_run_at_a_time() -> None:
    executor = KeyedExecutor(THREAD_NAME, workers=2, blocked=SOON, idle=0.05)
    blocked = [Barrier() for _ in range(4)]
    calls = [executor.submit(number, one) for number, one in enumerate(blocked)]
    assert blocked[0].begun.wait(SOON)
    assert blocked[1].begun.wait(SOON)
    time.sleep(0.05)
    assert not blocked[2].begun.is_set()
    for one in blocked:
        one.go.set()
    assert [call.result(SOON) for call in calls] == ["done"] * 4


def test_an_equal_pending_call_is_made_once(executor: KeyedExecutor) -> None:
    barrier, done = Barrier(), []
    first = executor.submit("key", barrier, name="read")
    assert barrier.begun.wait(SOON)
    # Not the one that runs: its result may be older.
    others = [
        executor.submit("key", lambda: done.append(1) or len(done), name="read")
        for _ in range(5)
    ]
    assert others[0].cancel()
    barrier.go.set()
    assert [other.result(SOON) for other in others[1:]] == [1] * 4
    assert first.result(SOON) == "done"


def test_a_call_that_has_not_begun_can_be_withdrawn(executor: KeyedExecutor) -> None:
    barrier, done = Barrier(), []
    running = executor.submit("key", barrier)
    assert barrier.begun.wait(SOON)
    waiting = executor.submit("key", lambda: done.append(1))
    assert waiting.cancel()
    assert not running.cancel()
    barrier.go.set()
    assert running.result(SOON) == "done"
    assert executor.wait(SOON)
    assert done == []


def test_the_number_of_pending_calls_is_limited() -> None:
    executor = KeyedExecutor(THREAD_NAME, most_pending=3, idle=0.05)
    barrier = Barrier()
    executor.submit("key", barrier)
    assert barrier.begun.wait(SOON)
    calls = [executor.submit("key", lambda: 5) for _ in range(4)]
    with pytest.raises(queue.Full):
        calls[3].result(SOON)
    # Those of other keys are not affected.
    assert executor.submit("other", lambda: 6).result(SOON) == 6
    barrier.go.set()
    assert [call.result(SOON) for call in calls[:3]] == [5] * 3
    assert executor.wait(SOON)


def test_finish_drops_what_has_not_begun(executor: KeyedExecutor) -> None:
    barrier = Barrier()
    running = executor.submit("key", barrier)
    assert barrier.begun.wait(SOON)
    waiting = executor.submit("key", lambda: 5)
    shared = executor.submit("key", lambda: 5, name="read")
    assert not executor.finish(0.0)
    for one in (waiting, shared):
        with pytest.raises(CancelledError):
            one.result(SOON)
    barrier.go.set()
    assert executor.finish(SOON)
    assert running.result(SOON) == "done"
    # It may be used again.
    assert executor.submit("key", lambda: 7).result(SOON) == 7


def test_its_threads_are_named_daemons_that_end(executor: KeyedExecutor) -> None:
    for _ in range(3):
        thread = executor.submit("key", threading.current_thread).result(SOON)
        assert thread.daemon
        assert thread.name.startswith(THREAD_NAME)
        thread.join(SOON)
        assert not thread.is_alive()


@pytest.mark.usefixtures("hasty")
def test_callers_in_many_threads_get_what_is_theirs(executor: KeyedExecutor) -> None:
    wrong: list[object] = []

    def call(key: int) -> None:
        for number in range(100):
            result = executor.submit(key % 3, lambda n=number: (key, n))
            if result.result(SOON) != (key, number):
                wrong.append((key, number))

    callers = [threading.Thread(target=call, args=(key,)) for key in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(SOON)
    assert wrong == []
