"""Handles Ctrl-C in a program whose window is idle.

Python handles a signal when its main thread next runs Python code. The event loop of an
idle window runs none, so that Taurus's own handler, which ends the program, was called
after 10 s or never.
"""

from __future__ import annotations

import functools
import signal
import socket
import sys
import weakref
from typing import Any, Callable

from taurus.taurusstatecontroller import ApplicationStates, application

#: How much is read from the pipe at once, bytes: one per signal.
_MANY = 1024


def _timer_device(*_event: Any) -> None:
    """Placeholder for a function that is not set yet."""


class Wakeup:
    """Runs a little Python code in the thread of an application at each signal.

    Python writes a byte into a pipe at each signal, and Qt watches the pipe. The
    handlers of signals are not changed. If other code has set a pipe for that, this
    does nothing.
    """

    def __init__(self) -> None:
        # Never closed: Python goes on writing when the application is gone, and the
        # number of a closed file may be reused.
        self._told, self._heard = socket.socketpair()
        for end in (self._told, self._heard):
            end.setblocking(False)
        self._notifier: Any = None
        self._served: Callable[[], Any] = _timer_device
        #: Whether the event loop has not started yet, and whether Ctrl-C came before
        #: it.
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
        # A program may process events before; that is not the event loop yet.
        self._on_loop = lambda *_event: begin()
        application.application_ready_eg.subscribeEvent(
            self._on_loop, with_first_event=False
        )

    def _begin(self) -> None:
        """Handle a Ctrl-C that came before the event loop has started.

        Taurus's handler was called then, and had no loop to end.
        """
        self._empty()
        was_early, self._waits, self._was_early = self._was_early, False, False
        handler: Any = getattr(self._served(), "exit_handler", None)
        is_it = handler is not None and handler == signal.getsignal(signal.SIGINT)
        if was_early and is_it:
            handler(signal.SIGINT, None)

    def _empty(self, *_what: Any) -> None:
        """Read the signal numbers from the pipe; this makes their handlers run."""
        try:
            told = self._heard.recv(_MANY)
        except BlockingIOError:
            return
        self._was_early |= self._waits and signal.SIGINT in told


@functools.cache
def _wakeup() -> Wakeup:
    return Wakeup()


def handle_signals(app: Any) -> None:
    """Have ``app`` handle signals at once, also while its windows are idle.

    :param app: the ``QApplication``; called in its thread, the main one.
    """
    _wakeup().serve(app, sys.modules["taurus.external.qt.Qt"])
