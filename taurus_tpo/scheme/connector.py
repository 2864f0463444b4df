"""How long the thread that builds a window waits for devices."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import weakref
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

from taurus.taurusstatecontroller import ApplicationStates, application

from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.firstread import Server
from taurus_tpo.scheme.courier import current_application

#: How long a window waits for one server that is not yet known, and for all together
#: while it is built, s. Healthy devices take some ms.
ONE = 0.05
TOGETHER = 0.25

#: How long a window waits for one server where the mode asks for it, s: a little longer
#: than Tango's own timeout, so that Tango has its say.
ASKED_FOR = 3.5

#: After how long without a wait another window is being built, s.
PAUSE = 2.0


class Asked(Protocol):
    """Somebody who may not answer: a device, or a database.

    :param placed: set once it is known which server that is.
    :param server: which that is at present.
    """

    placed: threading.Event
    server: Server

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""


class Patience:
    """How long the thread that builds a window waits for devices.

    Any other thread, and a program without a window, waits as long as it takes: who
    makes an attribute in a script wants to know what it is.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        #: Whether every thread is to wait as the one that builds a window.
        self.hurried = False
        self._left = TOGETHER
        self._last = float("-inf")
        #: When a server has missed its turn.
        self._missed: weakref.WeakKeyDictionary[Server, float]
        self._missed = weakref.WeakKeyDictionary()
        #: The same for one that was waited for at length.
        self._missed_all: weakref.WeakKeyDictionary[Server, float]
        self._missed_all = weakref.WeakKeyDictionary()

    @property
    def in_a_hurry(self) -> bool:
        """Whether this thread builds a window."""
        return self.hurried or in_window_thread()

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
        if begun - self._last > PAUSE:
            self._left = TOGETHER
        for awaited in (connection.placed.wait, partial(_settled, answer)):
            spent = self._clock.monotonic() - begun
            awaited(max(0.0, min(ONE, self._left) - spent))
            if answer.done() or self._is_vain(connection):
                break
        self._last = self._clock.monotonic()
        spent = self._last - begun
        if spent > unfelt or not answer.done():
            self._left = max(0.0, self._left - spent)
        if not answer.done():
            self._missed[connection.server] = self._last

    def wait_at_length(self, answer: Future[Any], connection: Asked) -> None:
        """Wait for the ``answer`` where the user asked for that, by the mode.

        Once a server: whoever builds a window waits no more for one that has missed its
        turn and has not answered since.
        """
        if not self.in_a_hurry:
            _settled(answer)
        elif not _has_missed(self._missed_all, connection):
            _settled(answer, ASKED_FOR)
            if not answer.done():
                self._missed_all[connection.server] = self._clock.monotonic()

    def _is_vain(self, connection: Asked) -> bool:
        return connection.silent or _has_missed(self._missed, connection)


def _has_missed(
    missed: weakref.WeakKeyDictionary[Server, float], connection: Asked
) -> bool:
    server = connection.server
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
