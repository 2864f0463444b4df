"""Which tests share a process, and what they leave behind in it."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any

import pytest
from groups import LONG, arrange
from paths import ROOT
from process_state import changes, process_state
from stopwatch import Stopwatch

TESTS = ROOT / "tests"


def item(path: str, *fixtures: str, marked: str = "") -> Any:
    """Return what pytest knows of a test, as far as it is asked."""
    return SimpleNamespace(
        path=TESTS / path,
        fixturenames=fixtures,
        get_closest_marker=lambda name: name == marked or None,
    )


WITH_APPLICATION = item("gui/test_gui.py", "qtbot", "qapp")
LOADS_QT = item("unit/test_compat.py", marked="window")
WITHOUT = item("gui/test_gui.py", "modes")
LONG_ONE = item(f"integration/{LONG[1]}.py")
LONGEST = item(f"integration/{LONG[0]}.py")
PURE = item("threads/test_pure_weak_callbacks.py")


def test_those_with_a_window_come_last_and_the_long_ones_first() -> None:
    items = [WITH_APPLICATION, WITHOUT, LOADS_QT, LONG_ONE, LONGEST, PURE]
    assert arrange(items, None) == []
    assert items == [PURE, LONGEST, LONG_ONE, WITHOUT, WITH_APPLICATION, LOADS_QT]


@pytest.mark.parametrize(
    ("group", "left"),
    [
        ("pure", [PURE]),
        ("tango", [WITHOUT]),
        ("window", [WITH_APPLICATION, LOADS_QT]),
    ],
)
def test_a_group_runs_alone(group: str, left: list[Any]) -> None:
    items = [WITH_APPLICATION, WITHOUT, LOADS_QT, PURE]
    others = arrange(items, group)
    assert items == left
    assert len(items) + len(others) == 4
    assert not [one for one in others if one in items]


@pytest.mark.parametrize("name", sorted(LONG))
def test_each_long_module_is_there(name: str) -> None:
    assert list(TESTS.rglob(f"{name}.py"))


def test_what_a_test_changes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPO_TEST_KEPT", "as it was")
    monkeypatch.setenv("TPO_TEST_CHANGED", "before")
    before = process_state()
    assert list(changes(before, process_state())) == []
    monkeypatch.setenv("TPO_TEST_CHANGED", "after")
    monkeypatch.setenv("TPO_TEST_NEW", "new")
    assert list(changes(before, process_state())) == [
        "environment: TPO_TEST_CHANGED was 'before', is 'after'",
        "environment: TPO_TEST_NEW was missing, is 'new'",
    ]


def test_a_stopwatch_counts_what_a_thread_waits_for_and_does() -> None:
    watch, processor = Stopwatch(), time.thread_time()
    time.sleep(0.2)
    while time.thread_time() < processor + 0.1:
        os.getpid()
    # Clocks of the processor are read now and then.
    assert watch.seconds > 0.28


def test_a_stopwatch_fails_what_takes_too_long() -> None:
    Stopwatch().until(lambda: True, "it is so", 0.0)
    with pytest.raises(AssertionError, match=r"not within 0.05 s: never"):
        Stopwatch().until(lambda: False, "never", 0.05)
