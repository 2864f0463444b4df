"""The threads of the first reads."""

from __future__ import annotations

import gc
import logging
import random
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial
from typing import Any

import pytest
from pure_support import SOON, DrivenClock, wait_until

from taurus_tpo.firstread import Batch, FirstRead, Stats
from taurus_tpo.firstread.pool import THREAD_NAME

#: Longer than any test: nothing happens because a thread was idle for so long.
NEVER = 1000.0


def read_all(batch: Batch) -> None:
    """Serve a batch at once: the value of each attribute is its name."""
    for request in batch.requests:
        request.succeed(request.name)


class Device:
    """Serves batches, and holds each until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.begun: list[Batch] = []

    def serve(self, batch: Batch) -> None:
        with self.lock:
            self.begun.append(batch)
        assert self.go.wait(SOON), "nobody let the device go"
        read_all(batch)

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


MakePool = Callable[..., FirstRead]


@pytest.fixture
def make() -> Iterator[MakePool]:
    """Makes pools that are closed after the test."""
    pools = []

    def make_pool(
        serve: Callable[[Batch], None] = read_all,
        workers: int = 4,
        gather: float = 0.0,
        idle: float = NEVER,
        **more: Any,
    ) -> FirstRead:
        pool = FirstRead(serve, workers, gather=gather, idle=idle, **more)
        pools.append(pool)
        return pool

    yield make_pool
    for pool in pools:
        pool.close(SOON)


@pytest.fixture
def device() -> Iterator[Device]:
    """A device that answers in the end."""
    device = Device()
    yield device
    device.go.set()


def result(future: Future[Any]) -> Any:
    return future.result(SOON)


def asleep(pool: FirstRead) -> int:
    """The number of threads that sleep on the pool's condition, ours and its own."""
    with pool._changed:
        return len(pool._changed._waiters)  # type: ignore[attr-defined]


# --- what is asked -------------------------------------------------------------------


def test_a_read_brings_its_value(make: MakePool) -> None:
    assert result(make().ask("device", "x", None)) == "x"


def test_an_attribute_that_waits_waits_once(make: MakePool, device: Device) -> None:
    pool = make(device.serve)
    pool.ask("device", "x", None)
    device.holds(1)
    one, other = pool.ask("device", "y", None), pool.ask("device", "y", None)
    assert one is other
    assert pool.pending() == 2
    assert pool.stats().asked == 2
    device.go.set()
    assert pool.wait(SOON)
    assert device.names() == [["x"], ["y"]]


