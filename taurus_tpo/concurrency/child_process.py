"""Run a module as a child process that cannot outlive its parent.

``python -m taurus_tpo.concurrency.child_process PARENT_PID MODULE [ARGUMENT ...]`` asks
Linux to kill this process (SIGKILL, which a stopped process obeys, too) when its parent
ends in whatever way, and then runs ``MODULE`` as ``python -m`` would.
Linux means the parent *thread* that started the child: see
:mod:`taurus_tpo.sim.process`. On other systems the child ends only when it is told to.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Tie the life of this process to its parent's, whose process id is ``parent``.

    :raises SystemExit: if the parent has gone already
    :raises OSError: if Linux refuses
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # A parent that went before the line above sends no signal any more.
    if os.getppid() != parent:
        raise SystemExit(f"the parent {parent} has gone")


def main(arguments: list[str]) -> None:
    """Tie, then run: the arguments are those of the command line."""
    parent, module = arguments[:2]
    die_with_parent(int(parent))
    sys.argv = arguments[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
