"""The threads that serve devices."""

from __future__ import annotations

import contextlib
import gc
import logging
import random
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from typing import Any

import pytest
from pure_orb import Orb, Port
from pure_support import SOON, DrivenClock, SomeDevice, growth, wait_until

from taurus_tpo.concurrency.io_pool import THREAD_NAME, DevicePool, Stats
from taurus_tpo.concurrency.liveness import LivenessMonitor
from taurus_tpo.core.scheduler import HELD, Batch, Report, RequestKind
from taurus_tpo.core.server_health import Server

#: Longer than any test: nothing happens because a thread was idle for so long.
NEVER = 1000.0


#: How long a server may be silent in these tests, s.
SILENCE = 0.1

Serve = Callable[[Batch], Report]


def read_all(batch: Batch) -> Report:
    """Serve a batch at once: the value of each attribute is its name."""
    for request in batch.requests:
        request.succeed(request.name)
    return Report(answered=True)


class Hands:
    """Serves batches, and holds each until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.begun: list[Batch] = []

    def serve(self, batch: Batch) -> Report:
        with self.lock:
            self.begun.append(batch)
        assert self.go.wait(SOON), "nobody let it go"
        return read_all(batch)

    def names(self) -> list[list[object]]:
        with self.lock:
            return [[request.name for request in b.requests] for b in self.begun]

    def holds(self, number: int) -> None:
        """Wait until so many batches were begun."""
        wait_until(lambda: len(self.names()) >= number, f"{number} batches begun")


class Rooms:
    """Notices when somebody enters the same room twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: set[object] = set()
        self.twice: list[object] = []

    def enter(self, room: object) -> None:
        with self._lock:
            if room in self._inside:
                self.twice.append(room)
            self._inside.add(room)

    def leave(self, room: object) -> None:
        with self._lock:
            self._inside.discard(room)


MakePool = Callable[..., DevicePool]


@pytest.fixture
def make() -> Iterator[MakePool]:
    """Makes pools that are closed after the test."""
    pools = []

    def make_pool(
        serve: Serve = read_all,
        workers: int = 4,
        gather: float = 0.0,
        idle: float = NEVER,
        **more: Any,
    ) -> DevicePool:
        pool = DevicePool(serve, workers, gather=gather, idle=idle, **more)
        pools.append(pool)
        return pool

    yield make_pool
    for pool in pools:
        pool.close(SOON)


@pytest.fixture
def hands() -> Iterator[Hands]:
    """What serves all in the end."""
    hands = Hands()
    yield hands
    hands.go.set()


@pytest.fixture
def device() -> SomeDevice:
    return SomeDevice("device")


@pytest.fixture
def other() -> SomeDevice:
    return SomeDevice("other")


def result(future: Future[Any]) -> Any:
    return future.result(SOON)


def asleep(pool: DevicePool) -> int:
    """The number of threads that sleep on the pool's conditions, ours and its own."""
    with pool._changed:
        ours, own = pool._changed._waiters, pool._roused._waiters  # type: ignore[attr-defined]
        return len(ours) + len(own)


# --- what is asked -------------------------------------------------------------------


def test_a_read_brings_its_value(make: MakePool, device: SomeDevice) -> None:
    assert result(make().submit(device, "x", None)) == "x"


