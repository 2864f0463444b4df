"""Polls attributes by the pool, each at its own period."""

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

#: Shortest period, s: zero is not possible.
SHORTEST = 0.001

#: How long Tango may take to answer a subscription before the attribute is polled, s.
#: Its only thread may be blocked by the server of another attribute.
UNANSWERED_FOR = 0.3

#: How many attributes whose subscription is not answered are polled in a second at
#: most, after their first poll: Tango subscribes to some hundreds, and each poll delays
#: it. Most are answered before their second poll.
MOST_UNANSWERED = 250


class _PollTimes:
    """Due times of the polls of a device with one period, monotonic clock.

    One in each period, with an offset that depends on the name of the device. Not
    thread-safe.
    """

    def __init__(self, device: str, period: float) -> None:
        self.period = period
        self._offset = phase_of(device) * period
        self._latest = -math.inf

    def following(self, due: float, now: float) -> float:
        """Return the next due time of an attribute that was polled ``now``.

        Attributes that are polled by one call may be done before and after a due time.
        All of them get the same next due time: otherwise they would be polled
        separately from then on, if the device needs longer than a period.

        :param due: when the last poll of this attribute was due.
        """
        if self._latest > due + SHORTEST / 2:
            # Later than ``due``, not only by rounding.
            return self._latest
        # It was polled with another attribute, moments before it was due.
        has_had_it = now < due <= now + GATHER
        after = due + SHORTEST if has_had_it else now
        self._latest = after + self.period - (after - self._offset) % self.period
        return self._latest


@dataclass(eq=False)
class _Polled:
    """The polls of one attribute since they were started.

    :param due: when the last one that was requested is due, monotonic clock, s.
    :param asked: whether one was requested.
    :param is_put_off: whether that is due later than in the next period.
    """

    turns: _PollTimes
    due: float = 0.0
    asked: bool = False
    is_put_off: bool = False


class Polling:
    """The attributes that are polled, and when they are due.

    Polls of one device with one period are due at the same time, so that they share a
    call. The next poll of an attribute is due only after the one before is done: a
    device that is too slow for its periods is read as often as it can. Keeps no
    attribute alive. All methods may be called from any thread.

    :param poll: requests a read of an attribute after a delay in s, and returns the
        future; None if that is impossible.
    :param after: calls a function after a delay in s.
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
        # A garbage collection may call remove() in any code of this thread.
        self._lock = threading.RLock()
        self._polled: weakref.WeakKeyDictionary[Any, _Polled]
        self._polled = weakref.WeakKeyDictionary()
        #: The due times by device and period, while they are in use.
        self._turns: weakref.WeakValueDictionary[tuple[str, float], _PollTimes]
        self._turns = weakref.WeakValueDictionary()
        #: Polls that are not requested yet, by due time.
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
                # Each poll would be cancelled as soon as it is requested.
                return
            polled = _Polled(self._poll_times_of(name, max(period, SHORTEST)))
            self._polled[attribute] = polled
        if getattr(attribute, "is_being_subscribed", False):
            self._hold(attribute, polled)
        else:
            now = self._clock.monotonic()
            self._ask(attribute, polled, now + GATHER, now)

    def remove(self, attribute: Any) -> bool:
        """Stop polling ``attribute``; return whether a poll may be pending.

        Takes no lock, see :meth:`taurus_tpo.concurrency.io_pool.DevicePool.withdraw`.
        """
        polled = self._polled.pop(attribute, None)
        return polled is not None and polled.asked

    def put_off(self, attribute: Any) -> float | None:
        """Return the period of ``attribute``, s, if its next poll was put off.

        While its subscription is not answered; None otherwise. Takes no lock.
        """
        polled = self._polled.get(attribute)
        return polled.turns.period if polled is not None and polled.is_put_off else None

    def close(self) -> None:
        """Stop all polling."""
        with self._lock:
            self._closed = True
            self._polled.clear()

    def _poll_times_of(self, device: str, period: float) -> _PollTimes:
        """Return the due times of a device; with the lock held."""
        turns = self._turns.get((device, period))
        if turns is None:
            turns = self._turns[device, period] = _PollTimes(device, period)
        return turns

    def _hold(self, attribute: Any, polled: _Polled) -> None:
        """Request its first poll later: most attributes need none by then."""
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
                self._ask(attribute, polled, polled.due, self._clock.monotonic())
        with self._lock:
            self._is_timed = bool(self._held)
        if self._is_timed:
            self._after(self._held[0][1].due - now, self._ask_for_held)

    def _due(self, now: float) -> list[tuple[weakref.ref[Any], _Polled]]:
        """Remove and return the polls that are due, or soon enough to share a call."""
        due = []
        with self._lock:
            while self._held and self._held[0][1].due <= now + GATHER:
                due.append(self._held.popleft())
        return due

    def _goes_on(self, attribute: Any, polled: _Polled) -> bool:
        """Return whether these polls were not stopped.

        They were stopped even if polling was started again since.
        """
        with self._lock:
            return self._polled.get(attribute) is polled

    def _ask(self, attribute: Any, polled: _Polled, due: float, now: float) -> None:
        polled.asked, polled.due = True, due
        delay = max(0.0, due - now)
        future = self._poll(attribute, delay)
        if future is not None:
            again = partial(self._again, weakref.ref(attribute), polled)
            future.add_done_callback(again)

    def _again(
        self, reference: weakref.ref[Any], polled: _Polled, _done: Future[Any]
    ) -> None:
        """Request the next poll after one is done; called in the thread that did it."""
        attribute = reference()
        if attribute is None:
            return
        with self._lock:
            if self._polled.get(attribute) is not polled:
                return
            now = self._clock.monotonic()
            due = polled.turns.following(polled.due, now)
            left_out = 0
            if getattr(attribute, "is_being_subscribed", False):
                # Later ones of the same device and period are due then, too.
                left_out = self._periods_left_out(polled.turns.period)
            polled.is_put_off = left_out > 0
            due += left_out * polled.turns.period
        self._ask(attribute, polled, due, now)

    def _periods_left_out(self, period: float) -> int:
        """Return how many polls are left out while a subscription is not answered."""
        return math.ceil(len(self._polled) / MOST_UNANSWERED / period) - 1
