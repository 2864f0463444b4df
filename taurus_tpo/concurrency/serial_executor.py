"""One thread for actions that are not urgent and whose result is not needed."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections import deque
from typing import Any, Callable

from taurus_tpo.core.clock import SYSTEM, Clock

#: How long the thread waits for actions before it ends, s.
IDLE = 0.25


class SerialExecutor:
    """Runs actions one after the other, in a daemon thread that starts on demand.

    For actions that may block (ending a subscription waits for the device), or that the
    calling thread must not run itself (a callback of Tango, or a garbage collection,
    which may interrupt code that holds any lock). :meth:`do` never waits for a lock.

    :param name: name of the thread, for debuggers.
    :param idle: how long the thread waits for actions before it ends, s.
    :param log: logger for errors.
    """

    def __init__(
        self,
        name: str,
        idle: float = IDLE,
        clock: Clock = SYSTEM,
        log: Any = None,
    ) -> None:
        self._name = name
        self._idle = idle
        self._clock = clock
        self._log = log if log is not None else logging.getLogger(__name__)
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which does not have the thread.

        The pending actions of the parent are not run.
        """
        # put() is reentrant: a garbage collection may call it within itself.
        self._work: queue.SimpleQueue[tuple[float, Callable[[], Any]]]
        self._work = queue.SimpleQueue()
        self._dropped: list[Any] = []
        self._starting = threading.Lock()
        self._alive = False
        #: An element for each action that is pending or running. To add or remove one
        #: takes no lock.
        self._undone: deque[None] = deque()
        self._changed = threading.Condition()

    def do(self, action: Callable[[], Any], due: float = float("-inf")) -> None:
        """Have ``action`` run; returns at once.

        :param due: earliest time, monotonic clock, s. Later actions wait, too.
        """
        self._undone.append(None)
        self._work.put((due, action))
        self._ensure_thread()

    def drop(self) -> int:
        """Drop the pending actions; return their number. A running action continues."""
        dropped = []
        with contextlib.suppress(queue.Empty):
            while True:
                dropped.append(self._work.get_nowait())
                self._undone.popleft()
        if dropped:
            # Destroying their objects may block, too.
            self._dropped += dropped
            # The thread reports completion only after an action.
            self.do(_nothing)
        return len(dropped)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no action is pending or running.

        :param timeout: s; None: no limit.
        :return: whether that is so.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._undone, timeout)

    def _ensure_thread(self) -> None:
        """Start the thread if actions are pending and it is not alive; never waits."""
        # Repeated, since whoever finds the lock taken leaves it to its holder.
        while not self._alive and not self._work.empty():
            if not self._starting.acquire(blocking=False):
                return
            try:
                started = self._alive or self._start()
            finally:
                self._starting.release()
            if not started:
                return

    def _start(self) -> bool:
        """Start the thread; return whether that was possible; with the lock held."""
        self._alive = True
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # Python ends. Otherwise the next call of do() tries again.
            self._alive = False
            self._log.warning("No thread for %s: %s", self._name, error)
            return False
        return True

    def _run(self) -> None:
        while True:
            try:
                due, action = self._work.get(timeout=self._idle)
            except queue.Empty:
                self._alive = False
                # Whoever has added an action since may have found it alive.
                self._ensure_thread()
                return
            pause = due - self._clock.monotonic()
            if pause > 0:
                threading.Event().wait(pause)
            self._do_safely(action)
            # The action may have forked: then nothing is pending in the child.
            with contextlib.suppress(IndexError):
                self._undone.popleft()
            if not self._undone:
                with self._changed:
                    self._changed.notify_all()

    def _do_safely(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the next one must run too
            self._log.warning("%r failed: %r", action, error)


def _nothing() -> None:
    """Placeholder action after all others were dropped."""
