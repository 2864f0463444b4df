"""The results of all cases, for a terminal and as pages of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.cases import ATTRIBUTES, CASES, SERVERS, Case, Figure
from benchmarks.pages import render
from benchmarks.runner import ALL, ALONE, Outcome
from benchmarks.verdict import (
    Step,
    Verdict,
    flatness,
    measured,
    steps,
    verdicts,
)
from taurus_tpo.bench import plots, report
from taurus_tpo.bench.report import Findings
from taurus_tpo.bench.results import PLUGIN, STOCK, Sheet, in_seconds, sheets
from taurus_tpo.bench.tables import NOT_MET, TextTable

#: The columns of a table of limits.
_LIMITS = ("mode", "figure", "limit", "allowed", "measured", "met")

#: Other units than s that are shown; those of counts are in the name of the figure.
_SHOWN = tuple(figure.unit for figure in Figure)

#: The figures of a group of attributes.
_GROUPED = (Figure.WINDOW, Figure.HEALTHY, Figure.SLOW, Figure.ALL, Figure.STALL)
_OF_SOME_CASES = (Figure.SLOW, Figure.ALL)

#: The cases with increasing numbers, by what is increased.
GROWTH = {"attributes": ATTRIBUTES, "servers": SERVERS}


def tables(found: Outcome, workers: int) -> list[TextTable]:
    """Return the results of one case as tables, including its limits.

    :param workers: the number of reader threads of the plugin.
    """
    made = [_groups(found)] if found.case.has_alone else []
    made += [
        replace(text_table, title=f"{found.case.name}: {text_table.title}")
        for text_table in report.sheaves(Findings(found.in_turn(ALL)))
    ]
    return [*made, *_of_program(found), _limits(found, workers)]


def _of_program(found: Outcome) -> list[TextTable]:
    """Return the figures that only this program measures."""
    made = sheets(found.in_turn(ALL))
    known = {name for sheet in made for record in sheet.good for name in record.more}
    figures = [figure for figure in Figure if figure.value in known]
    if not figures:
        return []
    rows = tuple(
        (str(sheet.variant), *(_cell(found, ALL, sheet, f) for f in figures))
        for sheet in made
    )
    head = ("run", *(f"{figure.value}, {figure.unit}" for figure in figures))
    return [TextTable(f"{found.case.name}: more figures", head, rows)]


def _limits(found: Outcome, workers: int) -> TextTable:
    """Return the figures of each mode with their limits."""
    modes = _modes(found)
    judged: dict[tuple[str, str], dict[str, Verdict]] = {}
    for verdict in verdicts(found, workers):
        key = verdict.what, verdict.limit
        judged.setdefault(key, {})[verdict.mode] = verdict
    rows = tuple(
        (what, _limit(of), *(_held(of.get(mode)) for mode in modes))
        for (what, _), of in judged.items()
    )
    title = f"{found.case.name}: the limits; measured, of what is allowed"
    return TextTable(title, ("figure", "limit", *modes), rows)


def _modes(found: Outcome) -> list[str]:
    made = sheets(found.records.get(ALL, ()))
    return [sheet.variant.mode for sheet in made if sheet.variant.who == PLUGIN]


def _limit(of: Mapping[str, Verdict]) -> str:
    """Return the limit as text, with the timeouts allowed in some modes."""
    limit = next(verdict.limit for verdict in of.values())
    more = {verdict.more for verdict in of.values() if verdict.more}
    told = [f"{seconds:g} s of timeouts in {_in(of, seconds)}" for seconds in more]
    return " + ".join([limit, *told])


def _in(of: Mapping[str, Verdict], more: float) -> str:
    return ", ".join(mode for mode, verdict in of.items() if verdict.more == more)


def _held(verdict: Verdict | None) -> str:
    """Return the figure and its limit as text."""
    if verdict is None:
        return f"failed: {NOT_MET}"
    if verdict.measured is None:
        return "not known"
    numbers = (_number(verdict, n) for n in (verdict.measured, verdict.allowed))
    told = " of ".join(numbers)
    return f"{told}: {NOT_MET}" if verdict.met is False else told


def all_modes(found: Mapping[str, Outcome], workers: int) -> TextTable:
    """Return which limits are met, by facility and mode."""
    shown = [found[case.name] for case in CASES if case.name in found]
    modes = list(dict.fromkeys(mode for one in shown for mode in _modes(one)))
    rows = []
    for one in shown:
        judged = verdicts(one, workers)
        of = {mode: [v for v in judged if v.mode == mode] for mode in _modes(one)}
        cells = (_met(of[mode]) if mode in of else "" for mode in modes)
        rows.append((one.case.name, *cells))
    return TextTable(_ALL_MODES, ("facility", *modes), tuple(rows))


def _met(judged: Sequence[Verdict]) -> str:
    if not judged:
        return f"failed: {NOT_MET}"
    missed = dict.fromkeys(verdict.what for verdict in judged if verdict.met is False)
    if missed:
        return f"{', '.join(missed)}: {NOT_MET}"
    unknown = dict.fromkeys(verdict.what for verdict in judged if verdict.met is None)
    told = f", but for what is not known: {', '.join(unknown)}" if unknown else ""
    return f"all{told}"


def _groups(found: Outcome) -> TextTable:
    """Return the figures of all attributes, and of the healthy ones alone."""
    limited = {limit.figure for limit in found.case.limits}
    figures = [f for f in _GROUPED if f in limited or f not in _OF_SOME_CASES]
    made = [
        (str(sheet.variant), what, *(_cell(found, what, sheet, f) for f in figures))
        for what in (ALL, ALONE)
        for sheet in sheets(found.in_turn(what))
        if sheet.variant.who in (PLUGIN, STOCK)
    ]
    title = f"{found.case.name}: s; all attributes, and those of one group alone"
    head = ("run", "of", *(figure.value for figure in figures))
    return TextTable(title, head, tuple(made))


def _cell(found: Outcome, what: str, sheet: Sheet, figure: Figure) -> str:
    if what == ALONE and figure is Figure.SLOW:
        return ""
    spread = measured(found, sheet, figure)
    return "" if spread is None else spread.told(in_seconds)


def _judged(verdict: Verdict) -> tuple[str, ...]:
    words = {True: "yes", False: NOT_MET, None: "not known"}
    numbers = (_number(verdict, n) for n in (verdict.allowed, verdict.measured))
    return (verdict.mode, verdict.what, verdict.limit, *numbers, words[verdict.met])


def _number(verdict: Verdict, value: float | None) -> str:
    if value is None:
        return "not known"
    if verdict.unit == "s":
        return f"{in_seconds(value)} s"
    return f"{value:.3g} {verdict.unit}" if verdict.unit in _SHOWN else f"{value:.3g}"


def growth(found: Mapping[str, Outcome], cases: Sequence[Case]) -> list[TextTable]:
    """Return the cost per attribute for increasing numbers in ``cases``."""
    grown = _steps(found, cases)
    if not grown:
        return []
    rows = tuple(_grown(step) for step in grown)
    head = ("case", "mode", "us an attribute", "kB an attribute")
    judged = tuple(map(_judged, flatness(grown)))
    return [
        TextTable("What an attribute costs", head, rows),
        TextTable("Whether that stays flat", _LIMITS, judged),
    ]


def _steps(found: Mapping[str, Outcome], cases: Sequence[Case]) -> list[Step]:
    return steps([found[case.name] for case in cases if case.name in found])


def _grown(step: Step) -> tuple[str, ...]:
    seconds, memory = f"{1e6 * step.seconds:.0f}", f"{step.memory / 1e3:.1f}"
    return (step.case.title, step.mode, seconds, memory)


# --- the page ------------------------------------------------------------------------

#: The title of the table that is also in the README.
_SUMMARY = "In short: medians"

#: The title of the table of all limits.
_ALL_MODES = "Which limits are met"


def write_page(
    head: Mapping[str, Any], found: Mapping[str, Outcome], target: Path
) -> None:
    """Write the summary, and all tables and pictures to a folder next to it.

    :param head: the context of the results.
    :param target: the file of the summary.
    """
    folder = target.with_suffix("")
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    workers = head["workers"]
    increased = {case.name for cases in GROWTH.values() for case in cases}
    single = [one for name, one in found.items() if name not in increased]
    results = folder / "results.md"
    summary = render(
        "performance.md.j2",
        head=head,
        results=f"{folder.name}/{results.name}",
        summaries=[_summary(single), all_modes(found, workers)],
    )
    target.write_text(summary, encoding="utf-8")
    text = render(
        "results.md.j2",
        head=head,
        summary=target.name,
        cases=[(one, () if one.skipped else tables(one, workers)) for one in single],
        growth={
            what: made
            for what, cases in GROWTH.items()
            if (made := growth(found, cases))
        },
    )
    results.write_text(text, encoding="utf-8")
    for name, data in _pictures(found, single):
        (folder / f"{name}.png").write_bytes(data)


def _pictures(
    found: Mapping[str, Outcome], single: Sequence[Outcome]
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the PNG of each picture."""
    for outcome in single:
        if not outcome.skipped:
            drawn = plots.first_values(sheets(outcome.in_turn(ALL)))
            yield outcome.case.name, drawn
    for what, cases in GROWTH.items():
        grown = _steps(found, cases)
        if grown:
            counts = [getattr(step.case, what) for step in grown]
            costs = {
                "us an attribute": [1e6 * step.seconds for step in grown],
                "kB an attribute": [step.memory / 1e3 for step in grown],
            }
            yield what, plots.curves(what, counts, costs)


