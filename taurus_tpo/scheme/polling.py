"""Polls attributes by the hands of the pool, each at its own period."""

from __future__ import annotations

import math
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from taurus_tpo.concurrency.io_pool import GATHER
from taurus_tpo.core.clock import SYSTEM, Clock, phase_of

#: The shortest period, s; zero would be none.
SHORTEST = 0.001

#: How long Tango may take to answer a subscription before the attribute is read
#: without, s. Its one thread may be held by the server of another attribute.
UNANSWERED_FOR = 0.3


class _Turns:
    """When the polls of a device with one period fall due, on the monotonic clock.

    Once in each period, at a moment that depends on the name of the device. Not
    thread-safe.
    """

    def __init__(self, device: str, period: float) -> None:
        self.period = period
        self._offset = phase_of(device) * period
        self._latest = -math.inf

    def following(self, due: float, now: float) -> float:
        """Return when the next poll falls due of an attribute that was polled ``now``.

        Attributes that are polled by the same call may be done before and after the
        moment of a turn. The first of them takes that turn, and those that follow take
        it, too: each would have its own turns from then on, where the device needs
        longer than a period.

        :param due: when the last poll of this attribute fell due.
        """
        if self._latest > due + SHORTEST / 2:
            # A later one, and not the same but for rounding.
            return self._latest
        # One that has travelled with another, moments before its turn, has had that.
        has_had_it = now < due <= now + GATHER
        after = due + SHORTEST if has_had_it else now
        self._latest = after + self.period - (after - self._offset) % self.period
        return self._latest


@dataclass(eq=False)
class _Polled:
    """One row of polls of an attribute, each after the other, in its ``turns``.

    :param due: when the last one that was asked for falls due, on the clock that never
        goes back.
    :param asked: whether one was asked for.
    """

    turns: _Turns
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
    :param after: calls a function in so many seconds.
    """

    def __init__(
        self,
        poll: Callable[[Any, float], Future[Any] | None],
        after: Callable[[float, Callable[[], Any]], Any],
        clock: Clock = SYSTEM,
    ) -> None:
        self._poll = poll
        self._after = after
        self._clock = clock
        # Garbage is collected in whatever a thread is doing: this here, perhaps.
        self._lock = threading.RLock()
        self._polled: weakref.WeakKeyDictionary[Any, _Polled]
        self._polled = weakref.WeakKeyDictionary()
        #: The turns by device and period, as long as something is polled in them.
        self._turns: weakref.WeakValueDictionary[tuple[str, float], _Turns]
        self._turns = weakref.WeakValueDictionary()
        #: Those that are not asked for yet, by when they fall due.
        self._held: deque[tuple[weakref.ref[Any], _Polled]] = deque()
        #: Whether a timer is set for them.
        self._is_timed = False
        self._closed = False

    def add(self, attribute: Any, period: float) -> None:
        """Poll ``attribute`` from now on, every ``period`` seconds."""
        device = attribute.getParentObj()
        name = "" if device is None else device.getFullName()
        with self._lock:
            if self._closed:
                # Each poll would be over, in vain, the moment that it is asked for.
                return
            polled = _Polled(self._turns_of(name, max(period, SHORTEST)))
            self._polled[attribute] = polled
        if getattr(attribute, "is_being_subscribed", False):
            self._hold(attribute, polled)
        else:
            self._ask(attribute, polled, self._clock.monotonic() + GATHER)

    def remove(self, attribute: Any) -> bool:
        """Poll ``attribute`` no more; return whether a poll may be on its way.

        Takes no lock, see :meth:`taurus_tpo.concurrency.io_pool.DevicePool.withdraw`.
        """
        polled = self._polled.pop(attribute, None)
        return polled is not None and polled.asked

    def close(self) -> None:
        """Poll nothing any more."""
        with self._lock:
            self._closed = True
            self._polled.clear()

    def _turns_of(self, device: str, period: float) -> _Turns:
        """Return the turns of a device; with the lock held."""
        turns = self._turns.get((device, period))
        if turns is None:
            turns = self._turns[device, period] = _Turns(device, period)
        return turns

    def _hold(self, attribute: Any, polled: _Polled) -> None:
        """Ask for its first poll later: most need not be polled at all by then."""
        polled.due = self._clock.monotonic() + UNANSWERED_FOR
        with self._lock:
            self._held.append((weakref.ref(attribute), polled))
            is_timed, self._is_timed = self._is_timed, True
        if not is_timed:
            self._after(UNANSWERED_FOR, self._ask_for_held)

    def _ask_for_held(self) -> None:
        """Request the polls that are due; called by the timer."""
        now = self._clock.monotonic()
        for reference, polled in self._due(now):
            attribute = reference()
            if attribute is not None and self._goes_on(attribute, polled):
                self._ask(attribute, polled, polled.due)
        with self._lock:
            self._is_timed = bool(self._held)
        if self._is_timed:
            self._after(self._held[0][1].due - now, self._ask_for_held)

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

    def _ask(self, attribute: Any, polled: _Polled, due: float) -> None:
        polled.asked, polled.due = True, due
        delay = max(0.0, due - self._clock.monotonic())
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
            with self._lock:
                due = polled.turns.following(polled.due, self._clock.monotonic())
            self._ask(attribute, polled, due)
