"""The Mermaid text of the diagrams says what the code does."""

from __future__ import annotations

import re

import pytest
from diagrams import escape, label, life, life_notes

from taurus_tpo.core.lifecycle import TABLE, State

LIFE = list(life())
NOTES = list(life_notes())


def test_characters_that_mermaid_interprets_are_escaped() -> None:
    assert escape("a #1; 5% <b> & c") == "a #35;1#59; 5#37; #60;b#62; #38; c"


@pytest.mark.parametrize("state", State, ids=label)
def test_each_state_is_in_the_state_diagram(state: State) -> None:
    assert f"{state.name}: {label(state)}" in LIFE


def test_each_transition_is_drawn_or_noted() -> None:
    told = {
        (start, end, given)
        for line in LIFE
        if " --> " in line
        for start, end, givens in [re.split(" --> |: ", line)]
        for given in givens.split("<br>")
    }
    for note in NOTES[:-1]:
        given, starts, end = re.split(": from | to ", note)
        told |= {
            (start.upper(), end.upper(), given)
            for start in re.split(", | and ", starts)
        }
    assert told == {
        (start.name, step.state.name, label(given))
        for (start, given), step in TABLE.items()
        if step.state is not start
    }
