"""Polls attributes by the pool, each at its own period."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, NamedTuple

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
    """

    turns: _PollTimes
    due: float = 0.0
    asked: bool = False


class _HeldPoll(NamedTuple):
    """A poll that is not requested yet, because its attribute is being subscribed to.

    :param due: when it is requested, or put off again; monotonic clock, s.
    :param serial: the order of those that are due at the same time.
    :param not_before: while it is being subscribed to, it is put off until then.
    """

    due: float
    serial: int
    attribute: weakref.ref[Any]
    polled: _Polled
    not_before: float


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
        #: A heap.
        self._held: list[_HeldPoll] = []
        self._serials = itertools.count()
        #: When the timer for them fires.
        self._timed_for = math.inf
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
        now = self._clock.monotonic()
        if _is_being_subscribed(attribute):
            # Most attributes need none by then.
            self._hold(attribute, polled, now + UNANSWERED_FOR)
        else:
            self._ask(attribute, polled, now + GATHER, now)

    def remove(self, attribute: Any) -> bool:
        """Stop polling ``attribute``; return whether a poll may be pending.

        Takes no lock, see :meth:`taurus_tpo.concurrency.io_pool.DevicePool.withdraw`.
        """
        polled = self._polled.pop(attribute, None)
        return polled is not None and polled.asked

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

    def _hold(
        self, attribute: Any, polled: _Polled, due: float, not_before: float = 0.0
    ) -> None:
        """Request its next poll when it is due, or later; see :class:`_HeldPoll`."""
        polled.asked = False
        serial = next(self._serials)
        held = _HeldPoll(due, serial, weakref.ref(attribute), polled, not_before)
        with self._lock:
            heapq.heappush(self._held, held)
        self._set_timer()

    def _set_timer(self) -> None:
        """Have the first of the held polls requested in time."""
        with self._lock:
            first = self._held[0].due if self._held else math.inf
            if first >= self._timed_for:
                return
            self._timed_for = first
        delay = max(0.0, first - self._clock.monotonic())
        self._after(delay, partial(self._ask_for_held, first))

    def _ask_for_held(self, timed_for: float) -> None:
        """Request the polls that are due; called by the timer set for ``timed_for``."""
        with self._lock:
            if timed_for != self._timed_for:
                # Another one was set for an earlier time.
                return
            self._timed_for = math.inf
        now = self._clock.monotonic()
        for held in self._due(now):
            attribute = held.attribute()
            if attribute is None or not self._goes_on(attribute, held.polled):
                continue
            if held.not_before > now + GATHER and _is_being_subscribed(attribute):
                due = held.due + held.polled.turns.period
                self._hold(attribute, held.polled, due, held.not_before)
            else:
                self._ask(attribute, held.polled, held.due, self._clock.monotonic())
        self._set_timer()

    def _due(self, now: float) -> list[_HeldPoll]:
        """Remove and return the polls that are due, or soon enough to share a call."""
        due = []
        with self._lock:
            while self._held and self._held[0].due <= now + GATHER:
                due.append(heapq.heappop(self._held))
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
        if _is_being_subscribed(attribute):
            # Later ones of the same device and period are due then, too.
            left_out = self._periods_left_out(polled.turns.period)
            not_before = due + left_out * polled.turns.period
            self._hold(attribute, polled, due, not_before)
        else:
            self._ask(attribute, polled, due, now)

    def _periods_left_out(self, period: float) -> int:
        """Return how many polls are left out while a subscription is not answered."""
        return math.ceil(len(self._polled) / MOST_UNANSWERED / period) - 1


def _is_being_subscribed(attribute: Any) -> bool:
    return bool(getattr(attribute, "is_being_subscribed", False))
