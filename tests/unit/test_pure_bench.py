"""What figures say: medians, who is recommended, what is proposed."""

from __future__ import annotations

import configparser
import math
import os
import sys
import threading
from typing import ClassVar

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.bench import advice, child
from taurus_tpo.bench.kinds import expressions
from taurus_tpo.bench.measure import CALLERS, Plan
from taurus_tpo.bench.report import Findings, advice_lines, page, sheaves
from taurus_tpo.bench.results import (
    EVAL,
    NEVER,
    PLUGIN,
    PYTANGO,
    STOCK,
    Record,
    Spread,
    Variant,
    limit_of,
    sheets,
)
from taurus_tpo.cli.bench import bench
from taurus_tpo.core import settings as tpo_settings

QUICK, SLOW = "tango://host:10000/sim/quick/1", "tango://host:10000/sim/slow/1"


def record(mode: str, window: float = 0.5, **more: object) -> Record:
    values = {f"{QUICK}/a": window, f"{QUICK}/b": window + 0.1}
    values.update(more.pop("values", {}))  # type: ignore[call-overload]
    given = {"models": len(values), "window": window, "values": values, **more}
    return Record(Variant(PLUGIN, mode), **given)  # type: ignore[arg-type]


def of(who: str, last: float) -> Record:
    return Record(Variant(who), 1, window=last / 2, values={f"{QUICK}/a": last})


# --- results -------------------------------------------------------------------------


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_share_of_the_values_is_there_when_that_many_have_come(
    times: list[float], part: float
) -> None:
    found = Record(Variant(PLUGIN), values={str(n): t for n, t in enumerate(times)})
    when = found.share(part)
    assert sum(time <= when for time in times) >= part * len(times)
    assert sum(time < when for time in times) < part * len(times)


def test_without_values_there_is_no_last_one() -> None:
    assert Record(Variant(PLUGIN)).last == NEVER


def test_a_record_survives_being_written() -> None:
    one = record(
        "Sync",
        errors={f"{SLOW}/x": "API_DeviceTimedOut"},
        polled=(f"{QUICK}/a",),
        stalls=((0.7, 0.2), (0.9, 0.1)),
        calls={"read_attributes": 2},
        close=0.1,
    )
    assert Record.from_json(one.to_json()) == one
    assert (one.longest_stall, round(one.stalled, 6)) == (0.2, 0.3)


def test_the_median_of_an_even_number_is_one_that_was_measured() -> None:
    assert Spread.of([4.0, 1.0]) == Spread(4.0, 1.0, 4.0)
    assert Spread.of([NEVER, 1.0, NEVER]).median == NEVER


def test_runs_that_failed_count_for_nothing_but_their_number() -> None:
    failed = Record(Variant(PLUGIN, "Sync"), failure="killed")
    (sheet,) = sheets([record("Sync"), failed])
    spread = sheet.spread("window")
    assert spread is not None
    assert spread.median == 0.5
    times = sheaves(Findings([record("Sync"), failed]))[0]
    assert times.rows[0][1] == "1, 1 failed"
    (none,) = sheets([failed])
    assert none.spread("last") is None
    assert advice.recommend([none]) is None


def test_the_limit_is_the_larger_of_widgets_and_network() -> None:
    assert limit_of(sheets([of(EVAL, 2.0), of(PYTANGO, 3.0), record("Sync")])) == 3.0
    assert limit_of(sheets([of(EVAL, 2.0)])) == 2.0
    assert limit_of([]) == 0.0


def test_ratios_are_held_against_stock_and_the_limit() -> None:
    found = Findings([of(EVAL, 2.0), of(STOCK, 6.0), record("Sync", 2.9)])
    ratio = {row[0]: row[1:] for row in sheaves(found)[1].rows}
    assert ratio["Sync"] == ("0.97", "2.90", "0.50", "1.50")
    assert ratio["stock Taurus"] == ("1.00", "3.00", "1.00", "3.00")


# --- advice --------------------------------------------------------------------------


def test_who_waits_least_is_recommended() -> None:
    chosen = advice.recommend(sheets([record("AsyncRead", 2.0), record("Async", 0.5)]))
    assert chosen is not None
    assert chosen.mode == "Async"
    assert "AsyncRead: 2.00" in chosen.why


def test_of_two_that_are_as_good_the_default_is_recommended() -> None:
    found = sheets([record("disabled", 0.50), record("AsyncRead", 0.53)])
    chosen = advice.recommend(found)
    assert chosen is not None
    assert chosen.mode == "AsyncRead"
    assert "disabled about as good" in chosen.why


