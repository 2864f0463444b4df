"""A running facility: a Tango database and device servers as child processes."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import tango

from taurus_tpo.sim import database
from taurus_tpo.sim.files import find
from taurus_tpo.sim.process import Process, Spawner
from taurus_tpo.sim.spec import FacilityError, FacilitySpec, ServerSpec, load
from taurus_tpo.sim.values import nearest
from taurus_tpo.sim.waiting import wait_until

log = logging.getLogger(__name__)

T = TypeVar("T")


def proxy(tango_host: str, name: str) -> tango.DeviceProxy:
    """Return a new, synchronous proxy of the device ``name`` of that database."""
    trl = f"tango://{tango_host}/{name}"
    return tango.DeviceProxy(trl, green_mode=tango.GreenMode.Synchronous)


class ServerProcess(Process):
    """One device server of a facility."""

    def __init__(
        self,
        spec: ServerSpec,
        spawner: Spawner,
        tango_host: str,
        directory: Path,
        host: str = database.HOST,
    ) -> None:
        environment = {**os.environ, "TANGO_HOST": tango_host}
        output = directory / f"{spec.instance}.log"
        super().__init__(spec.name, spawner, environment, output)
        self.spec = spec
        self.tango_host = tango_host
        self._host = host

    @property
    def arguments(self) -> list[str]:
        mode = ["--green-mode", self.spec.green_mode]
        endpoint = ["-ORBendPoint", f"giop:tcp:{self._host}:0"]
        return ["taurus_tpo.sim.server", self.spec.instance, *mode, *endpoint]

    @property
    def devices(self) -> list[str]:
        """The names of its devices."""
        return [device.name for device in self.spec.devices]

    def start(self) -> None:
        """Start the server and return when each of its devices answers.

        :raises FacilityError: if it is running; if it does not serve, with the end of
            its output
        """
        self.launch()
        self.wait_serving()

    def restart(self) -> None:
        """End the server if it is running, and start it."""
        self.terminate()
        self.start()

    def wait_serving(self) -> None:
        """Return when each device of the launched process answers.

        :raises FacilityError: if one does not, with the end of the output
        """
        for name in self.devices:
            try:
                wait_until(
                    partial(self._answers, name),
                    database.START_TIMEOUT,
                    f"{name} serves",
                )
            except TimeoutError as error:
                message = f"{self.name}: {error}:\n{self.tail()}"
                raise FacilityError(message) from None

    def _answers(self, name: str) -> bool:
        self.check_running()
        try:
            info = database.connect(self.tango_host).get_device_info(name)
            # The export of a killed server stays until the next one overwrites it.
            if not info.exported or info.pid != self.pid:
                return False
            proxy(self.tango_host, name).ping()
        except tango.DevFailed as error:
            log.debug("%s does not answer yet: %s", name, error.args[0].desc)
            return False
        return True


class Facility:
    """Runs a facility for the time of a ``with`` block.

    ::

        with Facility("demo") as facility:
            print(facility.device("sim/power/01").current)

    By default, database and servers listen on the loopback interface only. Any thread
    may use it, but only one at a time.

    :param spec: a facility, the path of its file, or the name of one of the package
    :param tango_host: ``HOST:PORT`` of a running Tango database. Without it the
        facility starts a database on a free port. With it, the facility adds its
        servers and devices to that database and removes them when it is closed; other
        entries are not changed. (If this process is killed, its children end but the
        entries stay: delete those servers as any other.)
    :param host: the address of this machine that database and servers listen on
    :raises FacilityError: if the file is invalid
    """

    def __init__(
        self,
        spec: FacilitySpec | str | Path,
        tango_host: str | None = None,
        host: str = database.HOST,
    ) -> None:
        self.spec = spec if isinstance(spec, FacilitySpec) else load(find(spec))
        self._existing = tango_host
        self._host = host
        self._tango_host: str | None = None
        self._database: database.DatabaseProcess | None = None
        self._servers: dict[str, ServerProcess] = {}
        self._cleanup = ExitStack()

    def __enter__(self) -> Facility:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def tango_host(self) -> str:
        """``HOST:PORT`` of the database.

        :raises FacilityError: if the facility has not been started
        """
        if self._tango_host is None:
            raise FacilityError("the facility has not been started")
        return self._tango_host

    @property
    def servers(self) -> Mapping[str, ServerProcess]:
        """The servers by name, in file order; empty before the start."""
        return self._servers

    def server(self, name: str) -> ServerProcess:
        """Return one server, such as ``TpoSim/healthy``.

        :raises FacilityError: if there is no such server
        """
        if name not in self._servers:
            right = nearest(name, self._servers)
            raise FacilityError(f"there is no server {name}; must be {right}")
        return self._servers[name]

    def device(self, name: str) -> tango.DeviceProxy:
        """Return a new, synchronous proxy of ``domain/family/member``.

        :raises tango.DevFailed: if the database does not know the device
        """
        return proxy(self.tango_host, name)

    def environment(self) -> dict[str, str]:
        """Return the environment for a program that uses this facility."""
        return {**os.environ, "TANGO_HOST": self.tango_host}

    def start(self) -> Facility:
        """Start all processes, and return when each device is in its condition.

        :raises FacilityError: if it was started already; if the start fails, with the
            end of the output of the failed process, after everything was closed
        """
        if self._tango_host is not None:
            raise FacilityError("the facility has been started already")
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        prefix = "taurus_tpo_sim_"
        temporary = tempfile.TemporaryDirectory(prefix=prefix)
        directory = Path(self._cleanup.enter_context(temporary))
        spawner = Spawner()
        self._cleanup.callback(spawner.close)
        self._tango_host = self._existing
        if self._existing is None:
            self._database = database.DatabaseProcess(spawner, directory, self._host)
            self._database.start()
            self._tango_host = self._database.tango_host
        self._register()
        self._servers = {
            spec.name: ServerProcess(
                spec, spawner, self.tango_host, directory, self._host
            )
            for spec in self.spec.servers
        }
        self._start_servers()

    def _register(self) -> None:
        try:
            connection = database.connect(self.tango_host)
            if self._existing is None:
                database.drop_examples(connection, self.spec.servers)
            database.check_free(connection, self.spec.servers)
            for spec in self.spec.servers:
                if self._existing is not None:
                    self._cleanup.callback(self._unregister, spec)
                database.register(connection, spec)
        except tango.DevFailed as error:
            description = error.args[0].desc
            message = f"the Tango database {self.tango_host}: {description}"
            raise FacilityError(message) from None

    def _start_servers(self) -> None:
        self._cleanup.callback(self._end_servers)
        wanted = [s for s in self._servers.values() if s.spec.condition != "down"]
        for server in wanted:
            server.launch()
        for server in wanted:
            server.wait_serving()
        for server in wanted:
            if server.spec.condition == "hung":
                server.hang()

    def _unregister(self, spec: ServerSpec) -> None:
        try:
            database.unregister(database.connect(self.tango_host), spec)
        except tango.DevFailed as error:
            where = f"the Tango database {self.tango_host}"
            log.warning("%s stays in %s: %s", spec.name, where, error.args[0].desc)

    def _end_servers(self) -> None:
        for server in self._servers.values():
            server.ask_to_end()
        for server in self._servers.values():
            server.wait_ended()

    def stop_database(self) -> None:
        """Kill the database, as in a crash; the device servers keep running.

        :raises FacilityError: if the database does not belong to this facility
        """
        self._own_database().kill()

    def start_database(self) -> None:
        """Start the database again, with the same port and contents.

        A Tango client that failed to connect retries after a second at the earliest.

        :raises FacilityError: if it is running, does not start, or does not belong to
            this facility
        """
        self._own_database().start()

    def hang_database(self) -> None:
        """Stop the database (SIGSTOP); it is stopped on return and does not answer.

        :raises FacilityError: if it is not running, or does not belong to this facility
        """
        self._own_database().hang()

    def resume_database(self) -> None:
        """Resume a stopped database.

        :raises FacilityError: if it is not running, or does not belong to this facility
        """
        self._own_database().resume()

    @property
    def database_pid(self) -> int:
        """The process id of the database.

        :raises FacilityError: if it is not running, or does not belong to this facility
        """
        return self._own_database().pid

    def _own_database(self) -> database.DatabaseProcess:
        if self._database is None:
            raise FacilityError("the database is not one that this facility started")
        return self._database

    def close(self) -> None:
        """End all processes and remove all files; may be called again."""
        try:
            self._cleanup.close()
        finally:
            self._tango_host = self._database = None
            self._servers = {}
