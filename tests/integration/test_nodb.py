"""Devices without a database: their server is known by its host and port."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest
import tango
from faults_support import MODES, TIMEOUT, told_by_program
from program_support import environment_of, program
from tango_support import eventually


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
    def names(self) -> list[str]:
        """The full names of its attributes."""
        where = f"tango-nodb://127.0.0.1:{self.port}/test/nodb"
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
