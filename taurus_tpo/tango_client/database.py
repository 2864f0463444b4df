"""One object a Tango database, which is asked as a device is: by the pool."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any, NoReturn

import tango

from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.server_health import Server

#: A database need not be found first.
_PLACED = threading.Event()
_PLACED.set()

#: The reason of the error where nobody has answered yet.
NOT_YET = "TPO_NoAnswerYet"

#: What is asked of a database: a command of its device, and what that gets.
DatabaseRequest = tuple[str, ...]


class DatabaseConnection:
    """A Tango database as the plugin uses it; for the pool, it is one more device.

    All methods may be called from any thread; those that reach the database wait for
    it.

    :param authority: ``host:port``, or several of them, or empty; where it does not
        name one host and port, the database of the environment is meant.
    :param server: what is known of the health of its process.
    """

    def __init__(self, authority: str, server: Server, clock: Clock = SYSTEM) -> None:
        self.server = server
        self.placed = _PLACED
        self.located = True
        self.costs = ReadCosts()
        self.late = False
        #: Answers that came, or will, when whoever had asked was gone.
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
        """Return whether its last answer, or refusal, is no older than that."""
        age = self._clock.monotonic() - self.server.answered
        return not self.server.silent and age <= seconds

    def no_answer(self) -> NoReturn:
        """Raise why there is no answer.

        :raises tango.DevFailed: always.
        """
        if self.server.error is not None:
            raise fresh(self.server.error)
        no_answer_yet(str(self))

    def tango_database(self) -> Any:
        """Return the ``tango.Database``; the first time, wait for it.

        :raises tango.DevFailed: where it does not answer.
        """
        if self._made is None:
            host, _, port = self._authority.partition(":")
            known = port.isdecimal()
            # Of two threads, one makes it in vain.
            self._made = tango.Database(host, int(port)) if known else tango.Database()
        return self._made

    def call(self, command: str, *argument: str) -> Any:
        """Return what the database says, and wait for it.

        A command, since PyTango keeps the interpreter to itself while it is in one of
        the methods of its ``Database``: all threads would wait.

        :param command: one of the device that is the database.
        :raises tango.DevFailed: where it does not answer, or says no.
        """
        return self.tango_database().command_inout(command, *argument)


def is_answer(error: Any) -> bool:
    """Return whether a ``DevFailed`` is the word of the database itself.

    It is none where the database was not reached, or has not answered in time.
    """
    return not str(error.args[0].reason).startswith(("API_", "TPO_"))


def no_answer_yet(who: str) -> NoReturn:
    """Raise that there is no answer yet.

    :raises tango.DevFailed: always.
    """
    tango.Except.throw_exception(NOT_YET, f"{who}: no answer yet", "taurus_tpo")
    raise AssertionError
