"""Scenarios, comparison and the table of differences, without Tango."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from tests.differential.compare import compare, unsteady
from tests.differential.differences import TABLE, explain, is_down_when_made
from tests.differential.fixed import SAME, SHOWING
from tests.differential.plain import NOW, Plain
from tests.differential.reduce import reduce, size, smaller
from tests.differential.scenario import PAIRINGS, AttributeSpec, Scenario, Step
from tests.differential.strategies import scenarios

LISTEN = Step("client", "listen", args={"name": "A"})
SET = Step("server", "set", args={"value": 1})
EVENTS = Scenario(steps=(LISTEN,))
POLLED = Scenario((AttributeSpec(events=False),), (LISTEN,))


def observed(*told: Any, **more: Any) -> dict[str, Any]:
    """Return what a program observed that was told this, a list for each step."""
    return {"steps": [], "log": [], "told": {"A0": list(told)}, **more}


@settings(max_examples=50)
@given(scenarios(tuple(PAIRINGS)))
def test_a_scenario_is_a_file(scenario: Scenario) -> None:
    assert Scenario.from_json(scenario.to_json()) == scenario
    assert scenario.told()


@settings(max_examples=50)
@given(scenarios(tuple(PAIRINGS)))
def test_steps_are_about_attributes_that_exist(scenario: Scenario) -> None:
    for step in scenario.steps:
        spec = scenario.attributes[step.on]
        if isinstance(step.args.get("value"), int):
            assert step.args["value"] < len(spec.of_kind.values)


@settings(max_examples=50)
@given(scenarios())
def test_what_is_tried_next_is_smaller(scenario: Scenario) -> None:
    for one in smaller(scenario):
        assert one != scenario
        assert len(one.steps) <= len(scenario.steps)


def test_a_scenario_is_reduced_to_what_differs() -> None:
    steps = (LISTEN, SET, Step("client", "read"), Step("client", "make"))
    specs = (AttributeSpec("DevLong_image_r"), AttributeSpec("DevBoolean_scalar_r"))

    def differs(trials: list[Scenario]) -> list[bool]:
        return [SET in one.steps for one in trials]

    smallest = reduce(Scenario(specs, steps), differs)
    assert smallest.steps == (SET,)
    assert smallest.attributes == (AttributeSpec(),)
    assert size(smallest) < size(Scenario(specs, steps))


def test_what_is_the_same_does_not_differ() -> None:
    assert not compare(EVENTS, observed([["Change", 1]]), observed([["Change", 1]]))


@pytest.mark.parametrize(
    "plugin",
    [
        observed([["Change", 1], ["Change", 1]]),
        observed([["Change", 2]]),
        observed([["Periodic", 1]]),
        observed([], [["Change", 1]]),
        observed([["Change", 1]], log=["WARNING this"]),
        observed([["Change", 1]], fate="hung in step 1"),
    ],
)
def test_what_differs_is_found(plugin: dict[str, Any]) -> None:
    [difference] = compare(EVENTS, observed([["Change", 1]]), plugin)
    assert str(difference)
    assert difference.signature


def test_how_often_a_value_is_polled_is_a_matter_of_time() -> None:
    stock = observed([["Periodic", 1]], [["Periodic", 1], ["Periodic", 2]])
    plugin = observed([["Periodic", 1], ["Periodic", 2]])
    assert not compare(POLLED, stock, plugin)
    assert compare(EVENTS, stock, plugin)
    between = observed([["Periodic", 1], ["Config", 1], ["Periodic", 1]])
    assert not compare(POLLED, between, observed([["Periodic", 1], ["Config", 1]]))


def test_whether_a_poll_or_a_configuration_comes_first_is_a_matter_of_time() -> None:
    first = observed([["Periodic", 1], ["Config", 1], ["Periodic", 2]])
    second = observed([["Periodic", 1], ["Periodic", 2], ["Config", 2]])
    assert not compare(POLLED, first, second)
    # A configuration has the value that was told last.
    wrong = observed([["Periodic", 1], ["Periodic", 2], ["Config", 1]])
    assert [one.part for one in compare(POLLED, first, wrong)] == ["told"]
    none = observed([["Periodic", 1], ["Periodic", 2]])
    assert [one.part for one in compare(POLLED, first, none)] == ["told"]


def test_a_change_is_not_told_again_and_again() -> None:
    stock, plugin = observed([["Change", 1]]), observed([["Change", 1]] * 4)
    assert [one.part for one in compare(POLLED, stock, plugin)] == ["repeats"]


def test_whether_a_poll_or_an_event_brings_a_value_is_a_matter_of_time() -> None:
    stock, plugin = observed([["Change", 1]]), observed([["Periodic", 1]])
    both = replace(EVENTS, steps=(Step("client", "enable_polling"), *EVENTS.steps))
    assert not compare(both, stock, plugin)
    assert compare(EVENTS, stock, plugin)
    assert compare(POLLED, stock, plugin)
    # So is whether a poll comes between two configurations.
    twice = observed([["Change", 1], ["Config", 1], ["Config", 1]])
    apart = observed([["Change", 1], ["Config", 1], ["Periodic", 1], ["Config", 1]])
    assert not compare(both, twice, apart)
    assert compare(both, twice, observed([["Change", 1]]))
    read = Step("client", "read", 0, {"cache": False})
    scenario = replace(POLLED, steps=(*POLLED.steps, read))
    unmeant, keys = explain(compare(scenario, plugin, stock), scenario)
    assert not unmeant
    assert "read-is-told" in keys


def test_a_configuration_may_be_told_before_the_first_poll() -> None:
    first = observed([["Periodic", 1]], [["Config", 1]], [["Periodic", 1]])
    last = observed([], [["Config", 1]], [["Periodic", 1], ["Periodic", 1]])
    assert not compare(POLLED, first, last)
    assert compare(POLLED, first, observed([], [["Config", 1]], [["Periodic", 2]]))
    assert compare(POLLED, first, observed([], [["Config", 1]]))


def test_a_listener_is_the_first_one_where_stock_has_no_attribute_for_others() -> None:
    attributes = (AttributeSpec(config={"unit": "µm"}),)
    scenario = replace(EVENTS, attributes=attributes)
    stock = observed([["Periodic", 1]], [["Change", 2]])
    plugin = observed([["Config", 1], ["Change", 1]], [["Change", 2]])
    meant: tuple[list[Any], set[str]] = ([], {"not-decodable"})
    assert explain(compare(scenario, stock, plugin), scenario) == meant
    [unmeant], _ = explain(compare(EVENTS, stock, plugin), EVENTS)
    assert unmeant.part == "told"
    plugin = observed([["Config", 1], ["Change", 1]])
    [unmeant], _ = explain(compare(scenario, stock, plugin), scenario)
    assert unmeant.part == "told"


def test_a_configuration_may_be_told_once_more_and_not_again_and_again() -> None:
    stock = observed([["Config", 1]], [["Change", 1]])
    plugin = observed([["Config", 1]] * 2, [["Change", 1]])
    assert not compare(EVENTS, stock, plugin)
    plugin = observed([["Config", 1]] * 4, [["Change", 1]])
    assert [one.part for one in compare(EVENTS, stock, plugin)] == ["repeats"]
    plugin = observed([["Config", 2]], [["Change", 1]])
    assert [one.part for one in compare(EVENTS, stock, plugin)] == ["told"]


def test_the_value_is_told_in_its_new_unit_and_nothing_else() -> None:
    unit = Step("server", "configure", 0, {"unit": "mm"})
    scenario = replace(EVENTS, steps=(*EVENTS.steps, unit))
    old, new = ({"magnitude": 1.0, "unit": unit} for unit in ("", "mm"))
    stock = observed([["Change", old], ["Config", old]])
    plugin = observed([["Change", old], ["Config", new], ["Change", new]])
    assert explain(compare(scenario, stock, plugin), scenario) == ([], {"unit-changed"})
    plugin = observed([["Change", old]])
    [unmeant], _ = explain(compare(scenario, stock, plugin), scenario)
    assert unmeant.part == "told"


def test_what_stock_shows_at_times_is_unsteady() -> None:
    stock, plugin = observed([["Change", 1]]), observed([["Change", 2]])
    [difference] = compare(EVENTS, stock, plugin)
    assert unsteady(EVENTS, difference, [stock, plugin])
    assert not unsteady(EVENTS, difference, [stock])


def test_a_program_that_hangs_agrees_with_nobody() -> None:
    stock = observed(fate="hung in step 1")
    plugin = observed([["Change", 1]], steps=[{"at": 1, "step": "x", "result": 1}])
    [difference] = compare(EVENTS, stock, plugin)
    assert not unsteady(EVENTS, difference, [plugin])
    assert explain([difference], EVENTS) == ([], {"stock-hangs"})


def test_each_difference_that_is_meant_has_a_scenario() -> None:
    keys = [one.key for one in TABLE]
    assert len(set(keys)) == len(keys)
    shown = {one.key for one in TABLE if not one.by_chance and not one.held_by}
    assert set(SHOWING) == shown
    for one in TABLE:
        assert one.words.endswith(".")
        assert one.reason.endswith(".")


def test_what_no_scenario_shows_is_shown_by_a_test() -> None:
    tests = Path(__file__).parents[1]
    texts = [path.read_text(encoding="utf-8") for path in tests.rglob("test_*.py")]
    for one in TABLE:
        if one.held_by:
            assert any(f"def {one.held_by}(" in text for text in texts), one.key


def test_fixed_scenarios_are_files_too() -> None:
    for scenario in (*SAME, *SHOWING.values()):
        assert Scenario.from_json(scenario.to_json()) == scenario


def test_a_device_is_down_when_its_attribute_is_made() -> None:
    stop, start = Step("process", "kill"), Step("process", "start")
    assert is_down_when_made(replace(EVENTS, steps=(stop, LISTEN, start)))
    assert not is_down_when_made(replace(EVENTS, steps=(LISTEN, stop, start)))
    assert not is_down_when_made(replace(EVENTS, steps=(stop, start, LISTEN)))


def test_an_attribute_may_be_made_later_than_its_device() -> None:
    state, stop = Step("client", "state"), Step("process", "kill")
    scenario = replace(EVENTS, steps=(state, stop, LISTEN))
    assert not is_down_when_made(scenario)
    assert is_down_when_made(scenario, 0)


def test_steps_are_about_an_attribute_by_whatever_index() -> None:
    twice = (
        EVENTS.attributes[0],
        EVENTS.attributes[0],
        AttributeSpec("DevLong_image_r"),
    )
    steps = tuple(Step("server", "dev_restart", on) for on in range(3))
    scenario = replace(EVENTS, attributes=twice, steps=steps)
    assert scenario.of(0, "server", "dev_restart") == list(steps)
    steps = tuple(Step("server", "set", on) for on in range(3))
    scenario = replace(scenario, steps=steps)
    assert scenario.of(0, "server", "set") == list(steps[:2])


class Stamp:
    """A time stamp of Tango's."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def totime(self) -> float:
        """Return seconds since the epoch."""
        return self._seconds


@pytest.fixture
def plain() -> Plain:
    """What makes JSON of what is observed."""
    return Plain(["diff/s0/001"], "127.0.0.1:1", 1000.0, lambda: 2000.0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (1.5, 1.5),
        (float("nan"), "nan"),
        ("tango://127.0.0.1:1/diff/S0/001/a", "tango://HOST/DEVICE/a"),
        (b"\xff", {"bytes": "ff"}),
        ((1, [2]), ["tuple", 1, ["list", 2]]),
        (ValueError("text"), {"raised": "ValueError"}),
    ],
)
def test_values_are_json(plain: Plain, value: Any, told: Any) -> None:
    assert plain.value(value) == told


def test_stamps_are_of_the_scenario_or_of_now(plain: Plain) -> None:
    assert plain.stamp(Stamp(1000.001)) == 1
    assert plain.stamp(Stamp(1999.0)) == NOW
    assert plain.stamp(None) is None
