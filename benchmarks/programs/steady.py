"""What a program uses, and how late its updates are, while values change."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

from benchmarks.cases import Figure

#: How long the program runs before it is measured, s: first reads, subscriptions and
#: their verification are over then.
SETTLE = 8.0


class Meter:
    """Measures from its creation on; updates may be reported from any thread.

    :param count: the number of attributes whose updates are reported.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        #: The time from the server's time stamp to each update, s.
        self._late: list[float] = []
        self._begun = time.monotonic()
        self._process = time.process_time()
        self._thread = time.thread_time()

    def updated(self, stamp: float) -> None:
        """Report an update of an attribute.

        :param stamp: the server's time of its value, s since the epoch.
        """
        with self._lock:
            self._late.append(time.time() - stamp)

    def figures(self, thread: bool) -> dict[str, float]:
        """Return the figures since the creation.

        :param thread: whether the CPU of this thread is one of them.
        """
        took = time.monotonic() - self._begun
        process = time.process_time() - self._process
        own = time.thread_time() - self._thread
        found = {Figure.CPU.value: process / took}
        if thread:
            found[Figure.GUI_CPU.value] = own / took
        with self._lock:
            late = list(self._late)
        if late:
            found[Figure.LATENCY.value] = statistics.median(late)
            found[Figure.INTERVAL.value] = took * self._count / len(late)
        return found


def stamp_of(value: Any) -> float | None:
    """Return the server's time of the value of an event; None without a value."""
    if getattr(value, "rvalue", None) is None:
        return None
    return float(value.time.totime())
