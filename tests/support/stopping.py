"""Stops processes that are not children, as those of servers are in a test program."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from taurus_tpo.sim.waiting import wait_until


def stop(pid: int) -> None:
    """Stop a process (SIGSTOP); it is stopped on return and does not answer.

    A thread of it that runs on another processor may go on for some ms.
    """
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _is_stopped(pid), 10.0, f"process {pid} stops")


def _is_stopped(pid: int) -> bool:
    """Return whether all threads are stopped, or whether the system does not tell."""
    return all(map(_is_thread_stopped, Path(f"/proc/{pid}/task").glob("*/stat")))


def _is_thread_stopped(task: Path) -> bool:
    try:
        stat = task.read_text()
    except (FileNotFoundError, ProcessLookupError):
        # It has ended meanwhile.
        return True
    # The name of the command, before the state, may have blanks and parentheses.
    return stat.rpartition(")")[2].split()[0] in "tT"
