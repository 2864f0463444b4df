"""What both programs look at: a database, and servers with a device for each run."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import tempfile
import threading
from pathlib import Path
from types import TracebackType

import tango

from taurus_tpo.sim.database import DatabaseProcess, connect
from taurus_tpo.sim.process import Process, Spawner
from taurus_tpo.sim.spec import FacilityError
from taurus_tpo.sim.waiting import wait_until

log = logging.getLogger(__name__)

#: How many devices a server has; more servers are started as runs need more devices.
DEVICES = 300

#: How long a server may take until it serves, s.
START = 90.0

#: How many servers may crash. cppTango 10.3.3 sometimes does when a server that has
#: just started pushes its first events (a segmentation fault in `push_event`).
MOST_CRASHES = 3

#: Names of the class and the server; `server.py` needs PyTango's server to say them.
SERVER, CLASS = "Differential", "Differing"


class DeviceServer(Process):
    """A process of ``server.py``."""

    def __init__(
        self, instance: str, count: int, spawner: Spawner, where: Path, host: str
    ) -> None:
        environment = {**os.environ, "TANGO_HOST": host}
        output = where / f"{instance}.log"
        super().__init__(f"{SERVER}/{instance}", spawner, environment, output)
        self._instance = instance
        #: Whether a scenario stops and starts it.
        self.is_stopped_by_runs = False
        self._host = host
        self.devices = [f"diff/{instance}/{at:03d}" for at in range(count)]

    @property
    def arguments(self) -> list[str]:
        orb = ["-ORBendPoint", "giop:tcp:127.0.0.1:"]
        return ["tests.differential.server", self._instance, *orb]

    def register(self) -> None:
        """Add its devices to the database."""
        infos = []
        for device in self.devices:
            info = tango.DbDevInfo()
            info.name, info.server, info._class = device, self.name, CLASS
            infos.append(info)
        database = connect(self._host)
        database.set_timeout_millis(int(1000 * START))
        database.add_server(self.name, infos, with_dserver=True)

    def start(self) -> None:
        """Start it, and return when it serves."""
        self.launch()
        self.wait_until_it_serves()

    def wait_until_it_serves(self) -> None:
        """Return when its last device answers."""
        proxy = tango.DeviceProxy(f"tango://{self._host}/{self.devices[-1]}")

        def answers() -> bool:
            self.check_running()
            try:
                proxy.ping()
            except tango.DevFailed:
                return False
            return True

        wait_until(answers, START, f"{self.name} serves", interval=0.1)


class Facility:
    """A database and servers; a context manager. Devices are for one run each."""

    def __init__(self, log: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="differential")
        self.where = Path(self._folder.name)
        #: Where programs print to.
        self.log = log or self.where
        self.log.mkdir(parents=True, exist_ok=True)
        self.spawner = Spawner()
        self.database = DatabaseProcess(self.spawner, self.where)
        self._servers: list[DeviceServer] = []
        self._numbers = itertools.count()
        self._free: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._starting: queue.Queue[None] = queue.Queue(1)
        self._crashed: list[DeviceServer] = []
        self._checking = threading.Lock()

    def __enter__(self) -> Facility:
        self.database.start()
        self._starting.put(None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.kill()
        self.database.kill()
        self.spawner.close()
        self._folder.cleanup()

    @property
    def host(self) -> str:
        """``HOST:PORT`` of the database."""
        return self.database.tango_host

    def add_server(self, count: int, is_stopped: bool = False) -> DeviceServer:
        """Return a new server with so many devices, which serves.

        :param is_stopped: whether somebody will stop and start it.
        """
        instance = f"s{next(self._numbers)}"
        server = DeviceServer(instance, count, self.spawner, self.where, self.host)
        server.is_stopped_by_runs = is_stopped
        self._servers.append(server)
        server.register()
        server.start()
        return server

    def crashes(self) -> int:
        """Return how many servers have crashed so far, of those that nobody stops.

        Their devices are not handed out any more. From any thread.

        :raises taurus_tpo.sim.spec.FacilityError: if they are more than
            :data:`MOST_CRASHES`; with the end of what the last one printed.
        """
        with self._checking:
            for server in self._servers:
                if not server.is_stopped_by_runs and server not in self._crashed:
                    self._check(server)
            return len(self._crashed)

    def _check(self, server: DeviceServer) -> None:
        try:
            server.check_running()
        except FacilityError as error:
            if len(self._crashed) >= MOST_CRASHES:
                raise
            log.warning("%s\nits runs are repeated with another server", error)
            self._crashed.append(server)
            self._withdraw(server)

    def _withdraw(self, server: DeviceServer) -> None:
        """Hand out no more devices of ``server``."""
        free = []
        with contextlib.suppress(queue.Empty):
            while True:
                free.append(self._free.get_nowait())
        for device in free:
            if device not in server.devices:
                self._free.put(device)

    @property
    def free_devices(self) -> int:
        """How many devices nobody has looked at."""
        return self._free.qsize()

    def server_of(self, device: str) -> DeviceServer:
        """Return the server of a device."""
        return next(one for one in self._servers if device in one.devices)

    def device(self) -> str:
        """Return the name of a device that nobody has looked at; from any thread."""
        while True:
            try:
                return self._free.get_nowait()
            except queue.Empty:
                self._add_devices()

    def _add_devices(self) -> None:
        token = self._starting.get()
        try:
            if self._free.empty():
                for device in self.add_server(DEVICES).devices:
                    self._free.put(device)
        finally:
            self._starting.put(token)
