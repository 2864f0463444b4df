"""What was measured: one record a run, kept as JSON lines, and medians of them.

No Taurus, no Tango, no clock.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Callable

#: What stands for the time of something that has not happened.
NEVER = math.inf

PLUGIN, STOCK, EVAL, PYTANGO = "plugin", "stock", "eval", "PyTango"

#: What stands for a mode where events are disabled.
DISABLED = "disabled"

#: ... and where it is what the settings say, with their rules.
AS_SET = "as set"


@dataclass(frozen=True)
class Variant:
    """What was run.

    :param who: :data:`PLUGIN`, :data:`STOCK`, :data:`EVAL` or :data:`PYTANGO`.
    :param mode: the plugin's mode, ``disabled`` or ``as set``; empty for the others.
    """

    who: str
    mode: str = ""

    def __str__(self) -> str:
        return self.mode or {
            STOCK: "stock Taurus",
            EVAL: "eval: models",
            PYTANGO: "plain PyTango",
        }.get(self.who, self.who)

    @property
    def is_limit(self) -> bool:
        """Whether it is what the others are held against."""
        return self.who in (EVAL, PYTANGO)


@dataclass(frozen=True)
class Record:
    """One run; times in s from when its form, or its first attribute, was begun.

    :param begun: the time of day when it was begun, s since the epoch.
    :param window: when the window was there, or all attributes were listened to.
    :param rows: how many of the models are in the window, or are listened to.
    :param values: when each model had its first value; those without are not here.
    :param errors: why the others have none, as far as somebody was told.
    :param polled: the models that have no events, as far as it is known.
    :param stalls: pauses of the GUI's thread: when each ended, and its length.
    :param took: how long the call that read each device took, where it was one.
    :param calls: how often each of PyTango's methods was called.
    :param plugin_threads: the most that the plugin had of them.
    :param plugin_threads_at_rest: how many it had when nobody had called a device for a
        while; None: that was not waited for.
    :param memory: the most that the process had, bytes.
    :param memory_before: the most that it had when the form was begun, bytes.
    :param close: how long it lived once it was told to end; None: not measured.
    :param gave_up: after how long it was given up; 0: it was not.
    :param crash: how it ended, where that was not well though all was told before.
    :param failure: why there is nothing else, or empty.
    """

    variant: Variant
    models: int = 0
    begun: float | None = None
    rows: int | None = None
    window: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    polled: tuple[str, ...] = ()
    stalls: tuple[tuple[float, float], ...] = ()
    took: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    threads: int = 0
    plugin_threads: int = 0
    plugin_threads_at_rest: int | None = None
    memory: int = 0
    memory_before: int = 0
    close: float | None = None
    gave_up: float = 0.0
    crash: str = ""
    failure: str = ""

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Return what :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        data["variant"] = Variant(**data["variant"])
        data["polled"] = tuple(data["polled"])
        data["stalls"] = tuple(tuple(stall) for stall in data["stalls"])
        return cls(**data)

    def share(self, part: float) -> float:
        """Return when a part of all that have a value had theirs, s.

        :param part: of 1; 0.5 for the half of them.
        """
        times = sorted(self.values.values())
        if not times:
            return NEVER
        return times[max(0, math.ceil(part * len(times)) - 1)]

    @property
    def last(self) -> float:
        """When all had their values that got one, s."""
        return self.share(1.0)

    @property
    def longest_stall(self) -> float:
        """The longest pause of the GUI's thread that people notice, s; 0: none."""
        return max((pause for _, pause in self.stalls), default=0.0)

    @property
    def stalled(self) -> float:
        """How long the GUI's thread stood still in all, in such pauses, s."""
        return sum(pause for _, pause in self.stalls)


@dataclass(frozen=True)
class Spread:
    """The median of some repeats, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of at least one value."""
        ordered = sorted(values)
        return cls(statistics.median_high(ordered), ordered[0], ordered[-1])

    def told(self, number: Callable[[float], str]) -> str:
        """Return it as people read it.

        :param number: returns one of its numbers so.
        """
        median, low, high = map(number, (self.median, self.low, self.high))
        return median if low == high else f"{median} ({low}-{high})"


def in_seconds(value: float) -> str:
    """Return a time as people read it, s."""
    if value == NEVER:
        return "never"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


@dataclass(frozen=True)
class Sheet:
    """All runs of one variant."""

    variant: Variant
    records: tuple[Record, ...]

    @property
    def good(self) -> tuple[Record, ...]:
        """The runs that did not fail."""
        return tuple(record for record in self.records if not record.failure)

    def spread(self, figure: str) -> Spread | None:
        """Return the spread of one of :data:`FIGURES`; None where there is none."""
        read = FIGURES[figure]
        values = [value for record in self.good if (value := read(record)) is not None]
        return Spread.of(values) if values else None

    @property
    def without_value(self) -> int:
        """How many models had no value at the end, in the worst run."""
        return max((r.models - len(r.values) for r in self.good), default=0)

    @property
    def left_out(self) -> int | None:
        """How many models had no row in the worst run; None: it is not known."""
        known = [r.models - r.rows for r in self.good if r.rows is not None]
        return max(known, default=None)

    def reasons(self) -> Counter[str]:
        """Return why models had no value in the last run, and how many each."""
        return Counter(self.good[-1].errors.values()) if self.good else Counter()


#: What is told of each run, s; memory in MB, and numbers.
FIGURES: dict[str, Any] = {
    "window": lambda record: record.window,
    "50 %": lambda record: record.share(0.5),
    "90 %": lambda record: record.share(0.9),
    "99 %": lambda record: record.share(0.99),
    "last": lambda record: record.last,
    "longest stall": lambda record: record.longest_stall,
    "stalled": lambda record: record.stalled,
    "close": lambda record: record.close,
    "calls": lambda record: sum(record.calls.values()),
    "threads": lambda record: record.threads,
    "memory": lambda record: record.memory / 1e6 or None,
}


def sheets(records: Iterable[Record]) -> list[Sheet]:
    """Return the sheet of each variant, in the order in which they were run first."""
    found: dict[Variant, list[Record]] = {}
    for record in records:
        found.setdefault(record.variant, []).append(record)
    return [Sheet(variant, tuple(some)) for variant, some in found.items()]


def limit_of(found: Iterable[Sheet], figure: str = "last") -> float:
    """Return the larger of what the widgets and what the network takes, s.

    :param figure: which of the times of :data:`FIGURES`. The network knows no window.

    :return: 0 where neither was measured.
    """
    limits = [sheet.spread(figure) for sheet in found if sheet.variant.is_limit]
    known = [spread.median for spread in limits if spread is not None]
    return max((one for one in known if one != NEVER), default=0.0)
