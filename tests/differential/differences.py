"""The differences that are meant, as a table. Pure.

"What is different" of ``docs/how-to/upgrade.rst`` is drawn from it. An entry is here
because it is better for the user, never because a run would not pass without it; one
that no scenario shows any more is wrong, and fails the test.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Callable

from tests.differential.compare import Difference
from tests.differential.scenario import Scenario

Applies = Callable[[Difference, Scenario], bool]


@dataclass(frozen=True)
class Meant:
    """A difference that is meant.

    :param key: names it; the fixed scenario that shows it has the same name.
    :param applies: whether a difference that was seen is this one.
    :param words: what it is, for users; a sentence or two of reStructuredText.
    :param reason: why it is better.
    :param stock_is_wrong: whether it is a fault of stock Taurus.
    """

    key: str
    applies: Applies
    words: str
    reason: str
    stock_is_wrong: bool = False


TABLE: tuple[Meant, ...] = ()


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