def test_an_attribute_that_is_being_read_may_be_asked_again(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    one = pool.ask("device", "x", None)
    device.holds(1)
    other = pool.ask("device", "x", None)
    assert other is not one
    device.go.set()
    assert (result(one), result(other)) == ("x", "x")
    assert device.names() == [["x"], ["x"]]


def test_what_is_asked_of_a_busy_device_travels_in_one_call(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    pool.ask("device", "first", None)
    device.holds(1)
    for name in "abc":
        pool.ask("device", name, None)
    device.go.set()
    assert pool.wait(SOON)
    assert device.names() == [["first"], ["a", "b", "c"]]


def test_what_is_asked_while_a_device_gathers_travels_in_one_call(
    make: MakePool, device: Device
) -> None:
    clock = DrivenClock()
    pool = make(device.serve, gather=0.01, clock=clock)
    device.go.set()
    for name in "abc":
        pool.ask("device", name, None)
    assert device.names() == []
    clock.now += 0.01
    assert pool.wait(SOON)
    assert device.names() == [["a", "b", "c"]]


def test_a_request_knows_when_it_was_asked_and_for_whom(make: MakePool) -> None:
    served: list[Batch] = []
    target = object()
    pool = make(served.append, clock=DrivenClock(1234.5))
    pool.ask("device", "x", target)
    assert pool.wait(SOON)
    (request,) = served[0].requests
    assert (request.asked, request.target) == (1234.5, target)


class Attribute:
    pass


def test_waiting_work_keeps_no_attribute_alive(make: MakePool, device: Device) -> None:
    seen: list[object] = []

    def serve(batch: Batch) -> None:
        device.serve(batch)
        seen.extend(request.target() for request in batch.requests)

    pool = make(serve)
    attribute = Attribute()
    pool.ask("device", "x", weakref.ref(attribute))
    device.holds(1)
    del attribute
    gc.collect()
    device.go.set()
    assert pool.wait(SOON)
    assert seen == [None]


# --- who serves it -------------------------------------------------------------------


def test_a_device_is_in_one_batch_at_a_time_and_devices_are_parallel(
    make: MakePool,
) -> None:
    lock = threading.Lock()
    busy: set[object] = set()
    together = threading.Barrier(3)

    def serve(batch: Batch) -> None:
        with lock:
            assert batch.device not in busy
            busy.add(batch.device)
        together.wait(SOON)
        with lock:
            busy.remove(batch.device)
        read_all(batch)

    pool = make(serve, workers=3)
    for round_ in range(3):
        asked = [pool.ask(device, round_, None) for device in "abc"]
        assert [result(future) for future in asked] == [round_] * 3


def test_no_more_threads_than_allowed(make: MakePool, device: Device) -> None:
    pool = make(device.serve, workers=2)
    for number in range(6):
        pool.ask(number, "x", None)
    device.holds(2)
    assert len(pool.threads()) == 2
    assert pool.pending() == 6
    device.go.set()
    assert pool.wait(SOON)
    assert len(device.names()) == 6
    assert len(pool.threads()) == 2


def test_no_more_threads_than_needed(make: MakePool) -> None:
    pool = make(workers=4)
    for number in range(6):
        result(pool.ask(number, "x", None))
        wait_until(lambda: asleep(pool) == 1, "the thread rests")
    assert len(pool.threads()) == 1


def test_a_burst_for_one_device_starts_one_thread(make: MakePool) -> None:
    pool = make(gather=0.001)
    # Held, so that the thread that was started cannot take anything meanwhile.
    with pool._changed:
        for number in range(10):
            pool.ask("device", number, None)
        assert len(pool.threads()) == 1


def test_the_oldest_device_is_served_first(make: MakePool, device: Device) -> None:
    clock = DrivenClock()
    pool = make(device.serve, workers=1, gather=0.01, clock=clock)
    device.go.set()
    for name in "bacab":
        pool.ask(name, "x", None)
    clock.now += 1
    assert pool.wait(SOON)
    assert [batch.device for batch in device.begun] == ["b", "a", "c"]


def test_the_threads_have_names_and_keep_no_process_alive(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    pool.ask("a", "x", None)
    pool.ask("b", "x", None)
    device.holds(2)
    threads = pool.threads()
    names = [thread.name for thread in threads]
    assert len(names) == len(set(names)) >= 2
    assert all(name.startswith(THREAD_NAME) for name in names)
    assert all(thread.daemon for thread in threads)


def test_the_pool_knows_its_threads(make: MakePool) -> None:
    owned: list[bool] = []
    pool = make(lambda _batch: owned.append(pool.owns(threading.current_thread())))
    pool.ask("a", "x", None)
    assert pool.wait(SOON)
    assert owned == [True]
    assert not pool.owns(threading.current_thread())


def test_threads_end_when_idle_and_start_again(make: MakePool) -> None:
    pool = make(idle=0.005)
    for _ in range(3):
        assert result(pool.ask("device", "x", None)) == "x"
        wait_until(lambda: not pool.threads(), "the threads ended")


def test_a_pool_that_nobody_asks_has_no_thread(make: MakePool) -> None:
    assert make().threads() == ()


def test_no_lock_is_held_while_a_batch_is_served(make: MakePool) -> None:
    answers: list[bool] = []

    def serve(batch: Batch) -> None:
        other = threading.Thread(target=pool.pending, daemon=True)
        other.start()
        other.join(SOON)
        answers.append(not other.is_alive())
        read_all(batch)

    pool = make(serve)
    result(pool.ask("device", "x", None))
    assert answers == [True]


def test_whoever_serves_may_ask_for_more(make: MakePool) -> None:
    more: list[Future[Any]] = []

    def serve(batch: Batch) -> None:
        if not more:
            more.append(pool.ask(batch.device, "more", None))
        read_all(batch)

    pool = make(serve, workers=1)
    result(pool.ask("device", "x", None))
    assert result(more[0]) == "more"


def test_a_resting_thread_is_woken_while_somebody_waits(
    make: MakePool, device: Device
) -> None:
    quick = {"quick": read_all, "later": read_all}
    pool = make(lambda b: quick.get(b.device, device.serve)(b), workers=2)
    pool.ask("slow", "x", None)
    device.holds(1)
    result(pool.ask("quick", "x", None))
    wait_until(lambda: asleep(pool) == 1, "the second thread rests")
    waiter = threading.Thread(target=pool.wait, args=(SOON,), daemon=True)
    waiter.start()
    wait_until(lambda: asleep(pool) == 2, "somebody waits")
    # The resting thread wakes, finds nothing that it may do, and rests again: behind
    # the one who waits.
    pool.ask("slow", "y", None)
    wait_until(lambda: asleep(pool) == 2, "both sleep")
    assert pool.ask("later", "x", None).result(0.5) == "x"


# --- what goes wrong -----------------------------------------------------------------


def test_a_serve_that_raises_fails_its_batch_and_the_thread_lives(
    make: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    def serve(batch: Batch) -> None:
        if batch.device == "bad":
            batch.requests[0].succeed("in time")
            raise ValueError("broken")
        read_all(batch)

    clock = DrivenClock()
    pool = make(serve, workers=1, gather=0.01, clock=clock, log=logging.getLogger())
    one, two = pool.ask("bad", "x", None), pool.ask("bad", "y", None)
    clock.now += 1
    assert result(one) == "in time"
    with pytest.raises(ValueError, match="broken"):
        result(two)
    (thread,) = pool.threads()
    good = pool.ask("good", "x", None)
    clock.now += 1
    assert result(good) == "x"
    assert pool.threads() == (thread,)
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=3, calls=2, read=2, failed=1)
    assert "bad failed: ValueError('broken')" in caplog.text


def test_what_serve_leaves_open_is_dropped(make: MakePool) -> None:
    pool = make(lambda _batch: None)
    future = pool.ask("device", "x", None)
    with pytest.raises(CancelledError):
        result(future)
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=1, calls=1, dropped=1)


def test_a_cancelled_future_is_dropped_and_costs_nobody(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    pool.ask("device", "first", None)
    device.holds(1)
    cancelled, other = pool.ask("device", "x", None), pool.ask("device", "y", None)
    assert cancelled.cancel()
    device.go.set()
    assert result(other) == "y"
    assert pool.wait(SOON)
    assert pool.stats() == Stats(asked=3, calls=2, read=2, dropped=1)


def test_whoever_asks_after_somebody_cancelled_gets_a_value(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    pool.ask("device", "first", None)
    device.holds(1)
    pool.ask("device", "x", None).cancel()
    again = pool.ask("device", "x", None)
    device.go.set()
    assert result(again) == "x"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_serve_that_wants_to_exit_takes_no_thread_with_it() -> None:
    def serve(batch: Batch) -> None:
        if batch.device == "bad":
            raise SystemExit
        read_all(batch)

    pool = FirstRead(serve, workers=1, gather=0.0, idle=0.05)
    bad = pool.ask("bad", "x", None)
    good = pool.ask("good", "x", None)
    done, _ = wait_for([bad, good], 0.5)
    assert done == {bad, good}
    assert pool.close(SOON)


# --- waiting and closing -------------------------------------------------------------


def test_wait_tells_whether_nothing_is_pending(make: MakePool, device: Device) -> None:
    pool = make(device.serve)
    assert pool.wait(0)
    pool.ask("device", "x", None)
    assert not pool.wait(0.01)
    device.go.set()
    assert pool.wait(SOON)
    assert pool.pending() == 0


def test_close_cancels_what_waits_and_lets_what_is_read_come(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    reading = pool.ask("device", "x", None)
    device.holds(1)
    waiting = pool.ask("device", "y", None)
    assert not pool.close(0.01)
    assert waiting.cancelled()
    assert not reading.done()
    device.go.set()
    assert result(reading) == "x"
    assert pool.close(SOON)
    assert pool.threads() == ()
    assert pool.stats() == Stats(asked=2, calls=1, read=1, dropped=1)


def test_close_ends_the_threads_that_rest(make: MakePool) -> None:
    pool = make()
    result(pool.ask("device", "x", None))
    (thread,) = pool.threads()
    assert pool.close(SOON)
    wait_until(lambda: not thread.is_alive(), "the thread ended")


def test_close_without_a_limit_waits_for_what_is_read(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    reading = pool.ask("device", "x", None)
    device.holds(1)
    with ThreadPoolExecutor(1) as other:
        closing = other.submit(pool.close, None)
        wait_until(lambda: asleep(pool) == 1, "it waits")
        assert not closing.done()
        device.go.set()
        assert result(closing)
    assert result(reading) == "x"


def test_after_close_what_is_asked_is_cancelled(make: MakePool) -> None:
    pool = make()
    assert pool.close()
    assert pool.ask("device", "x", None).cancelled()
    assert pool.pending() == 0
    assert pool.stats() == Stats()


def test_close_may_be_called_by_whoever_serves(make: MakePool) -> None:
    closed: list[bool] = []
    pool = make(lambda _batch: closed.append(pool.close(SOON)))
    pool.ask("device", "x", None)
    wait_until(lambda: closed and not pool.threads(), "it closed and ended")
    assert closed == [True]


def test_a_callback_of_a_cancelled_future_may_use_the_pool(
    make: MakePool, device: Device
) -> None:
    pool = make(device.serve)
    pool.ask("device", "x", None)
    device.holds(1)
    heard: list[int] = []

    def ask_from_another_thread(_future: object) -> None:
        other = threading.Thread(target=lambda: heard.append(pool.pending()))
        other.start()
        other.join(SOON)

    pool.ask("device", "y", None).add_done_callback(ask_from_another_thread)
    pool.close()
    assert heard == [1]


# --- many ----------------------------------------------------------------------------


class Moody:
    """Devices that read some, fail some and forget some; notices double service."""

    names = ("bad", "open", *range(20))

    def __init__(self) -> None:
        self.rooms = Rooms()

    def serve(self, batch: Batch) -> None:
        self.rooms.enter(batch.device)
        for request in batch.requests:
            if request.name == "bad":
                request.fail(ValueError("bad"))
            elif request.name != "open":
                request.succeed(request.name)
        self.rooms.leave(batch.device)


def ask_and_cancel(pool: FirstRead, work: list[tuple[int, Any]]) -> list[Future[Any]]:
    """Ask for all of ``work``, cancel every tenth, and return the futures."""
    futures = [pool.ask(device, name, None) for device, name in work]
    for future in futures[::10]:
        future.cancel()
    return futures


def test_many_threads_that_ask_and_cancel_lose_nothing(make: MakePool) -> None:
    chance = random.Random(20240607)
    moody = Moody()
    pool = make(moody.serve, workers=5, gather=0.0005, idle=0.001)
    work = [(chance.randrange(8), chance.choice(Moody.names)) for _ in range(2000)]
    with ThreadPoolExecutor(8) as askers:
        parts = askers.map(
            partial(ask_and_cancel, pool), [work[n::8] for n in range(8)]
        )
        futures = [future for part in parts for future in part]
    assert pool.wait(SOON)
    assert len(futures) == len(work)
    assert all(future.done() for future in futures)
    stats = pool.stats()
    assert stats.asked == len(set(map(id, futures)))
    assert stats.asked == stats.read + stats.failed + stats.dropped
    assert stats.calls <= stats.asked
    assert min(stats.read, stats.failed, stats.dropped) > 0
    assert moody.rooms.twice == []
