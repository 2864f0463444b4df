"""Starts a run as a process, receives its messages, and always ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import Any, Callable

#: How much longer than its limit a run may take before it is killed, s: the time to
#: import modules, and to end by itself.
GRACE = 20.0

#: How many lines of the output of a failed run are shown.
TAIL = 25


class RunError(Exception):
    """A run failed; the message contains the end of its output."""


def run(
    module: str,
    order: str,
    environment: Mapping[str, str],
    limit: float,
    told: Callable[[dict[str, Any]], None],
) -> None:
    """Run ``python -m module`` and return when it has ended.

    :param order: the line for its standard input.
    :param limit: its time limit, s.
    :param told: called with each message of the run.
    :raises RunError: if its exit status is not 0.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as written:
        child = begin(module, environment, written)
        killer = threading.Timer(limit + GRACE, child.kill)
        # After a Ctrl-C the timer must not delay the end of this process.
        killer.daemon = True
        try:
            killer.start()
            hear(child, order, told)
            code = child.wait()
        finally:
            killer.cancel()
            # No effect if it has ended.
            child.kill()
            child.wait()
        if code != 0:
            raise RunError(f"{module} ended with {code}:\n{tail(written)}")


def begin(
    module: str, environment: Mapping[str, str], written: Any
) -> subprocess.Popen[str]:
    """Start ``python -m module``; it is killed when this process ends.

    :param written: a file for its standard error.
    """
    # Also if this process is killed.
    with_parent = [
        sys.executable,
        "-m",
        "taurus_tpo.concurrency.child_process",
        str(os.getpid()),
    ]
    return subprocess.Popen(
        [*with_parent, module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=written,
        text=True,
        env=dict(environment),
        # Ctrl-C in the terminal must reach this process only.
        start_new_session=True,
    )


def hear(
    child: subprocess.Popen[str], order: str, told: Callable[[dict[str, Any]], None]
) -> None:
    """Send ``child`` its order and return when it has closed its standard output.

    :param told: called with each message.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(order + "\n")
        child.stdin.close()
    except BrokenPipeError:
        # It has already ended: its exit status and output show why.
        return
    for line in child.stdout:
        told(json.loads(line))


def tail(written: Any) -> str:
    """Return the last lines of the output of a run."""
    written.seek(0)
    return "\n".join(written.read().splitlines()[-TAIL:])
