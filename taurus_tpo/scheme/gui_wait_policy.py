"""How long a thread waits for devices.

What a program asks for by name it waits for, in whatever thread, as in stock Taurus.
Budgets are for what Taurus does by itself while it builds a window.
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

#: How long a window waits for one server that is not yet known, s. Healthy devices take
#: some ms.
ONE = 0.05

#: How long it waits for all of those together, while it is built, s.
TOGETHER = 0.25

#: How long it waits for all first values together that somebody asks for, s.
VALUES = 0.5

#: How long a window waits to hear that the process of one server runs, and of all
#: together, s, where Taurus asks for something by itself that it asks for once: which
#: widget a row of a form is. A process that runs has answered long before.
RUNS = 0.2
ALL_RUN = 0.5

#: How often it looks whether the process has answered, s.
LOOK = 0.01

#: How long a caller waits for one server where the mode asks for it, or what is asked
#: for by name, s: a little longer than Tango's own timeout, so that Tango has its say.
ASKED_FOR = 3.5

#: What an answer may take without anybody feeling it, s: a healthy database needs less
#: than a millisecond, and is asked once a device; a healthy device not much more.
UNFELT = 0.005

#: After how long without a wait another window is being built, s.
NEXT_WINDOW = 2.0


#: Whether the caller is in :meth:`GuiWaitPolicy.hurry`: no matter of any other thread.
_HURRIED: ContextVar[bool] = ContextVar("taurus_tpo_hurried", default=False)


class Asked(Protocol):
    """Somebody who may not answer: a device, or a database.

    :param placed: set once it is known which server that is.
    :param located: whether it is known which server that is.
    :param server: which that is at present.
    """

    placed: threading.Event
    located: bool
    server: Server

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""


class _Budget:
    """What waits may take together; full again after a pause. Not thread-safe.

    :param whole: what there is to spend, s.
    """

    def __init__(self, whole: float) -> None:
        self._whole = self._left = whole
        self._spent_last = float("-inf")

    def left(self, now: float) -> float:
        """Return what may be spent ``now``, s."""
        if now - self._spent_last > NEXT_WINDOW:
            self._left = self._whole
        return self._left

    def spend(self, seconds: float, now: float) -> None:
        """Take note of a wait that ends ``now``."""
        self._left = max(0.0, self._left - seconds)
        self._spent_last = now


class GuiWaitPolicy:
    """How long the thread that builds a window waits for devices.

    Any other thread, and a program without a window, waits as long as it takes: who
    makes an attribute in a script wants to know what it is.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._for_devices = _Budget(TOGETHER)
        self._for_values = _Budget(VALUES)
        #: For processes that do not say whether they run; and when which did not.
        self._for_unheard = _Budget(ALL_RUN)
        self._unheard: weakref.WeakKeyDictionary[Server, float]
        self._unheard = weakref.WeakKeyDictionary()
        #: When a server has missed its turn.
        self._missed: weakref.WeakKeyDictionary[Server, float]
        self._missed = weakref.WeakKeyDictionary()
        #: The same for one that was waited for at length.
        self._missed_all: weakref.WeakKeyDictionary[Server, float]
        self._missed_all = weakref.WeakKeyDictionary()

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Let this thread, or this task of it, wait as one that builds a window."""
        token = _HURRIED.set(True)
        try:
            yield
        finally:
            _HURRIED.reset(token)

    @property
    def in_a_hurry(self) -> bool:
        """Whether this thread builds a window, or is to wait as if it did."""
        return _HURRIED.get() or in_window_thread()

    def wait(self, answer: Future[Any], connection: Asked, unfelt: float = 0.0) -> None:
        """Wait for the ``answer`` of a device, as long as may be.

        Whoever builds a window does not wait for a server that is known not to answer,
        or that has missed its turn and has not answered since.

        :param unfelt: what an answer may take without counting, s.
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
        """Wait for the ``answer`` to a read, as long as may be.

        The threads that build windows have a budget of their own for that. What healthy
        devices take does not count. A server that has answered lately may use all that
        is left of it: it is well, and the machine may be busy.
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
        if now - begun > UNFELT or not answer.done():
            self._for_values.spend(now - begun, now)

    def wait_at_length(self, answer: Future[Any], connection: Asked) -> None:
        """Wait for the ``answer`` where the user asked for that, by the mode.

        Once a server: whoever builds a window waits no more for one that has missed its
        turn and has not answered since.
        """
        if not self.in_a_hurry:
            _settled(answer)
        elif not _has_missed(self._missed_all, connection):
            self._wait_once(answer, connection, ASKED_FOR)

    def wait_by_name(
        self, ask: Callable[[bool], Future[Any]], connection: Asked
    ) -> Future[Any]:
        """Wait for what a program asks for by name, in whatever thread.

        As long as it takes where the server's process runs; for one that does not
        answer as long as Tango waits. Once a server: for one that has missed its turn,
        or has been silent for so long, nobody waits until it has answered.

        :param ask: has it asked; patiently or not, see
            :meth:`taurus_tpo.concurrency.io_pool.DevicePool.submit`.
        :return: the answer, which is on its way as long as the server is silent.
        """
        begun = self._clock.monotonic()
        if self._is_given_up(connection.server):
            return ask(True)
        answer = ask(False)
        self._wait_once(answer, connection, ASKED_FOR if self.in_a_hurry else None)
        if answer.done() and connection.server.silent:
            # It has not answered for a second. Tango would wait for two more.
            answer = ask(True)
            left = begun + ASKED_FOR - self._clock.monotonic()
            self._wait_once(answer, connection, max(0.0, left))
        return answer

    def wait_if_it_runs(self, answer: Future[Any], connection: Asked) -> None:
        """Wait for what Taurus asks for by itself, where the server's process runs.

        Then as for what is asked for by name. For a process that does not say so, some
        moments, and for all of them together some more.
        """
        if self._is_given_up(connection.server):
            return
        if self._hear(answer, connection) and not answer.done():
            self._wait_once(answer, connection, ASKED_FOR)

    def _hear(self, answer: Future[Any], connection: Asked) -> bool:
        """Return whether the server's process says in time that it runs.

        Or the answer is there.
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
        """Return how long a process may take to say that it runs, s."""
        if _has_missed(self._unheard, connection):
            return 0.0
        # Those that hang must not spend what those that run need.
        return max(ONE, min(RUNS, self._for_unheard.left(now)))

    def _wait_once(
        self, answer: Future[Any], connection: Asked, timeout: float | None
    ) -> None:
        """Wait; take note of a server that has not answered in ``timeout`` s."""
        _settled(answer, timeout)
        if not answer.done():
            self._missed_all[connection.server] = self._clock.monotonic()

    def _is_given_up(self, server: Server) -> bool:
        """Return whether nobody waits for ``server`` any more: it has had its time."""
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
    """Return whether ``server`` has missed a turn, and not answered since."""
    return server in missed and server.answered <= missed[server]


def _settled(answer: Future[Any], timeout: float | None = None) -> None:
    """Wait until there is an answer, or none is to come any more.

    ``concurrent.futures.wait`` would wait for ever for one that is cancelled.
    """
    with contextlib.suppress(
        concurrent.futures.CancelledError, concurrent.futures.TimeoutError
    ):
        answer.exception(timeout)


def in_window_thread() -> bool:
    """Return whether the caller is the thread that keeps a window alive."""
    if threading.current_thread() is not threading.main_thread():
        return False
    starting = application.state != ApplicationStates.NONE
    return starting or current_application() is not None
