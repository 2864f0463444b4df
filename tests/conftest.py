"""What holds for all tests: no database but their own, and no display needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lock_order
import pytest

# Before anything of the plugin is imported.
LOCKS = lock_order.install()

# A facility of the tests' own is the only Tango that they may touch.
os.environ.pop("TANGO_HOST", None)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the fault matrix and of the differential test."""
    parser.addoption(
        "--scenarios",
        type=int,
        help="how many scenarios the differential test makes; or it takes two minutes",
    )
    parser.addoption(
        "--seed-of-scenarios",
        type=int,
        help="what the differential test makes its scenarios from",
    )
    parser.addoption(
        "--matrix",
        type=Path,
        help="write what became of each fault to this file, as a table",
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge the order of the locks, over all that was run."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        # One of several processes: what it saw counts with what the others saw.
        output["locks"] = LOCKS.told()
    elif list(LOCKS.faults()) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take note of what a process saw that had a share of the tests."""
    LOCKS.learn(getattr(node, "workeroutput", {}).get("locks", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how the locks were used, and what was wrong with that."""
    terminalreporter.section("locks of the plugin")
    terminalreporter.line(f"{len(LOCKS.orders)} orders of two locks")
    for fault in LOCKS.faults():
        terminalreporter.line(fault, red=True)
