"""What was measured: one record a run, kept as JSON lines, and the medians of it."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: What stands for the time of something that has not happened.
NEVER = math.inf


@dataclass(frozen=True)
class Variant:
    """What was run on a facility.

    :param who: ``plugin``, ``stock``, ``eval`` or ``PyTango``.
    :param what: ``all`` rows, the healthy ones ``alone``, or what a run without a
        window does.
    :param mode: the plugin's mode; empty for the default one.
    """

    who: str
    what: str
    mode: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.who, self.mode, f"({self.what})"]))


@dataclass(frozen=True)
class Record:
    """One run.

    :param times: s by figure; None for what has not happened.
    :param counts: numbers of rows and threads.
    :param gave_up: after how long the run was given up, s; 0: it was not.
    :param failure: why there is nothing else, or empty.
    """

    case: str
    variant: Variant
    times: dict[str, float | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    gave_up: float = 0.0
    failure: str = ""

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Return what :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(**{**data, "variant": Variant(**data["variant"])})


@dataclass(frozen=True)
class Spread:
    """The median of some repeats, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        # Between a number and never, the median is never, not "not a number".
        return cls(statistics.median_high(values), min(values), max(values))


@dataclass(frozen=True)
class Sheet:
    """All runs of one variant on one facility."""

    variant: Variant
    records: tuple[Record, ...]

    @property
    def good(self) -> list[Record]:
        """The runs that have not failed."""
        return [record for record in self.records if not record.failure]

    def time(self, figure: str) -> Spread | None:
        """Return what ``figure`` took; None if no run was to measure it."""
        if not any(figure in record.times for record in self.good):
            return None
        times = [record.times.get(figure) for record in self.good]
        return Spread.of([NEVER if time is None else time for time in times])

    @property
    def gave_up(self) -> float:
        """After how long a run was given up, s; 0: none was."""
        return max((record.gave_up for record in self.good), default=0.0)

    def most(self, name: str) -> int | None:
        """Return the largest count of ``name`` in any run."""
        return max(self._counts(name), default=None)

    def least(self, name: str) -> int | None:
        """Return the smallest count of ``name`` in any run."""
        return min(self._counts(name), default=None)

    def _counts(self, name: str) -> list[int]:
        return [r.counts[name] for r in self.good if name in r.counts]


def sheets(records: Iterable[Record], case: str) -> dict[Variant, Sheet]:
    """Return what was measured on one facility, in the order of the first repeat."""
    found: dict[Variant, list[Record]] = {}
    for record in records:
        if record.case == case:
            found.setdefault(record.variant, []).append(record)
    return {variant: Sheet(variant, tuple(runs)) for variant, runs in found.items()}


class Log:
    """A file of records, one a line, complete whenever the benchmark is interrupted.

    :param head: what is to be known of all of them.
    """

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.records: list[Record] = []
        path.write_text(json.dumps(head) + "\n", encoding="utf-8")

    def add(self, record: Record) -> None:
        """Write one record."""
        self.records.append(record)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(record.to_json() + "\n")


def load(path: Path) -> tuple[dict[str, Any], list[Record]]:
    """Return what is known of all records of a file, and the records."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    return json.loads(head), [Record.from_json(line) for line in lines]
