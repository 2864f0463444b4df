"""Requests to a database whose answer a caller waits for."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from taurus_tpo.concurrency.io_pool import DevicePool
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.gui_wait_policy import UNNOTICED, GuiWaitPolicy
from taurus_tpo.tango_client.database import DatabaseConnection, DatabaseRequest


class DatabaseRequests:
    """Has the pool call databases. For any thread.

    :param wait_policy: how long the GUI thread waits.
    """

    def __init__(self, pool: DevicePool, wait_policy: GuiWaitPolicy) -> None:
        self._pool = pool
        self._wait_policy = wait_policy

    @property
    def in_a_hurry(self) -> bool:
        """Whether the caller is the GUI thread, or to be treated as such."""
        return self._wait_policy.in_a_hurry

    def ask(self, database: DatabaseConnection, *question: str) -> Any:
        """Return the result of a command; waits as the wait policy permits.

        :param question: a command of the database, and its argument.
        :raises tango.DevFailed: if the command fails, or there is no answer in time.
        """
        if self._pool.owns(threading.current_thread()):
            # A request to the pool could deadlock: all its threads may wait.
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
        if self._pool.owns(threading.current_thread()):
            return database.call(*question)
        answer = self._asked(database, question)
        if self.in_a_hurry and taurus_compat.fills_a_form():
            self._wait_policy.wait_if_it_runs(answer, database)
        else:
            self._wait_policy.wait_at_length(answer, database)
        return _answer_to(question, answer, database)

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

    def _asked(
        self, database: DatabaseConnection, question: DatabaseRequest
    ) -> Future[Any]:
        """Return the pending or late answer to an equal request; else begin one."""
        unclaimed = database.unclaimed.pop(question, None)
        if unclaimed is not None and not _is_vain(unclaimed):
            return unclaimed
        return self.begin(database, *question)


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
    database.unclaimed[question] = answer
    database.no_answer()


def _is_vain(answer: Future[Any]) -> bool:
    failed = answer.done() and (answer.cancelled() or answer.exception() is not None)
    return bool(failed)
