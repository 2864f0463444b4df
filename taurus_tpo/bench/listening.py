"""One run without a window: makes attributes and adds a listener to each.

``python -m taurus_tpo.bench.listening`` reads a
:class:`~taurus_tpo.bench.protocol.LookOrder`. The time at which all attributes have a
listener is reported as the time of the window. Programs that measure more call
:func:`measure_listeners`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, Callable

from taurus_tpo.bench.looking import Looking
from taurus_tpo.bench.protocol import CLOSING, WINDOW, LookOrder

#: How often new values are checked for, s.
OFTEN = 0.005


class _Listener:
    """Listener of all attributes; called in any thread."""

    def __init__(self, looking: Looking) -> None:
        self._values = looking.values

    def eventReceived(self, source: Any, _kind: Any, value: Any) -> None:
        """Record the event."""
        self._values.hear(source, value)


#: What a program does when the values are there; returns its figures by their names.
Work = Callable[[LookOrder, Looking], "dict[str, float]"]


def main() -> None:
    """Carry out the order from the standard input."""
    measure_listeners(lambda _order, _looking: {})


def measure_listeners(work: Work) -> None:
    """Carry out the order from the standard input, with some work at the end."""
    import taurus

    order = LookOrder.from_json(sys.stdin.readline())
    attributes: dict[str, Any] = {}

    def give_up() -> None:
        looking.tell_end(True, {}, len(attributes))
        os._exit(0)

    looking = Looking(order, give_up)
    listener = _Listener(looking)
    looking.begin()
    for model in order.models:
        attribute = attributes[model] = taurus.Attribute(model)
        attribute.addListener(listener)
    looking.telling.tell(WINDOW, seconds=looking.since(time.monotonic()))
    while not (looking.is_over and looking.is_rested):
        looking.tell_values()
        threading.Event().wait(OFTEN)
    more = work(order, looking)
    looking.tell_end(False, attributes, len(attributes), more)
    looking.telling.tell(CLOSING)
    for attribute in attributes.values():
        attribute.removeListener(listener)


if __name__ == "__main__":
    main()
