"""A pytest plugin for Taurus's own tests: they run in the mode of ``TPO_TEST_MODE``."""

from __future__ import annotations

import os

import taurus
from taurus import tauruscustomsettings


def pytest_configure() -> None:
    """Set the mode as a settings file would, and see that the plugin is on or off."""
    mode = os.environ.get("TPO_TEST_MODE")
    if mode:
        vars(tauruscustomsettings)["TANGO_EVENT_SUB_MODE"] = mode
    factory = taurus.Manager().getPlugins()["tango"]
    assert (factory.__name__ == "TpoTangoFactory") is bool(mode)
