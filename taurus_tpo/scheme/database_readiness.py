"""When Tango may be told to subscribe: when the databases have just answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from taurus_tpo.concurrency.io_pool import DevicePool
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.server_health import Server
from taurus_tpo.scheme.authority import TpoTangoAuthority
from taurus_tpo.scheme.gui_wait_policy import GuiWaitPolicy
from taurus_tpo.tango_client.database import DatabaseConnection, DatabaseRequest
from taurus_tpo.tango_client.server_registry import SERVER_REGISTRY, DeviceLocation

#: The question that is asked where it is only about an answer.
PING: DatabaseRequest = ("State",)

#: For how long the answer of a database counts, s: it may hang the next moment, and
#: while it is asked by Tango itself, all that is new in the process waits.
ANSWER_FRESH = 0.05


class DatabaseReadiness:
    """Keeps subscriptions from Tango while a database has not just answered.

    With its first subscription a process makes an object of the database of the
    environment, and with the first one of each device Tango looks for the device that
    administers its server. Where the database hangs, that took 9 s in the thread of the
    caller, in all modes, and then 20 s to some minutes, during which nobody else could
    subscribe to anything, or make a ``DeviceProxy``. For any thread.

    :param pool: asks the databases.
    :param wait_policy: how long whoever builds a window waits.
    """

    def __init__(self, pool: DevicePool, wait_policy: GuiWaitPolicy) -> None:
        self._wait_policy = wait_policy
        self._pool = pool
        self._has_subscribed = False

    def restart_in_child(self, pool: DevicePool) -> None:
        """Ask by another ``pool``, in a process that was forked."""
        self._pool = pool

    def is_ready(self, place: DeviceLocation) -> bool:
        """Return whether Tango may subscribe to what is at ``place``; never waits."""
        return next(self._unanswered(place), None) is None

    def note_subscription(self) -> None:
        """Take note that Tango was told to subscribe to something."""
        self._has_subscribed = True

    def becomes_ready(self, place: DeviceLocation) -> Future[Any] | None:
        """Have the database asked that has not answered just now.

        :return: done when it has answered, or does not; None where Tango may subscribe.
        """
        database = next(self._unanswered(place), None)
        return None if database is None else self._ask(database, patient=True)

    def await_ready(self, place: DeviceLocation) -> None:
        """Wait until Tango may subscribe to what is at ``place``.

        :raises tango.DevFailed: where a database does not answer.
        """
        for database in self._unanswered(place):
            if database.silent:
                database.no_answer()
            if self._pool.owns(threading.current_thread()):
                # All threads might wait for each other.
                database.call(*PING)
                continue
            self._wait_policy.wait_at_length(self._ask(database), database)
            if not database.answered_within(ANSWER_FRESH):
                database.no_answer()

    def server_answers(self, server: Server) -> bool:
        """Return whether ``server`` answers now; waits for that.

        While Tango waits for one that hangs, it subscribes to nothing of any other.
        """
        return self._pool.server_answers(server)

    def _ask(self, database: DatabaseConnection, patient: bool = False) -> Future[Any]:
        return self._pool.submit(database, PING, None, RequestKind.ASK, patient=patient)

    def _unanswered(self, place: DeviceLocation) -> Iterator[DatabaseConnection]:
        needed = (
            {SERVER_REGISTRY.database(place.authority)} if place.has_database else set()
        )
        if not self._has_subscribed and TpoTangoAuthority.get_default_tango_host():
            default = TpoTangoAuthority.default_name()
            needed.add(SERVER_REGISTRY.database(default.partition("//")[2]))
        return (one for one in needed if not one.answered_within(ANSWER_FRESH))