#: The lines of the README around the summary of the page.
_FROM_PAGE = "<!-- From docs/performance.md, by `python -m benchmarks --docs`. -->\n"
_END_OF_IT = "<!-- The end of what is from docs/performance.md. -->\n"


def with_summary(readme: str, page: str) -> str:
    """Return the text of the README with the current summary of the page."""
    before, _, rest = readme.partition(_FROM_PAGE)
    _, _, after = rest.partition(_END_OF_IT)
    _, _, below = page.partition(f"**{_SUMMARY}**\n\n")
    table, _, _ = below.partition("\n\n")
    return f"{before}{_FROM_PAGE}\n{table}\n\n{_END_OF_IT}{after}"


def _summary(found: Sequence[Outcome]) -> TextTable:
    """Return the waiting times of each case, with and without the plugin."""
    head = ("facility", "mode", "window, s", "stock, s", "last value, s", "stock, s")
    rows = []
    for outcome in found:
        made = sheets(outcome.in_turn(ALL))
        stock = next((one for one in made if one.variant.who == STOCK), None)
        for sheet in made:
            if sheet.variant.who == PLUGIN:
                cells = [
                    _median(one, figure)
                    for figure in ("window", "last")
                    for one in (sheet, stock)
                ]
                rows.append((outcome.case.title, str(sheet.variant), *cells))
    return TextTable(_SUMMARY, head, tuple(rows))


def _median(sheet: Sheet | None, figure: str) -> str:
    spread = None if sheet is None else sheet.spread(figure)
    if sheet is None or spread is None:
        return "not there"
    missing = sheet.without_value if figure == "last" else 0
    told = f", {missing} missing" if missing else ""
    return in_seconds(spread.median) + told
