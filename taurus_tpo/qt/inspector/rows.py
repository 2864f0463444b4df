"""The inspector's table as data: rows, columns, order. No Qt, no Tango, no threads."""

from __future__ import annotations

import csv
import time as clocks
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, TextIO

from taurus_tpo.core.server_health import Server
from taurus_tpo.core.status import Condition, next_try
from taurus_tpo.core.text import plural

#: The interval over which the event rate is measured, s.
COUNTED_FOR = 2.0


@dataclass(frozen=True)
class Sample:
    """The state of an attribute at one moment.

    :param seen: the time of this sample, on the monotonic clock, s.
    :param mode: its mode, or ``Polling``.
    :param decided_by: the mode source.
    :param status: what it does, and what it waits for.
    :param first_value: how long its first value took, s; None: no value yet.
    :param updated: when its value or error arrived, seconds since the epoch.
    :param events: number of events received.
    :param reads: number of reads completed.
    :param error: the reason of its last error; empty: none.
    :param failed: time of that error, seconds since the epoch.
    :param server: its server, if known.
    :param unreachable: whether its last result was that the device is unreachable.
    """

    seen: float = field(compare=False)
    mode: str = ""
    decided_by: str = ""
    condition: Condition = Condition.IDLE
    status: str = ""
    first_value: float | None = None
    updated: float | None = None
    events: int = 0
    reads: int = 0
    error: str = ""
    failed: float | None = None
    server: Server | None = None
    unreachable: bool = False


#: The sample of an attribute that was not sampled yet.
UNSEEN = Sample(seen=float("-inf"))


@dataclass(eq=False)
class Row:
    """One attribute.

    :param model: its full name.
    :param name: its display name.
    :param rate: events per second; None: not measured yet.
    """

    model: str
    name: str
    sample: Sample = UNSEEN
    rate: float | None = None
    _counted_from: Sample = field(default=UNSEEN, repr=False)

    def take(self, sample: Sample) -> bool:
        """Store the latest sample; return whether the displayed data changed."""
        before, self.sample = (self.sample, self.rate), sample
        start = self._counted_from
        if start is UNSEEN or sample.events < start.events:
            self._counted_from = sample
        elif sample.seen - start.seen >= COUNTED_FOR:
            self.rate = (sample.events - start.events) / (sample.seen - start.seen)
            self._counted_from = sample
        return (self.sample, self.rate) != before

    @property
    def words(self) -> str:
        """The text that a search looks through, in lower case."""
        shown = (self.name, self.model, self.sample.mode, self.sample.decided_by)
        more = (self.sample.status, self.sample.error, server_of(self))
        return " ".join((*shown, *more)).casefold()


@dataclass(eq=False)
class Group:
    """The line above the attributes of one server.

    :param name: of the server.
    :param rows: its attributes that pass the filter, also while collapsed.
    """

    name: str
    rows: list[Row]

    @property
    def server(self) -> Server | None:
        """The server of the rows, None if not known."""
        return self.rows[0].sample.server if self.rows else None

    def text(self, now: float) -> str:
        """Return the text of the line.

        :param now: on the monotonic clock, s.
        """
        parts = (self.name, plural(len(self.rows), "attribute"), self.health(now))
        return " \N{MIDDLE DOT} ".join(parts)

    def health(self, now: float) -> str:
        """Return the state of the server as text."""
        server = self.server
        if server is not None and server.silent:
            return health(server, now)
        if all(row.sample.unreachable for row in self.rows):
            return "cannot be reached"
        return health(server, now)


def health(server: Server | None, now: float) -> str:
    """Return the state of a server as text: since when, and when the next probe is due.

    :param now: on the monotonic clock, s.
    """
    if server is None:
        return "not known yet"
    if not server.silent:
        return "answers" if server.answered > float("-inf") else "not asked yet"
    since = "" if server.since is None else f" since {time_of_day(server.since)}"
    return f"does not answer{since}, {next_try(server.retry_at() - now)}"


def time_of_day(stamp: float | None) -> str:
    """Return ``stamp`` (seconds since the epoch) as local time; empty for None."""
    if stamp is None:
        return ""
    return clocks.strftime("%H:%M:%S", clocks.localtime(stamp))


def server_of(row: Row) -> str:
    """Return the name of a row's server; empty if not known."""
    return "" if row.sample.server is None else str(row.sample.server)


@dataclass(frozen=True)
class Column:
    """One column of the table.

    :param name: its identifier in programs and files.
    :param title: the text of its header.
    :param hint: the tooltip of its header.
    :param text: returns the displayed text.
    :param key: returns the sort key, a text or a number; None for an empty cell.
    :param numeric: whether it is right-aligned.
    :param width: its initial width, in characters.
    """

    name: str
    title: str
    hint: str
    text: Callable[[Row], str]
    key: Callable[[Row], Any]
    numeric: bool = False
    width: int = 12


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "" if value is None else f"{value:.{digits}f}{unit}"


