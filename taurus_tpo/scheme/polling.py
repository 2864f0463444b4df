"""Polls attributes by the hands of the pool, each at its own period."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.firstread.pool import GATHER

#: The shortest period, s; zero would be none.
SHORTEST = 0.001


@dataclass(eq=False)
class _Polled:
    """One row of polls of an attribute, each after the other, every ``period`` s.

    :param due: when the last one that was asked for falls due, on the clock that never
        goes back.
    """

    period: float
    due: float = 0.0


class Polling:
    """The attributes that are polled, and when it is whose turn.

    Polls of one device with one period fall due together, so that they travel together.
    The next one of an attribute falls due only when the one before is done: a device
    that is too slow for its periods is read as often as it can. Keeps no attribute
    alive. All methods may be called from any thread.

    :param poll: has an attribute read in so many seconds, and returns the future; None
        where it cannot be.
    """

    def __init__(
        self,
        poll: Callable[[Any, float], Future[Any] | None],
        clock: Clock = SYSTEM,
    ) -> None:
        self._poll = poll
        self._clock = clock
        # An attribute that is collected as garbage ends its polling, in whatever its
        # thread was doing: this here, perhaps.
        self._lock = threading.RLock()
        self._polled: weakref.WeakKeyDictionary[Any, _Polled]
        self._polled = weakref.WeakKeyDictionary()
        self._closed = False

    def add(self, attribute: Any, period: float) -> None:
        """Poll ``attribute`` from now on, every ``period`` seconds."""
        polled = _Polled(max(period, SHORTEST))
        with self._lock:
            if self._closed:
                # Each poll would be over, in vain, the moment that it is asked for.
                return
            self._polled[attribute] = polled
        # One that is just being subscribed to may not have to be polled at all.
        delay = getattr(attribute, "first_poll_delay", GATHER)
        self._ask(attribute, polled, delay)

    def remove(self, attribute: Any) -> None:
        """Poll ``attribute`` no more."""
        with self._lock:
            self._polled.pop(attribute, None)

    def close(self) -> None:
        """Poll nothing any more."""
        with self._lock:
            self._closed = True
            self._polled.clear()

    def _ask(self, attribute: Any, polled: _Polled, delay: float) -> None:
        polled.due = self._clock.monotonic() + delay
        future = self._poll(attribute, delay)
        if future is not None:
            again = partial(self._again, weakref.ref(attribute), polled)
            future.add_done_callback(again)

    def _again(
        self, reference: weakref.ref[Any], polled: _Polled, _done: Future[Any]
    ) -> None:
        """One poll is done; called in the thread that did it."""
        attribute = reference()
        if attribute is None:
            return
        with self._lock:
            # Who stopped it and started it anew has begun another row of polls.
            goes_on = self._polled.get(attribute) is polled
        if goes_on:
            self._ask(attribute, polled, self._until_due(attribute, polled))

    def _until_due(self, attribute: Any, polled: _Polled) -> float:
        """Return how long it is until the next turn, s; the same all over a device.

        One that has travelled with another, moments before its turn, has had that.
        """
        now, period = self._clock.monotonic(), polled.period
        has_had_it = now < polled.due <= now + GATHER
        after = polled.due + SHORTEST if has_had_it else now
        offset = id(attribute.getParentObj()) % 997 / 997 * period
        return after - now + period - (after - offset) % period
