"""Which device is served next, and how much of it: no threads, no clock."""

from __future__ import annotations

import enum
import heapq
import itertools
from collections.abc import Hashable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any, Callable


class Outcome(enum.Enum):
    """What became of a request."""

    READ = "the read brought a value"
    FAILED = "the read failed"
    DROPPED = "the read was in vain"


@dataclass(eq=False)
class Request:
    """One attribute that waits for its read.

    :param device: whatever tells devices apart; one device is read by one thread at a
        time.
    :param name: whatever tells attributes apart.
    :param asked: when it was asked for, seconds since the epoch.
    :param target: what the reader needs to deliver the value (a weak reference:
        waiting work keeps no attribute alive).
    :param future: gets the value or the failure; whoever asked may cancel it.
    """

    device: Hashable
    name: Hashable
    asked: float
    target: Any = None
    future: Future[Any] = field(default_factory=Future)
    outcome: Outcome | None = None

    def succeed(self, value: Any) -> None:
        """Settle it with the value that was read."""
        self._settle(Outcome.READ, self.future.set_result, value)

    def fail(self, error: BaseException) -> None:
        """Settle it with the failure of its read."""
        self._settle(Outcome.FAILED, self.future.set_exception, error)

    def spare(self, value: Any) -> None:
        """Settle it with a value that came in another way before the read."""
        self._settle(Outcome.DROPPED, self.future.set_result, value)

    def drop(self) -> None:
        """Settle it as in vain, with nothing to show for it."""
        self._settle(Outcome.DROPPED, self.future.cancel)

    def _settle(self, outcome: Outcome, tell: Callable[..., Any], *news: Any) -> None:
        if self.outcome is not None:
            return
        self.outcome = outcome
        try:
            tell(*news)
        except InvalidStateError:
            # Whoever asked cancelled meanwhile, and does not want to know.
            self.outcome = Outcome.DROPPED


@dataclass(frozen=True)
class Batch:
    """All that waits on one device, in the order in which it was asked for."""

    device: Hashable
    requests: tuple[Request, ...]


class Schedule:
    """The requests that wait, by device.

    A device is ripe when the oldest of its requests has waited ``gather`` seconds, so
    that the attributes of a device that are asked for one after the other travel in one
    call. The device whose request is the oldest comes first. While a device is served,
    what is asked of it waits.

    Times are seconds of a clock that never goes back. Not thread-safe.
    """

    def __init__(self, gather: float = 0.0) -> None:
        self._gather = gather
        self._waiting: dict[Hashable, dict[Hashable, Request]] = {}
        self._ripening: list[tuple[float, int, Hashable]] = []
        self._busy: set[Hashable] = set()
        self._order = itertools.count()
        self._first_asked: dict[Hashable, float] = {}
        #: The number of attributes that wait or are being read.
        self.pending = 0

    def find(self, device: Hashable, name: Hashable) -> Request | None:
        """Return the request for this attribute that waits, or None."""
        return self._waiting.get(device, {}).get(name)

    def add(self, request: Request, now: float) -> None:
        """Let ``request`` wait; its attribute must not be waiting already."""
        waiting = self._waiting.setdefault(request.device, {})
        if not waiting:
            self._first_asked[request.device] = now
            self._ripen(request.device)
        waiting[request.name] = request
        self.pending += 1

    def replace(self, request: Request) -> None:
        """Put ``request`` in the place of the one for its attribute that waits."""
        self._waiting[request.device][request.name] = request

    def _ripen(self, device: Hashable) -> None:
        if device not in self._busy:
            ripe = self._first_asked[device] + self._gather
            heapq.heappush(self._ripening, (ripe, next(self._order), device))

    def take(self, now: float) -> Batch | None:
        """Return the batch to serve now, or None; its device is busy from here on."""
        if not self._ripening or self._ripening[0][0] > now:
            return None
        device = heapq.heappop(self._ripening)[2]
        del self._first_asked[device]
        requests = tuple(self._waiting.pop(device).values())
        self._busy.add(device)
        return Batch(device, requests)

    def next_ripe(self) -> float | None:
        """Return when the next device is ripe, or None if there is none to come."""
        return self._ripening[0][0] if self._ripening else None

    def done(self, batch: Batch) -> None:
        """Say that ``batch`` was served: what was asked meanwhile may come."""
        self._busy.remove(batch.device)
        self.pending -= len(batch.requests)
        if batch.device in self._waiting:
            self._ripen(batch.device)

    def clear(self) -> tuple[Request, ...]:
        """Forget all that waits and return it; what is served goes on."""
        forgotten = tuple(
            request
            for waiting in self._waiting.values()
            for request in waiting.values()
        )
        self._waiting.clear()
        self._ripening.clear()
        self._first_asked.clear()
        self.pending -= len(forgotten)
        return forgotten

    @property
    def ripening(self) -> int:
        """The number of devices that wait to be served and can be."""
        return len(self._ripening)
