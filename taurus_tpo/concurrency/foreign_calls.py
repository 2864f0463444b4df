"""The calls of Tango's threads into Python, and the end of Python.

A thread of Tango's that asks for Python's lock while Python ends is made to exit before
Python 3.14. C++ catches that exit, and glibc ends the process for it: "FATAL: exception
not rethrown", and an abort.
"""

from __future__ import annotations

import threading

#: How long a thread waits for the end of the process, s. What Tango has locked for it
#: is locked as long: a program that unsubscribes at the end waits for that.
STAY = 10.0


class Callbacks:
    """The calls of Tango's threads into Python, none of which outlasts Python.

    Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: Tango's threads stay behind."""
        self._changed = threading.Condition()
        self._inside = 0
        self._stopped = False

    def enter(self) -> bool:
        """Begin a call, in the thread that makes it; waits once they are stopped.

        :return: whether the call may go on: it is to end with :meth:`leave` then.
        """
        with self._changed:
            stopped = self._stopped
            self._inside += not stopped
        if stopped:
            _stay()
        return not stopped

    def leave(self) -> None:
        """End it, in the same thread; waits once they are stopped."""
        with self._changed:
            stopped = self._stopped
            self._inside -= 1
            self._changed.notify_all()
        if stopped:
            _stay()

    def stop(self, timeout: float) -> bool:
        """Let no call begin or return any more: its thread waits for :data:`STAY`.

        To be called once Python is ending.

        :param timeout: how long to wait for calls that are under way, s.
        :return: whether all threads wait.
        """
        with self._changed:
            self._stopped = True
            return self._changed.wait_for(lambda: not self._inside, timeout)


def _stay() -> None:
    """Wait for the end of the process, without Python's lock."""
    threading.Event().wait(STAY)
