"""The Tango database of a facility: its process and its entries."""

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

#: The address of the loopback interface, which only this machine can reach.
HOST = "127.0.0.1"
#: How long a process may take until it serves (s); a loaded machine is slow.
START_TIMEOUT = 60.0

#: The range of the database port: below the ephemeral ports, one of which a client
#: could occupy while the database is stopped.
_PORTS = range(20000, 30000)
_LISTENING = "Database DS listening on:"
#: The reasons of the database for an unknown device or alias.
_UNKNOWN = ("DB_DeviceNotDefined", "DB_AliasNotDefined")


class DatabaseProcess(Process):
    """A Tango database server (``pytango-db``) on its own port.

    Its contents are in a file of ``directory`` and survive a restart, as does the port.

    :param host: the address of this machine to listen on.
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

        :raises FacilityError: if it does not, with the end of its output
        """
        self.launch()
        try:
            wait_until(self._answers, START_TIMEOUT, "it answers")
        except TimeoutError as error:
            raise FacilityError(f"{self.name}: {error}:\n{self.tail()}") from None

    def _answers(self) -> bool:
        self.check_running()
        # A connection attempt before it listens costs a second: Tango retries slowly.
        if _LISTENING not in self.output.read_text(errors="replace"):
            return False
        try:
            connect(self.tango_host)
        except tango.DevFailed as error:
            log.debug("%s does not answer yet: %s", self.name, error.args[0].desc)
            return False
        return True


def _free_port(host: str) -> int:
    """Return a free port that the database can also bind after a restart.

    Port 0 (any port) does not work: omniORB reuses only ports that were given to it, so
    a restart would fail while old connections linger.
    """
    # Not the seeded generator: programs with the same seed would collide.
    chance = random.SystemRandom()
    for port in chance.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                log.debug("port %d is taken: %s", port, error)
                continue
            return port
    raise FacilityError(
        f"no port of {host} is free, or this machine has no such address"
    )


def connect(tango_host: str) -> tango.Database:
    """Return a new connection to the database at ``HOST:PORT``.

    An existing connection that failed does not reconnect for a second.

    :raises FacilityError: if ``tango_host`` is not ``HOST:PORT``
    :raises tango.DevFailed: if there is no answer
    """
    host, _, port = tango_host.rpartition(":")
    if not host or not port.isdecimal():
        raise FacilityError(f"TANGO_HOST = {tango_host!r}: must be HOST:PORT")
    return tango.Database(host, int(port))


def check_free(database: tango.Database, servers: tuple[ServerSpec, ...]) -> None:
    """Raise a :class:`FacilityError` if the database has any of the names already."""
    for server in servers:
        if list(database.get_server_list(server.name)):
            raise FacilityError(_taken(database, "a server", server.name))
        for device in server.devices:
            if _is_known(database.get_device_info, device.name):
                raise FacilityError(_taken(database, "a device", device.name))
            if device.alias and _is_known(database.get_device_alias, device.alias):
                raise FacilityError(_taken(database, "an alias", device.alias))


def drop_examples(database: tango.Database, servers: tuple[ServerSpec, ...]) -> None:
    """Remove the devices of a fresh database whose names ``servers`` use.

    A fresh database has entries of servers that do not run, as ``sys/tg_test/1``. The
    database's own device is exported, and stays.
    """
    for server in servers:
        for device in server.devices:
            if _is_known(database.get_device_info, device.name):
                _drop_example(database, database.get_device_info(device.name))


def _drop_example(database: tango.Database, info: tango.DbDevFullInfo) -> None:
    if info.exported:
        return
    database.delete_device(info.name)
    # Pairs of a device and its class; the server is a device, too.
    left = list(database.get_device_class_list(info.ds_full_name))[::2]
    if all(name.lower().startswith("dserver/") for name in left):
        database.delete_server(info.ds_full_name)


def _taken(database: tango.Database, what: str, name: str) -> str:
    where = f"{database.get_db_host()}:{database.get_db_port()}"
    return f"{name} is {what} of the Tango database {where} already; not changed"


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
        # The property in which Tango stores its polling configuration.
        **({"polled_attr": polled} if polled else {}),
    }


def unregister(database: tango.Database, server: ServerSpec) -> None:
    """Remove what :func:`register` and the server itself have added."""
    for device in server.devices:
        database.delete_device(device.name)
    database.delete_server(server.name)
    database.delete_server_info(server.name)
