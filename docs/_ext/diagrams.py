"""Mermaid text of the lifecycle diagram, made from the table of transitions."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator

from taurus_tpo.core.lifecycle import TABLE, Input, State

LIFE = "The states of an attribute, and the inputs that lead from one to another"

#: An input that leads from so many states to one state is a note, not arrows.
COMMON = 3

#: Mermaid's entity codes of the characters that it would interpret.
_CODES = {ord(char): f"#{ord(char)};" for char in "#;%<>&"}


def escape(text: str) -> str:
    """Return ``text`` so that Mermaid shows it as it is."""
    return text.translate(_CODES)


def label(member: enum.Enum) -> str:
    """Return the name of a state, an input or an effect as people read it."""
    return member.name.replace("_", " ").lower()


# --- the lifecycle -------------------------------------------------------------------


def _sources() -> dict[tuple[Input, State], list[State]]:
    """Return the states from which an input leads to another state."""
    sources = defaultdict(list)
    for (start, given), step in TABLE.items():
        if step.state is not start:
            sources[given, step.state].append(start)
    return sources


def life() -> Iterator[str]:
    """Yield the lines of the state diagram."""
    yield "stateDiagram-v2"
    yield f"accTitle: {LIFE}"
    for state in State:
        yield f"{state.name}: {escape(label(state))}"
    edges = defaultdict(list)
    for (given, end), starts in _sources().items():
        if len(starts) < COMMON:
            for start in starts:
                edges[start, end].append(escape(label(given)))
    for (start, end), labels in edges.items():
        yield f"{start.name} --> {end.name}: {'<br>'.join(labels)}"


def life_notes() -> Iterator[str]:
    """Yield what the state diagram leaves out."""
    for (given, end), starts in _sources().items():
        if len(starts) >= COMMON:
            yield f"{label(given)}: from {_listed(map(label, starts))} to {label(end)}"
    yield "An input that leaves an attribute in its state is not drawn."


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"
