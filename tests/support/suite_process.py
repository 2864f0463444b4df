"""Runs a suite of tests in a process, and ends what that leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import IO


def run_group(
    command: list[str],
    environment: dict[str, str],
    seconds: float,
    output: IO[str] | int = subprocess.DEVNULL,
) -> int:
    """Run a command and end all that it leaves: one that dies leaves its servers.

    :param seconds: how long at the most.
    :param output: takes what it prints.
    :return: its status; negative: the signal that has ended it.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
    return status
