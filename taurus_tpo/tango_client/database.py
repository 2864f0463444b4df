"""Connection to a Tango database, which the pool calls as it calls a device."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any, NoReturn

import tango

from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.server_health import Server

#: A database does not have to be located.
_PLACED = threading.Event()
_PLACED.set()

#: Error reason: there is no answer yet.
NOT_YET = "TPO_NoAnswerYet"

#: A request to a database: a command of its device, and the arguments.
DatabaseRequest = tuple[str, ...]


class DatabaseConnection:
    """A Tango database; for the pool, one more device.

    All methods may be called from any thread; those that call the database wait for it.

    :param authority: ``host:port``, or several of them, or empty; unless it is one host
        and port, the database of the environment is used.
    :param server: the health of its process.
    """

    def __init__(self, authority: str, server: Server, clock: Clock = SYSTEM) -> None:
        self.server = server
        self.placed = _PLACED
        self.located = True
        self.costs = ReadCosts()
        self.late = False
        #: Answers, arrived or pending, whose caller did not wait for them.
        self.unclaimed: dict[DatabaseRequest, Future[Any]] = {}
        self._authority = authority
        self._clock = clock
        self._made: Any = None

    def __str__(self) -> str:
        return str(self.server)

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""
        return self.server.silent_lately(self._clock.monotonic())

    def answered_within(self, seconds: float) -> bool:
        """Return whether its last answer, or refusal, is at most ``seconds`` old."""
        age = self._clock.monotonic() - self.server.answered
        return not self.server.silent and age <= seconds

    def no_answer(self) -> NoReturn:
        """Raise the error that explains why there is no answer.

        :raises tango.DevFailed: always.
        """
        if self.server.error is not None:
            raise fresh(self.server.error)
        no_answer_yet(str(self))

    def tango_database(self) -> Any:
        """Return the ``tango.Database``; waits for it the first time.

        :raises tango.DevFailed: if it does not answer.
        """
        if self._made is None:
            host, _, port = self._authority.partition(":")
            known = port.isdecimal()
            # Two threads may both make one; the last one is kept.
            self._made = tango.Database(host, int(port)) if known else tango.Database()
        return self._made

    def call(self, command: str, *argument: str) -> Any:
        """Call a command of the database and return its result.

        Not a method of PyTango's ``Database``: they hold Python's lock during the call,
        which would block all threads.

        :param command: a command of the device of the database.
        :raises tango.DevFailed: if it does not answer, or the command fails.
        """
        return self.tango_database().command_inout(command, *argument)


def is_answer(error: Any) -> bool:
    """Return whether the database itself raised a ``DevFailed``.

    Otherwise it was not reached, or did not answer in time.
    """
    return not str(error.args[0].reason).startswith(("API_", "TPO_"))


def no_answer_yet(who: str) -> NoReturn:
    """Raise the error for a missing answer.

    :raises tango.DevFailed: always.
    """
    tango.Except.throw_exception(NOT_YET, f"{who}: no answer yet", "taurus_tpo")
    raise AssertionError
