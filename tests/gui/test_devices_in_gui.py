"""What a program asks of a device by name in the thread of a GUI, and what a form asks.

Each program runs in a fresh process with an application, on real servers. Where stock
Taurus has an answer, that is asked too, and both must be the same.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_support import TIMEOUT, finish, start_job, told_by_program
from paths import FACILITIES, SUPPORT
from tango_support import DOWN, UP, model

from taurus_tpo.sim import Facility
from taurus_tpo.sim.database import DatabaseProcess

ALIAS = "modes-up"

#: What one server that hangs may cost a program that asks by name, s.
ONCE = 3.5 + TIMEOUT


@pytest.fixture
def own_batches() -> Iterator[Facility]:
    """The facility of ``batches`` for a test that stops its servers."""
    with Facility(FACILITIES / "batches.toml") as running:
        yield running


@pytest.fixture
def slow_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Facility]:
    """The facility of ``modes`` whose database can be made to take its time."""
    arguments = DatabaseProcess.arguments.fget
    assert arguments is not None
    monkeypatch.setattr(
        DatabaseProcess,
        "arguments",
        property(lambda process: ["slow_database", *arguments(process)[1:]]),
    )
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    monkeypatch.setenv("SLOW_DATABASE", str(tmp_path / "slow"))
    with Facility(FACILITIES / "modes.toml") as running:
        yield running


def both(name: str, facility: Facility, **job: Any) -> tuple[Any, Any]:
    """Return what a program tells with the plugin, and what with stock Taurus."""
    ours, stock = (
        json.loads(finish(start_job(name, facility, job, TAURUS_TPO=on)))
        for on in ("1", "0")
    )
    return ours, stock


# --- a server that is busy -----------------------------------------------------------


def test_what_is_asked_by_name_is_waited_for(own_batches):
    pid = own_batches.server("TpoSim/batches1").pid
    ours, stock = both(
        "ask_busy_devices", own_batches, pid=pid, devices=["sim/batch/1"]
    )
    assert ours == stock
    assert ours["proxy"] == "DeviceProxy"
    assert ours["state"] == "Ready"


def test_panels_are_filled(own_batches):
    pid = own_batches.server("TpoSim/batches1").pid
    devices = ["sim/batch/1", "sim/batch/2", "sim/batch/1"]
    ours, stock = both("panels_of_busy_devices", own_batches, pid=pid, devices=devices)
    assert ours == stock
    assert "Truth" in ours["commands"]
    assert ours["panel"]
    assert ours["tabs"]


# --- a server that hangs -------------------------------------------------------------


def test_a_server_that_hangs_is_waited_for_once(own_batches):
    told = told_by_program(
        "ask_hung_devices",
        own_batches,
        pid=own_batches.server("TpoSim/batches1").pid,
        devices=["sim/batch/1", "sim/batch/2"],
    )
    assert told["is_proxy"]
    assert told["once"] < ONCE
    assert told["again"] < 1.0
    assert set(told["errors"]) == {"API_CantConnectToDevice", "DevFailed"}
    assert told["properties"] == [["nothing"]] * 3
    assert told["state"] == "Undefined"
    assert told["after"] == [True, "{", True]
    assert told["state_after"] == "Ready"


def test_it_is_waited_for_as_long_as_tango_waits(own_modes):
    pid = own_modes.server("TpoSim/modes").pid
    told = told_by_program("ask_a_paused_device", own_modes, pid=pid, device=UP)
    assert told["proxy"]
    assert told["ping"]


@pytest.mark.parametrize("delegated", [False, True])
def test_the_configuration_of_an_attribute_is_waited_for(own_modes, delegated):
    """Its ``AttributeInfoEx``, and what a Taurus attribute delegates to that."""
    told = told_by_program(
        "ask_a_paused_attribute",
        own_modes,
        pid=own_modes.server("TpoSim/modes").pid,
        attribute=model(own_modes, "with_events"),
        delegated=delegated,
    )
    assert told["unit"] == "V"
    assert told["numeric"]
    assert told["size"] == (1 if delegated else 0)


def test_a_device_that_nobody_knows_has_no_proxy(modes):
    ours, stock = both("ask_an_unknown_device", modes)
    assert ours == stock
    assert ours["proxy"]


# --- rows by the class of a device ---------------------------------------------------

WAYS = pytest.mark.parametrize("way", ["map", "factory"])


@WAYS
def test_a_row_is_special_when_its_server_is_back(own_batches, way):
    models = ["sim/batch/1", "sim/batch/2", "sim/batch2/1"]
    told = told_by_program(
        "rows_by_device_class",
        own_batches,
        pid=own_batches.server("TpoSim/batches1").pid,
        models=models,
        way=way,
        commands="sim/batch/2",
    )
    # Those of another server are special at once.
    assert told["first"] == ["TaurusValue", "TaurusValue", "Special"]
    assert told["commands_first"] == 0
    assert told["shown"] == models
    assert told["order"] == [f"__item{number}" for number in range(len(models))]
    assert [name.partition("sim")[2] for name in told["models"]] == [
        model.partition("sim")[2] for model in models
    ]


def test_a_row_is_special_when_its_server_is_started(own_modes):
    own_modes.server("TpoSim/modes").kill()
    job = {"pid": 0, "models": [UP], "way": "map", "commands": ""}
    process = start_job("rows_by_device_class", own_modes, job, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "start"
    own_modes.server("TpoSim/modes").start()
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    told = json.loads(finish(process))
    assert told["first"] == ["TaurusValue"]
    assert told["shown"] == [ALIAS]


def test_a_form_of_devices_of_hung_servers_opens(own_batches):
    """However many rows there are: a server costs it once, and little."""
    servers = ("TpoSim/batches1", "TpoSim/batches2")
    told = told_by_program(
        "form_of_hung_devices",
        own_batches,
        pids=[own_batches.server(name).pid for name in servers],
        models=["sim/batch/1", "sim/batch/2", "sim/batch2/1", "sim/batch2/2"],
    )
    assert told["rows"] == 40
    assert told["window"] - told["well"] < TIMEOUT


# --- a database that takes its time --------------------------------------------------


@pytest.mark.parametrize("device", [UP, ALIAS])
def test_a_device_has_the_class_that_was_registered(slow_database, device):
    ours, stock = both("device_of_a_registered_class", slow_database, device=device)
    assert ours == stock
    assert ours["door"]


def test_a_row_goes_by_the_alias_of_its_device(slow_database):
    models, labels = [UP, DOWN], [ALIAS, DOWN]
    ours, stock = both("rows_by_alias", slow_database, models=models, labels=labels)
    assert ours == stock
    assert ours["alias"] == labels


def test_its_class_is_right_for_whoever_asks_when_the_database_is_back(own_modes):
    told = told_by_program(
        "device_class_after_a_hang",
        own_modes,
        pid=own_modes.database_pid,
        device=UP,
        other=DOWN,
    )
    assert not told["first"]
    assert told["made"] < ONCE
    assert told["again"] < 1.0
    assert told["kept"]
    assert told["state"] == told["first_state"] == "Ready"
