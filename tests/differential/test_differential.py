"""The plugin beside stock Taurus: whatever a program observes is the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taurus_tpo.sim.waiting import wait_until
from tests.differential.engine import Engine, Verdict, keep
from tests.differential.fixed import SAME, SHOWING
from tests.differential.scenario import PAIRINGS
from tests.differential.search import LANES, Search

#: Where scenarios that differ are kept, to run them again alone.
FOUND = Path("differential-found")

#: How long a part of the search takes that is there without ``--scenarios``, s, and how
#: many scenarios go side by side: others run tests meanwhile.
SHORT, FEW = 60.0, 8

#: What that part is made from: the same scenarios each time.
REPRESENTATIVE = 301

#: How often a fixed scenario is run alone that did not show its difference.
ALONE = 3


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """What runs pairs of programs."""
    with Engine() as running:
        yield running


@pytest.fixture(scope="module")
def verdicts(engine: Engine) -> dict[str, Verdict]:
    """The verdicts on all fixed scenarios; they wait most of the time, side by side."""
    scenarios = dict(SHOWING)
    scenarios.update({f"same {at}": one for at, one in enumerate(SAME)})
    with ThreadPoolExecutor(len(scenarios)) as pool:
        return dict(zip(scenarios, pool.map(engine.judge, scenarios.values())))


@pytest.mark.differential
@pytest.mark.timeout(600)
def test_each_difference_that_is_meant_is_seen(
    engine: Engine, verdicts: dict[str, Verdict]
) -> None:
    missed = [key for key in SHOWING if key not in verdicts[key].meant]
    # Stock may be late enough to see what it would have missed: all go side by side.
    assert not [key for key in missed if not _is_seen_alone(engine, key)]


def _is_seen_alone(engine: Engine, key: str) -> bool:
    again = (engine.judge_again(SHOWING[key]) for _ in range(ALONE))
    return any(key in verdict.meant for verdict in again)


@pytest.mark.differential
@pytest.mark.timeout(600)
def test_nothing_else_differs_in_fixed_scenarios(
    engine: Engine, verdicts: dict[str, Verdict]
) -> None:
    differing = [one for one in verdicts.values() if one.unmeant]
    # All side by side are more than a busy machine may bear.
    again = [engine.judge_again(one.scenario) for one in differing]
    wrong = [one.told() for one in again if one.unmeant]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.differential
@pytest.mark.timeout(600)
def test_a_scenario_is_judged_again_if_its_server_crashes(engine: Engine) -> None:
    facility, scenario = engine.facility, SAME[0]
    device = facility.device()
    crashes, free = facility.crashes(), facility.free_devices
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(engine.judge_again, scenario)
        wait_until(lambda: facility.free_devices < free, 60.0, "it has devices")
        facility.server_of(device).kill()
        assert not verdict.result().unmeant
    assert facility.crashes() == crashes + 1


def _tell(verdict: Verdict) -> None:
    path = keep(verdict, FOUND)
    print(f"\npython -m tests.differential {path}\n{verdict.told()}", flush=True)


@pytest.mark.differential
@pytest.mark.timeout(3600)
def test_nothing_differs_that_nobody_means(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    count = request.config.getoption("--scenarios")
    seed = request.config.getoption("--seed-of-scenarios")
    if seed is None:
        seed = random.randrange(10**6) if count else REPRESENTATIVE
    print(f"--seed-of-scenarios {seed}", flush=True)
    search = Search(
        engine,
        count or 10**6,
        seed,
        tuple(PAIRINGS),
        lanes=LANES if count else FEW,
        seconds=None if count else SHORT,
        tell=_tell,
    )
    search.run()
    print(f"{search.made} scenarios, {search.differing} differ")
    found = search.confirmed()
    assert not found, "\n\n".join(verdict.told() for verdict in found)
