"""What the tests of the simulated facility share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tango

from taurus_tpo.sim.waiting import wait_until

#: How long anything that should happen may take on a busy machine (s).
SOON = 60.0


def process_state(pid: int) -> str:
    """Return the state of a process as proc(5) has it, X if there is none (Linux)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return stat.rpartition(")")[2].split()[0]


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is no mere zombie (Linux)."""
    return process_state(pid) not in "ZX"


def children(pid: int) -> list[int]:
    """Return the process ids of the children of a process (Linux)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


class Events:
    """The change events of one attribute, as a client gets them."""

    def __init__(self) -> None:
        self.received: list[tango.EventData] = []

    def __call__(self, event: tango.EventData) -> None:
        self.received.append(event)

    @property
    def values(self) -> list[Any]:
        return [e.attr_value.value for e in self.received if not e.err]

    @property
    def reasons(self) -> list[str]:
        return [e.errors[0].reason for e in self.received if e.err]


def act_until(
    act: Callable[[], object], condition: Callable[[], object], what: str
) -> None:
    """Do what causes an event, again and again, until the event is here.

    Once may not be enough: the link from a new subscription to the server takes its
    time on a busy machine, and what is pushed meanwhile is lost.
    """

    def is_here() -> bool:
        if not condition():
            act()
        return bool(condition())

    wait_until(is_here, SOON, what, interval=0.1)


@contextmanager
def subscription(device: tango.DeviceProxy, attribute: str) -> Iterator[Events]:
    """Be subscribed to the change events of an attribute for a while."""
    events = Events()
    change = tango.EventType.CHANGE_EVENT
    number = device.subscribe_event(attribute, change, events)
    try:
        yield events
    finally:
        device.unsubscribe_event(number)