def test_a_mode_that_stalls_the_window_is_worse() -> None:
    still = record("Sync", stalls=((0.9, 0.8),))
    chosen = advice.recommend(sheets([still, record("Async")]))
    assert chosen is not None
    assert chosen.mode == "Async"


def test_what_devices_did_is_told_the_worst_first() -> None:
    one = record(
        "Async",
        values={f"{SLOW}/x": 3.0},
        errors={f"{SLOW}/y": "API_DeviceTimedOut"},
        polled=(f"{QUICK}/a", f"{SLOW}/y"),
    )
    (sheet,) = sheets([one])
    slow, quick = advice.costs(sheet)
    assert (slow.device, slow.models, slow.slow, slow.last) == (SLOW, 2, ("x",), 3.0)
    assert slow.summary == "did not answer (1 x API_DeviceTimedOut); slow: x"
    assert quick.summary == "1 of 2 without events"
    assert any(SLOW in line for line in advice_lines(Findings([one])))


def test_a_device_that_does_better_in_another_mode_gets_a_rule() -> None:
    here = record("AsyncRead", values={f"{SLOW}/x": 3.0})
    there = record("Stateless", values={f"{SLOW}/x": 1.0})
    found = advice.proposals(sheets([here, there]), "AsyncRead")
    assert found == [advice.Proposal(SLOW, "Stateless")]


def test_no_rule_makes_the_window_late() -> None:
    here = record("AsyncRead", values={f"{SLOW}/x": 3.0})
    there = record("SyncRead", window=2.5, values={f"{SLOW}/x": 1.0})
    assert advice.proposals(sheets([here, there]), "AsyncRead") == []


@pytest.mark.parametrize("mode", ["AsyncRead", "disabled"])
def test_what_is_to_be_pasted_is_a_settings_file(tmp_path, mode: str) -> None:
    rules = [advice.Proposal(SLOW, "Stateless")]
    path = tmp_path / "taurus.ini"
    recommended = advice.Recommendation(mode, "why")
    path.write_text("\n".join(advice.ini_lines(recommended, rules)))
    file = tpo_settings.read_file(str(path))
    assert file is not None
    assert file.problems == ()
    read = tpo_settings.read(file.values)
    assert read.problems == ()
    assert (read.events_disabled_by is not None) == (mode == "disabled")
    assert [rule.pattern for rule in read.source.rules.rules] == ["sim/slow/1/*"]
    assert configparser.ConfigParser().read(path)


def test_what_is_set_stays_where_nothing_is_better() -> None:
    found = [record("as set", 0.53), record("AsyncRead", 0.50)]
    chosen = advice.recommend(sheets(found))
    assert chosen is not None
    assert chosen.mode == "as set"
    assert advice.ini_lines(chosen, []) == []
    assert "Nothing in taurus.ini" in advice_lines(Findings(found))[-1]


def test_what_is_set_is_told_where_something_is_better() -> None:
    found = [record("as set", 3.0), record("AsyncRead", 0.5), record("Sync", 4.0)]
    chosen = advice.recommend(sheets(found))
    assert chosen is not None
    assert chosen.mode == "AsyncRead"
    assert "as set: 3.00" in chosen.why
    assert "Sync: 4.00" in chosen.why


def test_a_mode_that_leaves_values_out_is_not_recommended() -> None:
    quick = record("Sync", 0.2, models=9)
    chosen = advice.recommend(sheets([quick, record("Async", 2.0)]))
    assert chosen is not None
    assert chosen.mode == "Async"
    assert "Sync: 0.20, 0.30 and 0.00 s, 7 more without a value" in chosen.why


def test_who_keeps_what_is_set_gets_rules_for_the_devices_that_cost_the_most() -> None:
    hung = {f"{SLOW}/x": "API_CantConnectToDevice"}
    survey = Record(Variant(PYTANGO), took={QUICK: 0.01})
    now = record("as set", 4.0, models=3, errors=hung)
    found = Findings([survey, now, record("AsyncRead", 1.0, models=3, errors=hung)])
    assert 'TANGO_EVENT_SUB_MODE = "ASYNCREAD"' in found.ini
    assert found.exceptions == [
        *("TANGO_EVENT_SUB_MODE_RULES = [", '    ("sim/slow/1/*", "ASYNCREAD"),'),
        "    ]",
    ]
    assert "keep what is set" in "\n".join(advice_lines(found))


