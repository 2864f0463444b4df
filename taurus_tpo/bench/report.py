"""The results as tables in a terminal and as an HTML page.

Only the page needs jinja2 and matplotlib, which are part of the extra ``bench``.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taurus_tpo.bench import advice
from taurus_tpo.bench.results import (
    AS_SET,
    FIGURES,
    PLUGIN,
    PYTANGO,
    STOCK,
    Record,
    Sheet,
    Spread,
    Variant,
    in_seconds,
    limit_of,
    sheets,
)
from taurus_tpo.bench.tables import TextTable

#: The figures without decimals: numbers, and MB; the others are in s.
_PLAIN = ("calls", "threads", "memory")

#: The maximum number of devices listed.
_DEVICES = 10


@dataclass(frozen=True)
class Findings:
    """The records of all runs, with the conclusions from them.

    :param records: of all runs.
    """

    records: Sequence[Record]

    @property
    def sheets(self) -> list[Sheet]:
        """The runs by variant."""
        return sheets(self.records)

    @property
    def recommendation(self) -> advice.Recommendation | None:
        """The mode with the shortest waiting time."""
        return advice.recommend(self.sheets)

    @property
    def costs(self) -> list[advice.DeviceCosts]:
        """The figures of each device in the recommended mode."""
        chosen = self.recommendation
        return [] if chosen is None else self._costs(chosen.mode)

    @property
    def ini(self) -> list[str]:
        """Lines for ``taurus.ini``."""
        chosen = self.recommendation
        rules = advice.proposals(self.sheets, chosen.mode) if chosen else []
        return advice.ini_lines(chosen, rules)

    @property
    def exceptions(self) -> list[str]:
        """Rules for slow devices that leave the configured mode of the others."""
        rules = advice.exceptions(self.recommendation, self._costs(AS_SET))
        return advice.rule_lines(rules)

    def _costs(self, mode: str) -> list[advice.DeviceCosts]:
        sheet, survey = self._sheet(mode), self._sheet("", PYTANGO)
        return [] if sheet is None else advice.costs(sheet, survey)

    def _sheet(self, mode: str, who: str = PLUGIN) -> Sheet | None:
        wanted = Variant(who, mode)
        return next((s for s in self.sheets if s.variant == wanted), None)


#: The figures that are also shown relative to others.
_COMPARED = ("window", "last")

_TIMES = ("window", "50 %", "90 %", "99 %", "last")
_COSTS = tuple(figure for figure in FIGURES if figure not in _TIMES)


def sheaves(findings: Findings) -> list[TextTable]:
    """Return the results as tables with a row per variant.

    The columns *x stock* and *x limit* are relative to stock Taurus, and to the larger
    of the lower bounds of widgets and network.
    """
    found = findings.sheets
    made = [
        _text_table(
            "Seconds until...: median (smallest-largest)",
            ("runs", *_TIMES),
            ((s, [_runs(s), *_spreads(s, _TIMES)]) for s in found),
        ),
        _text_table(
            "As multiples of stock Taurus, and of the limit",
            [f"{f} {against}" for f in _COMPARED for against in ("x stock", "x limit")],
            ((s, _ratios(s, found)) for s in found),
        ),
        _text_table(
            "What it costs, in seconds, numbers and MB: median (smallest-largest)",
            (*_COSTS, "rows left out", "no value"),
            ((s, [*_spreads(s, _COSTS), _left_out(s), _missing(s)]) for s in found),
        ),
        _text_table(
            "Why attributes had no value, in the last run",
            ("reason", "attributes"),
            ((s, [why, f"{n}"]) for s in found for why, n in s.reasons().most_common()),
        ),
    ]
    return [text_table for text_table in made if text_table.rows]


def _text_table(
    title: str, head: Iterable[str], rows: Iterable[tuple[Sheet, list[str]]]
) -> TextTable:
    texts = tuple((str(sheet.variant), *cells) for sheet, cells in rows)
    return TextTable(title, ("run", *head), texts)


def _runs(sheet: Sheet) -> str:
    failed = len(sheet.records) - len(sheet.good)
    crashed = sum(bool(record.crash) for record in sheet.good)
    told = [f"{len(sheet.good)}"]
    told += [f"{failed} failed"] if failed else []
    told += [f"{crashed} crashed when it was closed"] if crashed else []
    return ", ".join(told)


def _ratios(sheet: Sheet, found: list[Sheet]) -> list[str]:
    stock = next((one for one in found if one.variant.who == STOCK), None)
    return [
        _ratio(sheet.spread(figure), against)
        for figure in _COMPARED
        for against in (_median(stock, figure), limit_of(found, figure))
    ]


def _left_out(sheet: Sheet) -> str:
    return "" if sheet.left_out is None else str(sheet.left_out)


def _median(sheet: Sheet | None, figure: str) -> float | None:
    spread = None if sheet is None else sheet.spread(figure)
    return None if spread is None else spread.median


def _spreads(sheet: Sheet, figures: tuple[str, ...]) -> list[str]:
    return [_spread(sheet.spread(figure), figure) for figure in figures]


def _spread(spread: Spread | None, figure: str) -> str:
    number = "{:.0f}".format if figure in _PLAIN else in_seconds
    return "" if spread is None else spread.told(number)


def _ratio(one: Spread | None, other: float | None) -> str:
    if one is None or not other or math.isinf(other) or math.isinf(one.median):
        return ""
    return f"{one.median / other:.2f}"


def _missing(sheet: Sheet) -> str:
    """Return the number of attributes without a value in the worst run, as text."""
    if not sheet.without_value:
        return "0" if sheet.good else ""
    return f"{sheet.without_value} of {sheet.good[-1].models}"


def advice_lines(findings: Findings) -> list[str]:
    """Return the recommendation and its reasons, as lines of text."""
    chosen = findings.recommendation
    if chosen is None:
        return ["No mode was measured."]
    mode = "what is set" if chosen.mode == AS_SET else chosen.mode
    lines = [f"Recommended for these models: {mode}", f"  {chosen.why}"]
    told = [cost for cost in findings.costs if cost.out_of_the_ordinary]
    if told:
        lines += ["", f"What devices did with {mode}:"]
        lines += [f"  {cost.device}: {cost.summary}" for cost in told[:_DEVICES]]
        more = len(told) - _DEVICES
        lines += [f"  and {more} more"] if more > 0 else []
    if not findings.ini:
        return [*lines, "", "Nothing in taurus.ini needs to be changed for them."]
    lines += ["", "For taurus.ini:", *(f"  {line}" for line in findings.ini)]
    if findings.exceptions:
        lines += ["", "Or, to keep what is set for all other devices:", "  [taurus]"]
        lines += [f"  {line}" for line in findings.exceptions]
    return lines


# --- the page ------------------------------------------------------------------------


def page(
    findings: Findings, head: Mapping[str, Any], pictures: Mapping[str, bytes]
) -> str:
    """Return a self-contained HTML page.

    :param head: the context of the runs: machine, versions, date, command.
    :param pictures: PNG, by title.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("taurus_tpo.bench"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        advice="\n".join(advice_lines(findings)),
        tables=sheaves(findings),
        pictures={title: b64encode(png).decode() for title, png in pictures.items()},
        head=head,
    )


def write(findings: Findings, head: Mapping[str, Any], folder: Path) -> Path:
    """Write the page and its pictures into ``folder``; return the path of the page.

    The records are already there: each is written after its run.
    """
    from taurus_tpo.bench.plots import pictures

    drawn = pictures(findings)
    for title, data in drawn.items():
        (folder / f"{title.replace(' ', '-')}.png").write_bytes(data)
    target = folder / "report.html"
    target.write_text(page(findings, head, drawn), encoding="utf-8")
    return target
