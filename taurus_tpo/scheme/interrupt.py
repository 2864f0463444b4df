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
import threading
import weakref
from typing import Any, Callable

from taurus.taurusstatecontroller import ApplicationStates, application

#: How much is taken out of the pipe at once, bytes: one for each signal.
_MANY = 1024


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

    def listen(self) -> bool:
        """Have Python write from now on; return whether nobody else does.

        In the main thread; may be called again.
        """
        number = self._told.fileno()
        others = signal.set_wakeup_fd(number, warn_on_full_buffer=False)
        if others in (-1, number):
            return True
        signal.set_wakeup_fd(others)
        return False

    def serve(self, app: Any, qt: Any) -> None:
        """Wake ``app`` from now on; in its thread, the main one.

        :param qt: Taurus's module ``Qt``.
        """
        if not self.listen():
            return
        notifier = qt.QSocketNotifier(
            self._heard.fileno(), qt.QSocketNotifier.Read, app
        )
        notifier.activated.connect(self._empty)
        self._notifier = notifier
        qt.QTimer.singleShot(0, functools.partial(self._begin, weakref.ref(app)))

    def _begin(self, reference: Callable[[], Any]) -> None:
        """The event loop has begun: see whether Ctrl-C came before.

        Taurus's handler has been called then, and has ended a loop that was not there.
        """
        was_early = signal.SIGINT in self._empty()
        handler: Any = getattr(reference(), "exit_handler", None)
        is_it = handler is not None and handler == signal.getsignal(signal.SIGINT)
        if was_early and is_it:
            handler(signal.SIGINT, None)

    def _empty(self, *_what: Any) -> bytes:
        """Return the numbers of the signals in the pipe; their handlers run by this."""
        try:
            return self._heard.recv(_MANY)
        except BlockingIOError:
            return b""


@functools.cache
def _wakeup() -> Wakeup:
    return Wakeup()


def note_signals() -> None:
    """Take note of a Ctrl-C that comes before there is anything for it to end.

    To be called while a ``TaurusApplication`` is being made, before it sets a handler
    of its own: that one ends the event loop, which has not begun.
    """
    making = application.state is ApplicationStates.STARTING
    if making and threading.current_thread() is threading.main_thread():
        _wakeup().listen()


def hear_signals(app: Any) -> None:
    """Have ``app`` handle signals at once, also while nothing happens in its windows.

    :param app: the ``QApplication``; called in its thread, the main one.
    """
    _wakeup().serve(app, sys.modules["taurus.external.qt.Qt"])
