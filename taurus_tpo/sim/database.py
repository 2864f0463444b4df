"""The Tango database of a facility: its process, and what is registered in it."""

from __future__ import annotations

import logging
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

import tango

from taurus_tpo.sim.process import Process, Spawner
from taurus_tpo.sim.spec import DeviceSpec, FacilityError, ServerSpec
from taurus_tpo.sim.waiting import wait_until

log = logging.getLogger(__name__)

#: The address of the loopback interface: only programs of this machine get there.
HOST = "127.0.0.1"
#: How long a process may take until it serves (s); a busy machine is slow.
START_TIMEOUT = 60.0

#: Where the port of a database is from: below those that systems give to clients, or
#: one of them might have it by the time that a stopped database starts again.
_PORTS = range(20000, 30000)
_LISTENING = "Database DS listening on:"
#: Reasons of the database for "there is no such device / alias".
_UNKNOWN = ("DB_DeviceNotDefined", "DB_AliasNotDefined")


class DatabaseProcess(Process):
    """A Tango database server (``pytango-db``) on a port of its own.

    What it holds is in a file of ``directory``, so that a later start finds it again,
    and the port stays the same.

    :param host: the address of this machine at which it listens.
    """

    def __init__(self, spawner: Spawner, directory: Path, host: str = HOST) -> None:
        environment = dict(os.environ)
        environment.pop("TANGO_HOST", None)
        environment["PYTANGO_DATABASE_NAME"] = str(directory / "tango.db")
        output = directory / "database.log"
        super().__init__("the Tango database", spawner, environment, output)
        self._host = host
        self._port = _free_port(host)

    @property
    def arguments(self) -> list[str]:
        where = ["--host", self._host, "--port", str(self._port), "--print-host-port"]
        return ["databaseds.database", *where, "2"]

    @property
    def tango_host(self) -> str:
        """``HOST:PORT`` of the database."""
        return f"{self._host}:{self._port}"

    def start(self) -> None:
        """Start the database and return when it answers.

        :raises FacilityError: with the end of its output if it does not
        """
        self.launch()
        try:
            wait_until(self._answers, START_TIMEOUT, "it answers")
        except TimeoutError as error:
            raise FacilityError(f"{self.name}: {error}:\n{self.tail()}") from None

    def _answers(self) -> bool:
        self.check_running()
        # To ask before it listens costs a second: Tango is slow to try again.
        if _LISTENING not in self.output.read_text(errors="replace"):
            return False
        try:
            connect(self.tango_host)
        except tango.DevFailed as error:
            log.debug("%s does not answer yet: %s", self.name, error.args[0].desc)
            return False
        return True


def _free_port(host: str) -> int:
    """Return a port that the database can have, and have again.

    The port 0, for any, would not do: omniORB reuses only ports that it was told of,
    so the next start would fail for as long as connections of the last one linger.
    """
    # Not by the seed of a program: several with the same one take the same port.
    chance = random.SystemRandom()
    for port in chance.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                log.debug("port %d is taken: %s", port, error)
                continue
            return port
    raise FacilityError(f"no port of {host} is free, or it is none of this machine")


def connect(tango_host: str) -> tango.Database:
    """Return a new connection to the database at ``HOST:PORT``.

    New, because one that failed refuses to try again for a second.

    :raises FacilityError: if that is no ``HOST:PORT``
    :raises tango.DevFailed: if nobody answers there
    """
    host, _, port = tango_host.rpartition(":")
    if not host or not port.isdecimal():
        raise FacilityError(f"TANGO_HOST = {tango_host!r}: must be HOST:PORT")
    return tango.Database(host, int(port))


def check_free(database: tango.Database, servers: tuple[ServerSpec, ...]) -> None:
    """Raise a :class:`FacilityError` if any of it is in the database already."""
    for server in servers:
        if list(database.get_server_list(server.name)):
            raise FacilityError(_taken(database, "a server", server.name))
        for device in server.devices:
            if _is_known(database.get_device_info, device.name):
                raise FacilityError(_taken(database, "a device", device.name))
            if device.alias and _is_known(database.get_device_alias, device.alias):
                raise FacilityError(_taken(database, "an alias", device.alias))


def _taken(database: tango.Database, what: str, name: str) -> str:
    where = f"{database.get_db_host()}:{database.get_db_port()}"
    return f"{name} is {what} of the Tango database {where} already; left as it is"


def _is_known(question: Callable[[str], object], name: str) -> bool:
    try:
        question(name)
    except tango.DevFailed as error:
        if error.args[0].reason in _UNKNOWN:
            return False
        raise
    return True


def register(database: tango.Database, server: ServerSpec) -> None:
    """Add a server with its devices, their properties and aliases."""
    infos = [_device_info(server, device) for device in server.devices]
    database.add_server(server.name, infos, with_dserver=True)
    for device in server.devices:
        database.put_device_property(device.name, _properties(device))
        if device.alias:
            database.put_device_alias(device.name, device.alias)


def _device_info(server: ServerSpec, device: DeviceSpec) -> tango.DbDevInfo:
    info = tango.DbDevInfo()
    info.name, info.server = device.name, server.name
    info._class = device.tango_class
    return info


def _properties(device: DeviceSpec) -> dict[str, list[str]]:
    polled = [
        text
        for attribute in device.attributes
        if attribute.polling_period
        for text in (attribute.name.lower(), str(attribute.polling_period))
    ]
    return {
        "Attributes": [attribute.to_json() for attribute in device.attributes],
        "StartState": [device.state],
        # Where Tango itself keeps what its polling has to do.
        **({"polled_attr": polled} if polled else {}),
    }


def unregister(database: tango.Database, server: ServerSpec) -> None:
    """Remove what :func:`register` added, and what the server added of itself."""
    for device in server.devices:
        database.delete_device(device.name)
    database.delete_server(server.name)
    database.delete_server_info(server.name)