#: The columns, in their initial order.
COLUMNS: Sequence[Column] = (
    Column(
        "name",
        "attribute",
        "The name of the attribute.",
        lambda row: row.name,
        lambda row: row.name.casefold(),
        width=28,
    ),
    Column(
        "state",
        "state",
        "What it does, and what it waits for.",
        lambda row: row.sample.status,
        lambda row: (row.sample.condition.value, row.sample.status),
        width=46,
    ),
    Column(
        "mode",
        "mode",
        "Its event subscription mode.",
        lambda row: row.sample.mode,
        lambda row: row.sample.mode,
        width=11,
    ),
    Column(
        "decided_by",
        "decided by",
        "Who decided the mode.",
        lambda row: row.sample.decided_by,
        lambda row: row.sample.decided_by,
        width=18,
    ),
    Column(
        "first_value",
        "first value",
        "How long the first value took, from the first listener on.",
        lambda row: _number(row.sample.first_value, 3, " s"),
        lambda row: row.sample.first_value,
        numeric=True,
        width=11,
    ),
    Column(
        "updated",
        "last update",
        "When its value, or its error, was heard last.",
        lambda row: time_of_day(row.sample.updated),
        lambda row: row.sample.updated,
        numeric=True,
        width=11,
    ),
    Column(
        "rate",
        "events/s",
        "How many events come a second.",
        lambda row: _number(row.rate, 1),
        lambda row: row.rate,
        numeric=True,
        width=9,
    ),
    Column(
        "reads",
        "reads",
        "How often it was read: at first, by polling, and to look again.",
        lambda row: str(row.sample.reads),
        lambda row: row.sample.reads,
        numeric=True,
        width=7,
    ),
    Column(
        "error",
        "last error",
        "The last error, and when it came; there may be a value by now.",
        lambda row: " ".join(
            filter(None, (time_of_day(row.sample.failed), row.sample.error))
        ),
        lambda row: row.sample.failed,
        width=34,
    ),
    Column(
        "server",
        "server",
        "The server of its device.",
        server_of,
        lambda row: server_of(row).casefold(),
        width=18,
    ),
    Column(
        "model",
        "model",
        "The full name of the attribute.",
        lambda row: row.model,
        lambda row: row.model.casefold(),
        width=44,
    ),
)

#: The position of each column in :data:`COLUMNS`.
INDEX = {column.name: number for number, column in enumerate(COLUMNS)}

#: The columns that are hidden initially.
HIDDEN = ("server", "model")


@dataclass(frozen=True)
class RowFilter:
    """Which rows are shown, and in which order.

    :param words: a row must contain all of them.
    :param conditions: only rows in one of them; empty: all rows.
    :param column: the column to sort by; None: the order of creation.
    :param grouped: whether rows are grouped by server.
    :param closed: the names of collapsed servers.
    """

    words: tuple[str, ...] = ()
    conditions: frozenset[Condition] = frozenset()
    column: int | None = 0
    descending: bool = False
    grouped: bool = False
    closed: frozenset[str] = frozenset()

    def wants(self, row: Row) -> bool:
        """Return whether ``row`` passes the filter."""
        if self.conditions and row.sample.condition not in self.conditions:
            return False
        return not self.words or all(map(row.words.__contains__, self.words))

    def order(self, rows: Iterable[Row]) -> list[Row | Group]:
        """Return the entries shown, from top to bottom."""
        wanted = self._sorted([row for row in rows if self.wants(row)])
        if not self.grouped:
            return list(wanted)
        groups: dict[str, list[Row]] = {}
        for row in wanted:
            groups.setdefault(server_of(row) or "server not known yet", []).append(row)
        shown: list[Row | Group] = []
        for name in sorted(groups, key=lambda name: _rank(name, groups[name])):
            shown.append(Group(name, groups[name]))
            shown += [] if name in self.closed else groups[name]
        return shown

    def _sorted(self, rows: list[Row]) -> list[Row]:
        if self.column is None:
            return rows
        key = COLUMNS[self.column].key
        keyed = [(key(row), row) for row in rows]
        # Rows without a key come last in either direction.
        blank = [row for value, row in keyed if value is None]
        known = [pair for pair in keyed if pair[0] is not None]
        known.sort(key=lambda pair: pair[0], reverse=self.descending)
        return [row for _, row in known] + blank


def _rank(server: str, rows: Iterable[Row]) -> tuple[bool, str]:
    """Return the sort key of a server: servers that do not answer come first."""
    troubled = any(row.sample.condition is Condition.SILENT for row in rows)
    return not troubled, server.casefold()


def write_csv(file: TextIO, rows: Iterable[Row]) -> int:
    """Write ``rows`` as comma-separated values with a header; return their number.

    All columns are written, hidden ones included. Durations are in seconds, times in
    seconds since the epoch.

    :raises OSError: if writing fails.
    """
    writer = csv.writer(file)
    writer.writerow(_CSV)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - returned
        writer.writerow([value(row) for value in _CSV.values()])
    return count


#: The columns of a file: plain values instead of the display texts of the table.
_CSV: dict[str, Callable[[Row], Any]] = {
    "model": lambda row: row.model,
    "mode": lambda row: row.sample.mode,
    "decided_by": lambda row: row.sample.decided_by,
    "condition": lambda row: row.sample.condition.value,
    "state": lambda row: row.sample.status,
    "first_value_s": lambda row: row.sample.first_value,
    "updated": lambda row: row.sample.updated,
    "events": lambda row: row.sample.events,
    "events_per_s": lambda row: row.rate,
    "reads": lambda row: row.sample.reads,
    "error": lambda row: row.sample.error,
    "failed": lambda row: row.sample.failed,
    "server": server_of,
}
