"""What the tests of the pure packages share."""

from __future__ import annotations

import time
from collections.abc import Callable
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
    """Sets a timer that calls its action when the test says so."""

    def __init__(self, clock: DrivenClock) -> None:
        self._clock = clock
        self._action: Callable[[], Any] | None = None
        #: When the timer that is set, or was set last, is due.
        self.due = 0.0
        #: The delays of all timers that were set, s.
        self.delays: list[float] = []

    def after(self, delay: float, action: Callable[[], Any]) -> None:
        assert self._action is None, "one at a time"
        self.delays.append(delay)
        self.due = self._clock.now + delay
        self._action = action

    def __bool__(self) -> bool:
        return self._action is not None

    def fire(self) -> None:
        """Advance the clock to the timer that is set, and call its action."""
        self._clock.now = max(self._clock.now, self.due)
        action, self._action = self._action, None
        assert action is not None, "none is set"
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
