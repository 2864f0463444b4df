"""The differences that are meant, as a table. Pure.

"What is different" of ``docs/how-to/upgrade.rst`` is drawn from it. An entry is here
because it is better for the user, never because a run would not pass without it; one
that no scenario shows any more is wrong, and fails the test: see ``fixed.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

from tests.differential.compare import MISSING, Difference
from tests.differential.scenario import CLIENT, DATABASE, PROCESS, Scenario

Applies = Callable[[Difference, Scenario], bool]


@dataclass(frozen=True)
class Meant:
    """A difference that is meant.

    :param key: names it; the fixed scenario that shows it has the same name.
    :param applies: whether a difference that was seen is this one.
    :param words: what it is, for users: a sentence or two of reStructuredText.
    :param reason: why it is better.
    :param stock_is_wrong: whether it is a fault of stock Taurus.
    :param by_chance: whether no scenario can show it each time: it depends on how long
        something takes.
    """

    key: str
    applies: Applies
    words: str
    reason: str
    stock_is_wrong: bool = False
    by_chance: bool = False


# --- what is told ---


def _flat(told: Any) -> list[Any]:
    """Return the records of a listener, step after step."""
    if not isinstance(told, list):
        return []
    return [record for segment in told for record in segment]


def _is_polled_meanwhile(difference: Difference, scenario: Scenario) -> bool:
    if difference.part != "told":
        return False
    stock, plugin = _flat(difference.stock), _flat(difference.plugin)
    polls = 0
    while polls < len(plugin) and plugin[polls][0] == "Periodic":
        polls += 1
    read = [value for _, value in plugin[:polls]]
    first = [value for kind, value in plugin[polls : polls + 1] if kind == "Change"]
    return bool(read) and plugin[polls:] == stock and first == read[-1:]


# --- flags ---


def _knows_that_it_is_subscribed(difference: Difference, scenario: Scenario) -> bool:
    flags = {
        "isUsingEvents": (False, True),
        "subscription": ("Subscribing", "Subscribed"),
    }
    seen = (difference.stock, difference.plugin)
    return any(
        difference.part == "end" and difference.name.endswith(name) and seen == values
        for name, values in flags.items()
    )


# --- stock that ends or hangs ---


def _stock_hangs(difference: Difference, scenario: Scenario) -> bool:
    return difference.part == "fate" and str(difference.stock).startswith("hung")


def _stock_crashes(difference: Difference, scenario: Scenario) -> bool:
    return difference.part == "fate" and str(difference.stock).startswith("crashed")


# --- servers that go and come ---


def is_down_when_made(scenario: Scenario) -> bool:
    """Return whether server or database is away at the first step of a client."""
    away = False
    for step in scenario.steps:
        if step.who in (PROCESS, DATABASE):
            away = step.do in ("kill", "terminate", "hang", "busy")
        elif step.who == CLIENT:
            return away
    return False


def _comes_late(difference: Difference, scenario: Scenario) -> bool:
    return is_down_when_made(scenario)


def _is_not_told_of_a_short_absence(difference: Difference, scenario: Scenario) -> bool:
    if difference.part != "told" or not scenario.stops_processes:
        return False
    plugin = _changes(_flat(difference.plugin))
    return plugin[-1:] == _changes(_flat(difference.stock))[-1:] != []


def _changes(records: list[Any]) -> list[Any]:
    """Return the values that were told, each once."""
    values = [value for kind, value in records if kind in ("Change", "Periodic")]
    return [one for at, one in enumerate(values) if at == 0 or values[at - 1] != one]


TABLE: tuple[Meant, ...] = (
    Meant(
        "polled-meanwhile",
        _is_polled_meanwhile,
        "Where Tango takes longer than 0.3 s to subscribe, an attribute is read "
        "meanwhile. Its listeners are told that value as ``Periodic``, and once more "
        "as ``Change`` when the subscription works.",
        "The value is there before one server holds up the subscriptions of others.",
        by_chance=True,
    ),
    Meant(
        "knows-that-it-is-subscribed",
        _knows_that_it_is_subscribed,
        "In the modes Async and Stateless ``isUsingEvents()`` is true, and "
        "``getSubscriptionState()`` is ``Subscribed``, as soon as Tango says so; in "
        "stock Taurus with the first event, which may never come.",
        "A program that asks is told what is so.",
        stock_is_wrong=True,
    ),
    Meant(
        "comes-late",
        _comes_late,
        "Attributes of devices that are down when a program starts get their "
        "configuration, and their values, when the device comes: rows of a form stay. "
        "Until then the attribute looks like a text: a program that asks for "
        "``attribute.type`` sees a string, where stock Taurus has None.",
        "In stock Taurus such a row is missing, or shows nothing, until the program is "
        "started again.",
    ),
    Meant(
        "short-absence",
        _is_not_told_of_a_short_absence,
        "Listeners may be told of a server that has gone and come again by other "
        "errors, or none, where Tango takes ten seconds to see it. The values are the "
        "same.",
        "A new subscription is read again until what it brings agrees with the device.",
    ),
    Meant(
        "stock-hangs",
        _stock_hangs,
        "Where stock Taurus waits for ever, the program goes on.",
        "``read()`` of stock waits without a timeout for an event that does not come.",
        stock_is_wrong=True,
        by_chance=True,
    ),
    Meant(
        "stock-crashes",
        _stock_crashes,
        "Where the process of stock Taurus ends with an error of Tango's, it goes on.",
        "A crash is nothing that a program relies on.",
        stock_is_wrong=True,
        by_chance=True,
    ),
)


def explain(
    differences: Iterable[Difference], scenario: Scenario
) -> tuple[list[Difference], set[str]]:
    """Return the differences that nobody means, and the keys of those meant."""
    unmeant, seen = [], set()
    for difference in differences:
        keys = {one.key for one in TABLE if one.applies(difference, scenario)}
        seen |= keys
        if not keys:
            unmeant.append(difference)
    return unmeant, seen


__all__ = ["MISSING", "TABLE", "Meant", "explain", "is_down_when_made"]
