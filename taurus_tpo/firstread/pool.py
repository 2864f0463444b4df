"""The threads of the first reads."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Callable

from taurus_tpo import clock as clocks
from taurus_tpo.firstread.schedule import Batch, Outcome, Request, Schedule

#: What the threads of the first reads are called.
THREAD_NAME = "taurus_tpo first read"

#: How long a device waits for company, s: a widget is built in about 5 ms, so that some
#: attributes of a device travel together, and nobody sees the wait.
GATHER = 0.03

#: How long a thread waits for work before it ends, s.
IDLE = 0.25

#: The shortest time that a thread waits, s: a clock may stand still.
_SHORTEST_REST = 0.001


@dataclass(frozen=True)
class Stats:
    """What the pool has done since it was made.

    :param asked: reads asked for; one for an attribute that was waiting already does
        not count.
    :param calls: batches served, each at most one call to a device.
    :param read: attributes that got a value.
    :param failed: attributes whose read failed.
    :param dropped: reads in vain: the attribute was gone, or an event came first.
    """

    asked: int = 0
    calls: int = 0
    read: int = 0
    failed: int = 0
    dropped: int = 0


class FirstRead:
    """A bounded pool of daemon threads that serves batches of reads.

    Threads start on demand, end when nothing is left to do, and never keep the process
    alive. All methods may be called from any thread.

    :param serve: reads one batch and settles each of its requests; called without any
        lock held, in a thread of the pool. A request that it leaves open is dropped.
    :param workers: the largest number of threads.
    :param name: what its threads are called, for whoever looks with a debugger.
    :param gather: how long a device waits for company, s.
    :param idle: how long a thread waits for work before it ends, s.
    :param log: takes what goes wrong in ``serve`` itself.
    """

    def __init__(
        self,
        serve: Callable[[Batch], None],
        workers: int,
        name: str = THREAD_NAME,
        gather: float = GATHER,
        idle: float = IDLE,
        clock: clocks.Clock = clocks.SYSTEM,
        log: Any = None,
    ) -> None:
        self._serve = serve
        self._workers = workers
        self._name = name
        self._idle = idle
        self._clock = clock
        self._log = log if log is not None else logging.getLogger(__name__)
        self._schedule = Schedule(gather)
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._serving = 0
        self._numbers = 0
        self._stats = Stats()
        self._closed = False

    def ask(
        self, device: Hashable, name: Hashable, target: Any, delay: float = 0.0
    ) -> Future[Any]:
        """Register a read and return the future that gets its value or failure.

        An attribute that is waiting already waits once: the same future is returned.
        One that is being read just now is read again. After :meth:`close` the future
        is cancelled.

        :param delay: how long it waits at the least if nothing of the device waits, s.
        """
        with self._changed:
            waiting = self._schedule.find(device, name)
            if waiting is not None and not waiting.future.cancelled():
                return waiting.future
            request = Request(device, name, self._clock.time(), target)
            if self._closed:
                request.drop()
                return request.future
            if waiting is None:
                self._schedule.add(request, self._clock.monotonic() + delay)
            else:
                self._schedule.replace(request)
                self._count(dropped=1)
            self._count(asked=1)
            self._employ()
            # Those who wait() sleep on the same condition: one might be woken in vain.
            self._changed.notify_all()
        return request.future

    def pending(self) -> int:
        """Return the number of attributes that wait or are being read."""
        with self._changed:
            return self._schedule.pending

    def stats(self) -> Stats:
        """Return what was done so far."""
        with self._changed:
            return self._stats

    def threads(self) -> tuple[threading.Thread, ...]:
        """Return the threads that live now."""
        with self._changed:
            return tuple(self._threads)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is pending.

        :param timeout: s; None waits for as long as it takes.
        :return: whether nothing is pending.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._schedule.pending, timeout)

    def close(self, timeout: float | None = 0.0) -> bool:
        """Cancel what waits and end the threads.

        A thread inside a call to a device that does not answer cannot be interrupted:
        it ends when the call does.

        :param timeout: how long to wait for the threads, s; None for as long as it
            takes.
        :return: whether all threads have ended, but for the one that asks.
        """
        with self._changed:
            self._closed = True
            forgotten = self._schedule.clear()
            self._count(dropped=len(forgotten))
            self._changed.notify_all()
        for request in forgotten:
            request.drop()
        with self._changed:
            me = {threading.current_thread()}
            return self._changed.wait_for(lambda: self._threads <= me, timeout)

    def owns(self, thread: threading.Thread) -> bool:
        """Return whether ``thread`` is one of the pool's."""
        with self._changed:
            return thread in self._threads

    # From here on: with self._changed held, unless it is said otherwise.

    def _employ(self) -> None:
        wanted = self._schedule.ripening > len(self._threads) - self._serving
        if wanted and len(self._threads) < self._workers:
            self._numbers += 1
            name = f"{self._name} {self._numbers}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._log.warning("No thread for %s: %s", self._name, error)
            else:
                self._threads.add(thread)

    def _work(self) -> None:
        """Run a thread of the pool; takes the lock itself."""
        while self._serve_next():
            pass

    def _serve_next(self) -> bool:
        """Serve one batch, of which nothing is held on to; False when it is to end."""
        with self._changed:
            batch = self._next_batch()
            if batch is None:
                self._threads.discard(threading.current_thread())
                self._changed.notify_all()
                return False
        self._serve_safely(batch)
        with self._changed:
            self._serving -= 1
            self._schedule.done(batch)
            self._book(batch)
            self._changed.notify_all()
        return True

    def _next_batch(self) -> Batch | None:
        """Wait for a batch; None when the thread is to end."""
        idle_until = self._clock.monotonic() + self._idle
        while not self._closed:
            now = self._clock.monotonic()
            batch = self._schedule.take(now)
            if batch is not None:
                self._serving += 1
                self._employ()
                return batch
            ripe = self._schedule.next_ripe()
            if ripe is None and now >= idle_until:
                return None
            awaited = idle_until if ripe is None else ripe
            self._changed.wait(max(awaited - now, _SHORTEST_REST))
        return None

    def _serve_safely(self, batch: Batch) -> None:
        """Serve ``batch`` and settle its requests, whatever happens; without the lock.

        A batch that the reader fails on must not take the thread with it, not even if a
        listener wants to exit.
        """
        try:
            self._serve(batch)
        except BaseException as error:  # noqa: BLE001 - told to the log and the futures
            self._log.error("%s: %s failed: %r", self._name, batch.device, error)
            self._log.debug("details:", exc_info=True)
            for request in batch.requests:
                request.fail(error)
        for request in batch.requests:
            request.drop()

    def _book(self, batch: Batch) -> None:
        outcomes = Counter(request.outcome for request in batch.requests)
        self._count(
            calls=1,
            read=outcomes[Outcome.READ],
            failed=outcomes[Outcome.FAILED],
            dropped=outcomes[Outcome.DROPPED],
        )

    def _count(self, **more: int) -> None:
        now = self._stats
        self._stats = replace(
            now, **{name: getattr(now, name) + by for name, by in more.items()}
        )
