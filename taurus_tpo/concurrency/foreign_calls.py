"""Calls of Tango's threads into Python while Python ends.

Before Python 3.14, a thread of Tango that requests Python's lock while Python ends is
made to exit. C++ intercepts that exit, and glibc aborts the process: "FATAL: exception
not rethrown".
"""

from __future__ import annotations

import threading

#: How long a thread waits for the end of the process, s. It may hold a lock of Tango
#: that long, and a program that unsubscribes at its end waits for that lock.
STAY = 10.0


class Callbacks:
    """Tracks calls of Tango's threads into Python, and stops them when Python ends.

    Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which has no threads of Tango."""
        # Used directly for each event: entering a condition takes twice the time.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._inside = 0
        self._stopped = False

    def enter(self) -> bool:
        """Begin a call, in the thread that makes it; waits if calls are stopped.

        :return: whether the call may proceed; it must end with :meth:`leave` then.
        """
        with self._lock:
            stopped = self._stopped
            self._inside += not stopped
        if stopped:
            _stay()
        return not stopped

    def leave(self) -> None:
        """End a call, in the same thread; waits if calls are stopped."""
        with self._lock:
            stopped = self._stopped
            self._inside -= 1
            if stopped:
                self._changed.notify_all()
        if stopped:
            _stay()

    def stop(self, timeout: float) -> bool:
        """Let no call begin or return any more: its thread waits for :data:`STAY`.

        To be called when Python ends.

        :param timeout: how long to wait for calls in progress, s.
        :return: whether no call is in progress.
        """
        with self._changed:
            self._stopped = True
            return self._changed.wait_for(lambda: not self._inside, timeout)


def _stay() -> None:
    """Wait for the end of the process, without Python's lock."""
    threading.Event().wait(STAY)
