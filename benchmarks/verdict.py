"""The limits of a case, the measured figures, and whether the limits are met."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.cases import REST, Against, Case, Figure, Limit
from benchmarks.facilities import State, is_of
from benchmarks.runner import ALL, ALONE, Outcome
from taurus_tpo.bench.results import (
    AS_SET,
    DISABLED,
    EVAL,
    NEVER,
    PLUGIN,
    PYTANGO,
    STOCK,
    Record,
    Sheet,
    Spread,
    Variant,
    sheets,
)
from taurus_tpo.core import modes

#: Tango's timeout of a call, s.
TIMEOUT = 3.0

#: The number of threads allowed to the plugin in addition to its workers: one reader
#: that waits for the next due request, and those named liveness, subscriber,
#: unsubscriber, background and timers.
MORE_THREADS = 6


@dataclass(frozen=True)
class Verdict:
    """One limit of one case in one mode.

    :param what: the limited figure.
    :param limit: the limit as text.
    :param allowed: the limit; None if its reference was not measured.
    :param measured: the figure; None if it was not measured.
    :param unit: of both.
    :param more: what is allowed in addition to ``limit`` in this mode, s: timeouts.
    """

    mode: str
    what: str
    limit: str
    allowed: float | None
    measured: float | None
    unit: str = "s"
    more: float = 0.0

    @property
    def met(self) -> bool | None:
        """Whether the limit is met; None if not known."""
        if self.allowed is None or self.measured is None:
            return None
        return self.measured <= self.allowed


def verdicts(found: Outcome, workers: int) -> list[Verdict]:
    """Return the verdicts for all limits of a case.

    :param workers: the number of reader threads of the plugin.
    """
    ours = [
        sheet
        for sheet in sheets(found.records.get(ALL, ()))
        if sheet.variant.who == PLUGIN and sheet.good
    ]
    judged: list[Verdict] = []
    for sheet in ours:
        judged += [_timed(found, limit, sheet) for limit in found.case.limits]
        judged += _counted(found.case, sheet, workers)
    return judged


def measured(found: Outcome, sheet: Sheet, figure: Figure) -> Spread | None:
    """Return ``figure`` over the runs of ``sheet``; None without a good run."""
    good = sheet.good
    return Spread.of([_time(found, one, figure) for one in good]) if good else None


def _time(found: Outcome, record: Record, figure: Figure) -> float:
    if figure is Figure.WINDOW:
        return NEVER if record.window is None else record.window
    if figure is Figure.STALL:
        return record.longest_stall
    if figure is Figure.MEMORY:
        return record.memory / 1e6
    if figure is Figure.ALL:
        return record.last if len(record.values) == record.models else NEVER
    if figure.is_of_a_program:
        return record.more.get(figure.value, NEVER)
    return _last_of_group(found, record, figure)


def _last_of_group(found: Outcome, record: Record, figure: Figure) -> float:
    """Return the time of the last value of a group, s."""
    group = found.case.slow if figure is Figure.SLOW else "healthy"
    # The models without a network belong to no group.
    is_theirs = record.variant.who == EVAL
    wanted = [model for model in record.values if is_theirs or is_of(group, model)]
    expected = [g for g in found.case.groups if g.name == group]
    if not is_theirs and len(wanted) < sum(g.devices * g.attributes for g in expected):
        return NEVER
    last = max((record.values[model] for model in wanted), default=NEVER)
    is_late = any(g.state is State.LATE for g in expected)
    return last - _answered_after(found, record) if is_late else last


def _answered_after(found: Outcome, record: Record) -> float:
    """Return the time from the start of a run until its late servers answered, s."""
    begun = record.begun or NEVER
    place = bisect.bisect(found.answered, begun)
    later = found.answered[place:]
    return later[0] - begun if later else NEVER


def _timed(found: Outcome, limit: Limit, sheet: Sheet) -> Verdict:
    mode = sheet.variant.mode
    more = _timeouts(found.case, mode, limit.figure)
    spread = measured(found, sheet, limit.figure)
    return Verdict(
        mode=mode,
        what=limit.figure.value,
        limit=str(limit),
        allowed=_allowed(found, limit, sheet, more),
        measured=None if spread is None else spread.median,
        unit=limit.figure.unit,
        more=more,
    )


def _timeouts(case: Case, mode: str, figure: Figure) -> float:
    """Return the time that modes which wait may add, s: one timeout per hung server."""
    waits = mode not in (AS_SET, DISABLED) and modes.parse(mode).tries
    may = waits and figure in (Figure.WINDOW, Figure.HEALTHY)
    hung = sum(group.servers for group in case.state(State.HUNG))
    return TIMEOUT * hung if may else 0.0


def _allowed(found: Outcome, limit: Limit, sheet: Sheet, more: float) -> float | None:
    what, variant, figure = {
        Against.NOTHING: (ALL, sheet.variant, limit.figure),
        Against.STOCK: (ALL, Variant(STOCK), limit.figure),
        Against.EVAL: (ALL, Variant(EVAL), limit.figure),
        Against.ALONE: (ALONE, sheet.variant, limit.figure),
        Against.THOUSAND: (ALONE, sheet.variant, limit.figure),
        Against.PYTANGO: (ALL, Variant(PYTANGO), limit.figure),
    }[limit.against]
    others = sheets(found.records.get(what, ()))
    other = next((one for one in others if one.variant == variant), None)
    base = None if other is None else measured(found, other, figure)
    if base is None:
        return None
    return limit.factor * base.median + limit.plus + more


def _counted(case: Case, sheet: Sheet, workers: int) -> Iterator[Verdict]:
    """Yield verdicts on counts: rows left out, missing values, threads."""
    mode = sheet.variant.mode
    hung = sum(g.devices * g.attributes for g in case.state(State.HUNG))
    lost = max(record.models - len(record.values) for record in sheet.good) - hung
    threads = max(record.plugin_threads for record in sheet.good)
    allowed = f"{workers} workers + {MORE_THREADS}"
    yield Verdict(mode, "rows left out", "none", 0, sheet.left_out, "rows")
    yield Verdict(mode, "attributes without their value", "none", 0, lost, "")
    yield Verdict(
        mode, "threads of the plugin", allowed, workers + MORE_THREADS, threads, ""
    )
    if case.becomes_quiet:
        known = [one.plugin_threads_at_rest for one in sheet.good]
        resting = max((one for one in known if one is not None), default=None)
        words = f"threads of the plugin {REST:g} s after the last call"
        yield Verdict(mode, words, "none", 0, resting, "")


# --- growth --------------------------------------------------------------------------

#: The allowed ratio of the costs per attribute, with ten times the attributes or
#: servers.
FLAT = 1.2


@dataclass(frozen=True)
class Step:
    """The cost per attribute in one case of a series.

    :param seconds: time, s.
    :param memory: bytes.
    """

    case: Case
    mode: str
    seconds: float
    memory: float


def steps(found: Sequence[Outcome]) -> list[Step]:
    """Return the cost per attribute in each case: medians."""
    return [
        _step(one, sheet)
        for one in found
        for sheet in sheets(one.records.get(ALL, ()))
        if sheet.variant.who == PLUGIN and sheet.good
    ]


def _step(found: Outcome, sheet: Sheet) -> Step:
    count = found.case.attributes
    last = Spread.of([record.last for record in sheet.good]).median
    more = [record.memory - record.memory_before for record in sheet.good]
    memory = Spread.of(more).median
    return Step(found.case, sheet.variant.mode, last / count, memory / count)


def flatness(found: Sequence[Step]) -> Iterator[Verdict]:
    """Yield verdicts on whether each step costs as little as the one before."""
    for few, many in zip(found, found[1:]):
        if few.mode != many.mode:
            continue
        for what, one, other in (
            ("us an attribute", 1e6 * few.seconds, 1e6 * many.seconds),
            ("kB an attribute", few.memory / 1e3, many.memory / 1e3),
        ):
            words = f"{FLAT} x {few.case.name}"
            name = f"{many.case.name}: {what}"
            yield Verdict(many.mode, name, words, FLAT * one, other, what[:2])
