"""Makes a thousand attributes, and lets go of them while they wait.

Half of them are of a server that hangs: in each round after as many attributes as the
list ``hang_after`` of the job says.
"""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import taurus

from tests.programs.script_base import (
    Listener,
    eventually,
    factory,
    hang,
    job,
    resume,
)

# isort: split
from taurus_tpo.core.scheduler import RequestKind
from tests.support.census import plugin_threads

told = {"rounds": 0, "waited": 0}


def made(hang_after: int, listener: Listener) -> list[Any]:
    """Return the attributes of the job, listened to."""
    attributes = []
    with factory.hurry():
        for count, name in enumerate(job["names"]):
            if count == hang_after:
                hang()
            attributes.append(taurus.Attribute(name))
            attributes[-1].addListener(listener)
    return attributes


def go_round(hang_after: int) -> None:
    """Make all, and let go of them."""
    listener = Listener()
    attributes = made(hang_after, listener)
    pool = factory.first_read
    told["waited"] += sum(pool.pending(kind) for kind in RequestKind)
    devices = {attr.getParentObj() for attr in attributes}
    connections = [factory.device_access.connection(device) for device in devices]
    gone = [weakref.ref(one) for one in [*attributes, *devices, *connections]]
    del attributes, devices, connections
    listener.heard.clear()

    def left() -> int:
        gc.collect()
        listener.heard.clear()
        return sum(ref() is not None for ref in gone)

    # But for those in the calls that are under way.
    eventually(lambda: left() < 100, "they are let go of")
    resume()
    eventually(lambda: left() == 0, "all are let go of")
    eventually(lambda: not factory.first_read.pending(), "nothing waits")
    told["rounds"] += 1


for number in range(job["rounds"]):
    go_round(job["hang_after"][number])
eventually(lambda: not plugin_threads(), "no thread is left", 40)
print(json.dumps(told))
