"""The benchmark's pieces, once around, on a facility as small as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from benchmarks import report, results
from benchmarks.cases import CASES, Against, Case, Figure, Headless, Limit
from benchmarks.child import RunError, run
from benchmarks.facilities import Group, mixed, rows_of, spec_of
from benchmarks.results import NEVER, Record, Variant
from benchmarks.runner import Runner, variants
from benchmarks.verdict import verdicts
from taurus_tpo.sim import Facility

GROUPS = (Group("healthy", devices=1, attributes=3),)
SMALL = Case(
    "small",
    "3 attributes on 1 device",
    GROUPS,
    (Limit(Figure.WINDOW, plus=60), Limit(Figure.HEALTHY, plus=60)),
    watch=0.2,
    becomes_quiet=False,
)
ALL = Variant("plugin", "all")


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Facility(spec_of(SMALL.title, GROUPS)) as facility:
        yield Runner(facility, limit=30, workers=8)


def test_a_form_is_opened_and_watched(runner):
    record = runner.run(SMALL, ALL)
    assert record.failure == ""
    assert record.counts["rows"] == record.counts["showing"] == 3
    assert 0 < record.times["window"] <= record.times["healthy rows"]
    found = results.sheets([record], "small")
    assert all(verdict.met for verdict in verdicts(SMALL, found, 8))


@pytest.mark.parametrize("variant", variants(Headless("h", "", GROUPS), [""], True))
def test_values_are_read_without_a_window(runner, variant):
    record = runner.run(Headless("small", "", GROUPS), variant)
    assert record.failure == ""
    assert record.counts["showing"] == 3


def test_a_run_that_fails_says_why():
    with pytest.raises(RunError, match="JSONDecodeError"):
        run("benchmarks.form", "no order", {}, 20, print)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rows_are_the_attributes_of_the_facility(case):
    spec = spec_of(case.title, case.groups)
    made = [row.model for group in case.groups for row in rows_of(group)]
    assert made == spec.models()
    assert sorted(row.model for row in mixed(case.groups)) == sorted(made)


def test_what_never_happened_meets_no_limit():
    case = Case("c", "", GROUPS, (Limit(Figure.WINDOW, 2.0, Against.ALONE),))
    alone = Record("c", Variant("plugin", "alone"), {"window": 1.0})
    times = [1.5, None, 1.0]
    found = [Record("c", ALL, {"window": time}) for time in times]
    first = verdicts(case, results.sheets([alone, *found], "c"), 8)[0]
    assert (first.allowed, first.measured, first.met) == (2.0, 1.5, True)
    never = Record("c", ALL, {"window": None})
    first = verdicts(case, results.sheets([alone, *found, never], "c"), 8)[0]
    assert (first.measured, first.met) == (NEVER, False)


def test_records_are_kept_as_they_come_and_drawn_again(tmp_path):
    head = {"date": "", "machine": "", "versions": {}, "command": "", "workers": 8}
    log = results.Log(tmp_path / "new" / "results.jsonl", head)
    log.add(Record("slow", ALL, {"window": 1.5, "slow rows": None}, gave_up=9))
    log.add(Record("slow", Variant("stock", "all"), failure="killed\nby whom"))
    assert results.load(log.path) == (head, log.records)
    assert json.loads(log.path.read_text().splitlines()[1])["times"]["window"] == 1.5
    text = report.for_documentation(*results.load(log.path))
    assert "> 9" in text
    assert "   by whom" in text
