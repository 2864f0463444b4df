"""Requests to databases, and whether Tango may subscribe: they must have answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import tango

from taurus_tpo.concurrency.io_pool import DevicePool
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.server_health import Server
from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.authority import TpoTangoAuthority
from taurus_tpo.scheme.gui_wait_policy import UNNOTICED, GuiWaitPolicy
from taurus_tpo.tango_client.database import (
    DatabaseConnection,
    DatabaseRequest,
    is_answer,
)
from taurus_tpo.tango_client.server_registry import DeviceLocation, ServerRegistry

_LOG = logging.getLogger(__name__)

#: Request that only tests whether the database answers.
PING: DatabaseRequest = ("State",)

#: How long an answer of a database counts, s: it may hang the next moment, and while
#: Tango waits for it, all other subscriptions and new proxies of the process wait.
ANSWER_FRESH = 0.05


class DatabaseClient:
    """Has the pool call databases, and holds subscriptions back until they answer.

    With its first subscription a process connects to the database of the environment,
    and with the first one of each device Tango looks up the device that administers its
    server. If the database hung, that took 9 s in the caller's thread, in all modes,
    and then 20 s to some minutes, during which no other thread could subscribe or make
    a ``DeviceProxy``.

    Methods may be called from any thread.

    :param servers: has the databases.
    :param pool: calls them.
    :param wait_policy: how long the GUI thread waits.
    """

    def __init__(
        self, servers: ServerRegistry, pool: DevicePool, wait_policy: GuiWaitPolicy
    ) -> None:
        self._servers = servers
        self._pool = pool
        self._wait_policy = wait_policy
        self._has_subscribed = False

    def restart_in_child(self, pool: DevicePool) -> None:
        """Use another ``pool``, in a forked child process."""
        self._pool = pool

    # --- requests ---

    @property
    def in_a_hurry(self) -> bool:
        """Whether the caller is the GUI thread, or to be treated as such."""
        return self._wait_policy.in_a_hurry

    def ask(self, database: DatabaseConnection, *question: str) -> Any:
        """Return the result of a command; waits as the wait policy permits.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: if the command fails, or there is no answer in time.
        """
        if self._is_of_the_pool():
            return database.call(*question)
        if self.in_a_hurry and database.silent:
            database.no_answer()
        answer = self._asked(database, question)
        self._wait_policy.wait(answer, database, UNNOTICED)
        return _answer_to(question, answer, database)

    def ask_at_length(self, database: DatabaseConnection, *question: str) -> Any:
        """Return the result of an indispensable command.

        Waits as
        :meth:`~taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy.wait_at_length`; while
        Taurus fills a form in the GUI thread, as ``wait_if_it_runs`` there.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: if the command fails, or there is no answer in time.
        """
        if self._is_of_the_pool():
            return database.call(*question)
        answer = self._asked(database, question)
        if self.in_a_hurry and taurus_compat.fills_a_form():
            self._wait_policy.wait_if_it_runs(answer, database, self.server_answers)
        else:
            self._wait_policy.wait_at_length(answer, database)
        return _answer_to(question, answer, database)

    def is_database(self, where: str) -> bool:
        """Return whether a database answers at ``host:port``; waits as :meth:`ask`."""
        try:
            self.ask(self._servers.database(where), *PING)
        except tango.DevFailed as error:
            _LOG.debug("%s: %s", where, error.args[0].desc)
            return False
        return True

    def begin(
        self,
        database: DatabaseConnection,
        *question: str,
        delay: float = 0.0,
        patient: bool = False,
    ) -> Future[Any]:
        """Request a command and return at once.

        :param delay: s from now.
        :param patient: if the database is known not to answer, wait until it does.
        :return: future of the result, or of a ``DevFailed``.
        """
        return self._pool.submit(
            database, question, None, RequestKind.ASK, delay, patient
        )

    def ask_ahead(self, database: DatabaseConnection, *question: str) -> None:
        """Request a command whose result is asked for soon; returns at once.

        The result is kept for who asks, see :meth:`DatabaseConnection.keep`.
        """
        if not database.silent and not database.keeps(question):
            database.keep(question, self.begin(database, *question))

    def _is_of_the_pool(self) -> bool:
        """Whether a request to the pool could deadlock: all its threads may wait."""
        return self._pool.owns(threading.current_thread())

    def _asked(
        self, database: DatabaseConnection, question: DatabaseRequest
    ) -> Future[Any]:
        """Return the pending or late answer to an equal request; else begin one."""
        unclaimed = database.claim(question)
        if unclaimed is not None and not _is_vain(unclaimed):
            return unclaimed
        return self.begin(database, *question)

    # --- readiness, see taurus_tpo.tango_client.subscription_queue.Readiness ---

    def is_ready(self, place: DeviceLocation) -> bool:
        """Return whether Tango may subscribe to a device at ``place``; never waits."""
        return next(self._unanswered(place), None) is None

    @property
    def has_subscribed(self) -> bool:
        """Whether Tango was called to subscribe."""
        return self._has_subscribed

    def note_subscription(self) -> None:
        """Record that Tango was called to subscribe."""
        self._has_subscribed = True

    def becomes_ready(self, place: DeviceLocation) -> Future[Any] | None:
        """Request an answer of the database that has not answered just now.

        :return: done when it has answered, or does not answer; None if Tango may
            subscribe.
        """
        database = next(self._unanswered(place), None)
        return None if database is None else self.begin(database, *PING, patient=True)

    def await_ready(self, place: DeviceLocation) -> None:
        """Wait until Tango may subscribe to a device at ``place``.

        :raises tango.DevFailed: if a database does not answer.
        """
        for database in self._unanswered(place):
            if database.silent:
                database.no_answer()
            if self._is_of_the_pool():
                database.call(*PING)
                continue
            answer = self.begin(database, *PING)
            self._wait_policy.wait_at_length(answer, database)
            if not database.answered_within(ANSWER_FRESH):
                database.no_answer()

    def server_answers(self, server: Server) -> bool:
        """Return whether ``server`` answers now; waits for a probe.

        While Tango waits for a server that hangs, it makes no other subscription.
        """
        return self._pool.server_answers(server)

    def _unanswered(self, place: DeviceLocation) -> Iterator[DatabaseConnection]:
        needed = set()
        if place.has_database:
            needed.add(self._servers.database(place.authority))
        if not self._has_subscribed and TpoTangoAuthority.get_default_tango_host():
            default = TpoTangoAuthority.default_name()
            needed.add(self._servers.database(default.partition("//")[2]))
        return (one for one in needed if not one.answered_within(ANSWER_FRESH))


def _answer_to(
    question: DatabaseRequest, answer: Future[Any], database: DatabaseConnection
) -> Any:
    """Return the result.

    :raises tango.DevFailed: if it is an error, or missing.
    """
    if answer.done() and not answer.cancelled():
        error = answer.exception()
        if error is not None:
            raise fresh(error)
        return answer.result()
    database.keep(question, answer)
    database.no_answer()


def _is_vain(answer: Future[Any]) -> bool:
    """Return whether the database was not reached, or the request was withdrawn.

    An error of the database itself is an answer: that a device has no alias.
    """
    if not answer.done() or answer.cancelled():
        return answer.cancelled()
    error = answer.exception()
    return error is not None and not (
        isinstance(error, tango.DevFailed) and is_answer(error)
    )
