"""Results as tables: for a terminal, and for the documentation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benchmarks import machine
from benchmarks.cases import CASES, HEADLESS, Case, Figure, Headless
from benchmarks.results import NEVER, Record, Sheet, Spread, sheets
from benchmarks.verdict import Verdict, verdicts

#: How a limit that is not met is marked.
NOT_MET = "NO"

#: How many there were at most at the same time.
_THREADS = ("threads", "of the plugin")

_TIMES = (Figure.WINDOW, Figure.HEALTHY, Figure.SLOW, Figure.STALL)


#: What is said of a limit. The last one: were stock Taurus what it refers to.
_LIMITS = (
    "mode",
    "figure",
    "limit",
    "allowed",
    "measured",
    "met",
    "allowed, against stock's",
)


@dataclass(frozen=True)
class Sheaf:
    """A table of texts."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheaves(
    case: Case | Headless, records: Iterable[Record], workers: int
) -> list[Sheaf]:
    """Return the tables of one case: what was measured, and the limits."""
    found = sheets(records, case.name)
    if not found:
        return []
    measured = _measured(case, found.values())
    judged = [_judged(v) for v in verdicts(case, found, workers)]
    return [measured, Sheaf(f"{case.name}: the limits", _LIMITS, tuple(judged))]


def _measured(case: Case | Headless, found: Iterable[Sheet]) -> Sheaf:
    title = f"{case.name}: {case.title}"
    if isinstance(case, Headless):
        rows = [(*_who(s), _time(s, Figure.FIRST_VALUES), *_threads(s)) for s in found]
        return Sheaf(title, ("run", "runs", "time, s", *_THREADS), tuple(rows))
    figures = [f for f in _TIMES if f is not Figure.SLOW or case.slow]
    heads = ("run", "runs", *(f"{f.value}, s" for f in figures), "rows", *_THREADS)
    return Sheaf(
        title,
        heads,
        tuple(
            (*_who(s), *(_time(s, f) for f in figures), _rows(s), *_threads(s))
            for s in found
        ),
    )


def _who(sheet: Sheet) -> tuple[str, str]:
    failed = len(sheet.records) - len(sheet.good)
    runs = f"{len(sheet.good)}" + (f", {failed} failed" if failed else "")
    return str(sheet.variant), runs


def _time(sheet: Sheet, figure: Figure) -> str:
    spread = sheet.time(figure.value)
    return "" if spread is None else _spread(spread, sheet.gave_up)


def _spread(spread: Spread, gave_up: float) -> str:
    low, high = (_seconds(value, gave_up) for value in (spread.low, spread.high))
    median = _seconds(spread.median, gave_up)
    return median if low == high else f"{median} ({low} to {high})"


def _seconds(value: float, gave_up: float = 0.0) -> str:
    if math.isinf(value):
        return f"> {gave_up:g}" if gave_up else "never"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _rows(sheet: Sheet) -> str:
    rows, models = sheet.least("rows"), sheet.most("models")
    return "" if rows is None else f"{rows} of {models}"


def _threads(sheet: Sheet) -> tuple[str, str]:
    """Say how many threads there were at most: in all, and the plugin's."""
    counts = sheet.most("threads"), sheet.most("plugin_threads")
    return ("", "") if None in counts else (str(counts[0]), str(counts[1]))


def _judged(verdict: Verdict) -> tuple[str, ...]:
    words = {True: "yes", False: NOT_MET, None: "not known"}
    by_stock = "" if verdict.by_stock is None else _number(verdict, verdict.by_stock)
    return (
        verdict.mode or "default",
        verdict.what,
        verdict.limit,
        _number(verdict, verdict.allowed),
        _number(verdict, verdict.measured),
        words[verdict.met],
        by_stock,
    )


def _number(verdict: Verdict, value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{_seconds(value)} s" if verdict.unit == "s" else f"{value:g}"


def line(record: Record) -> str:
    """Return what one run was like, in a line; one that failed, with all it wrote."""
    start = f"{record.case}, {record.variant}: "
    if record.failure:
        return f"{start}failed: {record.failure}"
    times = (
        f"{name} {_seconds(NEVER if time is None else time, record.gave_up)}"
        for name, time in record.times.items()
    )
    return start + ", ".join(times)


def for_terminal(sheaf: Sheaf) -> Table:
    """Return a table for rich."""
    table = Table(title=sheaf.title, title_justify="left")
    for heading in sheaf.head:
        table.add_column(heading, overflow="fold")
    for row in sheaf.rows:
        style = "bold red" if NOT_MET in row else ""
        table.add_row(*row, style=style)
    return table


def for_documentation(head: dict[str, Any], records: Sequence[Record]) -> str:
    """Return the results as reStructuredText, to be included in a page."""
    lines = [
        ".. Written by the benchmark: see performance.rst for how to run it.",
        "",
        *_provenance(head),
    ]
    for case in (*CASES, HEADLESS):
        for sheaf in sheaves(case, records, head["workers"]):
            lines += _list_table(sheaf)
    failures = [record for record in records if record.failure]
    for record in failures:
        lines += [f"Failed: {record.case}, {record.variant}::", ""]
        lines += [f"   {line}".rstrip() for line in record.failure.splitlines()]
        lines += [""]
    return "\n".join(lines)


def page(command: str, *tables: Sheaf) -> str:
    """Return results as reStructuredText, to be included in a page.

    :param command: what has the same measured again.
    """
    lines = [
        f".. Written by {command}.",
        "",
        *_provenance(machine.describe(command)),
    ]
    for table in tables:
        lines += _list_table(table)
    return "\n".join(lines)


def _provenance(head: dict[str, Any]) -> Iterable[str]:
    """Return what results come from, as lines of reStructuredText.

    :param head: as of :func:`benchmarks.machine.describe`.
    """
    versions = ", ".join(f"{name} {text}" for name, text in head["versions"].items())
    for name, text in (
        ("Date", head["date"]),
        ("Machine", head["machine"]),
        ("Load before", head.get("load", "not known")),
        ("Versions", versions),
        ("Command", f"``{head['command']}``"),
    ):
        yield f":{name}: {text}"
    yield ""


def _list_table(sheaf: Sheaf) -> Iterable[str]:
    """Return a table as lines of reStructuredText."""
    yield f".. list-table:: {sheaf.title}"
    yield "   :header-rows: 1"
    yield ""
    for row in (sheaf.head, *sheaf.rows):
        for index, cell in enumerate(row):
            shown = "**no**" if cell == NOT_MET else cell
            yield f"   {'  ' if index else '* '}- {shown}".rstrip()
    yield ""
