"""The runs of a case, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks import child
from benchmarks.cases import HEALTHY, Case, Figure, Headless
from benchmarks.facilities import EVAL, Row, State, eval_rows, mixed, rows_of
from benchmarks.protocol import END, SHOWN, WINDOW, FormOrder, ReadOrder
from benchmarks.results import Record, Variant
from benchmarks.trouble import LateServers, hung
from taurus_tpo.activation import VARIABLE
from taurus_tpo.sim import Facility, FacilityError

#: How long after the last value the threads of the plugin are counted, s.
REST = 5.0

PLUGIN, STOCK, PYTANGO = "plugin", "stock", "PyTango"
#: What a run with a window is about ...
ALL, ALONE = "all", "alone"
#: ... and one without.
VALUES, MADE = "first values", "attributes made"

#: What those without a window do, as :data:`benchmarks.reads.WAYS` has it.
_WAYS = {(PLUGIN, VALUES): "plugin", (PLUGIN, MADE): "made", (PYTANGO, VALUES): "plain"}

#: Counts that a run tells of.
_COUNTS = (
    "models",
    "rows",
    "showing",
    "threads",
    "plugin_threads",
    "plugin_threads_at_rest",
)


def variants(case: Case | Headless, modes: Sequence[str], stock: bool) -> list[Variant]:
    """Return what is run in turn: the plugin, and what it is held against.

    :param modes: of the plugin; an empty text for the default one.
    """
    if isinstance(case, Headless):
        return [Variant(*who) for who in _WAYS]
    whos = [(PLUGIN, mode) for mode in modes] + ([(STOCK, "")] if stock else [])
    whats = [ALL, ALONE] if case.has_alone else [ALL]
    runs = [Variant(who, what, mode) for what in whats for who, mode in whos]
    return [*runs, Variant(EVAL, ALL)]


class Runner:
    """Runs what is asked of one facility, which is up; what fails is in the record.

    :param limit: how long a run may take, s.
    :param workers: how many threads plain PyTango may use.
    """

    def __init__(self, facility: Facility, limit: float, workers: int) -> None:
        self._facility = facility
        self._limit = limit
        self._workers = workers

    def run(self, case: Case | Headless, variant: Variant) -> Record:
        """Run ``variant`` once, in a process of its own."""
        try:
            if isinstance(case, Headless):
                return self._read(case, variant)
            return self._open(case, variant)
        except (child.RunError, FacilityError) as error:
            return Record(case.name, variant, failure=str(error))

    def _open(self, case: Case, variant: Variant) -> Record:
        order = FormOrder(
            rows=tuple(_rows(case, variant)),
            plugin=variant.who != STOCK,
            mode=variant.mode or None,
            limit=self._limit,
            watch=case.watch,
            rest=REST if case.becomes_quiet else 0.0,
        )
        late_groups = {g.name for g in case.groups if g.state is State.LATE}
        has_late = any(row.group in late_groups for row in order.rows)
        told: list[dict[str, Any]] = []
        with hung(self._facility, case.groups):
            with LateServers(self._facility, case.groups) as late:

                def hear(news: dict[str, Any]) -> None:
                    told.append(news)
                    if news["what"] == WINDOW and has_late:
                        late.start_soon()

                self._run("benchmarks.form", order.to_json(), variant, hear)
                return _seen(case, variant, order, told, late.answered())

    def _read(self, case: Headless, variant: Variant) -> Record:
        rows = tuple(row for group in case.groups for row in rows_of(group))
        way = _WAYS[variant.who, variant.what]
        order = ReadOrder(rows, way, self._workers, self._limit)
        told: list[dict[str, Any]] = []
        self._run("benchmarks.reads", order.to_json(), variant, told.append)
        end = _end_of(told)
        counts = {"expected": len(rows), **_counts(end)}
        times = {Figure.FIRST_VALUES.value: end["seconds"]}
        return Record(case.name, variant, times, counts, self._gave_up(end))

    def _gave_up(self, end: dict[str, Any]) -> float:
        return self._limit if end["gave_up"] else 0.0

    def _run(self, module: str, order: str, variant: Variant, hear: Any) -> None:
        environment = {
            **self._facility.environment(),
            "QT_QPA_PLATFORM": "offscreen",
            VARIABLE: "0" if variant.who == STOCK else "1",
        }
        child.run(module, order, environment, self._limit, hear)


def _rows(case: Case, variant: Variant) -> Sequence[Row]:
    rows = mixed(case.healthy if variant.what == ALONE else case.groups)
    return eval_rows(rows) if variant.who == EVAL else rows


def _seen(
    case: Case,
    variant: Variant,
    order: FormOrder,
    told: Sequence[dict[str, Any]],
    answered: float | None,
) -> Record:
    end = _end_of(told)
    window = next((news for news in told if news["what"] == WINDOW), None)
    shown = {news["group"]: news for news in told if news["what"] == SHOWN}
    times: dict[str, float | None] = {}
    times[Figure.WINDOW.value] = window["seconds"] if window else None
    groups = {row.group for row in order.rows}
    for figure, group in ((Figure.HEALTHY, HEALTHY), (Figure.SLOW, case.slow)):
        if group in groups:
            since = answered if group_is_late(case, group) else None
            times[figure.value] = _moment(shown.get(group), since)
    if variant.who == EVAL:
        times[Figure.HEALTHY.value] = _moment(shown.get(EVAL), None)
    times[Figure.STALL.value] = end["stall"] if window else None
    expected = sum(row.shown for row in order.rows)
    counts = {"expected": expected, **_counts(end)}
    gave_up = order.limit if end["gave_up"] else 0.0
    return Record(case.name, variant, times, counts, gave_up)


def group_is_late(case: Case, name: str) -> bool:
    """Return whether the group ``name`` is started when the window is there."""
    return any(g.name == name and g.state is State.LATE for g in case.groups)


def _moment(shown: dict[str, Any] | None, since: float | None) -> float | None:
    """Return when a group had shown all its values, s.

    :param since: from when it counts, s since the epoch; None: from when the form was
        begun.
    """
    if shown is None:
        return None
    return float(shown["seconds"] if since is None else shown["at"] - since)


def _end_of(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not told or told[-1]["what"] != END:
        raise child.RunError("a run was killed: it did not give up by itself")
    return told[-1]


def _counts(end: dict[str, Any]) -> dict[str, int]:
    return {name: end[name] for name in _COUNTS if end.get(name) is not None}
