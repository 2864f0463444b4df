"""The measured figures: a record per run, stored as JSON lines, and their medians.

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

#: The time of something that has not happened.
NEVER = math.inf

PLUGIN, STOCK, EVAL, PYTANGO = "plugin", "stock", "eval", "PyTango"

#: The name of the mode in which events are disabled.
DISABLED = "disabled"

#: The name of the mode that follows from the settings and their rules.
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
        """Whether it is a lower bound for the others."""
        return self.who in (EVAL, PYTANGO)


@dataclass(frozen=True)
class Record:
    """One run; times in s from the start of the form, or of the first attribute.

    :param begun: time of the start, s since the epoch.
    :param window: time of the window, or when all attributes had a listener.
    :param rows: number of models that are in the window, or have a listener.
    :param values: time of the first value of each model that has one.
    :param errors: the errors of the other models, as far as reported.
    :param polled: the models without events, as far as known.
    :param stalls: stalls of the GUI thread: the end and the length of each.
    :param took: duration of the call that read each device, if it was a single one.
    :param calls: number of calls of each of PyTango's methods.
    :param plugin_threads: the maximum number of threads of the plugin.
    :param plugin_threads_at_rest: their number after no device had been called for a
        while; None: not measured.
    :param memory: peak memory of the process, bytes.
    :param memory_before: peak memory before the start of the form, bytes.
    :param close: time from the end of the run to the end of the process; None: not
        measured.
    :param more: figures that only some programs measure, by their names.
    :param gave_up: the time limit that ended the run; 0: none did.
    :param crash: how the process failed after it had reported everything, or empty.
    :param failure: why there are no results, or empty.
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
    more: dict[str, float] = field(default_factory=dict)
    gave_up: float = 0.0
    crash: str = ""
    failure: str = ""

    def to_json(self) -> str:
        """Return the record as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Return the record from the output of :meth:`to_json`."""
        data: dict[str, Any] = json.loads(text)
        data["variant"] = Variant(**data["variant"])
        data["polled"] = tuple(data["polled"])
        data["stalls"] = tuple(tuple(stall) for stall in data["stalls"])
        return cls(**data)

    def share(self, part: float) -> float:
        """Return the time at which a share of the values was present, s.

        :param part: the share of all values that came: 0.5 for half of them.
        """
        times = sorted(self.values.values())
        if not times:
            return NEVER
        return times[max(0, math.ceil(part * len(times)) - 1)]

    @property
    def last(self) -> float:
        """The time of the last value, s."""
        return self.share(1.0)

    @property
    def longest_stall(self) -> float:
        """The length of the longest noticeable stall of the GUI thread, s; 0: none."""
        return max((pause for _, pause in self.stalls), default=0.0)

    @property
    def stalled(self) -> float:
        """The total length of such stalls, s."""
        return sum(pause for _, pause in self.stalls)


@dataclass(frozen=True)
class Spread:
    """The median of some repeats, with the smallest and the largest value."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of at least one value."""
        ordered = sorted(values)
        return cls(statistics.median_high(ordered), ordered[0], ordered[-1])

    def told(self, number: Callable[[float], str]) -> str:
        """Return the spread as text.

        :param number: formats one of its numbers.
        """
        median, low, high = map(number, (self.median, self.low, self.high))
        return median if low == high else f"{median} ({low}-{high})"


def in_seconds(value: float) -> str:
    """Return a time in s as text."""
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
        """Return the spread of one of :data:`FIGURES`; None without any value."""
        read = FIGURES[figure]
        values = [value for record in self.good if (value := read(record)) is not None]
        return Spread.of(values) if values else None

    @property
    def without_value(self) -> int:
        """The number of models without a value at the end of the worst run."""
        return max((r.models - len(r.values) for r in self.good), default=0)

    @property
    def left_out(self) -> int | None:
        """The number of models without a row in the worst run; None: not known."""
        known = [r.models - r.rows for r in self.good if r.rows is not None]
        return max(known, default=None)

    def reasons(self) -> Counter[str]:
        """Return the reasons for missing values in the last run, with their numbers."""
        return Counter(self.good[-1].errors.values()) if self.good else Counter()


#: The figures of a run, in s; memory in MB; numbers.
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
    """Return the sheet of each variant, in the order of their first runs."""
    found: dict[Variant, list[Record]] = {}
    for record in records:
        found.setdefault(record.variant, []).append(record)
    return [Sheet(variant, tuple(some)) for variant, some in found.items()]


def limit_of(found: Iterable[Sheet], figure: str = "last") -> float:
    """Return the larger of the lower bounds of widgets and network, s.

    :param figure: one of the times of :data:`FIGURES`; the network has no window time.

    :return: 0 if neither was measured.
    """
    limits = [sheet.spread(figure) for sheet in found if sheet.variant.is_limit]
    known = [spread.median for spread in limits if spread is not None]
    return max((one for one in known if one != NEVER), default=0.0)
