"""Whether Tango may subscribe: only if the databases answered just now."""

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

#: Request that only tests whether the database answers.
PING: DatabaseRequest = ("State",)

#: How long an answer of a database counts, s: it may hang the next moment, and while
#: Tango waits for it, all other subscriptions and new proxies of the process wait.
ANSWER_FRESH = 0.05


class DatabaseReadiness:
    """Holds subscriptions back while a database has not answered just now.

    With its first subscription a process connects to the database of the environment,
    and with the first one of each device Tango looks up the device that administers its
    server. If the database hung, that took 9 s in the caller's thread, in all modes,
    and then 20 s to some minutes, during which no other thread could subscribe or make
    a ``DeviceProxy``. For any thread.

    :param pool: calls the databases.
    :param wait_policy: how long the GUI thread waits.
    """

    def __init__(self, pool: DevicePool, wait_policy: GuiWaitPolicy) -> None:
        self._wait_policy = wait_policy
        self._pool = pool
        self._has_subscribed = False

    def restart_in_child(self, pool: DevicePool) -> None:
        """Use another ``pool``, in a forked child process."""
        self._pool = pool

    def is_ready(self, place: DeviceLocation) -> bool:
        """Return whether Tango may subscribe to a device at ``place``; never waits."""
        return next(self._unanswered(place), None) is None

    def note_subscription(self) -> None:
        """Record that Tango was called to subscribe."""
        self._has_subscribed = True

    def becomes_ready(self, place: DeviceLocation) -> Future[Any] | None:
        """Request an answer of the database that has not answered just now.

        :return: done when it has answered, or does not answer; None if Tango may
            subscribe.
        """
        database = next(self._unanswered(place), None)
        return None if database is None else self._ask(database, patient=True)

    def await_ready(self, place: DeviceLocation) -> None:
        """Wait until Tango may subscribe to a device at ``place``.

        :raises tango.DevFailed: if a database does not answer.
        """
        for database in self._unanswered(place):
            if database.silent:
                database.no_answer()
            if self._pool.owns(threading.current_thread()):
                # A request to the pool could deadlock: all its threads may wait.
                database.call(*PING)
                continue
            self._wait_policy.wait_at_length(self._ask(database), database)
            if not database.answered_within(ANSWER_FRESH):
                database.no_answer()

    def server_answers(self, server: Server) -> bool:
        """Return whether ``server`` answers now; waits for a probe.

        While Tango waits for a server that hangs, it makes no other subscription.
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
