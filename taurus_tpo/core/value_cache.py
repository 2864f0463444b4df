"""The last value, or the last error, of one attribute.

Times are passed in as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True)
class Known(Generic[V]):
    """A value or an error; neither if nothing is known yet.

    :param stamp: time stamp of the value, or when the error arrived; seconds since the
        epoch.
    :param heard: when it was stored; seconds since the epoch by our clock.
    :param as_of: since when it may be valid: when the read began, or the event arrived;
        same clock.
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


#: Initial state of a cache.
NOTHING: Known[Any] = Known()


#: A read that begins this much later than the last update counts as newer, whatever its
#: time stamp, s. A server that polls its attributes sends an event before reads return
#: the value (seen in cppTango 10.3.3).
YOUNGER = 0.5


class ValueCache(Generic[V]):
    """The last value or error of one attribute, and what may replace it.

    Not thread-safe: the owner writes it under its own lock. :attr:`known` is replaced
    as a whole and may be read without a lock.
    """

    def __init__(self) -> None:
        self.known: Known[V] = NOTHING
        #: The last value stored; kept when errors of polls follow.
        self.last_value: V | None = None
        #: Its time stamp.
        self._newest = float("-inf")

    def offer(
        self,
        value: V,
        stamp: float,
        now: float,
        begun: float | None = None,
        filtered: bool = True,
    ) -> bool:
        """Store ``value``, unless it is older than the last value stored.

        :param stamp: time stamp of the value, seconds since the epoch. After an error,
            an event counts whatever its stamp: a server that is restarted on another
            host may have a slower clock.
        :param begun: when the read of the value began, seconds since the epoch by our
            clock; None for an event. A read counts whatever its stamp if it began after
            the stored error arrived, or :data:`YOUNGER` after the stored value: a
            device may set the stamps of its values itself.
        :param filtered: whether events with an older stamp are dropped
            (``FILTER_OLD_TANGO_EVENTS`` of Taurus).
        :return: whether it was stored.
        """
        if stamp < self._newest and not self._counts(begun, filtered):
            return False
        self._newest, self.last_value = stamp, value
        as_of = now if begun is None else begun
        self.known = Known(value=value, stamp=stamp, heard=now, as_of=as_of)
        return True

    def _counts(self, begun: float | None, filtered: bool) -> bool:
        """Return whether a value with an older stamp counts as newer."""
        known = self.known
        after_error = known.value is None
        if begun is None:
            return after_error or not filtered
        return begun >= known.heard + (0.0 if after_error else YOUNGER)

    def begin_anew(self) -> None:
        """Forget the last stamp, for a new subscription."""
        self._newest = float("-inf")

    def offer_error(
        self,
        error: Exception,
        now: float,
        begun: float | None = None,
        ends_value: bool = False,
    ) -> bool:
        """Store ``error``, unless a value arrived after its read had begun.

        :param begun: when the read that failed began, seconds since the epoch by our
            clock; None: store it in any case.
        :param ends_value: whether the last value is not kept.
        :return: whether it was stored.
        """
        overtaken = begun is not None and self.known.heard > begun
        if overtaken and self.known.value is not None:
            return False
        as_of = now if begun is None else begun
        self.known = Known(error=error, stamp=now, heard=now, as_of=as_of)
        if ends_value:
            self.last_value = None
        return True
