"""The beginning of a program with gevent: its job, and whether threads are replaced.

The job is the first argument, a JSON object: ``patched`` is whether ``gevent.monkey``
replaces Python's threads, ``hung`` the process that ``hang`` stops. ``told`` is what
the program tells at its end, ``dead`` the longest time for which the hub did not run
other greenlets, s.
"""

from __future__ import annotations

import json
import sys
from typing import Any

job: dict[str, Any] = json.loads(sys.argv[1])
if job["patched"]:
    from gevent import monkey

    monkey.patch_all()

# What is loaded from here on has the threads of gevent.
import os  # noqa: E402
import signal  # noqa: E402
from collections.abc import Callable  # noqa: E402

import gevent  # noqa: E402

from taurus_tpo import green  # noqa: E402
from tests.support.stopping import stop  # noqa: E402
from tests.support.stopwatch import Stopwatch  # noqa: E402

__all__ = [
    "HEALTHY",
    "PERIOD",
    "SOON",
    "TICK",
    "begin_to_tick",
    "gevent",
    "green",
    "hang",
    "job",
    "names",
    "resume",
    "telling",
    "told",
]

#: How often the hub ticks, s.
TICK = 0.002

#: The longest wait for anything, s.
SOON = 60.0

#: The period of polls where there are no events, s.
PERIOD = 0.1

HEALTHY = "sim/greenlets/healthy"

told: dict[str, Any] = {"dead": 0.0}


def names(device: str, count: int) -> list[str]:
    """Return the first attributes of a device."""
    return [f"sim/greenlets/{device}/volt{n:02}" for n in range(1, count + 1)]


def begin_to_tick() -> None:
    """Measure from now on how long the hub does not run other greenlets."""
    told["dead"] = 0.0

    def tick() -> None:
        while True:
            watch = Stopwatch()
            gevent.sleep(TICK)
            told["dead"] = max(told["dead"], watch.seconds)

    gevent.spawn(tick)


def hang() -> None:
    """Stop the process that the job names."""
    stop(job["hung"])


def resume() -> None:
    """Let it go on."""
    os.kill(job["hung"], signal.SIGCONT)


def telling(*parts: Callable[[], None]) -> None:
    """Call each of ``parts`` with a limit; print what is told."""
    for part in parts:
        with gevent.Timeout(SOON, RuntimeError(f"not within {SOON} s: {part}")):
            part()
    print(json.dumps(told))
