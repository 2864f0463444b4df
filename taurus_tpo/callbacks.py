"""The calls of Tango's threads into Python, and the end of Python. Floor 2.

A thread of Tango's that asks for Python's lock while Python ends is made to exit before
Python 3.14. C++ catches that exit, and glibc ends the process for it: "FATAL: exception
not rethrown", and an abort.
"""

from __future__ import annotations

import threading


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

    def enter(self) -> None:
        """Begin a call, in the thread that makes it; never returns once stopped."""
        with self._changed:
            stopped = self._stopped
            self._inside += not stopped
        if stopped:
            _stay()

    def leave(self) -> None:
        """End it, in the same thread; never returns once stopped."""
        with self._changed:
            stopped = self._stopped
            self._inside -= 1
            self._changed.notify_all()
        if stopped:
            _stay()

    def stop(self, timeout: float) -> bool:
        """Let no call begin or return any more: its thread waits for ever.

        To be called once Python is ending.

        :param timeout: how long to wait for calls that are under way, s.
        :return: whether all threads wait.
        """
        with self._changed:
            self._stopped = True
            return self._changed.wait_for(lambda: not self._inside, timeout)


def _stay() -> None:
    """Wait for the end of the process, without Python's lock."""
    threading.Event().wait()
