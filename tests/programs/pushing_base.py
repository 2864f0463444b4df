"""What counts the memory and what waits, while a server pushes for a minute.

The job has the ``models`` of the attributes, their ``names`` and their ``device``;
for how long the server pushes, ``pushing``, and what of that is the ``beginning``, s.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import tango

from tests.programs.script_base import Listener, eventually, factory, job

# isort: split
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER

__all__ = ["Listener", "count", "eventually", "is_pushed", "job", "stop", "tell"]

device = tango.DeviceProxy(job["device"])
memory: list[tuple[float, int]] = []
waiting: list[int] = []
begun = time.monotonic()


def is_pushed() -> bool:
    """Return whether the minute is not over."""
    return time.monotonic() - begun < float(job["pushing"])


def count() -> None:
    """Take note of the memory, and of what waits."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory.append((time.monotonic() - begun, pages * os.sysconf("SC_PAGE_SIZE")))
    boxes = [len(one.engine._actions._actions) for one in factory.attributes()]
    waiting.append(len(EVENT_DISPATCHER) + sum(boxes))


def stop() -> None:
    """Have the server push no more."""
    for name in job["names"]:
        device.Configure(json.dumps({"attribute": name, "period": 0.0}))


def grown() -> int:
    """Return by how much the memory has grown since the beginning, bytes."""
    early = max(size for at, size in memory if at < job["beginning"])
    return max(size for at, size in memory if at >= job["beginning"]) - early


def tell(told: int, newest: bool) -> None:
    """Tell what was counted, and end at once.

    :param told: how often the listener was told that was told least.
    :param newest: whether it has the newest value.
    """
    found = {"grown": grown(), "waiting": max(waiting), "told": told, "newest": newest}
    print(json.dumps(found), flush=True)
    os._exit(0)
