"""Listeners without a window whose values change: the CPU that they use."""

from __future__ import annotations

import threading
from typing import Any

from benchmarks.programs.steady import SETTLE, Meter, stamp_of
from taurus_tpo.bench.listening import measure_listeners
from taurus_tpo.bench.looking import Looking
from taurus_tpo.bench.protocol import LookOrder


def steady(order: LookOrder, looking: Looking) -> dict[str, float]:
    """Return what the process uses while it only listens."""
    wait = threading.Event().wait
    wait(min(SETTLE, order.watched))
    meter = Meter(len(order.models))

    def hear(_name: str, value: Any) -> None:
        stamp = stamp_of(value)
        if stamp is not None:
            meter.updated(stamp)

    looking.values.also.append(hear)
    wait(order.watched)
    return meter.figures(thread=False)


if __name__ == "__main__":
    measure_listeners(steady)
