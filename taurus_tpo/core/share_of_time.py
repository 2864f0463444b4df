"""Limits how much of the time is spent with something that is done again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from taurus_tpo.core.clock import SYSTEM, Clock


class ShareOfTime:
    """Work that may be done for a part of the time.

    :param share: this part, greater than 0, at most 1.
    """

    def __init__(self, share: float, clock: Clock = SYSTEM) -> None:
        self._share, self._clock = share, clock
        self._due = float("-inf")

    def is_due(self) -> bool:
        """Return whether the work may be done again."""
        return self._clock.monotonic() >= self._due

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Do the work within this context; the longer it takes, the later it is due."""
        begin = self._clock.monotonic()
        try:
            yield
        finally:
            end = self._clock.monotonic()
            self._due = begin + (end - begin) / self._share
