"""What is known of one attribute: its last value, or its last error.

Times come in as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True)
class Known(Generic[V]):
    """A value or an error; neither if nothing is known yet.

    :param stamp: the value's own time stamp, or when the error was heard of;
        seconds since the epoch.
    :param heard: when it was put here; seconds since the epoch by our clock.
    :param as_of: since when it may have been so: when the read began that brought it,
        or when an event was heard; on the same clock.
    """

    value: V | None = None
    error: Exception | None = None
    stamp: float = float("-inf")
    heard: float = float("-inf")
    as_of: float = float("-inf")

    @property
    def empty(self) -> bool:
        """Whether nothing is known yet."""
        return self.value is None and self.error is None


#: What is known of an attribute of which nothing is known.
NOTHING: Known[Any] = Known()


#: How long after the last news a read has to begin to count as younger than that,
#: whatever its time stamp, s. A server that polls its attributes sends an event before
#: it puts the value where reads find it (seen in cppTango 10.3.3).
YOUNGER = 0.5


class ValueCache(Generic[V]):
    """The last thing known of an attribute, and what may replace it.

    Not thread-safe: whoever owns it writes it under a lock of its own. :attr:`known`
    is replaced as a whole and may be read without.
    """

    def __init__(self) -> None:
        self.known: Known[V] = NOTHING
        #: The last value that was taken, also where there is an error since.
        self.last_value: V | None = None
        #: The time stamp of the last value that was taken.
        self._newest = float("-inf")

    def offer(
        self,
        value: V,
        stamp: float,
        now: float,
        begun: float | None = None,
        filtered: bool = True,
    ) -> bool:
        """Take ``value``, unless a newer value is there, or was before the error.

        :param stamp: the value's own time stamp, seconds since the epoch. An error
            that is there is replaced whatever the stamp (the clock of a server may go
            back when it is started elsewhere): the next valid value counts.
        :param begun: when the read that brought it began, seconds since the epoch by
            our clock; None for an event. One that began before the error was heard is
            no next value, and must not be older than the last one. One that began
            :data:`YOUNGER` after the last news is younger than that, whatever its
            stamp: a device may stamp its values itself.
        :param filtered: whether an event with an older stamp is dropped
            (``FILTER_OLD_TANGO_EVENTS`` of Taurus).
        :return: whether it was taken.
        """
        if stamp < self._newest and not self._counts(begun, filtered):
            return False
        self._newest, self.last_value = stamp, value
        as_of = now if begun is None else begun
        self.known = Known(value=value, stamp=stamp, heard=now, as_of=as_of)
        return True

    def _counts(self, begun: float | None, filtered: bool) -> bool:
        """Return whether a value counts though its stamp is older than the last."""
        known = self.known
        after_error = known.value is None
        if begun is None:
            return after_error or not filtered
        return begun >= known.heard + (0.0 if after_error else YOUNGER)

    def begin_anew(self) -> None:
        """Forget the last stamp: the values of a new subscription count from here."""
        self._newest = float("-inf")

    def offer_error(
        self, error: Exception, now: float, begun: float | None = None
    ) -> bool:
        """Take ``error``, unless a value was heard after its read had begun.

        :param begun: when the read that failed began, seconds since the epoch by our
            clock; None for an error that is the last word whatever is there.
        :return: whether it was taken.
        """
        overtaken = begun is not None and self.known.heard > begun
        if overtaken and self.known.value is not None:
            return False
        as_of = now if begun is None else begun
        self.known = Known(error=error, stamp=now, heard=now, as_of=as_of)
        return True
