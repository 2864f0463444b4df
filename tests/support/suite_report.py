"""A pytest plugin that writes what becomes of each test as it ends, a line for each.

What a process has told before it died is known; the next one with the same file runs
the tests that are left, and those that have failed. It needs nothing of the project.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


def told(file: Path) -> dict[str, str]:
    """Return the outcome of each test by its name, the latest where there are several.

    :param file: what some processes have written, one after another. A line that was
        cut short, by the death of its process, says nothing.
    """
    found: dict[str, str] = {}
    if file.exists():
        for line in file.read_text().splitlines():
            name, _, outcome = line.rpartition(" ")
            if outcome in (PASSED, SKIPPED, FAILED):
                found[json.loads(name)] = outcome
    return found


class Report:
    """Writes outcomes, and leaves out what needs not be run again."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def _write(self, name: str, outcome: str) -> None:
        with self._file.open("a") as file:
            file.write(f"{json.dumps(name)} {outcome}\n")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what has passed before, or was skipped."""
        known = told(self._file)
        items[:] = [i for i in items if known.get(i.nodeid) not in (PASSED, SKIPPED)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what became of a test; that it has failed also where its end does."""
        if report.when == "call" or not report.passed:
            self._write(report.nodeid, report.outcome)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write that a module cannot be imported."""
        if not report.passed:
            self._write(report.nodeid, report.outcome)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the file."""
    parser.addoption("--outcomes-to", type=Path, help="gets a line for each test")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to write, where a file is named."""
    file = config.getoption("--outcomes-to")
    if file is not None:
        config.pluginmanager.register(Report(file))
