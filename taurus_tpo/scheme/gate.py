"""When Tango may be told to subscribe: when the databases have just answered."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.connection import (
    DIRECTORY,
    DatabaseConnection,
    Place,
    Question,
)
from taurus_tpo.firstread import DevicePool, Kind
from taurus_tpo.scheme.authority import TpoTangoAuthority

#: A question that goes to the database itself each time.
PING: Question = ("command_inout", "State")


class Gate:
    """Keeps subscriptions from Tango while a database has not answered lately.

    With its first subscription a process makes an object of the database of the
    environment, and with the first one of each device Tango looks for the device that
    administers its server. Where the database hangs, that took 9 s in the thread of the
    caller, in all modes, and then 20 s to some minutes, during which Tango carries out
    no other subscription. For any thread.

    :param pool: asks the databases.
    """

    def __init__(self, pool: DevicePool, clock: Clock = SYSTEM) -> None:
        self._pool = pool
        self._clock = clock
        self._passed = False

    def is_open(self, place: Place) -> bool:
        """Return whether Tango may subscribe to what is at ``place``; never waits."""
        return next(self._unheard(place), None) is None

    def passed(self) -> None:
        """Take note that Tango was told to subscribe to something."""
        self._passed = True

    def opens(self, place: Place) -> Future[Any] | None:
        """Have the database asked that keeps it closed.

        :return: done when it has answered, or does not; None where it is open.
        """
        database = next(self._unheard(place), None)
        return None if database is None else self._ask(database, patient=True)

    def await_open(self, place: Place) -> None:
        """Wait until it is open.

        :raises tango.DevFailed: where a database does not answer, or this is a thread
            of the pool, which must not wait for others.
        """
        for database in self._unheard(place):
            if self._pool.owns(threading.current_thread()):
                database.no_answer()
            if not database.silent:
                with contextlib.suppress(concurrent.futures.CancelledError):
                    self._ask(database).exception()
            if not database.answers_lately:
                database.no_answer()

    def _ask(self, database: DatabaseConnection, patient: bool = False) -> Future[Any]:
        return self._pool.ask(database, PING, None, Kind.ASK, patient=patient)

    def _unheard(self, place: Place) -> Iterator[DatabaseConnection]:
        needed = {DIRECTORY.database(place.authority)} if place.has_database else set()
        if not self._passed and TpoTangoAuthority.get_default_tango_host():
            default = TpoTangoAuthority.default_name()
            needed.add(DIRECTORY.database(default.partition("//")[2]))
        return (database for database in needed if not database.answers_lately)
