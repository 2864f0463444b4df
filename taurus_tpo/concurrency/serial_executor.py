"""One thread for what has to be done some time, and that nobody waits for."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from typing import Any, Callable

from taurus_tpo.core.clock import SYSTEM, Clock

#: How long the thread waits for work before it ends, s.
IDLE = 0.25


class SerialExecutor:
    """Does things one after the other, in a daemon thread that starts on demand.

    For what may take its time (giving a subscription up waits for the device) or must
    not be done where it is noticed (in a callback of Tango's, or while Python collects
    garbage, with who knows which locks held). :meth:`do` never waits and takes no lock
    that it would have to wait for.

    :param name: what the thread is called, for whoever looks with a debugger.
    :param log: takes what goes wrong.
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
        """Begin anew, in a process that was forked: its thread is not there.

        What the parent was to do is not done.
        """
        # Its put() may interrupt itself: garbage is collected at any time.
        self._work: queue.SimpleQueue[tuple[float, Callable[[], Any]]]
        self._work = queue.SimpleQueue()
        self._dropped: list[Any] = []
        self._starting = threading.Lock()
        self._alive = False
        self._done = _Flag()
        self._done.set()

    def do(self, action: Callable[[], Any], due: float = float("-inf")) -> None:
        """Have ``action`` done; returns at once.

        :param due: not before this time of the clock that never goes back, s. What
            comes after it waits too.
        """
        self._done.clear()
        self._work.put((due, action))
        if not self._alive and self._starting.acquire(blocking=False):
            try:
                self._start()
            finally:
                self._starting.release()

    def drop(self) -> int:
        """Forget what waits; return how much that was. What is being done goes on."""
        dropped = []
        with contextlib.suppress(queue.Empty):
            while True:
                dropped.append(self._work.get_nowait())
        if dropped:
            # The end of what they are about may take its time, too.
            self._dropped += dropped
            # Its thread says that all is done when it has done something.
            self.do(_nothing)
        return len(dropped)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do.

        :param timeout: s; None waits for as long as it takes.
        :return: whether nothing is left.
        """
        return self._done.wait(timeout)

    def _start(self) -> None:
        if self._alive or self._work.empty():
            return
        self._alive = True
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # Python ends. Otherwise whoever comes next tries again.
            self._alive = False
            self._log.warning("No thread for %s: %s", self._name, error)

    def _run(self) -> None:
        while True:
            try:
                due, action = self._work.get(timeout=self._idle)
            except queue.Empty:
                if self._may_end():
                    return
                continue
            pause = due - self._clock.monotonic()
            if pause > 0:
                threading.Event().wait(pause)
            self._do_safely(action)
            if self._work.empty():
                self._done.set()
                # Somebody may have put something in just before.
                if not self._work.empty():
                    self._done.clear()

    def _do_safely(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the next one must be done too
            self._log.warning("%r failed: %r", action, error)

    def _may_end(self) -> bool:
        """Say that the thread ends, unless something was put in meanwhile.

        Whoever puts something in and finds the thread alive has put it in before this,
        or finds it ended and starts another.
        """
        with self._starting:
            self._alive = False
            if self._work.empty():
                return True
            self._alive = True
            return False


class _Flag:
    """Something that is so or not, and that one can wait for; any thread.

    Unlike ``threading.Event`` it is cleared without a lock: by whoever collects garbage
    in the midst of :meth:`set`, perhaps.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._changed = threading.Condition(threading.RLock())

    def set(self) -> None:
        """Let it be so, and wake whoever waits for that."""
        with self._changed:
            self._is_set = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Let it not be so; never waits."""
        self._is_set = False

    def wait(self, timeout: float | None) -> bool:
        """Wait until it is so, s; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_set, timeout)


def _nothing() -> None:
    """What there is to do after all was dropped."""
