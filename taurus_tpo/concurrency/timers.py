"""Calls functions later, in one thread."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from typing import Any, Callable

from taurus_tpo.core.clock import SYSTEM, Clock

#: Name of the thread.
THREAD_NAME = "taurus_tpo timers"

#: How long the thread waits for a new timer before it ends, s.
IDLE = 0.25

#: Shortest time that the thread waits, s: a clock may stand still.
_SHORTEST_WAIT = 0.001


class Timers:
    """Calls actions when they are due, in a daemon thread that starts on demand.

    Methods may be called from any thread.

    :param name: name of the thread, for debuggers.
    :param idle: how long the thread waits for a new timer before it ends, s.
    :param log: logger for errors.
    """

    def __init__(
        self,
        name: str = THREAD_NAME,
        idle: float = IDLE,
        clock: Clock = SYSTEM,
        log: Any = None,
    ) -> None:
        self._name = name
        self._idle = idle
        self._clock = clock
        self._log = log if log is not None else logging.getLogger(__name__)
        # A garbage collection may set a timer in any code of this thread.
        self._changed = threading.Condition(threading.RLock())
        #: Due time on the monotonic clock, order of the calls, action; a heap.
        self._pending: list[tuple[float, int, Callable[[], Any]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, delay: float, action: Callable[[], Any]) -> None:
        """Have ``action`` called in ``delay`` s; it must not block.

        Does nothing after :meth:`close`.
        """
        with self._changed:
            if self._closed:
                return
            due = self._clock.monotonic() + delay
            heapq.heappush(self._pending, (due, next(self._numbers), action))
            if self._thread is None:
                self._start()
            else:
                self._changed.notify_all()

    def threads(self) -> tuple[threading.Thread, ...]:
        """Return the running thread, if any."""
        thread = self._thread
        return () if thread is None else (thread,)

    def close(self, timeout: float | None = 0.0) -> bool:
        """Drop the pending timers and end the thread.

        :param timeout: how long to wait for a running action, s; None: no limit.
        :return: whether the thread has ended, or is the calling one.
        """
        with self._changed:
            self._closed = True
            self._pending.clear()
            self._changed.notify_all()
            me = threading.current_thread()
            return self._changed.wait_for(lambda: self._thread in (None, me), timeout)

    def _start(self) -> None:
        """Start the thread; with the lock held."""
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError as error:
            # Python ends. Otherwise the next call of after() tries again.
            self._thread = None
            self._log.warning("No thread for %s: %s", self._name, error)

    def _run(self) -> None:
        while True:
            with self._changed:
                action = self._next()
                if action is None:
                    self._thread = None
                    self._changed.notify_all()
                    return
            try:
                action()
            except Exception as error:  # noqa: BLE001 - the next one must be called
                self._log.warning("%r failed: %r", action, error)

    def _next(self) -> Callable[[], Any] | None:
        """Wait for the next due action; None if the thread is to end."""
        idle_until = self._clock.monotonic() + self._idle
        while not self._closed:
            now = self._clock.monotonic()
            due = self._pending[0][0] if self._pending else idle_until
            if due > now:
                self._changed.wait(max(due - now, _SHORTEST_WAIT))
            elif self._pending:
                return heapq.heappop(self._pending)[2]
            else:
                return None
        return None
