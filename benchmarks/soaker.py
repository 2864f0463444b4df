"""A process that makes, uses and drops attributes, and counts what is left.

``python -m benchmarks.soaker`` reads an order. It is also a device server, because only
the admin device can report the subscriptions of Tango in a process.
"""

from __future__ import annotations

import gc
import json
import math
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import tango
from tango.server import Device
from tango.test_context import MultiDeviceTestContext

from benchmarks.protocol import SoakOrder
from taurus_tpo.bench.census import plugin_threads
from taurus_tpo.bench.protocol import END, Telling, load_taurus

#: The type of the periodic messages.
SAMPLE = "sample"

#: How many attributes are in use at a time.
AT_A_TIME = 200

#: How often a message is sent, s.
OFTEN = 10.0

#: The maximum time until all is idle, s: Tango subscribes and unsubscribes in the
#: background, and the ORB closes an idle connection after two to four minutes.
REST = 300.0


class _Bystander(Device):
    """A dummy device: without one there is no admin device."""


class _Soaker:
    def __init__(self, order: SoakOrder, telling: Telling, admin: Any) -> None:
        self._order = order
        self._telling = telling
        self._admin = admin
        self._chance = random.Random(order.seed)
        self._made = 0
        self._values = 0
        self._factory = load_taurus(with_plugin=True)
        self._factory.set_event_sub_mode(order.mode)

    def soak(self) -> None:
        """Carry out the order."""
        # Use each model once: what is allocated once per server is not a leak.
        self._use(list(self._order.models), 5.0)
        self._rest()
        before = self._count()
        self._made = self._values = 0
        begun = last = time.monotonic()
        pace = self._order.seconds * AT_A_TIME / self._order.attributes
        while self._made < self._order.attributes:
            due = begun + pace * (1 + self._made / AT_A_TIME)
            models = self._chance.sample(self._order.models, AT_A_TIME)
            self._use(models, due - time.monotonic())
            if time.monotonic() - last > OFTEN:
                last = time.monotonic()
                self._telling.tell(SAMPLE, **self._sample(last - begun))
        self._telling.tell(SAMPLE, **self._sample(time.monotonic() - begun))
        rested = self._rest(before["files"])
        self._telling.tell(
            END,
            before=before,
            after=self._count(),
            rested=rested,
            made=self._made,
            values=self._values,
        )

    def _use(self, models: list[str], seconds: float) -> None:
        """Make attributes, listen to them for a while, and drop them."""
        import taurus

        listener = _Listener()
        attributes = [taurus.Attribute(model) for model in models]
        for attribute in attributes:
            attribute.addListener(listener)
        threading.Event().wait(max(0.05, seconds))
        self._made += len(attributes)
        self._values += sum(a.known.value is not None for a in attributes)
        for attribute in attributes:
            # Half of them are dropped without removing the listener.
            if self._chance.random() < 0.5:
                attribute.removeListener(listener)

    def _rest(self, files: float = math.inf) -> bool:
        """Wait until all is idle; return whether it is.

        :param files: the maximum number of open files.
        """
        end = time.monotonic() + REST
        while time.monotonic() < end:
            gc.collect()
            count = self._count()
            at_rest = not plugin_threads() and not count["subscriptions"]
            if at_rest and count["files"] <= files:
                return True
            time.sleep(0.5)
        return False

    def _sample(self, seconds: float) -> dict[str, Any]:
        gc.collect()
        return {"seconds": seconds, "made": self._made, **self._count()}

    def _count(self) -> dict[str, int]:
        return {
            "threads": len(list(Path("/proc/self/task").iterdir())),
            "python_threads": threading.active_count(),
            "files": len(list(Path("/proc/self/fd").iterdir())),
            "subscriptions": self._subscriptions(),
            "memory": _memory(),
        }

    def _subscriptions(self) -> int:
        """Return the number of subscriptions, including those that Tango retries."""
        client = json.loads(self._admin.QueryEventSystem())["client"] or {}
        working = client.get("event_callbacks", {}).values()
        waiting = client.get("not_connected", [])
        return sum(one["callback_count"] for one in working) + len(waiting)


class _Listener:
    def eventReceived(self, *_event: Any) -> None:
        """Ignore the event."""


def _memory() -> int:
    """Return the resident memory of this process, bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Carry out the order from the standard input."""
    order = SoakOrder.from_json(sys.stdin.readline())
    telling = Telling()
    devices = [{"class": _Bystander, "devices": [{"name": "bench/soaker/1"}]}]
    context = MultiDeviceTestContext(devices, process=False, host="127.0.0.1")
    context.start()
    admin = tango.DeviceProxy(context.get_server_access())
    _Soaker(order, telling, admin).soak()
    # The end of this process is not measured.
    os._exit(0)


if __name__ == "__main__":
    main()
