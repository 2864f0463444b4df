"""Connects devices in threads of its own, and says how long others wait for that."""

from __future__ import annotations

import concurrent.futures
import threading
from concurrent.futures import Future
from typing import Any, Callable

import tango
from taurus.taurusstatecontroller import ApplicationStates, application

from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.firstread import Batch

#: What the threads that connect are called.
THREAD_NAME = "taurus_tpo connect"

#: How long a window waits for one device that is not yet known, and for all together
#: while it is built, s. Healthy devices take some ms.
ONE = 0.05
TOGETHER = 0.25

#: After how long without a wait another window is being built, s.
PAUSE = 2.0


def serve(batch: Batch) -> None:
    """Connect one device; called in a thread of the pool, without any lock."""
    connection: Any = batch.device
    for request in batch.requests:
        if request.target() is None:
            request.drop()
            continue
        try:
            connection.connect()
        except tango.DevFailed as error:
            request.fail(error)
        else:
            request.succeed(connection)


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

    def wait(self, ask: Callable[[], Future[Any]], silent: bool) -> None:
        """Ask a device and wait for its answer, as long as may be.

        :param ask: returns the future of the answer.
        :param silent: whether the device is known not to answer: it has missed its
            turn, and whoever builds a window neither asks nor waits.
        """
        if not (self.hurried or in_window_thread()):
            concurrent.futures.wait([ask()])
            return
        if silent:
            return
        begun = self._clock.monotonic()
        if begun - self._last > PAUSE:
            self._left = TOGETHER
        concurrent.futures.wait([ask()], max(0.0, min(ONE, self._left)))
        self._last = self._clock.monotonic()
        self._left -= self._last - begun


def in_window_thread() -> bool:
    """Return whether the caller is the thread that keeps a window alive."""
    has_window = application.state != ApplicationStates.NONE
    return has_window and threading.current_thread() is threading.main_thread()
