"""What the tests of the pure packages share."""

from __future__ import annotations

import time
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.server_health import Server

#: How long anything that should happen may take on a busy machine (s).
SOON = 60.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when ``condition()`` is true; fail where it is not, SOON."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, f"not within {SOON:g} s: {what}"
        time.sleep(0.001)


def growth(work: Callable[[int], object], few: int, many: int) -> float:
    """Return how many times more one of ``many`` costs ``work`` than one of ``few``.

    Near 1 where each costs the same however many there are, near ``many / few``
    where each looks at all others. A ratio of two runs on one machine (in seconds
    of its processor, the best of three): it is the same on a slow machine, and
    under coverage.
    """

    def seconds(number: int) -> float:
        begun = time.process_time()
        work(number)
        return (time.process_time() - begun) / number

    return min(seconds(many) for _ in range(3)) / min(seconds(few) for _ in range(3))


class DrivenClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


class DrivenTimer:
    """Sets timers that call their actions when the test says so.

    :param most: how many may be set at the same time.
    """

    def __init__(self, clock: DrivenClock, most: int = 1) -> None:
        self._clock = clock
        self._most = most
        self._set: list[tuple[float, Callable[[], Any]]] = []
        #: When the first timer that is set, or fired last, is due.
        self.due = 0.0
        #: The delays of all timers that were set, s.
        self.delays: list[float] = []

    def after(self, delay: float, action: Callable[[], Any]) -> None:
        assert len(self._set) < self._most, f"{self._most} at a time"
        self.delays.append(delay)
        self._set.append((self._clock.now + delay, action))
        self._set.sort(key=itemgetter(0))
        self.due = self._set[0][0]

    def __bool__(self) -> bool:
        return bool(self._set)

    def fire(self) -> None:
        """Advance the clock to the first timer that is set, and call its action."""
        assert self._set, "none is set"
        self.due, action = self._set.pop(0)
        self._clock.now = max(self._clock.now, self.due)
        action()


class Shapeless:
    """Somebody's object whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class SomeDevice:
    """A device as the pool knows it; by default on a server that answers always."""

    def __init__(self, name: str, server: Server | None = None) -> None:
        self.name = name
        self.server = server or answering(f"server of {name}")
        self.costs = ReadCosts()
        self.late = False

    def __repr__(self) -> str:
        return self.name


def answering(name: str) -> Server:
    """Return a server that has answered and will not be doubted."""
    return Server(name, answered=float("inf"))
