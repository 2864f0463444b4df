"""What an event or a read has brought of one attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taurus.core.tango.enums import TIMEOUT_EXCEPTION
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.core.errors import fresh, is_same, is_unreachable
from taurus_tpo.core.value_cache import Known, ValueCache
from taurus_tpo.core.verification import same


@dataclass(frozen=True)
class News:
    """What an input brought: a value or an error, and how listeners hear of it.

    :param stamp: the time stamp of the value, seconds since the epoch.
    :param begun: when the read that brought it began; None for an event.
    :param event_type: what it is announced as.
    :param repeats: whether listeners are told though they know it already: an event and
        a poll are news whatever they bring, as in stock Taurus; a read that the plugin
        or a caller makes in between is none.
    """

    value: Any = None
    error: Any = None
    stamp: float = 0.0
    begun: float | None = None
    event_type: Any = TaurusEventType.Change
    repeats: bool = False

    def offer_to(self, cache: ValueCache[Any], now: float, filtered: bool) -> bool:
        """Offer it to a cache; return whether that has taken it.

        :param now: seconds since the epoch.
        :param filtered: whether an older time stamp counts less.
        """
        if self.error is not None:
            return cache.offer_error(self.error, now, self.begun)
        return cache.offer(self.value, self.stamp, now, self.begun, filtered)

    @property
    def is_always_told(self) -> bool:
        """Whether listeners are told though they know it; not that nobody is there."""
        return self.repeats and not (self.error and is_unreachable(self.error))

    def says_the_same(self, known: Known[Any]) -> bool:
        """Return whether ``known`` is the same value, or the same error."""
        if self.error is not None:
            return known.error is not None and is_same(self.error, known.error)
        return same(known.value, self.value)


def error_news(error: Any, begun: float | None = None, repeats: bool = False) -> News:
    """Return the news that there is an error."""
    kind = TaurusEventType.Error
    # It is kept: it must not keep the frames of whoever it was raised to.
    return News(error=fresh(error), begun=begun, event_type=kind, repeats=repeats)


def value_of(known: Known[Any]) -> Any:
    """Return the value that is known, or raise the error."""
    if known.error is not None:
        raise fresh(known.error)
    return known.value


def timed_out(error: Any) -> bool:
    """Return whether ``error`` is Tango's timeout of a call."""
    stack: tuple[Any, ...] = getattr(error, "args", ())
    return len(stack) == 2 and getattr(stack[1], "reason", "") == TIMEOUT_EXCEPTION
