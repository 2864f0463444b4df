"""Run a module as a child process that ends with its parent.

``python -m taurus_tpo.concurrency.child_process PARENT_PID MODULE [ARGUMENT ...]`` asks
Linux to kill this process (with SIGKILL, which also ends a stopped process) when its
parent ends, and then runs ``MODULE`` as ``python -m`` would. For Linux, the parent is
the *thread* that started the child: see :mod:`taurus_tpo.sim.process`. On other systems
the child ends only on request.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """End this process when its parent ends, whose process id is ``parent``.

    :raises SystemExit: if the parent has ended already
    :raises OSError: if Linux refuses
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # If the parent ended before prctl was called, no signal is sent.
    if os.getppid() != parent:
        raise SystemExit(f"the parent process {parent} has ended")


def main(arguments: list[str]) -> None:
    """Bind this process to its parent, then run the module.

    :param arguments: those of the command line.
    """
    parent, module = arguments[:2]
    die_with_parent(int(parent))
    sys.argv = arguments[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
