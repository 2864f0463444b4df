"""A listener that is no widget, and blocks the thread that tells it of a poll.

Events come meanwhile.
"""

from __future__ import annotations

import time
from typing import Any

import taurus
from taurus.core.taurusbasetypes import TaurusEventType

from tests.programs.pushing_base import (
    Listener,
    count,
    eventually,
    is_pushed,
    job,
    stop,
    tell,
)


class Blocks(Listener):
    said: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.kinds_told: list[Any] = []

    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        self.kinds_told.append(kind)
        if getattr(value, "rvalue", None) is not None:
            self.said = value
        if kind == TaurusEventType.Periodic:
            time.sleep(5)


attributes = [taurus.Attribute(name) for name in job["models"]]
listeners = [Blocks() for _ in attributes]
for attribute, listener in zip(attributes, listeners):
    attribute.addListener(listener)
    attribute.activatePolling(1000, force=True)
while is_pushed():
    count()
    time.sleep(0.05)
stop()
for attribute in attributes:
    attribute.deactivatePolling()


def is_told() -> bool:
    return all(one.said is a.known.value for one, a in zip(listeners, attributes))


eventually(is_told, "the newest is told")
tell(min(len(one.kinds_told) for one in listeners), True)
