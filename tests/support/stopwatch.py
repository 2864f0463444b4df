"""How long a thread is kept waiting, whatever else the machine has to do meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

#: What Linux tells of the thread that asks, if it does.
_SCHEDULED = Path("/proc/thread-self/schedstat")


class Stopwatch:
    """Measures seconds in which its thread ran, or had something to wait for.

    The time for which that thread was ready to run, and had no processor, is left out:
    who waits for a device that hangs waits as long on a busy machine; who builds a
    window takes several times as long there. Where the system does not tell (it is not
    Linux), all seconds count. To be used in the thread that has made it.
    """

    def __init__(self) -> None:
        self._begun = time.monotonic() - _starved()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - _starved() - self._begun

    def until(self, condition: Callable[[], object], what: str, most: float) -> None:
        """Return when ``condition()`` is true; fail where that takes ``most`` seconds.

        :param most: by this watch, since it was made.
        """
        while not condition():
            assert self.seconds < most, f"not within {most:g} s: {what}"
            time.sleep(0.01)


def _starved() -> float:
    """Return how long this thread has waited for a processor in its life, s."""
    try:
        # Nanoseconds on a processor, nanoseconds ready to run, and how often.
        return int(_SCHEDULED.read_text().split()[1]) / 1e9
    except OSError:
        return 0.0
