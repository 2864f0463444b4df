"""Polls attributes by the hands of the pool, each at its own period."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.firstread.pool import GATHER

#: The shortest period, s; zero would be none.
SHORTEST = 0.001

#: How long Tango may take to answer a subscription before the attribute is read
#: without, s. Its one thread may be held by the server of another attribute.
UNANSWERED_FOR = 0.3


@dataclass(eq=False)
class _Polled:
    """One row of polls of an attribute, each after the other, every ``period`` s.

    :param due: when the last one that was asked for falls due, on the clock that never
        goes back.
    :param asked: whether one was asked for.
    """

    period: float
    due: float = 0.0
    asked: bool = False


class Polling:
    """The attributes that are polled, and when it is whose turn.

    Polls of one device with one period fall due together, so that they travel together.
    The next one of an attribute falls due only when the one before is done: a device
    that is too slow for its periods is read as often as it can. Keeps no attribute
    alive. All methods may be called from any thread.

    :param poll: has an attribute read in so many seconds, and returns the future; None
        where it cannot be.
    :param alarm: returns a future that is done in so many seconds.
    """

    def __init__(
        self,
        poll: Callable[[Any, float], Future[Any] | None],
        alarm: Callable[[float], Future[Any]],
        clock: Clock = SYSTEM,
    ) -> None:
        self._poll = poll
        self._alarm = alarm
        self._clock = clock
        # An attribute that is collected as garbage ends its polling, in whatever its
        # thread was doing: this here, perhaps.
        self._lock = threading.RLock()
        self._polled: weakref.WeakKeyDictionary[Any, _Polled]
        self._polled = weakref.WeakKeyDictionary()
        #: Those that are not asked for yet, by when they fall due.
        self._held: deque[tuple[weakref.ref[Any], _Polled]] = deque()
        self._alarmed = False
        self._closed = False

    def add(self, attribute: Any, period: float) -> None:
        """Poll ``attribute`` from now on, every ``period`` seconds."""
        polled = _Polled(max(period, SHORTEST))
        with self._lock:
            if self._closed:
                # Each poll would be over, in vain, the moment that it is asked for.
                return
            self._polled[attribute] = polled
        if getattr(attribute, "is_being_subscribed", False):
            self._hold(attribute, polled)
        else:
            self._ask(attribute, polled, GATHER)

    def remove(self, attribute: Any) -> bool:
        """Poll ``attribute`` no more; return whether a poll may be on its way."""
        with self._lock:
            polled = self._polled.pop(attribute, None)
        return polled is not None and polled.asked

    def close(self) -> None:
        """Poll nothing any more."""
        with self._lock:
            self._closed = True
            self._polled.clear()

    def _hold(self, attribute: Any, polled: _Polled) -> None:
        """Ask for its first poll later: most need not be polled at all by then."""
        polled.due = self._clock.monotonic() + UNANSWERED_FOR
        with self._lock:
            self._held.append((weakref.ref(attribute), polled))
            alarmed, self._alarmed = self._alarmed, True
        if not alarmed:
            self._set_alarm(UNANSWERED_FOR)

    def _set_alarm(self, delay: float) -> None:
        self._alarm(delay).add_done_callback(self._on_alarm)

    def _on_alarm(self, alarm: Future[Any]) -> None:
        """Ask for those that fall due; called by the pool."""
        if alarm.cancelled():
            return
        now = self._clock.monotonic()
        for reference, polled in self._due(now):
            attribute = reference()
            if attribute is not None and self._goes_on(attribute, polled):
                self._ask(attribute, polled, max(0.0, polled.due - now))
        with self._lock:
            self._alarmed = bool(self._held)
        if self._alarmed:
            self._set_alarm(self._held[0][1].due - now)

    def _due(self, now: float) -> list[tuple[weakref.ref[Any], _Polled]]:
        """Take those that fall due now, or so soon that they travel together."""
        due = []
        with self._lock:
            while self._held and self._held[0][1].due <= now + GATHER:
                due.append(self._held.popleft())
        return due

    def _goes_on(self, attribute: Any, polled: _Polled) -> bool:
        """Return whether these polls were not stopped.

        Who stopped them and started anew has begun another row of polls.
        """
        with self._lock:
            return self._polled.get(attribute) is polled

    def _ask(self, attribute: Any, polled: _Polled, delay: float) -> None:
        polled.asked = True
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
        if attribute is not None and self._goes_on(attribute, polled):
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
