"""The result of an event or a read of one attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taurus.core.tango.enums import TIMEOUT_EXCEPTION
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.core.errors import fresh, is_same, is_unreachable
from taurus_tpo.core.value_cache import Known, ValueCache
from taurus_tpo.core.verification import same


# Not frozen, only to be made for each event in half the time.
@dataclass
class News:
    """A value or an error, and how it is dispatched; never changed.

    :param stamp: the time stamp of the value, seconds since the epoch.
    :param begun: when its read began, seconds since the epoch; None for an event.
    :param event_type: the event type of the dispatch.
    :param repeats: whether it is dispatched even if listeners know it already. Events
        and polls always are, as in stock Taurus; other reads are not.
    :param ends_value: whether an error ends the last value: that of an event, or of a
        read that a program has requested. Stock Taurus keeps it after that of a poll.
    """

    value: Any = None
    error: Any = None
    stamp: float = 0.0
    begun: float | None = None
    event_type: Any = TaurusEventType.Change
    repeats: bool = False
    ends_value: bool = False

    def offer_to(self, cache: ValueCache[Any], now: float, filtered: bool) -> bool:
        """Offer it to a cache; return whether it was taken.

        :param now: seconds since the epoch.
        :param filtered: whether values with an older time stamp are rejected.
        """
        if self.error is not None:
            return cache.offer_error(self.error, now, self.begun, self.ends_value)
        return cache.offer(self.value, self.stamp, now, self.begun, filtered)

    @property
    def is_always_told(self) -> bool:
        """Whether it is dispatched though known; not if the device is unreachable."""
        return self.repeats and not (self.error and is_unreachable(self.error))

    def says_the_same(self, known: Known[Any]) -> bool:
        """Return whether ``known`` is the same value, or the same error."""
        if self.error is not None:
            return known.error is not None and is_same(self.error, known.error)
        return same(known.value, self.value)


def error_news(
    error: Any,
    begun: float | None = None,
    repeats: bool = False,
    ends_value: bool = False,
) -> News:
    """Return the news of an error; the parameters are those of :class:`News`."""
    return News(
        # It is kept, and must not keep the frames through which it was raised.
        error=fresh(error),
        begun=begun,
        event_type=TaurusEventType.Error,
        repeats=repeats,
        ends_value=ends_value,
    )


def value_of(known: Known[Any]) -> Any:
    """Return the cached value, or raise the cached error."""
    if known.error is not None:
        raise fresh(known.error)
    return known.value


def timed_out(error: Any) -> bool:
    """Return whether ``error`` is Tango's timeout of a call."""
    stack: tuple[Any, ...] = getattr(error, "args", ())
    return len(stack) == 2 and getattr(stack[1], "reason", "") == TIMEOUT_EXCEPTION
