"""What has happened to one attribute: counts and times, for whoever looks at it.

Times come in as numbers.
"""

from __future__ import annotations


class History:
    """Counts what came, and takes note of firsts and lasts.

    Not thread-safe: whoever owns it writes it under a lock of its own. It may be read
    without.

    :ivar asked: when somebody listened first; on the clock that never goes back, s.
        None: nobody has.
    :ivar first_value: how long after that the first value came, s; None: none yet.
    :ivar events: how many events came, errors among them.
    :ivar reads: how many reads came back: first ones, polls and looks.
    :ivar error: the last error that came, also after values have come since.
    :ivar failed: when that was, seconds since the epoch by our clock; None: never.
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
        """Take note that somebody listens.

        :param now: on the clock that never goes back, s.
        """
        if self.asked is None:
            self.asked = now

    def take_value(self, now: float) -> None:
        """Take note that there is a value."""
        if self.first_value is None and self.asked is not None:
            self.first_value = now - self.asked

    def take_error(self, error: Exception, time: float) -> None:
        """Take note of an error.

        :param time: seconds since the epoch.
        """
        self.error = error
        self.failed = time
