"""The one clock of the plugin, which tests can drive.

Everything that asks for the time takes a :class:`Clock` and defaults to
:data:`SYSTEM`.
"""

from __future__ import annotations

import time
import zlib
from typing import Protocol


class Clock(Protocol):
    """What the plugin asks of a clock; may be called from any thread."""

    def monotonic(self) -> float:
        """Return seconds from a fixed point; never goes back."""

    def time(self) -> float:
        """Return seconds since the epoch, to compare with Tango's time stamps."""


class _SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()


#: The machine's own clock.
SYSTEM: Clock = _SystemClock()


def phase_of(name: str) -> float:
    """Return where in a common period the turn of ``name`` is, from 0 up to 1.

    The same in every process, so that what depends on it can be repeated; different
    for different names, so that not all have their turn at the same moment.
    """
    return zlib.crc32(name.encode("utf-8", "surrogateescape")) / 2**32
