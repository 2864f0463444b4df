"""The life of an attribute drawn as SVG, from the table of transitions.

Only where the boxes stand is decided here; a state without a place ends the build.
Text and lines have the color of the text around the picture: arrows end where a text
stands on them, whatever the color behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from html import escape
from math import hypot
from typing import NamedTuple

from taurus_tpo.core.lifecycle import TABLE, Input, State

#: The middle of each box, px.
PLACES = {
    State.IDLE: (90, 60),
    State.CONNECTING: (300, 60),
    State.SUBSCRIBING: (560, 60),
    State.OPENING: (820, 60),
    State.SUBSCRIBED: (1080, 60),
    State.RECONNECTING: (300, 300),
    State.RESUBSCRIBING: (560, 300),
    State.VERIFYING: (1080, 300),
    State.UNTRUSTED: (820, 180),
    State.RETRYING: (1080, 470),
    State.POLLED: (90, 440),
    State.CLOSED: (90, 510),
}
WIDTH, HEIGHT = 1190, 540
BOX = (140, 44)

#: An input that leads from so many states to one and the same is told in words.
EVERYWHERE = 3

#: How far an arrow bends to its right, px: those of both directions stay apart.
BEND = 36

#: What a letter takes of a line at the most, and a line of the height, px.
LETTER, LINE = 7.4, 15


def _words(member: State | Input) -> str:
    return member.name.replace("_", " ").lower()


def _edges() -> dict[tuple[State, State], list[Input]]:
    edges = defaultdict(list)
    for state in State:
        for given in Input:
            step = TABLE.get((state, given))
            if step is not None and step.state is not state:
                edges[state, step.state].append(given)
    return edges


def _common(
    edges: dict[tuple[State, State], list[Input]],
) -> dict[tuple[Input, State], list[State]]:
    sources = defaultdict(list)
    for (start, end), inputs in edges.items():
        for given in inputs:
            sources[given, end].append(start)
    return {key: froms for key, froms in sources.items() if len(froms) >= EVERYWHERE}


def picture() -> tuple[str, list[str]]:
    """Return the SVG, and lines of text with what is left out of it."""
    edges = _edges()
    common = _common(edges)
    drawn = {
        (start, end): kept
        for (start, end), inputs in edges.items()
        if (kept := [given for given in inputs if (given, end) not in common])
    }
    labels = [_label(*edge, inputs) for edge, inputs in drawn.items()]
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="The states of an attribute and what leads from one to another" '
        'font-family="sans-serif" font-size="13" style="max-width: 100%">',
        _everywhere_but(label.room for label in labels),
        '<g mask="url(#life-labels)">',
        *(_arrow(start, end) for start, end in drawn),
        "</g>",
        *(label.text for label in labels),
        *(_box(state) for state in State),
        "</svg>",
    ]
    notes = [
        f"{_words(given)}: from {_list(map(_words, froms))} to {_words(end)}"
        for (given, end), froms in common.items()
    ]
    notes.append("An input that leaves an attribute in its state is not drawn.")
    return "\n".join(parts), notes


def _list(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _box(state: State) -> str:
    x, y = PLACES[state]
    width, height = BOX
    return (
        f'<g><title>{escape(state.value)}</title><rect x="{x - width / 2}" '
        f'y="{y - height / 2}" width="{width}" height="{height}" rx="8" '
        'fill="#3b82c4" fill-opacity="0.15" stroke="#3b82c4"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="bold" '
        f'fill="currentColor">{_words(state)}</text></g>'
    )


def _bend(start: State, end: State, far: float) -> tuple[float, float]:
    """Return the point so far to the right of the middle of the way."""
    (x1, y1), (x2, y2) = PLACES[start], PLACES[end]
    length = hypot(x2 - x1, y2 - y1)
    right = (-(y2 - y1) / length, (x2 - x1) / length)
    return (x1 + x2) / 2 + right[0] * far, (y1 + y2) / 2 + right[1] * far


def _arrow(start: State, end: State) -> str:
    cx, cy = _bend(start, end, 2 * BEND)
    sx, sy = _on_border(start, (cx, cy))
    ex, ey = _on_border(end, (cx, cy))
    return (
        f'<path d="M{sx:.0f} {sy:.0f} Q{cx:.0f} {cy:.0f} {ex:.0f} {ey:.0f}" '
        f'fill="none" stroke="currentColor"/>{_tip(ex, ey, ex - cx, ey - cy)}'
    )


class _Label(NamedTuple):
    """The inputs of an arrow, and the room that they take of it."""

    text: str
    room: str


def _label(start: State, end: State, inputs: list[Input]) -> _Label:
    x, y = _bend(start, end, BEND)
    top = y + 4 - LINE / 2 * (len(inputs) - 1)
    text = "".join(
        f'<text x="{x:.0f}" y="{top + LINE * row:.0f}" text-anchor="middle" '
        f'fill="currentColor">{_words(given)}</text>'
        for row, given in enumerate(inputs)
    )
    width = max(len(_words(given)) for given in inputs) * LETTER
    room = (
        f'<rect x="{x - width / 2:.0f}" y="{top - LINE + 3:.0f}" '
        f'width="{width:.0f}" height="{LINE * len(inputs):.0f}"/>'
    )
    return _Label(text, room)


def _everywhere_but(rooms: Iterable[str]) -> str:
    """Return a mask that leaves out ``rooms``."""
    return (
        '<mask id="life-labels" maskUnits="userSpaceOnUse" x="0" y="0" '
        f'width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<g fill="#000">{"".join(rooms)}</g></mask>'
    )


def _tip(x: float, y: float, dx: float, dy: float) -> str:
    """Return the head of an arrow that ends at a point, in a direction."""
    dx, dy = dx / hypot(dx, dy), dy / hypot(dx, dy)
    back = (x - 10 * dx, y - 10 * dy)
    sides = [(back[0] + s * 4 * dy, back[1] - s * 4 * dx) for s in (1, -1)]
    corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in ((x, y), *sides))
    return f'<polygon points="{corners}" fill="currentColor"/>'


def _on_border(state: State, towards: tuple[float, float]) -> tuple[float, float]:
    """Return where the line from the middle of a box leaves it."""
    x, y = PLACES[state]
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(
        BOX[0] / 2 / abs(dx) if dx else float("inf"),
        BOX[1] / 2 / abs(dy) if dy else float("inf"),
    )
    return x + dx * scale, y + dy * scale
