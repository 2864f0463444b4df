"""The server of each device and its address, from the Tango database."""

from __future__ import annotations

import re
import threading
import weakref
from dataclasses import dataclass

from taurus_tpo.core.giop import Address, NoReferenceError, address_of
from taurus_tpo.core.server_health import Server
from taurus_tpo.tango_client.database import DatabaseConnection

#: Taurus's full name of a device: scheme, authority, name of the device.
_FULL_NAME = re.compile(r"(tango(?:-nodb)?)://([^/]*)/(.+)")

#: Object key of the device of any database.
_DATABASE_KEY = b"database"


@dataclass(frozen=True)
class DeviceLocation:
    """Location of a device, from its full name.

    :param authority: host and port, of the database or, without one, of the server;
        empty for the database of the environment.
    :param device: ``domain/family/member``.
    :param has_database: whether there is a database to ask.
    """

    authority: str
    device: str
    has_database: bool

    @classmethod
    def of(cls, full_name: str) -> DeviceLocation:
        """Return the location in ``full_name``; an invalid name has no authority."""
        found = _FULL_NAME.fullmatch(full_name)
        if found is None:
            return cls("", full_name, True)
        scheme, authority, device = found.groups()
        return cls(authority, device, scheme == "tango")

    @property
    def address(self) -> Address | None:
        """Address at which the database (or server) can be probed; None if unknown.

        A list of redundant databases cannot be probed.
        """
        host, _, port = self.authority.partition(":")
        if not port.isdecimal():
            return None
        key = _DATABASE_KEY if self.has_database else self.device.lower().encode()
        return Address(host, int(port), key)


#: The command of a database that returns the server of a device, and its address.
IMPORT = "DbImportDevice"


class ServerRegistry:
    """The servers of the devices, one object each while it is used.

    All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self.restart_in_child()
        self._servers: weakref.WeakValueDictionary[tuple[str, str], Server]
        self._servers = weakref.WeakValueDictionary()
        self._databases: dict[str, DatabaseConnection] = {}

    def restart_in_child(self) -> None:
        """Reset in a forked child process: a thread of the parent may hold the lock."""
        self._lock = threading.Lock()

    def first(self, place: DeviceLocation) -> Server:
        """Return the server to call first for a device: its database, if any.

        A database gets one call at a time. A call during which it begins to hang takes
        15 s, not 3 s as for a device, and each of several calls waits for the previous
        one.
        """
        what = "database" if place.has_database else "server"
        name = f"{what} {place.authority or 'of TANGO_HOST'}"
        server = self._server((place.authority, what), name, place.address)
        if place.has_database:
            server.at_once = 1
        return server

    def find(self, place: DeviceLocation) -> Server:
        """Ask the database for the server of a device; waits.

        A server that does not run has no address.

        :raises tango.DevFailed: if the database does not know the device, or does not
            answer.
        """
        if not place.has_database:
            return self.first(place)
        database = self.database(place.authority)
        found = database.take_result(IMPORT, place.device)
        if found is None or not found[0][0]:
            # One that did not run when that was asked may run now.
            found = database.call(IMPORT, place.device)
        numbers, texts = found
        reference, name, runs = texts[1], texts[3], bool(numbers[0])
        server = self._server((place.authority, name), name, None)
        server.move(_address(reference) if runs else None)
        return server

    def database(self, authority: str) -> DatabaseConnection:
        """Return the database at ``host:port``, always the same object; never waits."""
        database = self._databases.get(authority)
        if database is None:
            server = self.first(DeviceLocation(authority, "", True))
            made = DatabaseConnection(authority, server)
            database = self._databases.setdefault(authority, made)
        return database

    def addresses(self) -> set[Address]:
        """Return the addresses of all servers and databases that are in use."""
        found = (server.address for server in list(self._servers.values()))
        return {address for address in found if address is not None}

    def _server(
        self, key: tuple[str, str], name: str, address: Address | None
    ) -> Server:
        with self._lock:
            server = self._servers.get(key)
            if server is None:
                server = self._servers[key] = Server(name, address)
            return server


def _address(reference: str) -> Address | None:
    try:
        return address_of(reference)
    except NoReferenceError:
        return None
