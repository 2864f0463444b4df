"""Postpones Python's full garbage collections while many objects are made.

A full collection looks at all objects, and Python makes one whenever there are a
quarter more. A program that makes 10,000 attributes spends a third of its time in them,
and finds nothing to free: what it makes is there to stay. So they wait until it has
made its attributes. New objects are collected as ever.
"""

from __future__ import annotations

import threading
from typing import Any, Callable

from taurus_tpo.concurrency.collector_thresholds import (
    THRESHOLDS,
    CollectorThresholds,
)
from taurus_tpo.core.clock import SYSTEM, Clock

#: How many attributes have to be made within :data:`WITHIN` to be many.
MANY = 100

#: The time in which they have to be made, s.
WITHIN = 1.0

#: How long after the last of many objects a full collection is possible again, s.
QUIET = 5.0

#: How long full collections are postponed at most, s; and how long they are not, then.
LONGEST = 180.0


class PostponedCollections:
    """Postpones full collections while many objects are made; any thread.

    :param after: calls a function after a delay in s.
    :param permitted: returns whether anything is postponed.
    """

    def __init__(
        self,
        after: Callable[[float, Callable[[], Any]], Any],
        permitted: Callable[[], bool] = lambda: True,
        clock: Clock = SYSTEM,
        thresholds: CollectorThresholds = THRESHOLDS,
    ) -> None:
        self._after = after
        self._permitted = permitted
        self._clock = clock
        self._thresholds = thresholds
        self._lock = threading.RLock()
        #: Counted without the lock: a lost one does no harm.
        self._made = 0
        #: When the last :data:`MANY` were complete, monotonic clock, s.
        self._complete = float("-inf")
        #: When many objects were made last, monotonic clock, s.
        self._latest = float("-inf")
        #: Since when collections are postponed, monotonic clock, s; None: they are not.
        self._since: float | None = None
        #: Until when they may not be postponed again, monotonic clock, s.
        self._not_before = float("-inf")

    def made(self) -> None:
        """Count an attribute that was made."""
        self._made += 1
        if self._made % MANY:
            return
        now = self._clock.monotonic()
        is_fast = now - self._complete <= WITHIN
        self._complete = now
        if is_fast:
            self.postpone()

    def postpone(self) -> None:
        """Postpone full collections for a while: many objects are being made."""
        now = self._clock.monotonic()
        with self._lock:
            self._latest = now
            if self._since is not None or now < self._not_before:
                return
            if not self._permitted():
                return
            self._since = now
            self._thresholds.postpone_full(True)
        self._after(QUIET, self._look)

    def close(self) -> None:
        """Postpone them no longer, and never again: no timer would end it."""
        with self._lock:
            self._not_before = float("inf")
            self._end()

    def _look(self) -> None:
        """End it if nothing was made for a while; called by the timer."""
        now = self._clock.monotonic()
        with self._lock:
            if self._since is None:
                return
            end = min(self._latest + QUIET, self._since + LONGEST)
            if now >= end:
                self._not_before = now if now < self._since + LONGEST else now + LONGEST
                self._end()
                return
        self._after(end - now, self._look)

    def _end(self) -> None:
        """Have Python make full collections again; with the lock held."""
        if self._since is not None:
            self._since = None
            self._thresholds.postpone_full(False)
