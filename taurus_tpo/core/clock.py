"""The clock of the plugin, which tests can replace.

Code that needs the time takes a :class:`Clock` and defaults to :data:`SYSTEM`.
"""

from __future__ import annotations

import time
import zlib
from typing import Protocol


class Clock(Protocol):
    """Interface of a clock; may be called from any thread."""

    def monotonic(self) -> float:
        """Return seconds from a fixed point; never decreases."""

    def time(self) -> float:
        """Return seconds since the epoch, comparable with Tango's time stamps."""


class _SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()


#: The system clock.
SYSTEM: Clock = _SystemClock()


def phase_of(name: str) -> float:
    """Return the phase of ``name`` within a common period, from 0 up to 1.

    The same in every process, so that timing is reproducible. Names differ in phase, so
    that periodic work is spread over the period.
    """
    return zlib.crc32(name.encode("utf-8", "surrogateescape")) / 2**32
