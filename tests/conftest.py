"""What holds for all tests: no database but their own, and no display needed."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lock_order
import log_records
import pytest
from groups import GROUPS, WINDOW, arrange, group_of
from hypothesis import HealthCheck, settings
from packaging.version import Version
from process_state import changes, process_state, qt_is_loaded

# Before anything of the plugin is imported.
LOCKS = lock_order.install()
log_records.install()

# How long an example takes says what else the machine has to do.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")

# Whoever starts the tests in the background may have had these ignored, and what the
# tests start would ignore them, too.
for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)

# A facility of the tests' own is the only Tango that they may touch.
os.environ.pop("TANGO_HOST", None)
if Version(version("taurus")) < Version("5.4"):
    # Before, Taurus resolves no name without a default: one where nobody listens.
    os.environ["TANGO_HOST"] = "127.0.0.1:1"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the commands of the Makefile ask for."""
    parser.addoption(
        "--scenarios",
        type=int,
        help="how many scenarios the differential test makes; or it takes a minute",
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
    parser.addoption(
        "--group", choices=GROUPS, help="run the tests of this group alone"
    )
    parser.addoption(
        "--locks",
        type=Path,
        help="judge the locks with what this file says of an earlier run; add to it",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Learn how the locks were used in an earlier run."""
    path = session.config.getoption("--locks")
    if path is not None and path.exists():
        LOCKS.learn(json.loads(path.read_text(encoding="utf-8")))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Let no module load Qt into processes that are to do without."""
    if qt_is_loaded():
        where = f"{report.nodeid} loads Qt when it is imported"
        raise pytest.UsageError(f"{where}: import that in tests with a window")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Run the group that was asked for; of all of them, those with a window last."""
    others = arrange(items, config.getoption("--group"))
    if others:
        config.hook.pytest_deselected(items=others)


@pytest.fixture(scope="session", autouse=True)
def _libraries_are_loaded() -> None:
    """Have done, before the first test, what is done once in a process.

    Taurus chooses the level of the log when it writes to it first; PyTango sets a
    variable of the environment when it is imported.
    """
    from taurus.core.util.log import Logger

    importlib.import_module("tango")
    Logger.initRoot()


@pytest.fixture(autouse=True)
def _left_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail where a test leaves the process in another state."""
    has_window = group_of(request.node) == WINDOW
    if has_window:
        # It sets variables of the environment, and what tells of exceptions.
        importlib.import_module("taurus.external.qt")
    before, had_qt = process_state(), qt_is_loaded()
    yield
    left = list(changes(before, process_state()))
    assert not left, "the test leaves behind:\n" + "\n".join(left)
    assert qt_is_loaded() == had_qt, "the test loads Qt: mark it as window"


@pytest.fixture
def hasty() -> Iterator[None]:
    """Have Python change threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge the order of the locks, over all that was run."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        # One of several processes: what it saw counts with what the others saw.
        output["locks"] = LOCKS.told()
        return
    path = session.config.getoption("--locks")
    if path is not None:
        path.write_text(json.dumps(LOCKS.told()), encoding="utf-8")
    if list(LOCKS.faults()) and session.exitstatus == pytest.ExitCode.OK:
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
