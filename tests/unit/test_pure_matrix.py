"""The cells of the matrix of versions, and the table of what they said."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tools import matrix
from tools.matrix import Cell, Outcome

OLD = Cell("3.9", "5.2.4", "9.5.1", "PyQt5")
REPORT = """
<testsuites><testsuite>
  <testcase classname="tests.a" name="test_good" />
  <testcase classname="tests.a" name="test_bad"><failure>x</failure></testcase>
  <testcase classname="tests.a" name="test_bad"><error>x</error></testcase>
  <testcase classname="tests.a" name="test_left"><skipped /></testcase>
</testsuite></testsuites>
"""


def test_each_combination_with_wheels_is_a_cell() -> None:
    cells = list(matrix.cells())
    assert len(set(map(str, cells))) == len(cells)
    assert cells[0] == OLD
    assert set(matrix.TESTED) <= set(cells)
    assert {cell.python for cell in cells if cell.pytango == "9.5.1"} == {
        *("3.9", "3.10", "3.11", "3.12")
    }
    assert {cell.taurus for cell in cells if cell.qt != "PyQt5"} == {"5.4.1"}


def test_an_old_pytango_gets_an_old_numpy() -> None:
    assert "numpy<2" in OLD.requirements
    new = Cell("3.13", "5.4.1", "10.3.1", "PySide6")
    assert "numpy<2" not in new.requirements
    assert new.extras == "pyside6,sim"


def test_what_the_steps_name_is_there() -> None:
    steps = [matrix.STEPS, *matrix.TESTED.values()]
    named = {a for one in steps for args in one.values() for a in args if "/" in a}
    assert [name for name in named if not (matrix.ROOT / name).exists()] == []
    assert all(set(one) <= set(matrix.STEPS) for one in steps)


def test_a_report_of_pytest_is_counted() -> None:
    found = matrix.outcome_of(ElementTree.fromstring(REPORT), 1.5)
    assert found == Outcome(1, 1, ("tests.a::test_bad",), 1.5)
    assert found.text == "**1 of 2 failed**"
    assert Outcome(7, 2, (), 1.0).text == "7"


def test_results_are_added_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(matrix, "PAGE", tmp_path / "results.inc")
    titles = [*matrix.STEPS, matrix.DIFFERENTIAL]
    newer = Cell("3.10", "5.3.2", "10.0.4", "PyQt5")
    for cell, failed in ((newer, ()), (OLD, ("x",)), (OLD, ())):
        matrix.keep(cell, {title: Outcome(3, 0, failed, 1.0) for title in titles})
    text = matrix.PAGE.read_text()
    assert text.count("3.9") == text.count("3.10") == 1
    assert text.index("* - 3.9") < text.index("* - 3.10")
    assert "failed" not in text
    assert text.count("- 3\n") == 2 * len(titles)
