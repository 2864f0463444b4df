"""Fixtures of the tests that run against real device servers."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import taurus
from matrix_faults import FAULTS
from matrix_report import as_page
from matrix_support import Fault, Outcome
from paths import FACILITIES
from snapshot import Snapshot
from tango_support import SOON, Listener, eventually, readers
from taurus import tauruscustomsettings

from taurus_tpo.environment.command_line import COMMAND_LINE
from taurus_tpo.sim import Facility


def _shared(name: str) -> Iterator[Snapshot]:
    with Facility(FACILITIES / f"{name}.toml") as running:
        yield Snapshot(running)


def _restored(shared: Snapshot) -> Iterator[Facility]:
    yield shared.facility
    shared.restore()


@pytest.fixture(scope="session")
def shared_modes() -> Iterator[Snapshot]:
    """The facility of ``modes``, for fixtures that outlive a test."""
    yield from _shared("modes")


@pytest.fixture(scope="session")
def shared_batches() -> Iterator[Snapshot]:
    """The facility of ``batches``, likewise."""
    yield from _shared("batches")


@pytest.fixture(scope="session")
def shared_green() -> Iterator[Snapshot]:
    """The facility of ``green``, likewise."""
    yield from _shared("green")


@pytest.fixture
def modes(shared_modes: Snapshot) -> Iterator[Facility]:
    """A device with one attribute of each sort, and one that is down.

    What a test changes of its devices is undone, as for all that follow.
    """
    yield from _restored(shared_modes)


@pytest.fixture
def batches(shared_batches: Snapshot) -> Iterator[Facility]:
    """Devices with many attributes."""
    yield from _restored(shared_batches)


@pytest.fixture
def green(shared_green: Snapshot) -> Iterator[Facility]:
    """One server in each green mode."""
    yield from _restored(shared_green)


@pytest.fixture
def own_modes() -> Iterator[Facility]:
    """The facility of ``modes`` for a test that stops and starts its servers."""
    with Facility(FACILITIES / "modes.toml") as running:
        yield running


@pytest.fixture
def factory(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator:
    """The plugin's factory, to which nobody has said anything; idle at the end."""
    failed_before = request.session.testsfailed
    found = taurus.Factory("tango")
    assert type(found).__name__ == "TpoTangoFactory"
    _forget(found)
    # What a test assigns to the settings goes with it.
    monkeypatch.setattr(tauruscustomsettings, "TPO_ENABLED", True, raising=False)
    yield found
    _forget(found)
    if request.session.testsfailed > failed_before:
        _clean_up_attributes(found)
    gc.collect()
    assert found.first_read.wait(SOON), "reads were left behind"
    eventually(lambda: not readers(found), "threads were left behind")
    client = found.tango_client
    for executor in (found.background_tasks, client.subscriber, client.unsubscriber):
        assert executor.wait(SOON), "subscriptions were left behind"


def _clean_up_attributes(factory: object) -> None:
    """End what the traceback of a failed test keeps alive: other tests come later."""
    for attribute in factory.attributes():
        factory.removeExistingAttribute(attribute)


def _forget(factory: object) -> None:
    COMMAND_LINE.forget()
    factory.set_tango_event_subscription_disabled(None)
    factory.set_event_sub_mode(None)
    # As long as before the first window: its parts know it by this object.
    factory.wait_policy.__init__()
    for rule in factory._program.rules.rules:
        factory.set_event_sub_mode(None, rule.pattern)


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> Iterator[dict[Fault, dict[str, Outcome]]]:
    """What became of each fault, in each mode; written to the file of ``--matrix``."""
    found: dict[Fault, dict[str, Outcome]] = {}
    yield found
    path = request.config.getoption("--matrix")
    if path is not None:
        # In the order of the list, whatever came first.
        listed = {fault: found[fault] for fault in FAULTS if fault in found}
        path.write_text(as_page(listed), encoding="utf-8")


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


@pytest.fixture
def form(qtbot: Any, factory: Any) -> Iterator:
    """A form in which nothing is yet."""
    from taurus.qt.qtgui.panel import TaurusForm

    widget = TaurusForm()
    qtbot.addWidget(widget)
    yield widget
    widget.setModel([])
    # A thread of Taurus's keeps what it has done last, and with it an evaluation.
    for _ in range(100):
        taurus.Manager().enqueueJob(time.monotonic)
