"""Fixtures of the tests of the pure packages."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pure_support import DrivenClock, DrivenTimer

from taurus_tpo.core import settings
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.command_line import COMMAND_LINE, CommandLine


@pytest.fixture
def command_line() -> Iterator[CommandLine]:
    """The command line of this process, which has said nothing."""
    COMMAND_LINE.forget()
    yield COMMAND_LINE
    COMMAND_LINE.forget()


@pytest.fixture
def taurus_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Taurus's module of settings as Taurus ships it, with no file on the machine."""
    module = taurus_compat.custom_settings()
    for key in settings.KEYS:
        # Assigned first, so that whatever a test assigns is taken back.
        monkeypatch.setattr(module, key, None, raising=False)
        monkeypatch.delattr(module, key)
    for key, value in taurus_compat.STOCK_DEFAULTS.items():
        if taurus_compat.has_default(key):
            monkeypatch.setattr(module, key, value, raising=False)
    monkeypatch.setattr(module, "SYSTEM_CFG_FILE", str(tmp_path / "system.ini"))
    monkeypatch.setattr(module, "USER_CFG_FILE", str(tmp_path / "user.ini"))
    unwatched = inspect.unwrap(module.load_configs)
    monkeypatch.setattr(module, "load_configs", unwatched)
    return module


@pytest.fixture
def clock() -> DrivenClock:
    """A clock that stands still until a test moves it."""
    return DrivenClock()


@pytest.fixture
def timer(clock: DrivenClock) -> DrivenTimer:
    """A timer by that clock, which fires when a test says so."""
    return DrivenTimer(clock)
