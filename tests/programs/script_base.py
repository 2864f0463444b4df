"""The beginning of a script: the job that it is given, and the factory.

The job is the first argument of the program, a JSON object. ``mode`` is the event
subscription mode, ``pid`` the process that ``hang`` stops and ``resume`` lets go on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import taurus

from tests.support.stopping import stop
from tests.support.stopwatch import Stopwatch
from tests.support.tango_support import Listener, eventually, plain

__all__ = [
    "Listener",
    "Stopwatch",
    "eventually",
    "factory",
    "hang",
    "job",
    "plain",
    "resume",
]

job: dict[str, Any] = json.loads(sys.argv[1])
factory = taurus.Factory("tango")
factory.set_event_sub_mode(job.get("mode"))


def hang() -> None:
    """Stop the process that the job names."""
    stop(job["pid"])


def resume() -> None:
    """Let it go on."""
    os.kill(job["pid"], signal.SIGCONT)
