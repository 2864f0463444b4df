"""Calls that may block, by few daemon threads: those of one key one after the other."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Hashable
from concurrent.futures import Future
from typing import Any, Callable

from taurus_tpo.concurrency.shared_future import own
from taurus_tpo.core.clock import SYSTEM, Clock

#: Number of calls that run at a time.
WORKERS = 2

#: How long a call runs before it counts as blocked, s. The next one then runs beside
#: it.
BLOCKED = 0.05

#: Largest number of blocked calls that others run beside.
MOST_BLOCKED = 32

#: How many calls of one key may be pending.
MOST_PENDING = 10_000

#: How long a thread waits for a call before it ends, s.
IDLE = 0.25


class _Call:
    """A pending call.

    :param name: identifies calls that share a result; None: it shares it with none.
    """

    __slots__ = ("action", "future", "name")

    def __init__(self, action: Callable[[], Any], name: Hashable) -> None:
        self.action = action
        self.name = name
        self.future: Future[Any] = Future()


class KeyedExecutor:
    """Runs calls in threads that start on demand, and end when idle.

    The calls of one key (a device) run one after the other, in the order in which they
    were submitted, so that a device that hangs blocks one thread. The keys take turns.
    Few calls run at a time, since they compete with the caller for the interpreter;
    those that are blocked do not count. The threads never keep the process alive.

    Methods may be called from any thread, and never wait for a call.

    :param name: prefix of the names of the threads, for debuggers.
    :param workers: number of calls that run at a time.
    :param blocked: how long a call runs before it counts as blocked, s.
    :param idle: how long a thread waits for a call before it ends, s.
    :param log: logger for errors.
    """

    def __init__(
        self,
        name: str,
        workers: int = WORKERS,
        blocked: float = BLOCKED,
        most_blocked: int = MOST_BLOCKED,
        most_pending: int = MOST_PENDING,
        idle: float = IDLE,
        clock: Clock = SYSTEM,
        log: Any = None,
    ) -> None:
        self._name = name
        self._workers = workers
        self._blocked = blocked
        self._most_blocked = most_blocked
        self._most_pending = most_pending
        self._idle = idle
        self._clock = clock
        self._log = log if log is not None else logging.getLogger(__name__)
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which does not have the threads.

        The pending calls of the parent are not run.
        """
        # A garbage collection may submit a call in any code of this thread.
        self._changed = threading.Condition(threading.RLock())
        self._queues: dict[Hashable, deque[_Call]] = {}
        #: The pending calls that have a name, by key and name.
        self._named: dict[tuple[Hashable, Hashable], _Call] = {}
        #: Keys with pending calls of which none runs.
        self._ready: deque[Hashable] = deque()
        #: When the running call of each key began.
        self._running: dict[Hashable, float] = {}
        self._threads: set[threading.Thread] = set()
        self._waiting = 0
        self._numbers = 0

    def submit(
        self, key: Hashable, action: Callable[[], Any], name: Hashable = None
    ) -> Future[Any]:
        """Have ``action`` called; returns at once.

        :param name: a call of this key and name that has not begun is not made twice;
            None: each call is made.
        :return: gets the result, or the error: ``queue.Full`` if too many calls of the
            key are pending. Cancelled if the call is dropped. Each caller gets a
            separate future. Cancelling it withdraws a call without a name that has not
            begun.
        """
        with self._changed:
            call = None if name is None else self._named.get((key, name))
            call = call or self._add(key, _Call(action, name))
        return call.future if name is None else own(call.future)

    def threads(self) -> tuple[threading.Thread, ...]:
        """Return the running threads."""
        with self._changed:
            return tuple(self._threads)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no call is pending or running.

        :param timeout: s; None: no limit.
        :return: whether that is so.
        """

        def is_done() -> bool:
            return not self._queues and not self._running

        with self._changed:
            return self._changed.wait_for(is_done, timeout)

    def finish(self, timeout: float | None = None) -> bool:
        """Drop the pending calls, and wait for the running ones.

        :param timeout: s; None: no limit.
        :return: whether all have ended.
        """
        with self._changed:
            dropped = [call for calls in self._queues.values() for call in calls]
            self._queues.clear()
            self._named.clear()
            self._ready.clear()
            self._changed.notify_all()
        for call in dropped:
            call.future.cancel()
        return self.wait(timeout)

    # From here on: with self._changed held, unless noted otherwise.

    def _add(self, key: Hashable, call: _Call) -> _Call:
        calls = self._queues.setdefault(key, deque())
        if len(calls) >= self._most_pending:
            call.future.set_exception(queue.Full(f"{key}: too many pending calls"))
            return call
        calls.append(call)
        if call.name is not None:
            self._named[key, call.name] = call
        if len(calls) == 1 and key not in self._running:
            self._ready.append(key)
        self._wake()
        return call

    def _wake(self) -> None:
        """Ensure that a thread takes the next call when it may run."""
        if self._waiting:
            self._changed.notify_all()
        elif len(self._threads) <= self._workers + self._most_blocked:
            self._start()

    def _start(self) -> None:
        self._numbers += 1
        name = f"{self._name} {self._numbers}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.add(thread)
        self._waiting += 1
        try:
            thread.start()
        except RuntimeError as error:
            # Python ends. Otherwise the next call of submit() tries again.
            self._threads.discard(thread)
            self._waiting -= 1
            self._log.warning("No thread for %s: %s", self._name, error)

    def _run(self) -> None:
        """Run a thread; takes the lock itself."""
        while True:
            with self._changed:
                key, call = self._next()
                self._waiting -= 1
                if call is None:
                    self._threads.discard(threading.current_thread())
                    self._changed.notify_all()
                    return
                if self._ready:
                    # Another one runs beside it, now or when it is blocked.
                    self._wake()
            _carry_out(call)
            # Not kept while the thread waits for the next.
            del call
            with self._changed:
                self._waiting += 1
                self._end(key)

    def _next(self) -> tuple[Hashable, _Call | None]:
        """Wait for a call; None if the thread is to end."""
        idle_until = self._clock.monotonic() + self._idle
        while True:
            now = self._clock.monotonic()
            if self._ready and self._has_room(now):
                key = self._ready.popleft()
                self._running[key] = now
                call = self._queues[key].popleft()
                self._named.pop((key, call.name), None)
                return key, call
            if not self._ready and now >= idle_until:
                return None, None
            self._changed.wait(max(self._until(now, idle_until) - now, 0.001))

    def _has_room(self, now: float) -> bool:
        """Return whether a call may begin."""
        blocked = sum(begun + self._blocked <= now for begun in self._running.values())
        counted = len(self._running) - min(blocked, self._most_blocked)
        return counted < self._workers

    def _until(self, now: float, idle_until: float) -> float:
        """Return when a waiting thread looks again."""
        if not self._ready:
            return idle_until
        ends = (begun + self._blocked for begun in self._running.values())
        return min((end for end in ends if end > now), default=now + self._idle)

    def _end(self, key: Hashable) -> None:
        """Record that the call of ``key`` has ended."""
        del self._running[key]
        if self._queues.get(key):
            self._ready.append(key)
        else:
            self._queues.pop(key, None)
        self._changed.notify_all()


def _carry_out(call: _Call) -> None:
    """Run ``call`` and settle its future; without the lock.

    An error, even a SystemExit, must not end the thread.
    """
    if not call.future.set_running_or_notify_cancel():
        return
    try:
        result = call.action()
    except BaseException as error:  # noqa: BLE001 - goes to the caller
        call.future.set_exception(error)
        # The traceback of the error keeps this frame, and would keep itself by it.
        del call
    else:
        call.future.set_result(result)
