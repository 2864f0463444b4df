"""Searches for scenarios that differ: Hypothesis makes them, in many threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.differential.engine import Engine, Verdict
from tests.differential.reduce import reduce
from tests.differential.scenario import Scenario
from tests.differential.strategies import scenarios

#: How many scenarios go side by side.
LANES = 16

#: How often what was found is run again alone.
_TRIES = 3

#: After how many scenarios to tell how far it is.
_TELL = 50


@dataclass
class Search:
    """A search for differences.

    :param count: how many scenarios to make.
    :param seed: what they are made from.
    :param seconds: how long to go on at the most, s.
    :param tell: called with each verdict on the smallest scenario that differs.
    """

    engine: Engine
    count: int
    seed: int
    pairings: tuple[str, ...] = ("default",)
    lanes: int = LANES
    seconds: float | None = None
    tell: Callable[[Verdict], None] = print
    found: list[Verdict] = field(default_factory=list)
    #: How many scenarios were made, and how many of them differ.
    made: int = 0
    differing: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._signatures: set[tuple[str, ...]] = set()
        self._broken: Exception | None = None
        self._known: set[str] = set()

    def run(self) -> list[Verdict]:
        """Return the verdicts on the smallest scenarios that differ, one a cause."""
        lanes = min(self.lanes, self.count)
        with ThreadPoolExecutor(lanes, "lane") as pool:
            list(pool.map(self._lane, range(lanes)))
        if self._broken is not None:
            raise self._broken
        return self.found

    def confirmed(self) -> list[Verdict]:
        """Return those of the found that differ again when they run alone.

        Many side by side are more than a busy machine may bear: what differs then by
        time alone is no difference that a user sees.
        """
        again = (self._again(verdict.scenario) for verdict in self.found)
        return [verdict for verdict in again if verdict.unmeant]

    def _again(self, scenario: Scenario) -> Verdict:
        for _ in range(_TRIES):
            verdict = self.engine.judge_again(scenario)
            if verdict.unmeant:
                break
        return verdict

    def _lane(self, lane: int) -> None:
        @hypothesis.seed(self.seed * 1000 + lane)
        @settings(
            # Many are made more than once.
            max_examples=10 * self.count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(scenarios(self.pairings))
        def judge(scenario: Scenario) -> None:
            self._judge(scenario)

        try:
            judge()
        except _EnoughError:
            return

    def _judge(self, scenario: Scenario) -> None:
        if self._is_known(scenario):
            return
        if not self._take():
            raise _EnoughError
        try:
            self._examine(scenario)
        except Exception as error:
            # What breaks the test itself is no example to be tried again.
            self._broken = self._broken or error
            raise _EnoughError from error

    def _examine(self, scenario: Scenario) -> None:
        verdict = self.engine.judge(scenario)
        if verdict.unmeant and self._is_new(verdict):
            smallest = self._reduced(verdict)
            with self._lock:
                self.found.append(smallest)
            self.tell(smallest)

    def _is_known(self, scenario: Scenario) -> bool:
        """Return whether another lane has made the same; it does not count."""
        key = scenario.to_json()
        with self._lock:
            known = key in self._known
            self._known.add(key)
            return known

    def _take(self) -> bool:
        """Return whether one more scenario is wanted, and count it."""
        with self._lock:
            took = time.monotonic() - self._begun
            late = self.seconds is not None and took > self.seconds
            if self.made >= self.count or late or self._broken is not None:
                return False
            self.made += 1
            if self.made % _TELL == 0:
                print(f"{self.made} scenarios in {took:.0f} s", flush=True)
            return True

    def _is_new(self, verdict: Verdict) -> bool:
        """Return whether nothing like it was found yet."""
        with self._lock:
            self.differing += 1
            new = verdict.signatures - self._signatures
            self._signatures |= new
            return bool(new)

    def _reduced(self, verdict: Verdict) -> Verdict:
        """Return the verdict on the smallest scenario that differs likewise."""
        wanted = verdict.signatures

        def differs(trials: list[Scenario]) -> list[bool]:
            with ThreadPoolExecutor(len(trials) or 1) as pool:
                verdicts = pool.map(self.engine.judge, trials)
                return [bool(one.signatures & wanted) for one in verdicts]

        return self.engine.judge(reduce(verdict.scenario, differs))


class _EnoughError(BaseException):
    """Ends a run of Hypothesis: it is no failure of an example."""
