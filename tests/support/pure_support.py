"""What the tests of the pure packages share."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
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


class Alarms:
    """Sets alarms, as the pool does, which ring when the test says so."""

    def __init__(self, clock: DrivenClock) -> None:
        self._clock = clock
        self._waiting: Future[Any] | None = None
        #: When the one that is set, or was set last, rings.
        self.due = 0.0
        #: All that were set: in how many seconds.
        self.delays: list[float] = []

    def set(self, delay: float) -> Future[Any]:
        assert self._waiting is None, "one at a time"
        self.delays.append(delay)
        self.due = self._clock.now + delay
        self._waiting = Future()
        return self._waiting

    def __bool__(self) -> bool:
        return self._waiting is not None

    def ring(self) -> None:
        """Let the time pass until the one that is set, and ring it."""
        self._clock.now = max(self._clock.now, self.due)
        self._take().set_result(None)

    def cancel(self) -> None:
        """Cancel the one that is set, as a pool does that ends."""
        self._take().cancel()

    def _take(self) -> Future[Any]:
        alarm, self._waiting = self._waiting, None
        assert alarm is not None, "none is set"
        return alarm


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
