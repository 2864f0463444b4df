"""Mermaid text of the diagrams: the table of transitions, and the sequences."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator

from sequences import GoesOn, Item, Lane, Later, Message, Sequence, Waits, walk

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


# --- the sequences -------------------------------------------------------------------


def sequence_diagram(sequence: Sequence) -> Iterator[str]:
    """Yield the lines of the sequence diagram."""
    yield "sequenceDiagram"
    yield f"accTitle: {escape(sequence.title)}"
    yield "accDescr: A list after the diagram has the same in words."
    for lane in sequence.lanes:
        yield f"participant {lane.name} as {escape(lane.value)}"
    for item, state in walk(sequence):
        yield from _drawn(item, sequence.lanes)
        if state is not None and isinstance(item, Message):
            yield f"Note over {item.receiver.name}: {label(state)}"


def _drawn(item: Item, lanes: tuple[Lane, ...]) -> Iterator[str]:
    window = Lane.WINDOW.name
    if isinstance(item, Waits):
        yield f"activate {window}"
        yield f"Note over {window}: {_limited(item)}"
    elif isinstance(item, GoesOn):
        yield f"deactivate {window}"
    elif isinstance(item, Later):
        yield f"Note over {lanes[0].name},{lanes[-1].name}: {escape(item.text)}"
    else:
        arrow = "-->>" if item.answer else "->>"
        ends = f"{item.sender.name}{arrow}{item.receiver.name}"
        yield f"{ends}: {escape(item.text)}"


def _limited(wait: Waits) -> str:
    return f"waits, at most {wait.at_most}" if wait.at_most else "waits"


def words(sequence: Sequence) -> Iterator[str]:
    """Yield the sequence in words, one line for each item."""
    for item, state in walk(sequence):
        yield _in_words(item)
        if state is not None and isinstance(item, Message):
            yield f"{item.receiver.value} is now: {label(state)}"


def _in_words(item: Item) -> str:
    if isinstance(item, Waits):
        return f"the window {_limited(item)}"
    if isinstance(item, GoesOn):
        return "the window no longer waits"
    if isinstance(item, Later):
        return f"later: {item.text}"
    if item.sender is item.receiver:
        return f"{item.sender.value}: {item.text}"
    answer = " (answer)" if item.answer else ""
    return f"{item.sender.value} to {item.receiver.value}: {item.text}{answer}"
