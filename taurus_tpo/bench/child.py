"""Starts a run, hears what it tells, and surely ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import Any, Callable

#: How much longer than its limit a run may take before it is killed, s: to load what it
#: needs, and to give up by itself.
GRACE = 20.0

#: How much of what a failed run has written is shown, lines.
TAIL = 25


class RunError(Exception):
    """A run has failed; the message holds the end of what it wrote."""


def run(
    module: str,
    order: str,
    environment: Mapping[str, str],
    limit: float,
    told: Callable[[dict[str, Any]], None],
) -> None:
    """Run ``python -m module`` and return when it has ended.

    :param order: the line that it reads.
    :param limit: how long it may take, s.
    :param told: is called with each thing that the run tells.
    :raises RunError: if it does not end well.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as written:
        child = begin(module, environment, written)
        killer = threading.Timer(limit + GRACE, child.kill)
        # A Ctrl-C may come at any time, and nobody is to wait for this then.
        killer.daemon = True
        try:
            killer.start()
            hear(child, order, told)
            code = child.wait()
        finally:
            killer.cancel()
            # Nothing is left to do where it has ended.
            child.kill()
            child.wait()
        if code != 0:
            raise RunError(f"{module} ended with {code}:\n{tail(written)}")


def begin(
    module: str, environment: Mapping[str, str], written: Any
) -> subprocess.Popen[str]:
    """Start ``python -m module``; it ends when this process does.

    :param written: a file for what it writes to its standard error.
    """
    # Also when that is killed.
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
        # Ctrl-C in the terminal is for us alone.
        start_new_session=True,
    )


def hear(
    child: subprocess.Popen[str], order: str, told: Callable[[dict[str, Any]], None]
) -> None:
    """Give ``child`` its order, and return when it has told all.

    :param told: is called with each thing that it tells.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(order + "\n")
        child.stdin.close()
    except BrokenPipeError:
        # It has ended already: its status, and what it wrote, say why.
        return
    for line in child.stdout:
        told(json.loads(line))


def tail(written: Any) -> str:
    """Return the end of what a run has written."""
    written.seek(0)
    return "\n".join(written.read().splitlines()[-TAIL:])
