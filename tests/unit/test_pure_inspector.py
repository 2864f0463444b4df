"""The inspector's table and the progress bar's line, as data."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.giop import Address
from taurus_tpo.core.history import History
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.status import Condition
from taurus_tpo.qt.inspector.rows import (
    COLUMNS,
    HIDDEN,
    INDEX,
    Group,
    Row,
    RowFilter,
    Sample,
    health,
    write_csv,
)
from taurus_tpo.qt.progress_summary import (
    NAMES_SHOWN,
    SLOW_AFTER,
    Missing,
    ProgressSummary,
)

HERE = Address("127.0.0.1", 10000, b"key")


def server(name: str = "TangoTest/1", silent: bool = False) -> Server:
    made = Server(name, HERE)
    if silent:
        made.fall_silent(TimeoutError("no answer"), now=100.0, time=1_700_000_000.0)
    else:
        made.answer(100.0)
    return made


def row(name: str = "a/b/c/d", **sample: Any) -> Row:
    made = Row(f"tango://host:10000/{name}", name)
    made.take(Sample(**{"seen": 100.0, "condition": Condition.SUBSCRIBED, **sample}))
    return made


def names(shown: list[Any]) -> list[str]:
    return [one.name for one in shown]


# --- the journal ---


def test_a_journal_tells_how_long_the_first_value_took() -> None:
    history = History()
    history.take_value(5.0)
    assert history.first_value is None
    history.note_request(10.0)
    history.note_request(11.0)
    history.take_value(12.5)
    history.take_value(13.0)
    assert history.first_value == 2.5


def test_a_journal_keeps_the_last_error() -> None:
    history = History()
    first, last = ValueError("first"), ValueError("last")
    history.take_error(first, 1.0)
    history.take_error(last, 2.0)
    history.take_value(3.0)
    assert (history.error, history.failed) == (last, 2.0)


# --- the line of the progress bar ---


def test_what_is_there_is_told() -> None:
    assert str(ProgressSummary.of(330, [])) == "330 of 330"
    assert ProgressSummary.of(330, []).complete
    assert ProgressSummary.of(0, []).complete


def test_what_is_missing_is_told_by_its_reason() -> None:
    silent = server(silent=True)
    missing = [
        Missing("a/b/c/slow", SLOW_AFTER, server()),
        Missing("a/b/c/new", SLOW_AFTER / 2, server()),
        Missing("a/b/d/x", 60.0, silent),
        Missing("a/b/d/y", 0.0, silent),
        Missing("a/b/e/x", 60.0, server("Down/1"), refused=True),
        Missing("a/b/f/x", 60.0, None, refused=True),
    ]
    summary = ProgressSummary.of(10, missing)
    assert str(summary) == "4 of 10 · 1 slow · 3 servers not answering"
    assert summary.slow == ("a/b/c/slow",)
    # Of a server that nobody knows, the device is told.
    assert summary.silent == ("Down/1", "TangoTest/1", "a/b/f")
    assert not summary.complete


def test_the_names_are_told_but_not_all_of_a_thousand() -> None:
    missing = [Missing(f"a/b/c/{n:04}", 60.0, server()) for n in range(1000)]
    lines = ProgressSummary.of(1001, missing).details.splitlines()
    assert lines[0] == "1 of 1001 attributes are there"
    assert lines[1:3] == ["slow:", "  a/b/c/0000"]
    assert lines[-1] == f"  and {1000 - NAMES_SHOWN} more"
    assert len(lines) == NAMES_SHOWN + 3


# --- rows ---


def test_the_rate_of_events_is_counted_over_a_while() -> None:
    made = row(events=7)
    assert made.rate is None
    made.take(Sample(seen=101.0, events=9))
    assert made.rate is None
    made.take(Sample(seen=104.0, events=15))
    assert made.rate == 2.0
    # The attribute was made anew, and counts from zero.
    made.take(Sample(seen=105.0, events=1))
    made.take(Sample(seen=107.0, events=2))
    assert made.rate == 0.5


def test_a_row_says_whether_it_shows_something_else() -> None:
    made = row(status="connecting")
    assert not made.take(
        Sample(100.5, condition=Condition.SUBSCRIBED, status="connecting")
    )
    assert made.take(Sample(100.5, condition=Condition.SUBSCRIBED, status="subscribed"))


def test_each_column_shows_a_text_whatever_is_known() -> None:
    full = row(
        mode="Sync",
        decided_by="default",
        status="subscribed",
        first_value=0.0123,
        updated=1.0,
        reads=3,
        error="API_Odd",
        failed=2.0,
        server=server(),
    )
    for made in (full, Row("tango://h:1/a/b/c/d", "a/b/c/d")):
        assert all(isinstance(column.text(made), str) for column in COLUMNS)
    texts = {column.name: column.text(full) for column in COLUMNS}
    assert texts["first_value"] == "0.012 s"
    assert texts["server"] == "TangoTest/1"
    assert texts["error"].endswith(" API_Odd")
    assert set(HIDDEN) < set(INDEX)


# --- what is shown, in which order ---


def test_rows_are_found_by_all_words() -> None:
    rows = [row("SR/vac/1/p", status="polled"), row("sr/mag/1/i", error="API_Odd")]
    assert names(RowFilter(words=("sr", "polled")).order(rows)) == ["SR/vac/1/p"]
    assert names(RowFilter(words=("api_odd",)).order(rows)) == ["sr/mag/1/i"]
    assert RowFilter(words=("sr", "nowhere")).order(rows) == []


def test_rows_are_found_by_their_condition() -> None:
    rows = [row(n, condition=c) for n, c in zip("abcdef", Condition)]
    row_filter = RowFilter(conditions=frozenset({Condition.ERROR, Condition.IDLE}))
    assert [one.sample.condition for one in row_filter.order(rows)] == [
        Condition.ERROR,
        Condition.IDLE,
    ]
    assert len(RowFilter().order(rows)) == len(rows)


@pytest.mark.parametrize("descending", [False, True])
def test_rows_with_nothing_to_sort_by_come_last(descending: bool) -> None:
    rows = [row("none"), row("late", first_value=2.0), row("soon", first_value=1.0)]
    row_filter = RowFilter(column=INDEX["first_value"], descending=descending)
    wanted = ["late", "soon"] if descending else ["soon", "late"]
    assert names(row_filter.order(rows)) == [*wanted, "none"]


def test_rows_stand_under_their_servers_and_can_be_folded_away() -> None:
    one, two = server("B/1"), server("A/1")
    rows = [row("y", server=one), row("x", server=one), row("z", server=two), row("w")]
    shown = RowFilter(grouped=True).order(rows)
    wanted = ["A/1", "z", "B/1", "x", "y", "server not known yet", "w"]
    assert names(shown) == wanted
    folded = RowFilter(grouped=True, closed=frozenset({"B/1"})).order(rows)
    assert names(folded) == ["A/1", "z", "B/1", "server not known yet", "w"]


def test_servers_that_do_not_answer_come_first() -> None:
    rows = [
        row("x", server=server("A/1")),
        row("y", server=server("B/1"), condition=Condition.SILENT),
    ]
    assert names(RowFilter(grouped=True).order(rows)) == ["B/1", "y", "A/1", "x"]


@given(
    st.lists(st.sampled_from(list(Condition)), max_size=20),
    st.sampled_from([None, *range(len(COLUMNS))]),
    st.booleans(),
    st.booleans(),
)
def test_each_row_that_is_wanted_is_shown_once(
    conditions: list[Condition], column: int | None, descending: bool, grouped: bool
) -> None:
    servers = [None, server("A/1"), server("B/1")]
    rows = [
        row(f"r{n}", condition=c, server=servers[n % 3])
        for n, c in enumerate(conditions)
    ]
    wanted = frozenset({Condition.ERROR, Condition.POLLED})
    row_filter = RowFilter((), wanted, column, descending, grouped)
    shown = [one for one in row_filter.order(rows) if isinstance(one, Row)]
    assert sorted(map(id, shown)) == sorted(id(r) for r in rows if row_filter.wants(r))


# --- servers ---


def test_the_health_of_a_server_is_told() -> None:
    assert health(None, 100.0) == "not known yet"
    assert health(Server("A/1", HERE), 100.0) == "not asked yet"
    assert health(server(), 100.0) == "answers"
    told = health(server(silent=True), 100.0)
    assert told.startswith("does not answer since ")
    assert told.endswith(", next try in 1 s")
    assert health(server(silent=True), 105.0).endswith(", it is being asked")


def test_a_server_of_which_no_attribute_can_be_reached_is_not_there() -> None:
    there = server()
    rows = [row(n, server=there, unreachable=True) for n in "ab"]
    assert Group("A/1", rows).health(100.0) == "cannot be reached"
    assert Group("A/1", [*rows, row("c", server=there)]).health(100.0) == "answers"
    assert Group("A/1", rows).text(100.0) == "A/1 · 2 attributes · cannot be reached"


# --- files ---


def test_rows_are_written_for_programs() -> None:
    file = io.StringIO()
    rows = [row(status="a, b", first_value=0.25, error='"odd"', server=server()), row()]
    assert write_csv(file, rows) == 2
    first, second = csv.DictReader(io.StringIO(file.getvalue()))
    assert first["model"] == "tango://host:10000/a/b/c/d"
    assert first["state"] == "a, b"
    assert first["first_value_s"] == "0.25"
    assert first["error"] == '"odd"'
    assert first["server"] == "TangoTest/1"
    assert second["first_value_s"] == ""


def test_no_rows_are_a_file_with_a_head() -> None:
    file = io.StringIO()
    assert write_csv(file, []) == 0
    assert file.getvalue().startswith("model,mode,")
