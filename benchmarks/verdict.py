"""The limits of a case: what is allowed, what was measured, and whether that is met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cases import Against, Case, Figure, Headless, Limit
from benchmarks.facilities import EVAL
from benchmarks.results import Sheet, Spread, Variant
from benchmarks.runner import ALL, ALONE, MADE, PLUGIN, PYTANGO, STOCK, VALUES
from taurus_tpo import submode

#: Tango's timeout of a call, s.
TIMEOUT = 3.0

#: How many threads the plugin may have beyond its workers.
MORE_THREADS = 2

Sheets = Mapping[Variant, Sheet]


@dataclass(frozen=True)
class Verdict:
    """One limit of one case in one mode.

    :param what: what is limited.
    :param limit: the limit in words.
    :param allowed: the limit as a number; None where what it refers to was not run.
    :param measured: None where it was not run.
    :param unit: of both.
    :param by_stock: what would be allowed if stock Taurus were what it refers to.
    """

    mode: str
    what: str
    limit: str
    allowed: float | None
    measured: float | None
    unit: str = "s"
    by_stock: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is met; None if that cannot be said."""
        if self.allowed is None or self.measured is None:
            return None
        return self.measured <= self.allowed


def verdicts(case: Case | Headless, sheets: Sheets, workers: int) -> list[Verdict]:
    """Return all that ``case`` has to keep to.

    :param workers: how many the plugin may have.
    """
    if isinstance(case, Headless):
        return list(_headless(case, sheets))
    found: list[Verdict] = []
    for variant, sheet in sheets.items():
        if (variant.who, variant.what) == (PLUGIN, ALL) and sheet.good:
            found += [_timed(case, limit, sheet, sheets) for limit in case.limits]
            found += _counted(case, sheet, workers)
    return found


def _timed(case: Case, limit: Limit, sheet: Sheet, sheets: Sheets) -> Verdict:
    mode = sheet.variant.mode
    more = _timeouts(case, mode, limit.figure)
    words = f"{limit} + {more:g} s of timeouts" if more else str(limit)
    return Verdict(
        mode=mode,
        what=limit.figure.value,
        limit=words,
        allowed=_allowed(limit, sheets, _reference(limit, PLUGIN, mode), more),
        measured=_median(sheet, limit.figure),
        by_stock=_allowed(limit, sheets, _reference(limit, STOCK, ""), more)
        if limit.against is Against.ALONE
        else None,
    )


def _timeouts(case: Case, mode: str, figure: Figure) -> float:
    """Return what the modes that wait may add, s: one timeout a server that hangs."""
    waits = bool(mode) and submode.parse(mode).tries
    may = waits and figure in (Figure.WINDOW, Figure.HEALTHY)
    return TIMEOUT * case.hung_servers if may else 0.0


def _reference(limit: Limit, who: str, mode: str) -> tuple[Variant, Figure] | None:
    """Return whose figure, and which, the limit is a multiple of."""
    return {
        Against.NOTHING: None,
        Against.EVAL: (Variant(EVAL, ALL), limit.figure),
        Against.ALONE: (Variant(who, ALONE, mode), limit.figure),
        Against.OWN_WINDOW: (Variant(who, ALL, mode), Figure.WINDOW),
    }[limit.against]


def _allowed(
    limit: Limit,
    sheets: Sheets,
    reference: tuple[Variant, Figure] | None,
    more: float,
) -> float | None:
    if reference is None:
        return limit.plus + more
    variant, figure = reference
    base = _median(sheets[variant], figure) if variant in sheets else None
    return None if base is None else limit.factor * base + limit.plus + more


def _median(sheet: Sheet, figure: Figure) -> float | None:
    spread: Spread | None = sheet.time(figure.value)
    return None if spread is None else spread.median


def _counted(case: Case, sheet: Sheet, workers: int) -> Sequence[Verdict]:
    """Return what is counted: no row left out, no value lost, no thread too many."""
    mode = sheet.variant.mode
    models, expected = sheet.most("models"), sheet.most("expected")
    missing = _difference(models, sheet.least("rows"))
    lost = _difference(expected, sheet.least("showing"))
    threads = workers + MORE_THREADS
    found = [
        Verdict(mode, "rows left out", "none", 0, missing, "rows"),
        Verdict(mode, "rows without their value at the end", "none", 0, lost, "rows"),
        Verdict(
            mode,
            "threads of the plugin",
            f"{workers} workers + {MORE_THREADS}",
            threads,
            sheet.most("plugin_threads"),
            "threads",
        ),
    ]
    if case.becomes_quiet:
        resting = sheet.most("plugin_threads_at_rest")
        words = "threads of the plugin 5 s after the last value"
        found.append(Verdict(mode, words, "none", 0, resting, "threads"))
    return found


def _difference(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part


def _headless(case: Headless, sheets: Sheets) -> Iterator[Verdict]:
    plain = sheets.get(Variant(PYTANGO, VALUES))
    ours = sheets.get(Variant(PLUGIN, VALUES))
    made = sheets.get(Variant(PLUGIN, MADE))
    if plain is None or ours is None or not (plain.good and ours.good):
        return
    base = _median(plain, Figure.FIRST_VALUES)
    measured = _median(ours, Figure.FIRST_VALUES)
    assert base is not None
    assert measured is not None
    allowed = case.factor * base
    words = f"{case.factor:.2f} x plain PyTango"
    yield Verdict("", "all first values, from nothing", words, allowed, measured)
    making = _median(made, Figure.FIRST_VALUES) if made is not None else None
    if making is not None:
        more = "the same without what making the attributes alone takes"
        yield Verdict("", more, words, allowed, measured - making)
