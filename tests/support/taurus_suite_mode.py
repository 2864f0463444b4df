"""A pytest plugin for Taurus's own tests: they run in the mode of ``TPO_TEST_MODE``."""

from __future__ import annotations

import multiprocessing
import os

import pytest
import taurus
from taurus import tauruscustomsettings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the tests of the widgets need."""
    parser.addoption(
        "--evaluation-period", type=int, help="how often evaluations are polled, ms"
    )
    parser.addoption("--only-with", help="run the tests that use this fixture only")


def pytest_configure(config: pytest.Config) -> None:
    """Set the mode as a settings file would, and see that the plugin is on or off.

    A device server that a test starts is a new process, not a fork: one that is forked
    beside the threads of Tango may never start.
    """
    multiprocessing.set_start_method("spawn")
    mode = os.environ.get("TPO_TEST_MODE")
    if mode:
        vars(tauruscustomsettings)["TANGO_EVENT_SUB_MODE"] = mode
    factory = taurus.Manager().getPlugins()["tango"]
    assert (factory.__name__ == "TpoTangoFactory") is bool(mode)
    period = config.getoption("--evaluation-period")
    if period is not None:
        taurus.Factory("eval").changeDefaultPollingPeriod(period)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Function]
) -> None:
    """Leave out the tests that do not use the fixture of ``--only-with``."""
    fixture = config.getoption("--only-with")
    if fixture is not None:
        items[:] = [item for item in items if fixture in item.fixturenames]
