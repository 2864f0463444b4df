"""Makes a scenario that differs smaller. Pure.

Hypothesis shrinks too, one trial after the other; a trial takes seconds in which
nothing is to be done but wait, so all that are next are tried side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Callable

from tests.differential.scenario import AttributeSpec, Scenario, Step

#: The simplest of what a step may be told.
_PLAIN = {
    "quality": "VALID",
    "shift": 0.001,
    "event": True,
    "cache": True,
    "with_read": True,
    "name": "A",
    "value": 1,
}


def smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Return scenarios that are one thing simpler, the most promising first."""
    steps = scenario.steps
    if len(steps) > 3:
        half = len(steps) // 2
        yield replace(scenario, steps=steps[half:])
        yield replace(scenario, steps=steps[:half])
    for index in range(len(steps)):
        yield replace(scenario, steps=steps[:index] + steps[index + 1 :])
    yield from _with_fewer_attributes(scenario)
    for index, spec in enumerate(scenario.attributes):
        for simpler in _simpler_specs(spec):
            specs = [*scenario.attributes]
            specs[index] = simpler
            yield replace(scenario, attributes=tuple(specs))
    for index, step in enumerate(steps):
        for plainer in _plainer_steps(step):
            yield replace(
                scenario, steps=(*steps[:index], plainer, *steps[index + 1 :])
            )


def _with_fewer_attributes(scenario: Scenario) -> Iterator[Scenario]:
    specs = scenario.attributes
    for kept in range(len(specs)) if len(specs) > 1 else ():
        steps = tuple(replace(step, on=0) for step in scenario.steps if step.on == kept)
        yield replace(scenario, attributes=(specs[kept],), steps=steps)


def _simpler_specs(spec: AttributeSpec) -> Iterator[AttributeSpec]:
    for name in ("DevDouble_scalar_r", "DevDouble_scalar_rw"):
        if spec.kind not in ("DevDouble_scalar_r", name):
            yield replace(spec, kind=name)
    if spec.config:
        yield replace(spec, config={})
    if not spec.events:
        yield replace(spec, events=True)
    if spec.stamps != "held":
        yield replace(spec, stamps="held")


def _plainer_steps(step: Step) -> Iterator[Step]:
    if step.where != "main":
        yield replace(step, where="main")
    for key, plain in _PLAIN.items():
        value: Any = step.args.get(key, plain)
        if type(value) is type(plain) and value != plain and step.do != "command":
            yield replace(step, args={**step.args, key: plain})


def reduce(
    scenario: Scenario,
    differs: Callable[[list[Scenario]], list[bool]],
    rounds: int = 6,
) -> Scenario:
    """Return a scenario from which nothing can be left out.

    :param differs: says of many scenarios, tried side by side, whether they differ.
    :param rounds: how often to try.
    """
    tried = {scenario.to_json()}
    for _ in range(rounds):
        trials = []
        for one in smaller(scenario):
            if one.steps and one.to_json() not in tried:
                tried.add(one.to_json())
                trials.append(one)
        found = [one for one, is_so in zip(trials, differs(trials)) if is_so]
        if not found:
            break
        scenario = min(found, key=size)
    return scenario


def size(scenario: Scenario) -> tuple[int, int, int]:
    """Return how large a scenario is: steps, attributes, characters."""
    return len(scenario.steps), len(scenario.attributes), len(scenario.to_json())
