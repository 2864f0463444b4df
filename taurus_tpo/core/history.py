"""Counters and times of one attribute, for diagnosis.

Times are passed in as numbers.
"""

from __future__ import annotations


class History:
    """Counters, first and last times of one attribute.

    Not thread-safe: the owner writes it under its own lock. Reading needs no lock.

    :ivar asked: when the first listener was added, monotonic clock, s; None: never.
    :ivar first_value: time from then until the first value, s; None: no value yet.
    :ivar events: number of events, including errors.
    :ivar reads: number of completed reads: first reads, polls and verification.
    :ivar error: the last error; kept when values follow.
    :ivar failed: when it occurred, seconds since the epoch by our clock; None: never.
    """

    __slots__ = ("asked", "error", "events", "failed", "first_value", "reads")

    def __init__(self) -> None:
        self.asked: float | None = None
        self.first_value: float | None = None
        self.events = 0
        self.reads = 0
        self.error: Exception | None = None
        self.failed: float | None = None

    def note_request(self, now: float) -> None:
        """Record that a listener was added; only the first one counts.

        :param now: monotonic clock, s.
        """
        if self.asked is None:
            self.asked = now

    def take_value(self, now: float) -> None:
        """Record a value; only the first one counts."""
        if self.first_value is None and self.asked is not None:
            self.first_value = now - self.asked

    def take_error(self, error: Exception, time: float) -> None:
        """Record an error.

        :param time: seconds since the epoch.
        """
        self.error = error
        self.failed = time
