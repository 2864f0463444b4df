"""Runs scenarios in pairs of programs and judges what they observed."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.differential.compare import Difference, compare, is_void, unsteady
from tests.differential.differences import explain
from tests.differential.facility import Facility
from tests.differential.runner import PLUGIN, STOCK, NotPreparedError, Pair
from tests.differential.scenario import Scenario

#: How often each program is run where the first two runs differ.
RUNS = 3

#: How many runs with processes of their own go side by side.
APART = 6


@dataclass(frozen=True)
class Verdict:
    """What came of a scenario.

    :param unmeant: the differences that the table does not know.
    :param meant: the keys of those that it knows.
    """

    scenario: Scenario
    unmeant: tuple[Difference, ...]
    meant: frozenset[str]
    stock: dict[str, Any] = field(repr=False, default_factory=dict)
    plugin: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def signatures(self) -> set[tuple[str, ...]]:
        """What the differences that nobody means look like."""
        return {one.signature for one in self.unmeant}

    def told(self) -> str:
        """Return it for people."""
        lines = [self.scenario.told(), "", *map(str, self.unmeant)]
        return "\n".join(lines)


class Engine:
    """Judges scenarios, from any thread: a context manager.

    :param log: the folder that keeps what the programs print; None for no longer than
        they run.
    """

    def __init__(self, log: Path | None = None) -> None:
        self.facility = Facility(log)
        self._pairs: dict[str, Pair] = {}
        self._lock = threading.Lock()
        self._verdicts: dict[str, Verdict] = {}
        self._pool = ThreadPoolExecutor(128, "differential")
        self._apart = ThreadPoolExecutor(APART, "apart")
        #: How often each entry of the table was seen.
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Engine:
        self.facility.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for pair in self._pairs.values():
            pair.end()
        for pool in (self._pool, self._apart):
            pool.shutdown(wait=False, cancel_futures=True)
        self.facility.__exit__(*error)

    @property
    def judged(self) -> int:
        """How many scenarios were judged."""
        return len(self._verdicts)

    def _pair(self, pairing: str) -> Pair:
        with self._lock:
            if pairing not in self._pairs:
                self._pairs[pairing] = Pair(pairing, self.facility)
            return self._pairs[pairing]

    def judge(self, scenario: Scenario) -> Verdict:
        """Return the verdict; one and the same for one and the same scenario."""
        key = scenario.to_json()
        if key not in self._verdicts:
            verdict = self._judged(scenario)
            with self._lock:
                self._verdicts[key] = verdict
                self.seen.update(verdict.meant)
        return self._verdicts[key]

    def judge_again(self, scenario: Scenario) -> Verdict:
        """Return another verdict: whether what differs does so each time."""
        return self._judged(scenario)

    def _observe(self, scenario: Scenario, side: str) -> Future[dict[str, Any]]:
        pool = self._apart if scenario.needs_own_processes else self._pool
        return pool.submit(self._observed, scenario, side)

    def _observed(self, scenario: Scenario, side: str) -> dict[str, Any]:
        pair = self._pair(scenario.pairing)
        for _ in range(RUNS):
            observed = pair.observe(scenario, side)
            if not is_void(scenario, observed):
                break
        return observed

    def _judged(self, scenario: Scenario) -> Verdict:
        """Return the verdict of a comparison during which no server crashed.

        What programs observe of a server that has crashed is of no use.
        """
        while True:
            crashes = self.facility.crashes()
            try:
                verdict = self._compared(scenario)
            except NotPreparedError:
                if self.facility.crashes() == crashes:
                    raise
                continue
            if self.facility.crashes() == crashes:
                return verdict

    def _compared(self, scenario: Scenario) -> Verdict:
        futures = [self._observe(scenario, side) for side in (STOCK, PLUGIN)]
        stock, plugin = (future.result() for future in futures)
        unmeant, meant = explain(compare(scenario, stock, plugin), scenario)
        if unmeant:
            again = [self._observe(scenario, STOCK) for _ in range(RUNS - 1)]
            others = [future.result() for future in again]
            unmeant = [one for one in unmeant if not unsteady(scenario, one, others)]
        return Verdict(scenario, tuple(unmeant), frozenset(meant), stock, plugin)


def keep(verdict: Verdict, folder: Path) -> Path:
    """Write the scenario of a verdict to a file, to run it again; return which."""
    folder.mkdir(parents=True, exist_ok=True)
    text = verdict.scenario.to_json().encode()
    path = folder / f"{hashlib.sha256(text).hexdigest()[:10]}.json"
    path.write_text(verdict.scenario.to_json() + "\n", encoding="utf-8")
    return path