def test_an_attribute_that_waits_waits_once(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    pool.submit(device, "x", None)
    hands.holds(1)
    one, other = pool.submit(device, "y", None), pool.submit(device, "y", None)
    assert one is other
    assert pool.pending() == 2
    assert pool.stats().asked == 2
    hands.go.set()
    assert pool.wait(SOON)
    assert hands.names() == [["x"], ["y"]]


def test_an_attribute_that_is_being_read_may_be_asked_again(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    one = pool.submit(device, "x", None)
    hands.holds(1)
    other = pool.submit(device, "x", None)
    assert other is not one
    hands.go.set()
    assert (result(one), result(other)) == ("x", "x")
    assert hands.names() == [["x"], ["x"]]


def test_what_is_asked_of_a_busy_device_travels_in_one_call(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    pool.submit(device, "first", None)
    hands.holds(1)
    for name in "abc":
        pool.submit(device, name, None)
    hands.go.set()
    assert pool.wait(SOON)
    assert hands.names() == [["first"], ["a", "b", "c"]]


def test_what_is_asked_while_a_device_gathers_travels_in_one_call(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    clock = DrivenClock()
    pool = make(hands.serve, gather=0.01, clock=clock)
    hands.go.set()
    for name in "abc":
        pool.submit(device, name, None)
    assert hands.names() == []
    clock.now += 0.01
    assert pool.wait(SOON)
    assert hands.names() == [["a", "b", "c"]]


def test_a_request_knows_when_it_was_asked_and_for_whom(
    make: MakePool, device: SomeDevice
) -> None:
    served: list[Batch] = []
    target = object()
    pool = make(lambda b: served.append(b) or Report(), clock=DrivenClock(1234.5))
    pool.submit(device, "x", target)
    assert pool.wait(SOON)
    (request,) = served[0].requests
    assert (request.asked, request.target) == (1234.5, target)


class Attribute:
    pass


def test_waiting_work_keeps_no_attribute_alive(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    seen: list[object] = []

    def serve(batch: Batch) -> Report:
        report = hands.serve(batch)
        seen.extend(request.target() for request in batch.requests)
        return report

    pool = make(serve)
    attribute = Attribute()
    pool.submit(device, "x", weakref.ref(attribute))
    hands.holds(1)
    del attribute
    gc.collect()
    hands.go.set()
    assert pool.wait(SOON)
    assert seen == [None]


# --- who serves it -------------------------------------------------------------------


def test_a_device_is_in_one_batch_at_a_time_and_devices_are_parallel(
    make: MakePool,
) -> None:
    lock = threading.Lock()
    busy: set[object] = set()
    together = threading.Barrier(3)

    def serve(batch: Batch) -> Report:
        with lock:
            assert batch.device not in busy
            busy.add(batch.device)
        together.wait(SOON)
        with lock:
            busy.remove(batch.device)
        return read_all(batch)

    pool = make(serve, workers=3)
    devices = [SomeDevice(name) for name in "abc"]
    for round_ in range(3):
        asked = [pool.submit(device, round_, None) for device in devices]
        assert [result(future) for future in asked] == [round_] * 3


def test_no_more_threads_than_allowed(make: MakePool, hands: Hands) -> None:
    """Two that serve, and one that sees to what comes."""
    pool = make(hands.serve, workers=2, clock=DrivenClock())
    for number in range(6):
        pool.submit(SomeDevice(str(number)), "x", None)
    hands.holds(2)
    assert len(pool.threads()) <= 3
    assert pool.pending() == 6
    assert len(hands.names()) == 2
    hands.go.set()
    assert pool.wait(SOON)
    assert len(hands.names()) == 6
    assert len(pool.threads()) <= 3


def test_threads_that_are_held_are_replaced(make: MakePool, hands: Hands) -> None:
    """By servers that have just begun to hang, or by listeners that block."""
    clock = DrivenClock()
    pool = make(hands.serve, workers=2, clock=clock)
    for number in range(5):
        pool.submit(SomeDevice(str(number)), "x", None)
    hands.holds(2)
    clock.now += HELD
    hands.holds(4)
    assert len(hands.names()) == 4
    clock.now += HELD
    hands.holds(5)
    assert len(pool.threads()) <= 2 + 4 + 1
    hands.go.set()
    assert pool.wait(SOON)


def test_no_more_threads_than_needed(make: MakePool) -> None:
    pool = make(workers=4)
    for number in range(6):
        result(pool.submit(SomeDevice(str(number)), "x", None))
        wait_until(lambda: asleep(pool) == 1, "the thread rests")
    assert len(pool.threads()) == 1


def test_a_burst_for_one_device_starts_one_thread(
    make: MakePool, device: SomeDevice
) -> None:
    pool = make(gather=0.001)
    # Held, so that the thread that was started cannot take anything meanwhile.
    with pool._changed:
        for number in range(10):
            pool.submit(device, number, None)
        assert len(pool.threads()) == 1


def test_the_oldest_device_is_served_first(make: MakePool, hands: Hands) -> None:
    clock = DrivenClock()
    pool = make(hands.serve, workers=1, gather=0.01, clock=clock)
    hands.go.set()
    devices = {name: SomeDevice(name) for name in "abc"}
    for number, name in enumerate("bacab"):
        pool.submit(devices[name], number, None)
    clock.now += 1
    assert pool.wait(SOON)
    assert [batch.device.name for batch in hands.begun] == ["b", "a", "c"]


def test_the_threads_have_names_and_keep_no_process_alive(
    make: MakePool, hands: Hands, device: SomeDevice, other: SomeDevice
) -> None:
    pool = make(hands.serve)
    pool.submit(device, "x", None)
    pool.submit(other, "x", None)
    hands.holds(2)
    threads = pool.threads()
    names = [thread.name for thread in threads]
    assert len(names) == len(set(names)) >= 2
    assert all(name.startswith(THREAD_NAME) for name in names)
    assert all(thread.daemon for thread in threads)


def test_the_pool_knows_its_threads(make: MakePool, device: SomeDevice) -> None:
    owned: list[bool] = []

    def serve(batch: Batch) -> Report:
        owned.append(pool.owns(threading.current_thread()))
        return read_all(batch)

    pool = make(serve)
    pool.submit(device, "x", None)
    assert pool.wait(SOON)
    assert owned == [True]
    assert not pool.owns(threading.current_thread())


def test_threads_end_when_idle_and_start_again(
    make: MakePool, device: SomeDevice
) -> None:
    pool = make(idle=0.005)
    for _ in range(3):
        assert result(pool.submit(device, "x", None)) == "x"
        wait_until(lambda: not pool.threads(), "the threads ended")


def test_a_pool_that_nobody_asks_has_no_thread(make: MakePool) -> None:
    assert make().threads() == ()


def test_no_lock_is_held_while_a_batch_is_served(
    make: MakePool, device: SomeDevice
) -> None:
    answers: list[bool] = []

    def serve(batch: Batch) -> Report:
        other = threading.Thread(target=pool.pending, daemon=True)
        other.start()
        other.join(SOON)
        answers.append(not other.is_alive())
        return read_all(batch)

    pool = make(serve)
    result(pool.submit(device, "x", None))
    assert answers == [True]


def test_whoever_serves_may_ask_for_more(make: MakePool, device: SomeDevice) -> None:
    more: list[Future[Any]] = []

    def serve(batch: Batch) -> Report:
        if not more:
            more.append(pool.submit(batch.device, "more", None))
        return read_all(batch)

    pool = make(serve, workers=1)
    result(pool.submit(device, "x", None))
    assert result(more[0]) == "more"


def test_a_resting_thread_is_woken_while_somebody_waits(
    make: MakePool, hands: Hands
) -> None:
    slow, quick, later = map(SomeDevice, ("slow", "quick", "later"))
    pool = make(lambda b: (hands.serve if b.device is slow else read_all)(b), workers=2)
    pool.submit(slow, "x", None)
    hands.holds(1)
    result(pool.submit(quick, "x", None))
    wait_until(lambda: asleep(pool) == 1, "the second thread rests")
    waiter = threading.Thread(target=pool.wait, args=(SOON,), daemon=True)
    waiter.start()
    wait_until(lambda: asleep(pool) == 2, "somebody waits")
    # The resting thread wakes, finds nothing that it may do, and rests again: behind
    # the one who waits.
    pool.submit(slow, "y", None)
    wait_until(lambda: asleep(pool) == 2, "both sleep")
    assert pool.submit(later, "x", None).result(0.5) == "x"


# --- what goes wrong -----------------------------------------------------------------


def test_a_serve_that_raises_fails_its_batch_and_the_thread_lives(
    make: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    bad, healthy = SomeDevice("bad"), SomeDevice("good")

    def serve(batch: Batch) -> Report:
        if batch.device is bad:
            batch.requests[0].succeed("in time")
            raise ValueError("broken")
        return read_all(batch)

    clock = DrivenClock()
    pool = make(serve, workers=1, gather=0.01, clock=clock, log=logging.getLogger())
    one, two = pool.submit(bad, "x", None), pool.submit(bad, "y", None)
    clock.now += 1
    assert result(one) == "in time"
    with pytest.raises(ValueError, match="broken"):
        result(two)
    (thread,) = pool.threads()
    good = pool.submit(healthy, "x", None)
    clock.now += 1
    assert result(good) == "x"
    assert pool.threads() == (thread,)
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=3, calls=2, read=2, failed=1)
    assert "bad failed: ValueError('broken')" in caplog.text


@pytest.mark.usefixtures("hasty")
def test_a_thread_that_is_about_to_look_is_not_joined_by_another(
    make: MakePool, device: SomeDevice
) -> None:
    """Neither one that has just begun nor one that has just served."""
    with ThreadPoolExecutor(4) as askers:
        for _ in range(100):
            clock = DrivenClock()
            pool = make(gather=0.01, clock=clock)
            ask = partial(pool.submit, device, target=None)
            asked = [askers.submit(ask, name) for name in range(80)]
            assert all(result(future) for future in asked)
            assert len(pool.threads()) == 1
            pool.close()


def test_what_serve_leaves_open_is_dropped(make: MakePool, device: SomeDevice) -> None:
    pool = make(lambda _batch: Report())
    future = pool.submit(device, "x", None)
    with pytest.raises(CancelledError):
        result(future)
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=1, calls=1, dropped=1)


def test_a_cancelled_future_is_dropped_and_costs_nobody(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    pool.submit(device, "first", None)
    hands.holds(1)
    cancelled, other = pool.submit(device, "x", None), pool.submit(device, "y", None)
    assert cancelled.cancel()
    hands.go.set()
    assert result(other) == "y"
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=3, calls=2, read=2, dropped=1)


def test_whoever_asks_after_somebody_cancelled_gets_a_value(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    pool.submit(device, "first", None)
    hands.holds(1)
    pool.submit(device, "x", None).cancel()
    again = pool.submit(device, "x", None)
    hands.go.set()
    assert result(again) == "x"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_serve_that_wants_to_exit_takes_no_thread_with_it() -> None:
    def serve(batch: Batch) -> Report:
        if batch.device.name == "bad":
            raise SystemExit
        return read_all(batch)

    pool = DevicePool(serve, workers=1, gather=0.0, idle=0.05)
    bad = pool.submit(SomeDevice("bad"), "x", None)
    good = pool.submit(SomeDevice("good"), "x", None)
    done, _ = wait_for([bad, good], 0.5)
    assert done == {bad, good}
    assert pool.close(SOON)


# --- waiting and closing -------------------------------------------------------------


def test_wait_tells_whether_nothing_is_pending(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    assert pool.wait(0)
    pool.submit(device, "x", None)
    assert not pool.wait(0.01)
    hands.go.set()
    assert pool.wait(SOON)
    assert pool.pending() == 0


def test_close_cancels_what_waits_and_lets_what_is_read_come(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    reading = pool.submit(device, "x", None)
    hands.holds(1)
    waiting = pool.submit(device, "y", None)
    assert not pool.close(0.01)
    assert waiting.cancelled()
    assert not reading.done()
    hands.go.set()
    assert result(reading) == "x"
    assert pool.close(SOON)
    assert pool.threads() == ()
    assert pool.stats() == Stats(asked=2, calls=1, read=1, dropped=1)


def test_close_ends_the_threads_that_rest(make: MakePool, device: SomeDevice) -> None:
    pool = make()
    result(pool.submit(device, "x", None))
    (thread,) = pool.threads()
    assert pool.close(SOON)
    wait_until(lambda: not thread.is_alive(), "the thread ended")


def test_close_without_a_limit_waits_for_what_is_read(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    reading = pool.submit(device, "x", None)
    hands.holds(1)
    with ThreadPoolExecutor(1) as other:
        closing = other.submit(pool.close, None)
        wait_until(lambda: asleep(pool) == 1, "it waits")
        assert not closing.done()
        hands.go.set()
        assert result(closing)
    assert result(reading) == "x"


def test_after_close_what_is_asked_is_cancelled(
    make: MakePool, device: SomeDevice
) -> None:
    pool = make()
    assert pool.close()
    assert pool.submit(device, "x", None).cancelled()
    assert pool.pending() == 0
    assert pool.stats() == Stats()


def test_close_may_be_called_by_whoever_serves(
    make: MakePool, device: SomeDevice
) -> None:
    closed: list[bool] = []

    def serve(batch: Batch) -> Report:
        closed.append(pool.close(SOON))
        return Report()

    pool = make(serve)
    pool.submit(device, "x", None)
    wait_until(lambda: closed and not pool.threads(), "it closed and ended")
    assert closed == [True]


def test_a_callback_of_a_cancelled_future_may_use_the_pool(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    pool.submit(device, "x", None)
    hands.holds(1)
    heard: list[int] = []

    def ask_from_another_thread(_future: object) -> None:
        other = threading.Thread(target=lambda: heard.append(pool.pending()))
        other.start()
        other.join(SOON)

    pool.submit(device, "y", None).add_done_callback(ask_from_another_thread)
    pool.close()
    assert heard == [1]


# --- kinds of work, and taking it back -----------------------------------------------


def test_each_kind_of_work_is_counted_apart(make: MakePool, device: SomeDevice) -> None:
    pool = make()
    result(pool.submit(device, "x", None, RequestKind.CONNECT))
    for _ in range(2):
        result(pool.submit(device, "x", None, RequestKind.POLL))
    wait_until(lambda: not any(map(pool.pending, RequestKind)), "nothing is pending")
    assert pool.stats(RequestKind.CONNECT) == Stats(asked=1, calls=1, read=1)
    assert pool.stats(RequestKind.POLL) == Stats(asked=2, calls=2, read=2)
    assert pool.stats() == Stats()


def test_nobody_waits_for_polls(make: MakePool, device: SomeDevice) -> None:
    pool = make()
    pool.submit(device, "x", None, RequestKind.POLL, delay=NEVER)
    assert pool.wait(0)
    assert (pool.pending(), pool.pending(RequestKind.POLL)) == (0, 1)


def test_a_delayed_request_is_served_when_it_is_due(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    clock = DrivenClock()
    pool = make(hands.serve, clock=clock)
    hands.go.set()
    future = pool.submit(device, "x", None, RequestKind.POLL, delay=0.01)
    wait_until(lambda: asleep(pool) == 1, "a thread waits for it")
    assert hands.names() == []
    clock.now += 0.01
    assert result(future) == "x"


def test_who_is_held_leaves_somebody_who_looks_in_time(
    make: MakePool, hands: Hands
) -> None:
    """Not only one who looks at what is to come much later."""
    clock, idle = DrivenClock(), 0.3
    pool = make(hands.serve, idle=idle, clock=clock)
    far, near, other = (SomeDevice(name) for name in ("far", "near", "other"))
    pool.submit(far, "far", None, RequestKind.POLL, delay=NEVER)
    hands.go.set()
    result(pool.submit(near, "now", None, RequestKind.POLL))
    wait_until(lambda: asleep(pool) == 2, "one waits for what is far, one is idle")
    hands.go.clear()
    # The one that is idle looks in time for both, and is held by the first.
    pool.submit(near, "held", None, RequestKind.POLL, delay=idle)
    pool.submit(other, "soon", None, RequestKind.POLL, delay=idle + 0.1)
    clock.now += idle + 0.05
    wait_until(lambda: ["held"] in hands.names(), "the first is served")
    clock.now += 0.1
    wait_until(lambda: ["soon"] in hands.names(), "the second is served, too")


def test_who_is_held_wakes_somebody_who_would_look_later(
    make: MakePool, hands: Hands
) -> None:
    """One of two threads at rest looks in time for all, and is held by the first."""
    pool = make(hands.serve)
    both = [
        pool.submit(SomeDevice(name), name, None, RequestKind.POLL) for name in "ab"
    ]
    hands.holds(2)
    hands.go.set()
    for future in both:
        result(future)
    wait_until(lambda: asleep(pool) == 2, "both rest")
    hands.go.clear()
    for name, delay in (("held", 0.02), ("soon", 0.04)):
        pool.submit(SomeDevice(name), name, None, RequestKind.POLL, delay)
    wait_until(lambda: ["soon"] in hands.names(), "both are served")


def test_whoever_is_in_more_of_a_hurry_hastens_what_waits(
    make: MakePool, device: SomeDevice
) -> None:
    pool = make()
    slow = pool.submit(device, "x", None, delay=NEVER)
    assert pool.submit(device, "x", None) is slow
    assert result(slow) == "x"


def test_what_is_withdrawn_is_cancelled_and_not_served(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    hands.go.set()
    future = pool.submit(device, "x", None, RequestKind.POLL, delay=NEVER)
    pool.withdraw(device, RequestKind.POLL, "x")
    pool.withdraw(device, RequestKind.POLL, "x")
    assert future.cancelled()
    assert pool.pending(RequestKind.POLL) == 0
    assert pool.stats(RequestKind.POLL) == Stats(asked=1, dropped=1)
    assert hands.names() == []


def test_whoever_withdraws_waits_for_no_other_thread(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    """The other one may be waiting for it: to begin, with the lock held."""

    def do_later(action: Callable[[], Any]) -> None:
        threading.Thread(target=action).start()

    pool = make(hands.serve, do_later=do_later)
    future = pool.submit(device, "x", None, RequestKind.POLL, delay=NEVER)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with pool._changed:
            held.set()
            let_go.wait(SOON)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(SOON)
    withdrawing = threading.Thread(
        target=pool.withdraw, args=(device, RequestKind.POLL, "x"), daemon=True
    )
    withdrawing.start()
    withdrawing.join(SOON)
    assert not withdrawing.is_alive()
    let_go.set()
    holder.join(SOON)
    wait_until(future.cancelled, "it is cancelled when the lock is free")


def test_nobody_waits_for_what_is_withdrawn(
    make: MakePool, hands: Hands, device: SomeDevice, other: SomeDevice
) -> None:
    pool = make(hands.serve, idle=0.01)
    for _ in range(2):
        pool.submit(device, "x", None, RequestKind.POLL, delay=NEVER)
        wait_until(lambda: asleep(pool) == 1, "a thread waits for it")
        pool.withdraw(device, RequestKind.POLL, "x")
        wait_until(lambda: not pool.threads(), "it ends")
    # The same while something else is served.
    pool.submit(device, "x", None, RequestKind.POLL, delay=NEVER)
    served = pool.submit(other, "y", None, RequestKind.POLL)
    hands.holds(1)
    wait_until(lambda: asleep(pool) == 1, "a thread waits for the first")
    pool.withdraw(device, RequestKind.POLL, "x")
    hands.go.set()
    assert result(served) == "y"
    wait_until(lambda: not pool.threads(), "all end")


def test_what_is_to_come_later_wakes_nobody(make: MakePool, device: SomeDevice) -> None:
    """A thread that is woken takes time from all others, a window among them."""
    clock = DrivenClock()
    pool = make(idle=0.01, clock=clock)
    pool.submit(device, "first", None, RequestKind.POLL, delay=NEVER)
    wait_until(lambda: asleep(pool) == 1, "a thread waits for it")
    with pool._changed:
        rests = dict(pool._rests)
        for number in range(100):
            pool.submit(
                SomeDevice(str(number)),
                "later",
                None,
                RequestKind.POLL,
                delay=NEVER + 1,
            )
        assert pool._rests == rests
        pool.submit(device, "sooner", None, RequestKind.POLL, delay=NEVER - 1)
        assert pool._rests != rests


def test_what_is_being_served_is_not_withdrawn(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    pool = make(hands.serve)
    future = pool.submit(device, "x", None)
    hands.holds(1)
    pool.withdraw(device, RequestKind.READ, "x")
    hands.go.set()
    assert result(future) == "x"


def test_who_withdraws_in_the_midst_of_something_is_heard_later(
    make: MakePool, device: SomeDevice
) -> None:
    """As an attribute does that is collected as garbage while the pool is at work."""
    pool = make()
    future = pool.submit(device, "x", None, RequestKind.POLL, delay=NEVER)
    with pool._changed:
        pool.withdraw(device, RequestKind.POLL, "x")
        assert not future.done()
        assert pool._schedule.pending(RequestKind.POLL) == 1
    pool.withdraw(device, RequestKind.POLL, "something else")
    assert future.cancelled()
    assert pool.pending(RequestKind.POLL) == 0


@contextlib.contextmanager
def lock_of(pool: DevicePool) -> Iterator[None]:
    """Another thread has the lock of the pool."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with pool._changed:
            held.set()
            let_go.wait(SOON)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(SOON)
    try:
        yield
    finally:
        let_go.set()
        thread.join()


def test_what_is_asked_for_again_is_not_withdrawn(
    make: MakePool, device: SomeDevice
) -> None:
    """Who withdraws waits for nobody: it may be done after the next thing is asked."""
    later: list[Callable[[], Any]] = []
    pool = make(do_later=later.append)
    first = pool.submit(device, "x", None, RequestKind.LOOK, delay=NEVER)
    with lock_of(pool):
        pool.withdraw(device, RequestKind.LOOK, "x")
    assert len(later) == 1
    second = pool.submit(device, "x", None, RequestKind.LOOK, delay=NEVER)
    later[0]()
    assert first.cancelled()
    assert not second.done()
    assert pool.pending(RequestKind.LOOK) == 1


class Somebody:
    """Whose requests are."""


def test_what_somebody_withdraws_is_his_own(make: MakePool, device: SomeDevice) -> None:
    """Two attributes have one name, where the second is made as the first goes."""
    # A thread of the pool may have the lock whenever something is withdrawn.
    later: deque[Callable[[], Any]] = deque()
    pool = make(do_later=later.append)

    def withdraw(name: str, owner: Somebody | None = None) -> None:
        pool.withdraw(device, RequestKind.LOOK, name, owner)
        while later:
            later.popleft()()

    old, new = Somebody(), Somebody()
    asked = pool.submit(device, "x", weakref.ref(new), RequestKind.LOOK, delay=NEVER)
    withdraw("x", old)
    assert pool.pending(RequestKind.LOOK) == 1
    with lock_of(pool):
        pool.withdraw(device, RequestKind.LOOK, "x", old)
        del old
    withdraw("something else")
    assert not asked.done()
    withdraw("x", new)
    assert asked.cancelled()
    # Nobody would take what was asked for one that is gone.
    asked = pool.submit(device, "x", weakref.ref(new), RequestKind.LOOK, delay=NEVER)
    del new
    withdraw("x", Somebody())
    assert asked.cancelled()


def test_what_has_to_be_served_again_is(make: MakePool, device: SomeDevice) -> None:
    served: list[Batch] = []

    def serve(batch: Batch) -> Report:
        served.append(batch)
        if len(served) < 3:
            return Report(answered=True, again=batch.requests)
        return read_all(batch)

    pool = make(serve)
    assert result(pool.submit(device, "x", None)) == "x"
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=1, calls=3, read=1)


def test_what_is_asked_while_one_like_it_is_served_in_vain_is_not_lost(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    """As two threads that connect while the database is asked for the server."""

    def serve(batch: Batch) -> Report:
        if hands.begun:
            return read_all(batch)
        with hands.lock:
            hands.begun.append(batch)
        assert hands.go.wait(SOON)
        return Report(answered=True, again=batch.requests)

    pool = make(serve)
    one = pool.submit(device, "x", None)
    hands.holds(1)
    other = pool.submit(device, "x", None)
    hands.go.set()
    assert (result(one), result(other)) == ("x", "x")
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=2, calls=2, read=2)


def test_what_has_to_be_served_again_after_close_is_cancelled(
    make: MakePool, hands: Hands, device: SomeDevice
) -> None:
    def serve(batch: Batch) -> Report:
        with hands.lock:
            hands.begun.append(batch)
        assert hands.go.wait(SOON)
        return Report(answered=True, again=batch.requests)

    pool = make(serve)
    future = pool.submit(device, "x", None)
    hands.holds(1)
    pool.close()
    hands.go.set()
    with pytest.raises(CancelledError):
        result(future)
    assert pool.wait(SOON)
    assert pool.close(SOON)
    assert pool.stats() == Stats(asked=1, calls=1, dropped=1)


def test_while_the_last_thread_serves_another_waits_for_what_is_to_come(
    make: MakePool, hands: Hands, device: SomeDevice, other: SomeDevice
) -> None:
    """A slow device delays no poll of another that was asked for before."""
    clock = DrivenClock()
    serve = {device: hands.serve, other: read_all}
    pool = make(lambda batch: serve[batch.device](batch), clock=clock)
    later = pool.submit(other, "x", None, RequestKind.POLL, delay=0.02)
    wait_until(lambda: asleep(pool) == 1, "a thread waits for it")
    pool.submit(device, "x", None, RequestKind.POLL, delay=0.01)
    wait_until(lambda: asleep(pool) == 1, "a thread waits for both")
    clock.now += 0.01
    hands.holds(1)
    clock.now += 0.01
    assert later.result(SOON / 2) == "x"


# --- servers -------------------------------------------------------------------------


class Silent:
    """Devices on loopback, and a pool that asks whether their servers are there."""

    def __init__(self, make: MakePool) -> None:
        self.hands = Hands()
        self.hands.go.set()
        self._make = make
        self._where: list[Port] = []

    def pool(self, silence: float = SILENCE, **more: Any) -> DevicePool:
        liveness = LivenessMonitor(silence)
        return self._make(self.hands.serve, liveness=liveness, **more)

    def orb(self, answers: bool = True) -> Orb:
        orb = Orb(answers)
        self._where.append(orb)
        return orb

    def nobody(self) -> Port:
        self._where.append(Port(listens=False))
        return self._where[-1]

    def device(self, where: Port, name: str = "device") -> SomeDevice:
        return SomeDevice(name, Server(f"server of {name}", where.address))

    def close(self) -> None:
        for one in self._where:
            one.close()


@pytest.fixture
def silent(make: MakePool) -> Iterator[Silent]:
    silent = Silent(make)
    yield silent
    silent.close()


def test_a_server_is_asked_before_it_is_called(silent: Silent) -> None:
    orb = silent.orb()
    pool = silent.pool(NEVER)
    assert result(pool.submit(silent.device(orb), "x", None)) == "x"
    assert len(orb.heard) == 1


def test_a_server_that_has_answered_lately_is_called_at_once(silent: Silent) -> None:
    orb = silent.orb()
    pool = silent.pool(NEVER, clock=DrivenClock())
    device = silent.device(orb)
    for _ in range(3):
        assert result(pool.submit(device, "x", None)) == "x"
    assert len(orb.heard) == 1


def test_a_server_that_refuses_is_called(silent: Silent) -> None:
    """The call says what is wrong, and at once."""
    pool = silent.pool(NEVER)
    assert result(pool.submit(silent.device(silent.nobody()), "x", None)) == "x"


def test_a_silent_server_is_not_called(silent: Silent) -> None:
    pool = silent.pool()
    device = silent.device(silent.orb(answers=False))
    one, two = (pool.submit(device, name, None) for name in "xy")
    for future in (one, two):
        with pytest.raises(TimeoutError, match="server of device"):
            result(future)
    assert one.exception() is not two.exception()
    assert device.server.silent
    assert silent.hands.names() == []
    assert pool.wait(SOON)
    assert pool.stats().failed == 2


def test_whoever_is_patient_waits_until_a_silent_server_is_back(silent: Silent) -> None:
    pool = silent.pool()
    orb = silent.orb(answers=False)
    device = silent.device(orb)
    with pytest.raises(TimeoutError):
        result(pool.submit(device, "impatient", None))
    patient = [pool.submit(device, name, None, patient=True) for name in "xy"]
    with pytest.raises(TimeoutError):
        result(pool.submit(device, "impatient", None))
    assert not any(future.done() for future in patient)
    orb.answer()
    assert [result(future) for future in patient] == ["x", "y"]
    assert silent.hands.names() == [["x", "y"]]
    assert not device.server.silent


def test_who_asks_for_what_a_patient_one_waits_for_is_told_at_once(
    silent: Silent,
) -> None:
    pool = silent.pool(idle=0.01)
    device = silent.device(silent.orb(answers=False))
    with pytest.raises(TimeoutError):
        result(pool.submit(device, "x", None))
    patient = pool.submit(device, "x", None, patient=True)
    wait_until(lambda: len(pool.threads()) <= 1, "only the liveness monitor is at work")
    assert pool.submit(device, "x", None) is patient
    with pytest.raises(TimeoutError):
        patient.result(SOON / 2)


def test_whoever_is_about_to_call_a_server_can_ask_first(silent: Silent) -> None:
    pool = silent.pool(clock=DrivenClock())
    orb, hung = silent.orb(), silent.orb(answers=False)
    healthy, silent_one = (silent.device(one).server for one in (orb, hung))
    assert pool.server_answers(healthy)
    assert pool.server_answers(healthy)
    assert len(orb.heard) == 1
    assert not pool.server_answers(silent_one)
    assert not pool.server_answers(silent_one)
    assert silent_one.silent
    assert len(hung.heard) == 1
    assert pool.server_answers(Server("one that cannot be asked"))
    assert silent.hands.names() == []


def test_whoever_asks_first_does_not_ask_beside_the_pool(silent: Silent) -> None:
    """Nor does either miss the answer to the question of the other."""
    pool = silent.pool(NEVER)
    orb = silent.orb(answers=False)
    device = silent.device(orb)
    future = pool.submit(device, "x", None)
    wait_until(lambda: orb.heard, "the server was asked")
    heard: list[bool] = []
    server = device.server
    asker = threading.Thread(target=lambda: heard.append(pool.server_answers(server)))
    asker.start()
    orb.answer()
    assert result(future) == "x"
    asker.join(SOON)
    assert heard == [True]


def test_nobody_waits_for_an_answer_after_the_end(silent: Silent) -> None:
    pool = silent.pool(NEVER)
    orb = silent.orb(answers=False)
    server = silent.device(orb).server
    asker = threading.Thread(target=pool.server_answers, args=(server,))
    asker.start()
    wait_until(lambda: orb.heard, "the server was asked")
    assert pool.close(SOON)
    asker.join(SOON)
    assert not asker.is_alive()


def test_nobody_waits_for_ever_for_a_word_that_does_not_come(silent: Silent) -> None:
    pool = silent.pool(NEVER)
    assert not pool.server_answers(silent.device(silent.orb(answers=False)).server)


def test_silent_servers_take_no_thread(silent: Silent) -> None:
    pool = silent.pool(NEVER, workers=2)
    hung = [silent.device(silent.orb(answers=False), str(n)) for n in range(10)]
    futures = [pool.submit(device, "x", None) for device in hung]
    assert result(pool.submit(silent.device(silent.orb()), "x", None)) == "x"
    assert not any(future.done() for future in futures)
    assert len(pool.threads()) <= 3


def test_a_server_that_was_found_elsewhere_is_asked_there(silent: Silent) -> None:
    """What is said of the old place says nothing of the server."""
    pool = silent.pool()
    device = silent.device(silent.orb(answers=False))
    future = pool.submit(device, "x", None)
    device.server.move(silent.orb().address)
    assert result(future) == "x"
    assert not device.server.silent


def test_a_silent_server_that_was_found_elsewhere_is_asked_there(
    silent: Silent,
) -> None:
    pool = silent.pool()
    old = silent.orb(answers=False)
    device = silent.device(old)
    with pytest.raises(TimeoutError):
        result(pool.submit(device, "x", None))
    future = pool.submit(device, "x", None, patient=True)
    device.server.move(silent.orb().address)
    # The old process, which nobody wants to know of, comes back.
    old.answer()
    assert result(future) == "x"


def test_a_call_that_times_out_raises_a_doubt(silent: Silent, make: MakePool) -> None:
    orb = silent.orb()
    device = silent.device(orb)
    calls: list[Batch] = []

    def serve(batch: Batch) -> Report:
        calls.append(batch)
        if len(calls) == 1:
            return Report(answered=False, late=True, again=batch.requests)
        return read_all(batch)

    pool = make(serve, liveness=LivenessMonitor(NEVER), clock=DrivenClock())
    assert result(pool.submit(device, "x", None)) == "x"
    assert len(orb.heard) == 2
    assert len(calls) == 2


def test_a_probe_that_was_sent_before_an_answer_says_nothing(silent: Silent) -> None:
    """A server that went on while it was probed has answered a call meanwhile."""
    clock = DrivenClock()
    pool = silent.pool(clock=clock)
    orb = silent.orb(answers=False)
    device = silent.device(orb)
    future = pool.submit(device, "x", None)
    wait_until(lambda: orb.heard, "it is probed")
    with pool._changed:
        device.server.answer(clock.now)
        clock.now += SILENCE / 2
    wait_until(lambda: len(orb.heard) > 2, "it is probed again and again")
    assert device.server.falls == 0
    assert not future.done()
    clock.now += SILENCE
    with pytest.raises(TimeoutError):
        result(future)
    assert device.server.silent
    assert silent.hands.names() == []


def test_a_server_that_cannot_be_asked_is_silent_after_a_call_in_vain(
    make: MakePool,
) -> None:
    clock = DrivenClock()
    back = threading.Event()

    def serve(batch: Batch) -> Report:
        if back.is_set():
            return read_all(batch)
        return Report(answered=False, late=True, again=batch.requests)

    pool = make(serve, clock=clock)
    device = SomeDevice("device", Server("server"))
    with pytest.raises(TimeoutError):
        result(pool.submit(device, "x", None))
    assert device.server.silent
    assert device.late
    future = pool.submit(device, "x", None, patient=True)
    wait_until(lambda: asleep(pool) == 1, "a thread waits")
    back.set()
    assert not future.done()
    clock.now += 1.0
    with pool._changed:
        pool._roused.notify_all()
    assert result(future) == "x"
    assert not device.late


def test_close_ends_the_sentinel(silent: Silent) -> None:
    pool = silent.pool(NEVER)
    orb = silent.orb(answers=False)
    future = pool.submit(silent.device(orb), "x", None)
    wait_until(lambda: orb.heard, "the server was asked")
    assert pool.close(SOON)
    assert pool.threads() == ()
    assert future.cancelled()


def test_all_threads_end_when_all_is_quiet(make: MakePool, silent: Silent) -> None:
    liveness = LivenessMonitor(SILENCE, keep=0.01)
    pool = make(read_all, idle=0.01, liveness=liveness)
    healthy = silent.device(silent.orb(), "healthy")
    hung = silent.device(silent.orb(answers=False), "hung")
    assert result(pool.submit(healthy, "x", None)) == "x"
    with pytest.raises(TimeoutError):
        result(pool.submit(hung, "x", None))
    wait_until(lambda: not pool.threads(), "all threads have ended")


# --- many ----------------------------------------------------------------------------


class Moody:
    """Devices that read some, fail some, forget some, and want some served again.

    Notices who is served twice at a time.
    """

    names = ("bad", "open", "again", *range(20))

    def __init__(self, failing: set[SomeDevice]) -> None:
        self.rooms = Rooms()
        self._failing = failing
        self._lock = threading.Lock()
        self._chance = random.Random(42)

    def serve(self, batch: Batch) -> Report:
        self.rooms.enter(batch.device)
        again = []
        for request in batch.requests:
            if request.name == "again" and self._perhaps():
                again.append(request)
            elif request.name == "bad":
                request.fail(ValueError("bad"))
            elif request.name != "open":
                request.succeed(request.name)
        with self._lock:
            # Each time that one fails that cannot be asked it is left alone, for long.
            answered = batch.device not in self._failing
            self._failing.discard(batch.device)
        self.rooms.leave(batch.device)
        return Report(answered, late=not answered, again=tuple(again))

    def _perhaps(self) -> bool:
        with self._lock:
            return self._chance.random() < 0.7


Work = tuple[SomeDevice, Any, RequestKind]


def ask_and_cancel(pool: DevicePool, work: list[Work]) -> list[Future[Any]]:
    """Ask for all of ``work``, cancel or withdraw some; return the futures."""
    futures = []
    for number, (device, name, kind) in enumerate(work):
        patient = number % 3 == 0
        delay = 0.001 * (number % 5)
        futures.append(pool.submit(device, name, None, kind, delay, patient))
        if number % 11 == 0:
            pool.withdraw(device, kind, name)
    for future in futures[::10]:
        future.cancel()
    return futures


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_forgotten_while_threads_rest_end_and_are_held(
    make: MakePool, seed: int
) -> None:
    """Somebody waits for what is far off meanwhile, and must not oversleep."""
    chance = random.Random(seed)

    def serve(batch: Batch) -> Report:
        threading.Event().wait(chance.choice((0.0, 0.0, 0.001, 0.02)))
        return read_all(batch)

    pool = make(serve, workers=3, gather=0.0005, idle=0.002)
    devices = [SomeDevice(str(number)) for number in range(8)]
    far = pool.submit(SomeDevice("far"), "far", None, RequestKind.POLL, delay=NEVER)
    for _ in range(150):
        asked = [
            pool.submit(
                chance.choice(devices),
                chance.choice("abc"),
                None,
                chance.choice((RequestKind.READ, RequestKind.POLL)),
                delay=chance.choice((0.0, 0.001, 0.003, 0.01)),
            )
            for _ in range(chance.randrange(1, 5))
        ]
        # What comes next wakes nobody any more: each burst is to come to its end.
        for future in asked:
            result(future)
    assert not far.done()


@pytest.mark.parametrize("closed", [False, True], ids=["to the end", "closed"])
def test_many_threads_that_ask_and_cancel_lose_nothing(
    make: MakePool, silent: Silent, closed: bool
) -> None:
    chance = random.Random(20240607)
    uncheckable = [SomeDevice(f"uncheckable {n}", Server(str(n))) for n in range(2)]
    moody = Moody(failing=set(uncheckable))
    pool = make(
        moody.serve,
        workers=5,
        gather=0.0005,
        idle=0.001,
        liveness=LivenessMonitor(0.05),
    )
    orbs = [silent.orb(), silent.orb(), silent.orb(answers=False), silent.nobody()]
    devices = [silent.device(orb, str(n)) for n, orb in enumerate(orbs * 2)]
    devices += uncheckable
    work = [
        (
            chance.choice(devices),
            chance.choice(Moody.names),
            chance.choice(list(RequestKind)),
        )
        for _ in range(2000)
    ]
    with ThreadPoolExecutor(8) as askers:
        parts = askers.map(
            partial(ask_and_cancel, pool), [work[n::8] for n in range(8)]
        )
        futures = [future for part in parts for future in part]
    for orb in orbs:
        if isinstance(orb, Orb):
            orb.answer()
    if not closed:
        wait_until(
            lambda: not any(map(pool.pending, RequestKind)), "nothing is pending"
        )
    assert pool.close(SOON)
    assert len(futures) == len(work)
    assert all(future.done() for future in futures)
    assert not any(map(pool.pending, RequestKind))
    stats = [pool.stats(kind) for kind in RequestKind]
    assert sum(one.asked for one in stats) == len(set(map(id, futures)))
    for one in stats:
        assert one.asked == one.read + one.failed + one.dropped
    if not closed:
        assert all(min(one.read, one.failed, one.dropped) > 0 for one in stats)
    assert moody.rooms.twice == []


def test_what_a_read_costs_does_not_grow_with_their_number(make: MakePool) -> None:
    """With a loop over all in each, one of 4,000 costs ten times one of 400."""
    servers = [Server(str(n), answered=float("inf")) for n in range(100)]

    def read(number: int) -> None:
        asked = threading.Event()

        def serve(batch: Batch) -> Report:
            # Threads that go for the interpreter at once would cost more than the rest.
            asked.wait()
            return read_all(batch)

        devices = [SomeDevice(str(n), servers[n % 100]) for n in range(number // 20)]
        pool = make(serve, gather=0.001)
        for name in range(20):
            for device in devices:
                pool.submit(device, name, None)
        asked.set()
        assert pool.wait(SOON)
        assert pool.stats().read == number
        assert pool.close(SOON)

    assert growth(read, 400, 4000) < 5.0
