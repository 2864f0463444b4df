"""Devices without a database: their server is known by its host and port."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import tango
from faults_support import MODES, TIMEOUT, WINDOW, told_by
from tango_support import eventually

#: A device server that needs no database; its port is its first argument.
SERVER = """
import sys
from tango.server import Device, attribute, run

class Simple(Device):
    def init_device(self):
        super().init_device()
        self.set_change_event("volt", True, False)

    @attribute(dtype=float, unit="V")
    def volt(self):
        return 1.5

    @attribute(dtype=float)
    def calm(self):
        return 2.5

words = ["simple", "test", "-nodb", "-host", "127.0.0.1", "-port", sys.argv[1]]
run([Simple], args=[*words, "-dlist", "test/nodb/1,test/nodb/2"])
"""


class NodbServer:
    """A server in a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, str(self.port)])

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


#: A form of both, while one hangs; then that is back.
FORM = f"""{WINDOW}
hang()
form = TaurusForm()
timed("window", form.setModel, job["hung"] + job["well"])
form.show()
told["rows"] = len(form)
run(lambda: have_values(job["well"]), "the other is shown")
hung = [taurus.Attribute(name) for name in job["hung"]]
run(lambda: all(attr.known.error for attr in hung), "the silence is told")
told["errors"] = [str(attr.known.error) for attr in hung]
resume()
run(lambda: have_values(job["hung"]), "all is shown")
told["values"] = [plain(taurus.Attribute(n).known.value) for n in job["hung"]]
form.setModel([])
print(json.dumps(told))
"""


@MODES
def test_a_server_that_hangs_holds_up_no_other(servers, modes, mode):
    well, hung = servers
    told = told_by(
        FORM,
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
