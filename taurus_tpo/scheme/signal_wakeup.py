"""Lets Ctrl-C be heard by a program whose window is idle.

Python handles a signal when its main thread runs Python code the next time. The event
loop of a window in which nothing happens runs none, so that Taurus's own handler, which
ends the program, was called after 10 s or never.
"""

from __future__ import annotations

import functools
import signal
import socket
import sys
import weakref
from typing import Any, Callable

from taurus.taurusstatecontroller import ApplicationStates, application

#: How much is taken out of the pipe at once, bytes: one for each signal.
_MANY = 1024


def _timer_device(*_event: Any) -> None:
    """Stand for what is not there yet."""


class Wakeup:
    """Runs a little Python in the thread of an application at each signal.

    Python writes a byte into a pipe when there is a signal, and Qt looks at that. What
    handles the signal stays as it is. Where somebody else has Python write into a pipe
    of theirs, they will be woken by it.
    """

    def __init__(self) -> None:
        # As long as the process lives: Python goes on writing when the application is
        # gone, and the number of a file that was closed may be somebody else's.
        self._told, self._heard = socket.socketpair()
        for end in (self._told, self._heard):
            end.setblocking(False)
        self._notifier: Any = None
        self._served: Callable[[], Any] = _timer_device
        #: Whether there is an event loop to come, and whether Ctrl-C came before it.
        self._waits = self._was_early = False
        self._on_loop: Callable[..., Any] = _timer_device

    def serve(self, app: Any, qt: Any) -> None:
        """Wake ``app`` from now on; in its thread, the main one. Once is enough.

        :param qt: Taurus's module ``Qt``.
        """
        if self._served() is app:
            return
        number = self._told.fileno()
        others = signal.set_wakeup_fd(number, warn_on_full_buffer=False)
        if others not in (-1, number):
            signal.set_wakeup_fd(others)
            return
        notifier = qt.QSocketNotifier(
            self._heard.fileno(), qt.QSocketNotifier.Read, app
        )
        notifier.activated.connect(self._empty)
        self._notifier, self._served = notifier, weakref.ref(app)
        self._waits = True
        begin = functools.partial(qt.QTimer.singleShot, 0, self._begin)
        if application.state is not ApplicationStates.STARTING:
            begin()
            return
        # Somebody may process events before: that is not the event loop yet.
        self._on_loop = lambda *_event: begin()
        application.application_ready_eg.subscribeEvent(
            self._on_loop, with_first_event=False
        )

    def _begin(self) -> None:
        """The event loop has begun: see whether Ctrl-C came before.

        Taurus's handler has been called then, and has ended a loop that was not there.
        """
        self._empty()
        was_early, self._waits, self._was_early = self._was_early, False, False
        handler: Any = getattr(self._served(), "exit_handler", None)
        is_it = handler is not None and handler == signal.getsignal(signal.SIGINT)
        if was_early and is_it:
            handler(signal.SIGINT, None)

    def _empty(self, *_what: Any) -> None:
        """Take the numbers of signals out of the pipe; their handlers run by this."""
        try:
            told = self._heard.recv(_MANY)
        except BlockingIOError:
            return
        self._was_early |= self._waits and signal.SIGINT in told


@functools.cache
def _wakeup() -> Wakeup:
    return Wakeup()


def hear_signals(app: Any) -> None:
    """Have ``app`` handle signals at once, also while nothing happens in its windows.

    :param app: the ``QApplication``; called in its thread, the main one.
    """
    _wakeup().serve(app, sys.modules["taurus.external.qt.Qt"])
