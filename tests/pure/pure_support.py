"""What the tests of the pure floors share."""

from __future__ import annotations

import time
from collections.abc import Callable

from taurus_tpo.firstread import Costs, Server

#: How long anything that should happen may take on a busy machine (s).
SOON = 10.0


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


class Shapeless:
    """Somebody's object whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class SomeDevice:
    """A device as the pool knows it; by default on a server that answers always."""

    def __init__(self, name: str, server: Server | None = None) -> None:
        self.name = name
        self.server = server or answering(f"server of {name}")
        self.costs = Costs()
        self.late = False

    def __repr__(self) -> str:
        return self.name


def answering(name: str) -> Server:
    """Return a server that has answered and will not be doubted."""
    return Server(name, answered=float("inf"))
