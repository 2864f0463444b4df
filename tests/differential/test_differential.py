"""The plugin beside stock Taurus: whatever a program observes is the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.differential.engine import Engine, Verdict, keep
from tests.differential.fixed import SAME, SHOWING
from tests.differential.scenario import PAIRINGS
from tests.differential.search import Search

#: Where scenarios that differ are kept, to run them again alone.
FOUND = Path("differential-found")

#: How long a representative part of the search takes, s; without ``--scenarios``.
SHORT = 110.0


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """What runs pairs of programs."""
    with Engine() as running:
        yield running


def _tell(verdict: Verdict) -> None:
    path = keep(verdict, FOUND)
    print(f"\npython -m tests.differential {path}\n{verdict.told()}", flush=True)


@pytest.mark.differential
@pytest.mark.timeout(600)
def test_each_difference_that_is_meant_is_seen(engine: Engine) -> None:
    with ThreadPoolExecutor(len(SHOWING)) as pool:
        verdicts = dict(zip(SHOWING, pool.map(engine.judge, SHOWING.values())))
    assert not [key for key, verdict in verdicts.items() if key not in verdict.meant]
    wrong = [verdict.told() for verdict in verdicts.values() if verdict.unmeant]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.differential
@pytest.mark.timeout(600)
def test_fixed_scenarios_do_not_differ(engine: Engine) -> None:
    with ThreadPoolExecutor(len(SAME)) as pool:
        verdicts = list(pool.map(engine.judge, SAME))
    wrong = [one.told() for one in verdicts if one.unmeant]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.differential
@pytest.mark.timeout(3600)
def test_nothing_differs_that_nobody_means(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    count = request.config.getoption("--scenarios")
    seed = request.config.getoption("--seed-of-scenarios")
    seed = random.randrange(10**6) if seed is None else seed
    print(f"--seed-of-scenarios {seed}", flush=True)
    search = Search(
        engine,
        count or 10**6,
        seed,
        tuple(PAIRINGS),
        seconds=None if count else SHORT,
        tell=_tell,
    )
    found = search.run()
    print(f"{search.made} scenarios, {search.differing} differ")
    assert not found, "\n\n".join(verdict.told() for verdict in found)
