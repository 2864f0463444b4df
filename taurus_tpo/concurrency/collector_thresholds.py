"""The thresholds of Python's garbage collector, which several parts of us replace.

Python collects the new objects when there are more than the first threshold. It makes a
full collection, which looks at all objects, when it has made more collections of the
second generation than the third threshold, and a quarter more objects exist.
"""

from __future__ import annotations

import gc
import os
import threading

#: The first threshold if it is raised: the new objects of about 300 rows of a form.
MOST = 100_000

#: The third threshold if full collections are postponed: it is not reached in days.
NEVER = 1_000_000_000

Thresholds = tuple[int, int, int]


class CollectorThresholds:
    """Replaces the thresholds of the program, and restores them; any thread.

    A program that changes the thresholds later is respected: its own ones are replaced
    in turn. Nothing is replaced where it has disabled the collector, or has a first
    threshold that is not lower than :data:`MOST`.
    """

    def __init__(self) -> None:
        # A collection may end an object that comes here, in any code of this thread.
        self._lock = threading.RLock()
        self._raises_first = False
        self._postpones = False
        self._is_collecting = False
        self._of_program: Thresholds | None = None
        self._in_force: Thresholds | None = None

    @property
    def replaced(self) -> Thresholds | None:
        """The thresholds of the program; None while they are in force."""
        return self._of_program

    def raise_first(self, raised: bool) -> None:
        """Have Python collect after :data:`MOST` new objects, or as ever."""
        with self._lock:
            self._raises_first = raised
            self._put_in_force()

    def postpone_full(self, postponed: bool) -> None:
        """Have Python make no full collection by itself, or as ever."""
        with self._lock:
            self._postpones = postponed
            self._put_in_force()

    def collect(self) -> None:
        """Have Python collect what the first threshold of the program makes due.

        In this thread. Python decides how much that is.
        """
        with self._lock:
            program, in_force = self._of_program, self._in_force
            if self._is_collecting or program is None or in_force is None:
                return
            self._is_collecting = True
            gc.set_threshold(program[0], *in_force[1:])
        try:
            # A new object causes it; a set, since Python keeps some lists to use them
            # again. Since Python 3.12 it happens at the end of a pass of a loop.
            for number in range(2):
                _ = {number}
        finally:
            with self._lock:
                self._is_collecting = False
                gc.set_threshold(*in_force)
                self._put_in_force()

    def restart_in_child(self) -> None:
        """Restore those of the program in a forked child process."""
        self._lock = threading.RLock()
        self._raises_first = self._postpones = self._is_collecting = False
        self._put_in_force()

    def _put_in_force(self) -> None:
        if self._is_collecting:
            return
        now = gc.get_threshold()
        program = self._of_program
        if program is None or now != self._in_force:
            program = now
        wanted = self._wanted(program)
        is_ours = wanted != program
        self._of_program = program if is_ours else None
        self._in_force = wanted if is_ours else None
        if wanted != now:
            gc.set_threshold(*wanted)

    def _wanted(self, program: Thresholds) -> Thresholds:
        first, second, third = program
        if not gc.isenabled() or not 0 < first < MOST:
            return program
        first = MOST if self._raises_first else first
        return first, second, NEVER if self._postpones else third


#: Those of the process.
THRESHOLDS = CollectorThresholds()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=THRESHOLDS.restart_in_child)