def test_a_device_that_takes_long_to_be_read_costs_the_most() -> None:
    survey = Record(Variant(PYTANGO), took={QUICK: 0.01, SLOW: 0.53})
    one = record("AsyncRead", values={f"{SLOW}/x": 0.6})
    first, second = advice.costs(sheets([one])[0], sheets([survey])[0])
    assert (first.device, second.device) == (SLOW, QUICK)
    assert first.summary == "a read of all of it takes 0.53 s"
    assert not second.out_of_the_ordinary


# --- how much of a facility it takes -------------------------------------------------


@given(st.integers(3, 256))
def test_no_server_gets_more_calls_than_was_said(at_once: int) -> None:
    plan = Plan((), ("AsyncRead",), at_once=at_once)
    # The plugin leaves a quarter of its readers to other servers.
    of_one_server = plan.readers - plan.readers // 4
    assert of_one_server + CALLERS <= at_once
    more = plan.readers + 1
    assert more - more // 4 + CALLERS > at_once


def test_all_take_turns() -> None:
    plan = Plan((), ("Sync", "Async"), stock=True, repeat=2)
    once = ["plain PyTango", "Sync", "Async", "stock Taurus", "eval: models"]
    assert [str(variant) for variant in plan.turns] == once * 2


def test_those_who_wait_long_take_fewer_turns() -> None:
    plan = Plan((), ("Sync",), stock=True, repeat=2, against_repeat=1)
    first = ["plain PyTango", "Sync", "stock Taurus", "eval: models"]
    assert [str(variant) for variant in plan.turns] == [*first, "Sync", "eval: models"]


def test_modes_can_be_measured_alone() -> None:
    plan = Plan((), ("Sync", "Async"), repeat=1, bounds=False)
    assert [str(variant) for variant in plan.turns] == ["Sync", "Async"]


# --- what the widgets are given ------------------------------------------------------


def test_no_two_models_without_a_network_are_the_same() -> None:
    kinds = {
        "a": {"type": "DevDouble", "format": "SCALAR", "shape": (1, 0)},
        "b": {"type": "DevBoolean", "format": "SCALAR", "shape": (1, 0)},
        "c": {"type": "DevString", "format": "SPECTRUM", "shape": (3, 0)},
        "d": {"type": "DevLong64", "format": "IMAGE", "shape": (2, 3)},
        "e": {"type": "DevDouble", "format": "SPECTRUM", "shape": (4, 0)},
        "f": {"type": "DevBoolean", "format": "SPECTRUM", "shape": (4, 0)},
    }
    models = [*kinds, "unknown", *kinds, "unknown"]
    made = expressions(models, kinds)
    assert len(set(made)) == len(models)
    assert all(one.startswith("eval:") for one in made)
    assert made[0] == "eval:0.5"


# --- the page ------------------------------------------------------------------------


def test_the_page_needs_nothing_else_and_is_safe_to_open() -> None:
    evil = Record(Variant(PLUGIN, "Sync"), 1, errors={"a": "<script>"})
    text = page(Findings([evil]), {"command": "<b>"}, {"a & b": b"png"})
    assert "<script>" not in text
    assert "<b>" not in text.split("Measured on")[1]
    assert "http" not in text.replace("https", "http").split("<body>")[0]
    assert 'src="data:image/png;base64,' in text
    assert "never" in text
    assert math.isinf(NEVER)


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_a_report_without_the_extra_is_refused_before_any_run(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert sheaves(Findings([record("Sync")]))
    done = CliRunner().invoke(bench, ["a/b/c/d", "--out", "report"])
    assert done.exit_code == 1
    assert "pip install 'taurus_tpo[bench]'" in done.output


# --- a run ---------------------------------------------------------------------------


class InterruptedTimer(threading.Timer):
    """One whose maker is interrupted just after it has begun."""

    begun: ClassVar[list[threading.Timer]] = []

    def start(self) -> None:
        super().start()
        self.begun.append(self)
        raise KeyboardInterrupt


def test_an_interrupt_while_a_run_begins_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen as a ``taurus tpo bench`` that had said all, and ended 80 s later."""
    monkeypatch.setattr(child.threading, "Timer", InterruptedTimer)
    with pytest.raises(KeyboardInterrupt):
        child.run("this", "", os.environ, 60.0, lambda _told: None)
    (timer,) = InterruptedTimer.begun
    assert timer.daemon
    timer.join(20.0)
    assert not timer.is_alive()
