"""What the executor is given is done, in order, by one thread that ends."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from taurus_tpo.concurrency.serial_executor import SerialExecutor

SOON = 20.0

THREAD_NAME = "executor"


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == THREAD_NAME]


def test_things_are_done_in_order_by_another_thread() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    done: list[tuple[int, str]] = []
    for number in range(100):
        executor.do(lambda n=number: done.append((n, threading.current_thread().name)))
    assert executor.wait(SOON)
    assert done == [(number, THREAD_NAME) for number in range(100)]


def test_do_does_not_wait() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    go = threading.Event()
    executor.do(lambda: go.wait(SOON))
    assert not executor.wait(0.0)
    go.set()
    assert executor.wait(SOON)


def test_do_waits_for_no_lock() -> None:
    """It may be called in the midst of whatever its thread does: Python collects."""
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    with executor._changed:
        other = threading.Thread(target=executor.do, args=(print,), daemon=True)
        other.start()
        other.join(SOON)
        assert not other.is_alive()
    assert executor.wait(SOON)


class _AddsLate(queue.SimpleQueue[Any]):
    """A queue to which another thread adds just after it was found empty."""

    add: Callable[[], Any] | None = None

    def empty(self) -> bool:
        was_empty = super().empty()
        if was_empty and self.add is not None:
            add, self.add = self.add, None
            other = threading.Thread(target=add, daemon=True)
            other.start()
            other.join(SOON)
        return was_empty


def test_what_comes_while_the_thread_ends_is_done() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    executor._work = work = _AddsLate()
    for _ in range(3):
        done, late = threading.Event(), threading.Event()
        executor.do(done.set)
        assert done.wait(SOON)
        assert executor.wait(SOON)
        work.add = partial(executor.do, late.set)
        assert late.wait(SOON)
    assert executor.wait(SOON)


def test_each_of_many_threads_finds_its_action_done(hasty: None) -> None:
    """The thread ends and starts all the time."""
    executor = SerialExecutor(THREAD_NAME, idle=0.0)

    def ask() -> None:
        for _ in range(200):
            done = threading.Event()
            executor.do(done.set)
            assert done.wait(SOON)

    with ThreadPoolExecutor(4) as others:
        for one in [others.submit(ask) for _ in range(4)]:
            one.result()


def test_what_raises_does_not_stop_the_next() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    done = threading.Event()
    executor.do(lambda: 1 / 0)
    executor.do(done.set)
    assert done.wait(SOON)


def test_its_thread_is_a_daemon_ends_and_starts_again() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    for _ in range(3):
        threads: list[threading.Thread] = []
        executor.do(lambda found=threads: found.append(threading.current_thread()))
        assert executor.wait(SOON)
        assert threads[0].daemon
        threads[0].join(SOON)
        assert not threads[0].is_alive()


def test_nothing_is_done_before_its_time() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    due = time.monotonic() + 0.1
    at: list[float] = []
    executor.do(lambda: at.append(time.monotonic()), due)
    assert executor.wait(SOON)
    assert at[0] >= due


def test_what_is_dropped_is_not_done_and_not_waited_for() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    begun, go = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        go.wait(SOON)
        done.append("first")

    executor.do(first)
    assert begun.wait(SOON)
    executor.do(lambda: done.append("second"))
    executor.do(lambda: done.append("third"))
    assert executor.drop() == 2
    assert not executor.wait(0.0)
    go.set()
    assert executor.wait(SOON)
    executor.do(lambda: done.append("last"))
    assert executor.wait(SOON)
    assert done == ["first", "last"]


def test_to_drop_nothing_does_nothing() -> None:
    executor = SerialExecutor(THREAD_NAME, idle=0.01)
    assert executor.drop() == 0
    assert executor.wait(0.0)


def test_nothing_is_lost_while_threads_end_and_start() -> None:
    """Many put things in, with pauses about as long as its thread lives idle."""
    executor = SerialExecutor(THREAD_NAME, idle=0.0005)
    done: list[int] = []

    def put() -> None:
        for number in range(300):
            executor.do(lambda n=number: done.append(n))
            time.sleep(0.0005)  # the pause that this test is about

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert executor.wait(SOON)
    assert len(done) == 1200
