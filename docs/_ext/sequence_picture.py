"""A sequence drawn as SVG, and told in words.

Text and lines have the color of the text around the picture, so that it can be read in
a light and in a dark theme; what is filled is half transparent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

from sequences import GoesOn, Item, Lane, Later, Message, Sequence, Waits, walk

from taurus_tpo.core.lifecycle import State

WIDTH = 960

#: The middle of the first lane, and how far the last one is from the right border, px.
LEFT, RIGHT = 105, 75

#: The size of the text, and what a letter takes of a line at the most, px.
SIZE, LETTER, LINE = 12, 6.8, 15

#: How wide the bar of a window that waits is, px.
BAR = 10

#: How much space is between a text and what is beside it, px.
GAP = 6

BLUE, ORANGE = "#3b82c4", "#d97706"


@dataclass(frozen=True)
class Box:
    """Where something stands that nothing may cross, px."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return whether the two share a point."""
        beside = self.right <= other.left or other.right <= self.left
        above = self.bottom <= other.top or other.bottom <= self.top
        return not beside and not above


@dataclass
class Drawing:
    """What is drawn of a sequence, from top to bottom."""

    sequence: Sequence
    y: float = 62.0
    parts: list[str] = field(default_factory=list)
    #: The places of all texts.
    boxes: list[Box] = field(default_factory=list)
    waits_since: float | None = None
    wait: Waits = field(default_factory=Waits)

    def __post_init__(self) -> None:
        lanes = self.sequence.lanes
        step = (WIDTH - LEFT - RIGHT) / max(1, len(lanes) - 1)
        self.step = step
        self.x = {lane: LEFT + step * number for number, lane in enumerate(lanes)}
        for item, state in walk(self.sequence):
            self._draw(item)
            if state is not None and isinstance(item, Message):
                self._state(item.receiver, state)
        if self.waits_since is not None:
            self._goes_on()

    def _draw(self, item: Item) -> None:
        if isinstance(item, Waits):
            self.waits_since, self.wait = self.y + 10, item
        elif isinstance(item, GoesOn):
            self._goes_on()
        elif isinstance(item, Later):
            self._later(item)
        elif item.sender is item.receiver:
            self._note(item.sender, item.text)
        else:
            self._arrow(item)

    def _text(self, x: float, lines: list[str], style: str = "") -> None:
        """Write ``lines`` from here on, in the middle of ``x``."""
        width = max(map(len, lines)) * LETTER
        top = self.y
        for line in lines:
            self.y += LINE
            self.parts.append(
                f'<text x="{x:.0f}" y="{self.y - 4:.0f}" text-anchor="middle" '
                f'fill="currentColor" {style}>{escape(line)}</text>'
            )
        half = width / 2
        self.boxes.append(Box(x - half, top, x + half, self.y))

    def _arrow(self, message: Message) -> None:
        start, end = self._end(message.sender), self._end(message.receiver)
        room = max(8, int((abs(end - start) - 2 * GAP) / LETTER))
        self.y += GAP
        self._text((start + end) / 2, wrap(message.text, room))
        self.y += 3
        side = 1 if end > start else -1
        dash = 'stroke-dasharray="5 4" ' if message.answer else ""
        tip = [(end, 0), (end - side * 9, -4), (end - side * 9, 4)]
        corners = " ".join(f"{x:.0f},{self.y + dy:.0f}" for x, dy in tip)
        self.parts.append(
            f'<line x1="{start:.0f}" y1="{self.y:.0f}" x2="{end - side * 6:.0f}" '
            f'y2="{self.y:.0f}" stroke="currentColor" {dash}/>'
            f'<polygon points="{corners}" fill="currentColor"/>'
        )
        self.y += 4

    def _end(self, lane: Lane) -> float:
        """Where an arrow of ``lane`` ends: not in the bar of a window that waits."""
        waits = lane is Lane.WINDOW and self.waits_since is not None
        return self.x[lane] + (BAR / 2 if waits else 0)

    def _framed(self, lane: Lane, text: str, frame: str, style: str) -> None:
        """Write ``text`` on a lane, with a frame around it."""
        self.y += GAP
        top, x = self.y, self.x[lane]
        width = len(text) * LETTER + 16
        self.parts.append(
            f'<rect x="{x - width / 2:.0f}" y="{top:.0f}" width="{width:.0f}" '
            f'height="19" {frame}/>'
        )
        self.y += 2
        self._text(x, [text], style)
        self.boxes[-1] = Box(x - width / 2, top, x + width / 2, top + 19)
        self.y = top + 19

    def _note(self, lane: Lane, text: str) -> None:
        frame = 'fill="none" stroke="currentColor" stroke-dasharray="2 3"'
        self._framed(lane, text, frame, 'font-style="italic"')

    def _state(self, lane: Lane, state: State) -> None:
        words = state.name.replace("_", " ").lower()
        frame = f'rx="9" fill="{BLUE}" fill-opacity="0.25" stroke="{BLUE}"'
        self._framed(lane, words, frame, 'font-weight="bold"')

    def _later(self, later: Later) -> None:
        self.y += 2 * GAP
        self._text(WIDTH / 2, [f"… {later.text} …"], 'font-style="italic"')
        self.y += GAP

    def _goes_on(self) -> None:
        assert self.waits_since is not None
        x, top, bottom = self.x[Lane.WINDOW], self.waits_since, self.y
        self.parts.append(
            f'<rect x="{x - BAR / 2:.0f}" y="{top:.0f}" width="{BAR}" '
            f'height="{bottom - top:.0f}" fill="{ORANGE}"/>'
        )
        words = ["the window", "waits"]
        if self.wait.at_most:
            words += ["at most", self.wait.at_most]
        middle = (top + bottom) / 2 - LINE * len(words) / 2
        below, self.y = self.y, middle
        self._text(x - BAR - LETTER * 5, words)
        self.y = below
        self.waits_since = None

    # --- all of it ---

    @property
    def height(self) -> float:
        """How high the picture is, px."""
        return self.y + 16

    def svg(self) -> str:
        """Return the picture."""
        said = f"{self.sequence.title}. The same in words follows."
        return "\n".join(
            [
                f'<svg viewBox="0 0 {WIDTH} {self.height:.0f}" role="img" '
                f'aria-label="{escape(said)}" font-family="sans-serif" '
                f'font-size="{SIZE}" style="max-width: 100%; height: auto">',
                *(self._lifeline(lane) for lane in self.x),
                *self.parts,
                *(self._head(lane) for lane in self.x),
                "</svg>",
            ]
        )

    def _head(self, lane: Lane) -> str:
        x, width = self.x[lane], min(130.0, self.step - GAP)
        return (
            f'<rect x="{x - width / 2:.0f}" y="10" width="{width:.0f}" height="30" '
            'rx="4" fill="currentColor" fill-opacity="0.08" stroke="currentColor"/>'
            f'<text x="{x:.0f}" y="30" text-anchor="middle" font-weight="bold" '
            f'fill="currentColor">{escape(lane.value)}</text>'
        )

    def _lifeline(self, lane: Lane) -> str:
        """A lane's line, which leaves out the texts in its way."""
        x = self.x[lane]
        crossed = sorted(
            (box.top, box.bottom)
            for box in self.boxes
            if box.left - 2 < x < box.right + 2
        )
        begins = [40.0, *(bottom for _, bottom in crossed)]
        ends = [*(top for top, _ in crossed), self.height - 6]
        pieces = [
            f"M{x:.0f} {begin:.0f}V{end:.0f}"
            for begin, end in zip(begins, ends)
            if end > begin
        ]
        return (
            f'<path d="{"".join(pieces)}" stroke="currentColor" '
            'stroke-opacity="0.45" fill="none"/>'
        )


def words(sequence: Sequence) -> Iterator[str]:
    """Tell ``sequence`` to those who do not see it, a line each thing."""
    for item, state in walk(sequence):
        yield _told(item)
        if state is not None and isinstance(item, Message):
            name = state.name.replace("_", " ").lower()
            yield f"{item.receiver.value} is now: {name}"


def _told(item: Item) -> str:
    if isinstance(item, Waits):
        limit = f", {item.at_most} at the most" if item.at_most else ""
        return f"the window waits from here on{limit}"
    if isinstance(item, GoesOn):
        return "the window waits no more"
    if isinstance(item, Later):
        return f"later: {item.text}"
    if item.sender is item.receiver:
        return f"{item.sender.value}: {item.text}"
    answer = " (answer)" if item.answer else ""
    return f"{item.sender.value} to {item.receiver.value}: {item.text}{answer}"
