"""Devices without a database: their server is known by its host and port."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tango
import taurus
from faults_support import MODES, TIMEOUT, told_by_program
from program_support import environment_of, program
from tango_support import Listener, eventually, plain
from taurus.core.taurusexception import TaurusException

#: The device that ``tango.test_context`` runs, and how it prints the name of that.
POWER_SUPPLY = ".".join(["tests", "programs", "power_supply", "PowerSupply"])
ACCESS = re.compile(r"^Device access: (.+)$", re.MULTILINE)

#: How Tango, and ``tango.test_context``, write that there is no database.
NO_DATABASE = "#dbase=no"


class NodbServer:
    """A server in a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            program("nodb_server", str(self.port)), env=environment_of()
        )

    @property
    def authority(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def names(self) -> list[str]:
        """The full names of its attributes."""
        where = f"tango-nodb://{self.authority}/test/nodb"
        return [f"{where}/{n}/{name}" for n in (1, 2) for name in ("volt", "calm")]

    def answers(self) -> bool:
        name = f"tango://127.0.0.1:{self.port}/test/nodb/1#dbase=no"
        try:
            return bool(tango.DeviceProxy(name).ping() >= 0)
        except tango.DevFailed:
            return False

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server() -> Iterator[NodbServer]:
    """One of them."""
    started = NodbServer()
    try:
        eventually(started.answers, "the server starts")
        yield started
    finally:
        started.close()


@pytest.fixture
def power_supply(tmp_path: Path) -> Iterator[str]:
    """The name of a power supply, as ``tango.test_context`` prints it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = ("--host", "127.0.0.1", "--port", port)
    output = tmp_path / "output"
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tango.test_context", POWER_SUPPLY, *where],
            env=environment_of(PYTHONUNBUFFERED="1"),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        found = eventually(lambda: ACCESS.search(output.read_text()), "it serves")
        yield found[1]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def servers() -> Iterator[list[NodbServer]]:
    """Two of them."""
    started = [NodbServer(), NodbServer()]
    try:
        for server in started:
            eventually(server.answers, "the server starts")
        yield started
    finally:
        for server in started:
            server.close()


@MODES
def test_a_server_that_hangs_holds_up_no_other(servers, modes, mode):
    well, hung = servers
    told = told_by_program(
        "form_of_a_hung_nodb_server",
        modes,
        mode=mode.name,
        pid=hung.process.pid,
        well=well.names,
        hung=hung.names,
    )
    assert told["rows"] == 8
    # The modes that wait do so once a server.
    assert told["window"] < (2 if mode.raises else 1) * TIMEOUT
    assert told["dead"] < TIMEOUT
    assert all(f"127.0.0.1:{hung.port} does not answer" in e for e in told["errors"])
    assert told["values"] == [1.5, 2.5, 1.5, 2.5]


# --- names with #dbase=no ------------------------------------------------------------


def test_a_name_of_tango_without_a_database_is_a_model(
    server: NodbServer, factory: Any, listener: Listener
) -> None:
    name = server.names[0].replace("tango-nodb:", "tango:") + NO_DATABASE
    attribute = taurus.Attribute(name)
    assert attribute is taurus.Attribute(server.names[0])
    assert attribute.getFullName() == server.names[0]
    assert plain(attribute.read()) == 1.5
    attribute.addListener(listener)
    eventually(lambda: listener.values, "a value")
    device = taurus.Device(name.replace("/volt", ""))
    assert device is attribute.getParentObj()
    assert listener.errors == []
    attribute.removeListener(listener)


def test_such_a_name_may_have_no_scheme_or_the_other(
    server: NodbServer, factory: Any
) -> None:
    attribute = taurus.Attribute(server.names[0])
    where = server.names[0].partition(":")[2]
    for name in (where, server.names[0], f"tango:{where}"):
        assert taurus.Attribute(name + NO_DATABASE) is attribute
    names = factory.getAttributeNameValidator()
    assert names.getUriGroups(f"tango:{where}{NO_DATABASE}")["fragment"] is None


def test_a_prefetch_knows_such_a_name(server: NodbServer, factory: Any) -> None:
    name = server.names[0].replace("tango-nodb:", "tango:")
    factory.prefetch([name + NO_DATABASE])
    device = server.names[0].rpartition("/")[0]
    eventually(lambda: device in factory.tango_devs, "the device is made")
    assert name.rpartition("/")[0] not in factory.tango_devs


def test_a_database_is_asked_although_a_name_says_that_there_is_none(
    modes: Any, factory: Any
) -> None:
    """As in stock Taurus, for attributes."""
    name = f"tango://{modes.tango_host}/sim/modes/up/with_events"
    attribute = taurus.Attribute(name + NO_DATABASE)
    assert attribute is taurus.Attribute(name)
    assert plain(attribute.read()) == 1.5


def test_no_attribute_has_an_invalid_fragment(server: NodbServer, factory: Any) -> None:
    with pytest.raises(TaurusException, match="Invalid"):
        taurus.Attribute(f"//{server.authority}/test/nodb/1{NO_DATABASE}/volt")


def test_the_error_of_a_name_without_a_fragment_tells_the_right_one(
    server: NodbServer, factory: Any
) -> None:
    attribute = taurus.Attribute(server.names[0].replace("tango-nodb:", "tango:"))
    right = f"begin with tango-nodb://{server.authority}"
    with pytest.raises(tango.DevFailed, match=right) as caught:
        attribute.read()
    assert caught.value.args[0].reason == "API_CorbaException"
    assert "OBJECT_NOT_EXIST" in caught.value.args[1].desc


# --- a device of tango.test_context --------------------------------------------------


@pytest.mark.parametrize("in_own_scheme", [False, True])
def test_a_form_of_a_power_supply(
    power_supply: str, modes: Any, in_own_scheme: bool
) -> None:
    device = power_supply
    if in_own_scheme:
        device = power_supply.replace("tango:", "tango-nodb:").replace(NO_DATABASE, "")
    told = told_by_program("form_of_a_power_supply", modes, device=device)
    path = power_supply.partition("#")[0].replace("tango:", "tango-nodb:")
    assert told["names"] == [f"{path}/current", f"{path}/voltage"]
    assert told["rows"] == 3
    assert told["answer"] == "ramped to 3 A"
    assert {5.0, 6.0} <= set(told["values"])
    assert told["state"] == "TaurusDevState.Ready"
    assert told["unit"] == "V"
