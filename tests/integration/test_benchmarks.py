"""The benchmark's pieces, once around, on facilities as small as can be."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from program_support import path_of

from benchmarks import report
from benchmarks.cases import (
    ATTRIBUTES,
    CASES,
    DEFAULT,
    EVERYTHING,
    Against,
    Case,
    Figure,
    Limit,
)
from benchmarks.facilities import (
    CHOICE,
    ENTRY,
    KINDS,
    LAMP,
    SWITCH,
    Group,
    State,
    is_of,
    mixed,
    models_of,
    spec_of,
)
from benchmarks.far import FAR_ADDRESS, Link, LinkError
from benchmarks.runner import ALL, ALONE, Options, Outcome, carry_out, outcome, skip
from benchmarks.trouble import HANG, RESUME, Trouble, ask
from benchmarks.verdict import flatness, measured, steps, verdicts
from taurus_tpo.bench.child import RunError, run
from taurus_tpo.bench.results import (
    EVAL,
    NEVER,
    PLUGIN,
    PYTANGO,
    STOCK,
    Record,
    Variant,
    sheets,
)
from taurus_tpo.sim import Facility

# What is measured beside other tests says little, and takes minutes.
pytestmark = pytest.mark.measuring

HEALTHY = Group("healthy", devices=1, attributes=3)
LIMITS = (Limit(Figure.WINDOW, plus=60), Limit(Figure.HEALTHY, plus=60))
ONCE = Options(repeat=1, limit=30, stock=False, more_modes=())
ALL_OF_IT = Variant(PLUGIN, "AsyncRead")


def small(group: Group, **more: object) -> Case:
    return Case("small", "a small facility", (HEALTHY, group), LIMITS, **more)  # type: ignore[arg-type]


def test_a_facility_with_a_hung_server_is_measured(tmp_path):
    case = small(Group("hung", devices=1, attributes=2, state=State.HUNG))
    carry_out(case, ONCE, tmp_path)
    found = outcome(case, tmp_path)
    assert found is not None
    ours = next(r for r in found.records[ALL] if r.variant == ALL_OF_IT)
    assert (ours.failure, ours.rows, ours.models) == ("", 5, 5)
    assert all(is_of("healthy", model) for model in ours.values)
    assert all(is_of("hung", model) for model in ours.errors)
    assert all(verdict.met for verdict in verdicts(found, 8))
    alone = next(r for r in found.records[ALONE] if r.variant == ALL_OF_IT)
    assert len(alone.values) == alone.models == 3
    assert "taurus tpo bench" in found.command


def test_a_server_that_is_started_when_the_window_is_there(tmp_path):
    late = Group("late", devices=1, attributes=2, state=State.LATE)
    case = small(late, slow="late", patience=20.0)
    carry_out(case, ONCE, tmp_path)
    found = outcome(case, tmp_path)
    assert found is not None
    (sheet,) = [s for s in sheets(found.records[ALL]) if s.variant == ALL_OF_IT]
    slow = measured(found, sheet, Figure.SLOW)
    assert slow is not None
    assert slow.median < case.patience
    assert sum(is_of("late", model) for model in sheet.good[0].values) == 2


#: One of each kind that a drawn window shows.
WIDGETS = (KINDS[0], LAMP, ENTRY, CHOICE, SWITCH)

#: Of each program: its attributes, and the figures that only it measures.
STEADY = {Figure.CPU, Figure.LATENCY, Figure.INTERVAL}
PROGRAMS = {
    "designer": (Group("healthy", 5, 5, kinds=WIDGETS), {Figure.TAB}),
    "synoptic": (Group("healthy", 2, 2), set()),
    "gui": (Group("healthy", 4, 2), set()),
    "start": (Group("healthy", 1, 2), set()),
    "steady_form": (Group("healthy", 1, 3, period=0.2), {*STEADY, Figure.GUI_CPU}),
    "steady_listeners": (Group("healthy", 1, 3, period=0.2), STEADY),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_measured_with_the_plugin_and_without(program, tmp_path):
    group, more = PROGRAMS[program]
    limits = (*LIMITS, *(Limit(figure, plus=60) for figure in more))
    case = Case("small", "", (group,), limits, program=program, watched=2.0)
    carry_out(case, Options(repeat=1, limit=60, more_modes=()), tmp_path)
    found = outcome(case, tmp_path)
    assert found is not None
    assert [str(r.variant) for r in found.records[ALL]] == ["AsyncRead", "stock Taurus"]
    for one in found.records[ALL]:
        assert (one.failure, one.rows, one.models) == (
            "",
            case.attributes,
            case.attributes,
        )
        assert len(one.values) == case.attributes
        assert one.window is not None
        assert one.more.keys() == {figure.value for figure in more}
        assert all(value > 0 for value in one.more.values())
    assert all(verdict.met for verdict in verdicts(found, 8))
    assert "python -m benchmarks small" in found.command


def test_trouble_says_what_it_does_not_know():
    hung = Group("hung", devices=1, attributes=1, state=State.HUNG)
    with Facility(spec_of("trouble", (hung,))) as facility:
        with Trouble(facility, (hung,)) as trouble:
            words = trouble.asking("dance").split("'")
            assert "must be one of" in ask(words[3], "dance")
            assert ask(words[3], HANG) == ask(words[3], RESUME) == ""


def test_a_run_that_fails_says_why():
    with pytest.raises(RunError, match="JSONDecodeError"):
        run("taurus_tpo.bench.window", "no order", {}, 20, print)


@contextlib.contextmanager
def a_link(delay: float) -> Iterator[Link]:
    try:
        with Link(delay) as link:
            yield link
    except LinkError as error:
        pytest.skip(str(error))


def test_a_link_delays_what_passes():
    with a_link(delay=0.05) as link:
        server = link.inside(link.far, [sys.executable, str(path_of("echo"))])
        words = [sys.executable, str(path_of("time_an_echo")), FAR_ADDRESS]
        client = link.inside(link.near, words)
        with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as echo:
            assert echo.stdout is not None
            echo.stdout.readline()
            done = subprocess.run(client, capture_output=True, text=True, check=True)
        names = [link.near, link.far]
    assert float(done.stdout) >= 0.1
    assert not any(Path("/run/netns", name).exists() for name in names)


# --- without a facility --------------------------------------------------------------


@pytest.mark.parametrize("case", EVERYTHING, ids=lambda case: case.name)
def test_the_models_are_the_attributes_of_the_facility(case):
    spec = spec_of(case.title, case.groups)
    made = [model for group in case.groups for model in models_of(group)]
    assert made == spec.models()
    assert sorted(mixed(case.groups)) == sorted(made)
    assert len(made) == case.attributes
    assert all(is_of(g.name, m) for g in case.groups for m in models_of(g))


def record(window: float | None, last: float, case: Case, **more: object) -> Record:
    models = mixed(case.groups)
    given = {"variant": ALL_OF_IT, "window": window, "rows": len(models), **more}
    values = dict.fromkeys(models, last)
    return Record(models=len(models), values=values, **given)  # type: ignore[arg-type]


def test_what_never_happened_meets_no_limit():
    case = Case("c", "", (HEALTHY,), (Limit(Figure.WINDOW, 2.0, Against.ALONE),))
    alone = [record(1.0, 1.0, case)]
    found = [record(1.5, 2.0, case), record(None, 2.0, case), record(1.0, 2.0, case)]
    first = verdicts(Outcome(case, {ALL: found, ALONE: alone}), 8)[0]
    assert (first.allowed, first.measured, first.met) == (2.0, 1.5, True)
    never = [*found, record(None, 2.0, case)]
    first = verdicts(Outcome(case, {ALL: never, ALONE: alone}), 8)[0]
    assert (first.measured, first.met) == (NEVER, False)


def test_a_value_that_is_missing_is_never_there():
    case = Case("c", "", (HEALTHY,), (Limit(Figure.HEALTHY, plus=9.0),))
    whole = record(1.0, 2.0, case)
    part = Record(ALL_OF_IT, 3, values=dict(list(whole.values.items())[:2]), rows=2)
    judged = verdicts(Outcome(case, {ALL: [part]}), 8)
    assert [verdict.met for verdict in judged] == [False, False, False, True, None]


def test_modes_that_wait_may_wait_once_for_each_server_that_hangs():
    hung = Group("hung", devices=2, attributes=1, servers=2, state=State.HUNG)
    case = small(hung)
    modes = ("AsyncRead", "Sync")
    runs = [record(1.0, 2.0, case, variant=Variant(PLUGIN, m)) for m in modes]
    judged = verdicts(Outcome(case, {ALL: runs}, modes=("AsyncRead",)), 8)
    windows = {v.mode: v.allowed for v in judged if v.what == Figure.WINDOW.value}
    assert windows == {"AsyncRead": 60.0, "Sync": 66.0}


def test_figures_of_programs_are_compared_with_those_of_stock_taurus():
    limits = (
        Limit(Figure.CPU, 0.25, Against.STOCK),
        Limit(Figure.LATENCY, 1.0, Against.STOCK, plus=0.02),
        Limit(Figure.MEMORY, 0.8, Against.STOCK),
    )
    case = Case("steady", "", (HEALTHY,), limits, program="steady_form")
    names = Figure.CPU.value, Figure.LATENCY.value
    runs = [
        record(1, 1, case, more=dict(zip(names, (0.1, 0.03))), memory=90_000_000),
        record(
            *(1, 1, case),
            variant=Variant(STOCK),
            more=dict(zip(names, (0.5, 0.02))),
            memory=100_000_000,
        ),
    ]
    found = Outcome(case, {ALL: runs})
    judged = {v.what: v for v in verdicts(found, 8)}
    assert [judged[one.figure.value].met for one in limits] == [True, True, False]
    more, told = report.tables(found, 8)[-2:]
    assert more.head == ("run", "CPU, CPU", "from time stamp to update, s")
    assert more.rows[1] == ("stock Taurus", "0.500", "0.020")
    assert told.rows[0] == ("CPU", "0.25 x stock Taurus", "0.1 CPU of 0.125 CPU")
    assert told.rows[2][1:] == ("0.80 x stock Taurus", "90 MB of 80 MB: NO")


def test_what_a_program_has_not_measured_meets_no_limit():
    limit = Limit(Figure.TAB, plus=0.1)
    case = Case("tabs", "", (HEALTHY,), (limit,), program="designer")
    judged = verdicts(Outcome(case, {ALL: [record(1, 1, case)]}), 8)[0]
    assert (judged.measured, judged.met) == (NEVER, False)


def test_two_limits_of_one_figure_are_both_told():
    limits = (Limit(Figure.WINDOW, plus=0.4), Limit(Figure.WINDOW, plus=2.0))
    case = Case("twice", "", (HEALTHY,), limits)
    (*_, told) = report.tables(Outcome(case, {ALL: [record(1.0, 1.0, case)]}), 8)
    assert [row[1:] for row in told.rows[:2]] == [
        ("0.4 s", "1.00 s of 0.400 s: NO"),
        ("2 s", "1.00 s of 2.00 s"),
    ]


def test_a_long_case_is_measured_by_its_name():
    (case,) = (case for case in EVERYTHING if case not in DEFAULT)
    assert case.name == "ten-thousand"
    words = Options(repeat=3).words(case, ALL)
    assert words[words.index("--against-repeat") + 1] == "1"
    assert float(words[words.index("--limit") + 1]) >= 600
    assert "--against-repeat" not in Options(repeat=3).words(CASES[0], ALL)
    part = record(1.0, 1.0, Case("part", "", case.healthy, case.limits))
    runs = {ALL: [record(1.1, 12.0, case, memory=1)], ALONE: [part]}
    judged = verdicts(Outcome(case, runs), 8)
    assert [v.met for v in judged[:4]] == [True, False, None, True]


def test_threads_are_counted_where_there_is_an_end_of_the_work():
    words = "threads of the plugin 5 s after the last call"
    quiet = Case("c", "", (HEALTHY,), LIMITS)
    busy = small(Group("polled", devices=1, attributes=1, events="none"))
    met = []
    for case in (quiet, busy):
        runs = [record(1, 1, case, plugin_threads_at_rest=n) for n in (0, 1)]
        judged = verdicts(Outcome(case, {ALL: runs}), 8)
        met.append([v.met for v in judged if v.what == words])
    assert met == [[False], []]


def test_what_is_not_measured_again_stays(tmp_path):
    case = Case("small", "a small facility", (HEALTHY,), LIMITS)
    once = Options(repeat=1, limit=30, stock=False, more_modes=("Async", "Sync"))
    carry_out(case, once, tmp_path)
    first = outcome(case, tmp_path)
    more = Options(modes=(), limit=30, more_modes=("Sync",))
    carry_out(case, more, tmp_path, "the second time")
    second = outcome(case, tmp_path)
    assert first is not None
    assert second is not None
    assert (first.again, second.again) == ((), ("the second time",))
    assert second.modes == first.modes == ("AsyncRead",)
    begun = [{r.variant: r.begun for r in o.records[ALL]} for o in (first, second)]
    assert begun[0].keys() == begun[1].keys()
    changed = [str(v) for v, when in begun[0].items() if begun[1][v] != when]
    assert changed == ["Sync"]
    ours = [r for r in second.records[ALL] if r.variant.who == PLUGIN]
    assert [r.plugin_threads_at_rest for r in ours] == [0, 0, 0]
    assert [str(r.variant) for r in second.in_turn(ALL)] == [
        *("plain PyTango", "AsyncRead", "eval: models")
    ]


def test_late_values_count_from_when_their_server_answers():
    late = Group("late", devices=1, attributes=2, state=State.LATE)
    case = small(late, slow="late")
    runs = [record(1.0, 6.0, case, begun=100.0), record(1.0, 8.0, case, begun=200.0)]
    found = Outcome(case, {ALL: runs}, answered=(104.0, 203.0))
    (sheet,) = sheets(runs)
    slow = measured(found, sheet, Figure.SLOW)
    assert slow is not None
    assert (slow.low, slow.high) == (2.0, 5.0)


def grown(seconds: float, memory: int, case: Case) -> Outcome:
    run = record(1.0, seconds, case, memory=memory, memory_before=1_000)
    return Outcome(case, {ALL: [run]})


def test_an_attribute_may_cost_no_more_where_there_are_many():
    few, many, _ = ATTRIBUTES
    flat = steps([grown(0.1, 101_000, few), grown(1.1, 1_101_000, many)])
    assert [verdict.met for verdict in flatness(flat)] == [True, True]
    steep = steps([grown(0.1, 101_000, few), grown(1.3, 1_301_000, many)])
    assert [verdict.met for verdict in flatness(steep)] == [False, False]


def test_the_page_tells_all(tmp_path):
    head = {"date": "", "machine": "", "versions": {}, "command": "", "workers": 8}
    case, few, many = CASES[0], *ATTRIBUTES[:2]
    ours = record(1.5, 2.5, case)
    other = record(1.05, 1.3, case, variant=Variant(PLUGIN, "Async"))
    limits = [
        Record(Variant(EVAL), 1, window=1.0, values={"eval:1": 1.2}, rows=1),
        record(15.0, 5.0, case, variant=Variant(STOCK)),
        Record(Variant(PYTANGO), 1, values={"a/b/c/d": 0.5}, rows=1),
    ]
    skip("no link", tmp_path / "far")
    (case_far,) = (case for case in CASES if case.far)
    far = outcome(case_far, tmp_path / "far")
    assert far is not None
    found = {
        case.name: Outcome(
            case,
            {ALL: [*limits, ours, other]},
            modes=("AsyncRead",),
            again=("later, with `this`",),
        ),
        "far": far,
        few.name: grown(0.1, 101_000, few),
        many.name: grown(1.0, 1_001_000, many),
    }
    page = tmp_path / "performance.md"
    report.write_page(head, found, page)
    summary, text = page.read_text(), (tmp_path / "performance/results.md").read_text()
    assert "| facility | AsyncRead | Async |" in summary
    assert "| thousand | **window, healthy attributes: no** | all, but for" in summary
    assert "[the results](performance/results.md)" in summary
    assert "[the summary](../performance.md)" in text
    assert "## thousand: 1000 attributes" in text
    limit = "0.08 x stock Taurus"
    assert f"| window | {limit} | **1.50 s of 1.20 s: no** | 1.05 s of" in text
    assert "A part was measured later: later, with `this`" in text
    # Who takes no turns with the others is in no other table.
    assert "| Async |" not in text.replace("| AsyncRead | Async |", "")
    assert "Not measured: no link." in text
    assert "More and more attributes" in text
    pictures = sorted(path.name for path in (tmp_path / "performance").glob("*.png"))
    assert pictures == ["attributes.png", "thousand.png"]
    assert all(f"({name})" in text for name in pictures)
