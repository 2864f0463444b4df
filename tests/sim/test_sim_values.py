"""The values that attributes hold, and how they change by themselves."""

from __future__ import annotations

from typing import Any

import pytest
import tango
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.sim import values

LABELS = ("A", "B", "C")
KINDS = st.sampled_from(sorted(values.KINDS))
SHAPES = st.lists(st.integers(1, 6), max_size=2)


def leaves(value: Any) -> list[Any]:
    found: list[Any] = []
    values.map_leaves(found.append, value)
    return found


@given(KINDS, SHAPES)
def test_default_fills_the_shape(kind: str, shape: list[int]) -> None:
    value = values.check(None, kind, shape, LABELS)
    rows = value if len(shape) == 2 else [value]
    assert len(leaves(value)) == ([*shape, 1, 1])[0] * ([*shape, 1, 1])[1]
    assert len(rows) == ([*shape, 1, 1])[1]
    assert values.check(value, kind, shape, LABELS) == value


@given(KINDS, SHAPES, st.integers(0, 5000))
def test_each_step_changes_each_element(
    kind: str, shape: list[int], count: int
) -> None:
    start = values.check(None, kind, shape, LABELS)
    now, then = (values.step(start, kind, LABELS, count + k) for k in (0, 1))
    assert values.check(now, kind, shape, LABELS) == now
    assert all(a != b for a, b in zip(leaves(now), leaves(then)))


def test_states_are_those_of_tango() -> None:
    assert list(values.STATES) == [str(tango.DevState.values[k]) for k in range(14)]


@pytest.mark.parametrize(
    ("name", "message"),
    [("opne", "open or shut (did you mean open?)"), (5, "open or shut")],
)
def test_nearest_spelling(name: object, message: str) -> None:
    assert values.nearest(name, ["open", "shut"]) == message
