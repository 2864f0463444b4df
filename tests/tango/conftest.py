"""Fixtures of the tests that run against real device servers."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import taurus
from matrix_report import as_page
from matrix_support import Fault, Outcome
from tango_support import FACILITIES, Listener, eventually, readers
from taurus import tauruscustomsettings

from taurus_tpo.commandline import COMMAND_LINE
from taurus_tpo.sim import Facility


def _facility(name: str) -> Iterator[Facility]:
    with Facility(FACILITIES / f"{name}.toml") as running:
        yield running


@pytest.fixture(scope="session")
def modes() -> Iterator[Facility]:
    """A device with one attribute of each sort, and one that is down."""
    yield from _facility("modes")


@pytest.fixture(scope="session")
def batches() -> Iterator[Facility]:
    """Devices with many attributes."""
    yield from _facility("batches")


@pytest.fixture(scope="session")
def green() -> Iterator[Facility]:
    """One server in each green mode."""
    yield from _facility("green")


@pytest.fixture
def own_modes() -> Iterator[Facility]:
    """The facility of ``modes`` for a test that stops and starts its servers."""
    yield from _facility("modes")


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """The plugin's factory, to which nobody has said anything; idle at the end."""
    found = taurus.Factory("tango")
    assert type(found).__name__ == "TpoTangoFactory"
    _forget(found)
    # What a test assigns to the settings goes with it.
    monkeypatch.setattr(tauruscustomsettings, "TPO_ENABLED", True, raising=False)
    yield found
    _forget(found)
    gc.collect()
    assert found.first_read.wait(30), "reads were left behind"
    eventually(lambda: not readers(found), "threads were left behind")


def _forget(factory: object) -> None:
    COMMAND_LINE.forget()
    factory.set_tango_event_subscription_disabled(None)
    factory.set_event_sub_mode(None)
    for rule in factory._program.rules.rules:
        factory.set_event_sub_mode(None, rule.pattern)


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> Iterator[dict[Fault, dict[str, Outcome]]]:
    """What became of each fault, in each mode; written to the file of ``--matrix``."""
    found: dict[Fault, dict[str, Outcome]] = {}
    yield found
    path = request.config.getoption("--matrix")
    if path is not None:
        path.write_text(as_page(found), encoding="utf-8")


@pytest.fixture
def listener() -> Listener:
    """Somebody who listens, and remembers what was said."""
    return Listener()


@pytest.fixture
def choices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's choices are kept: nowhere that is the machine's."""
    from taurus.external.qt import Qt

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    form, scope = Qt.QSettings.Format.NativeFormat, Qt.QSettings.Scope.UserScope
    Qt.QSettings.setPath(form, scope, str(tmp_path))
    return tmp_path


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """A Taurus settings file that does not exist yet."""
    return tmp_path / "taurus.ini"
