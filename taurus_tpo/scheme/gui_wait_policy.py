"""How long a thread waits for devices.

For explicit requests of a program it waits in any thread, as in stock Taurus. Time
limits apply to requests that Taurus makes by itself while it builds a window.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from functools import partial
from typing import Any, Callable, Protocol

from taurus.taurusstatecontroller import ApplicationStates, application

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.server_health import Server
from taurus_tpo.scheme.gui_thread import current_application

#: How long the GUI thread waits for one server of unknown health, s. Healthy devices
#: take some ms.
ONE = 0.05

#: How long it waits for all such servers together while a window is built, s.
TOGETHER = 0.25

#: How long it waits for all first values together, s.
VALUES = 0.5

#: How long the GUI thread waits to learn that the process of one server, and of all
#: together, runs, s: for requests that Taurus makes only once, such as for the widget
#: of a row of a form. A process that runs answers much earlier.
RUNS = 0.2
ALL_RUN = 0.5

#: How often it checks whether the process has answered, s.
LOOK = 0.01

#: How long a caller waits for one server if the mode or a program requires it, s: a
#: little longer than Tango's own timeout, so that Tango's error arrives.
ASKED_FOR = 3.5

#: Longest wait that users do not notice, s: a healthy database answers in less than 1
#: ms and is called once per device; a healthy device takes little longer.
UNNOTICED = 0.005

#: The state without an application; Taurus computes it at each access.
_NO_APPLICATION = ApplicationStates.NONE

#: Pause without waits after which another window is being built, s.
NEXT_WINDOW = 2.0


#: Whether the caller is in :meth:`GuiWaitPolicy.hurry`; per thread or asyncio task.
_HURRIED: ContextVar[bool] = ContextVar("taurus_tpo_hurried", default=False)


class Asked(Protocol):
    """A device or a database that may not answer.

    :param placed: set once its server is known.
    :param located: whether its server is known.
    :param server: its present server.
    """

    placed: threading.Event
    located: bool
    server: Server

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""


class _Budget:
    """Time that waits may take together; full again after a pause. Not thread-safe.

    :param whole: the full budget, s.
    """

    def __init__(self, whole: float) -> None:
        self._whole = self._left = whole
        self._spent_last = float("-inf")

    def left(self, now: float) -> float:
        """Return the rest of the budget, s.

        :param now: monotonic clock, s.
        """
        if now - self._spent_last > NEXT_WINDOW:
            self._left = self._whole
        return self._left

    def spend(self, seconds: float, now: float) -> None:
        """Record a wait of ``seconds`` that ends ``now``."""
        self._left = max(0.0, self._left - seconds)
        self._spent_last = now


class GuiWaitPolicy:
    """How long the GUI thread waits for devices.

    Threads and asyncio tasks in :meth:`hurry` are treated as the GUI thread. Any other
    thread, and a program without a window, waits without limit: a script that makes an
    attribute needs its type.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._for_devices = _Budget(TOGETHER)
        self._for_values = _Budget(VALUES)
        #: For processes that do not answer in time; and when a wait for each timed out.
        self._for_unheard = _Budget(ALL_RUN)
        self._unheard: weakref.WeakKeyDictionary[Server, float]
        self._unheard = weakref.WeakKeyDictionary()
        #: Whether the GUI thread waits for no first value, see :meth:`values_later`.
        self.values_come_later = False
        #: When a wait for a server timed out.
        self._missed: weakref.WeakKeyDictionary[Server, float]
        self._missed = weakref.WeakKeyDictionary()
        #: The same for long waits.
        self._missed_all: weakref.WeakKeyDictionary[Server, float]
        self._missed_all = weakref.WeakKeyDictionary()

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Have this thread, or asyncio task, wait as the GUI thread."""
        token = _HURRIED.set(True)
        try:
            yield
        finally:
            _HURRIED.reset(token)

    @contextlib.contextmanager
    def values_later(self) -> Iterator[None]:
        """Have the GUI thread, which calls this, wait for no first value.

        For a row that is made while its window is in use: the value is shown when it
        comes.
        """
        outer, self.values_come_later = self.values_come_later, True
        try:
            yield
        finally:
            self.values_come_later = outer

    @property
    def in_a_hurry(self) -> bool:
        """Whether the caller is the GUI thread, or in :meth:`hurry`."""
        return _HURRIED.get() or in_window_thread()

    def wait(self, answer: Future[Any], connection: Asked, unfelt: float = 0.0) -> None:
        """Wait for the ``answer`` of a device, as long as permitted.

        The GUI thread does not wait for a server that is known not to answer, or for
        which a wait timed out and which has not answered since.

        :param unfelt: duration of an answer that does not count, s.
        """
        if not self.in_a_hurry:
            _settled(answer)
            return
        if answer.done() or self._is_vain(connection):
            return
        begun = self._clock.monotonic()
        most = min(ONE, self._for_devices.left(begun))
        for awaited in (connection.placed.wait, partial(_settled, answer)):
            spent = self._clock.monotonic() - begun
            awaited(max(0.0, most - spent))
            if answer.done() or self._is_vain(connection):
                break
        now = self._clock.monotonic()
        is_felt = now - begun > unfelt or not answer.done()
        self._for_devices.spend(now - begun if is_felt else 0.0, now)
        if not answer.done():
            self._missed[connection.server] = now

    def wait_for_value(self, answer: Future[Any], connection: Asked) -> None:
        """Wait for the result of a read, as long as permitted.

        The GUI thread has a separate budget for reads. Reads as fast as those of
        healthy devices do not count. A server that has answered lately may use the
        whole rest of the budget: it is healthy, and the machine may be busy.
        """
        if not self.in_a_hurry:
            _settled(answer)
            return
        begun = self._clock.monotonic()
        left = self._for_values.left(begun)
        answers = connection.located and connection.server.answers_lately(begun)
        if not connection.silent:
            _settled(answer, left if answers else min(ONE, left))
        now = self._clock.monotonic()
        if now - begun > UNNOTICED or not answer.done():
            self._for_values.spend(now - begun, now)

    def wait_at_length(self, answer: Future[Any], connection: Asked) -> None:
        """Wait for the ``answer`` because the mode requires it.

        Once per server: the GUI thread does not wait again for a server for which a
        wait timed out and which has not answered since.
        """
        if not self.in_a_hurry:
            _settled(answer)
        elif not _has_missed(self._missed_all, connection):
            self._wait_once(answer, connection, ASKED_FOR)

    def wait_by_name(
        self, ask: Callable[[bool], Future[Any]], connection: Asked
    ) -> Future[Any]:
        """Wait for an explicit request of a program, in any thread.

        If the server's process runs, without limit, in the GUI thread up to
        :data:`ASKED_FOR`; if it does not answer, as long as Tango. Once per server:
        after a wait that timed out, or a silence of that length, callers do not wait
        until the server has answered.

        :param ask: makes the request; patient or not, see
            :meth:`taurus_tpo.concurrency.io_pool.DevicePool.submit`.
        :return: the answer, which stays pending while the server does not answer.
        """
        begun = self._clock.monotonic()
        if self._is_given_up(connection.server):
            return ask(True)
        answer = ask(False)
        self._wait_once(answer, connection, ASKED_FOR if self.in_a_hurry else None)
        if answer.done() and connection.server.silent:
            # It has not answered for 1 s. Tango would wait for 2 s more.
            answer = ask(True)
            left = begun + ASKED_FOR - self._clock.monotonic()
            self._wait_once(answer, connection, max(0.0, left))
        return answer

    def wait_if_it_runs(
        self,
        answer: Future[Any],
        connection: Asked,
        server_answers: Callable[[Server], bool],
    ) -> None:
        """Wait for a request that Taurus makes by itself, if the server's process runs.

        Then up to :data:`ASKED_FOR`, as long as it runs. For a process that does not
        answer, as :data:`RUNS` and :data:`ALL_RUN` limit.

        :param server_answers: returns whether a server answers a probe; may wait for
            it, see :meth:`taurus_tpo.concurrency.io_pool.DevicePool.server_answers`.
        """
        if self._is_given_up(connection.server):
            return
        if not self._hear(answer, connection):
            return
        end = self._clock.monotonic() + ASKED_FOR
        while not answer.done() and self._clock.monotonic() < end:
            _settled(answer, RUNS)
            # It may have begun to hang after its last answer.
            if not answer.done() and not server_answers(connection.server):
                self._unheard[connection.server] = self._clock.monotonic()
                return
        if not answer.done():
            self._missed_all[connection.server] = self._clock.monotonic()

    def _hear(self, answer: Future[Any], connection: Asked) -> bool:
        """Return whether the server's process answers in time.

        Or ``answer`` is done.
        """
        begun = self._clock.monotonic()
        allowed = self._allowed_unheard(connection, begun)
        while not answer.done():
            now = self._clock.monotonic()
            if connection.located and connection.server.answers_lately(now):
                return True
            if now - begun >= allowed:
                self._for_unheard.spend(now - begun, now)
                self._unheard[connection.server] = now
                return False
            _settled(answer, LOOK)
        return True

    def _allowed_unheard(self, connection: Asked, now: float) -> float:
        """Return how long to wait for an answer of a process, s."""
        if _has_missed(self._unheard, connection):
            return 0.0
        # Servers that hang must not use the time of those that run.
        return max(ONE, min(RUNS, self._for_unheard.left(now)))

    def _wait_once(
        self, answer: Future[Any], connection: Asked, timeout: float | None
    ) -> None:
        """Wait; record a server that has not answered in ``timeout`` s."""
        _settled(answer, timeout)
        if not answer.done():
            self._missed_all[connection.server] = self._clock.monotonic()

    def _is_given_up(self, server: Server) -> bool:
        """Return whether no caller waits for ``server`` until it has answered."""
        if _is_in_vain(self._missed_all, server):
            return True
        since = server.since
        return since is not None and self._clock.time() - since >= ASKED_FOR

    def _is_vain(self, connection: Asked) -> bool:
        return connection.silent or _has_missed(self._missed, connection)


def _has_missed(
    missed: weakref.WeakKeyDictionary[Server, float], connection: Asked
) -> bool:
    return _is_in_vain(missed, connection.server)


def _is_in_vain(
    missed: weakref.WeakKeyDictionary[Server, float], server: Server
) -> bool:
    """Return whether a wait for ``server`` timed out and it has not answered since."""
    return server in missed and server.answered <= missed[server]


def _settled(answer: Future[Any], timeout: float | None = None) -> None:
    """Wait until there is an answer, or the future is cancelled.

    ``concurrent.futures.wait`` would wait for ever for a cancelled one.
    """
    with contextlib.suppress(
        concurrent.futures.CancelledError, concurrent.futures.TimeoutError
    ):
        answer.exception(timeout)


def in_window_thread() -> bool:
    """Return whether the caller is the GUI thread."""
    if threading.current_thread() is not threading.main_thread():
        return False
    starting = application.state != _NO_APPLICATION
    return starting or current_application() is not None
