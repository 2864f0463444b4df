"""Measures the pure packages: no Tango, no Taurus, no threads.

``make benchmark-core`` runs these tests and writes the results into the documentation,
see :mod:`benchmarks.core_costs`. Each test sets the number of operations per round, and
the limit per operation if there is one.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.lifecycle import Input, Lifecycle, State
from taurus_tpo.core.modes import MODES
from taurus_tpo.core.precedence import ModeSource, decide
from taurus_tpo.core.rules import AttributeName, Rule, RuleSet
from taurus_tpo.core.scheduler import Report, Request, RequestKind, Scheduler
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.settings import read
from taurus_tpo.core.value_cache import ValueCache

#: The number of rules: one per family.
RULES = 1000

#: The number of decisions per round: more than fit into the cache.
ATTRIBUTES = 20_000

#: The number of values offered per round.
VALUES = 1000

#: The size of the scheduled load.
READS, DEVICES, SERVERS = 100_000, 1000, 100


#: The limit for one decision, s.
CHOICE = 5e-6


def per(benchmark: Any, operations: int, allowed: float | None = None) -> None:
    """Set the number of operations per round, and the limit per operation, s."""
    benchmark.extra_info.update(operations=operations, allowed=allowed)


def attribute_names(count: int) -> list[AttributeName]:
    """Return names of which five in six have a rule."""
    families = itertools.cycle(range(RULES * 6 // 5))
    return [
        AttributeName.of(f"tango://host:10000/SR{family:03}/family{family}/1/attr{n}")
        for n, family in zip(range(count), families)
    ]


def authority() -> ModeSource:
    rules = [Rule(f"sr{n:03}/family{n}/*/*", MODES[n % 5]) for n in range(RULES)]
    return ModeSource("file", "file", None, RuleSet(rules))


@pytest.mark.benchmark(group="the mode, by 1,000 rules")
def test_of_an_attribute_that_is_new(benchmark: Any) -> None:
    per(benchmark, ATTRIBUTES, CHOICE)
    names = attribute_names(ATTRIBUTES)

    def setup() -> tuple[tuple[ModeSource], dict[str, Any]]:
        fresh = authority()
        decide(names[0], [fresh])
        return (fresh,), {}

    def choose(authority: ModeSource) -> int:
        return sum(decide(n, [authority]).decided_by != "default" for n in names)

    decided = benchmark.pedantic(choose, setup=setup, rounds=10)
    assert decided == sum(int(n.short.split("/")[0][2:]) < RULES for n in names)


@pytest.mark.benchmark(group="the mode, by 1,000 rules")
def test_of_an_attribute_that_is_known(benchmark: Any) -> None:
    names, known = attribute_names(RULES), authority()
    per(benchmark, len(names), CHOICE)

    def choose() -> int:
        return sum(decide(n, [known]).decided_by != "default" for n in names)

    assert benchmark(choose) == len(names)


@pytest.mark.benchmark(group="the mode, by 1,000 rules")
def test_compiling_the_rules(benchmark: Any) -> None:
    per(benchmark, RULES)
    values = {
        "TANGO_EVENT_SUB_MODE_RULES": [
            (f"sr{n:03}/family{n}/*/*", MODES[n % 5].name) for n in range(RULES)
        ]
    }
    assert len(benchmark(read, values).authority.rules) == RULES


#: The inputs of one attribute during a restart of its server.
WALK = (
    *(Input.LISTEN, Input.CONNECTED, Input.ACCEPTED, Input.READ, Input.EVENT),
    *(Input.FAILED, Input.READ, Input.EVENT, Input.READ, Input.READ),
    *(Input.UNPROVEN, Input.ACCEPTED, Input.READ, Input.EVENT, Input.UNLISTEN),
)


@pytest.mark.benchmark(group="the life")
def test_a_transition(benchmark: Any) -> None:
    per(benchmark, len(WALK))
    life = Lifecycle()

    def walk() -> State:
        for given in WALK:
            life.feed(given)
        return life.state

    assert benchmark(walk) is State.IDLE


@pytest.mark.benchmark(group="the life")
def test_a_value_offered_to_the_cache(benchmark: Any) -> None:
    per(benchmark, VALUES)
    stamps = itertools.count()

    def offer() -> bool:
        cache: ValueCache[int] = ValueCache()
        return all(
            cache.offer(n, float(next(stamps)), 0.0, None) for n in range(VALUES)
        )

    assert benchmark(offer)


class Device:
    """A device with what the scheduler uses."""

    late = False

    def __init__(self, server: Server) -> None:
        self.server = server
        self.costs = ReadCosts()


def a_facility() -> list[Device]:
    servers = [Server(f"Server/{n}", answered=float("inf")) for n in range(SERVERS)]
    return [Device(servers[n % SERVERS]) for n in range(DEVICES)]


@pytest.mark.benchmark(group="the schedule")
def test_a_read_of_100_000_over_1000_devices(benchmark: Any) -> None:
    per(benchmark, READS)

    def setup() -> tuple[tuple[list[Device]], dict[str, Any]]:
        return (a_facility(),), {}

    def serve(devices: list[Device]) -> int:
        schedule = Scheduler(workers=8)
        for number in range(READS):
            schedule.add(Request(devices[number % DEVICES], number, 0.0), 0.0)
        while (batch := schedule.take(0.0)) is not None:
            for request in batch.requests:
                request.succeed(None)
            batch.device.costs.learn([r.name for r in batch.requests], 0.001)
            schedule.done(batch, Report(answered=True))
        return schedule.pending(RequestKind.READ)

    assert benchmark.pedantic(serve, setup=setup, rounds=5) == 0
