"""Connection to a Tango database, which the pool calls as it calls a device."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable, NoReturn

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

#: How omniORB says that a server runs, and has no such object.
_NO_SUCH_OBJECT = "OBJECT_NOT_EXIST"

#: How long after its request an answer may be used for which no caller has waited, s:
#: longer than a call to a database that hangs takes.
UNCLAIMED_FOR = 30.0

#: How long the answer to such a call is waited for, s: Tango's own timeout.
STARTED_FOR = 3.0

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
        #: Answers, arrived or pending, whose caller did not wait for them, and since
        #: when they are kept, monotonic clock, s.
        self._unclaimed: dict[DatabaseRequest, tuple[Future[Any], float]] = {}
        #: When the old ones of these were removed last.
        self._tidied = float("-inf")
        self._authority = authority
        self._clock = clock
        self._made: Any = None

    def __str__(self) -> str:
        return str(self.server)

    def take_result(self, *question: str) -> Any:
        """Return the result that was kept for ``question``, None if there is none.

        As :meth:`claim`, without an answer that is pending or an error.
        """
        kept = self.claim(question)
        if kept is None or not kept.done() or kept.cancelled() or kept.exception():
            return None
        return kept.result()

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""
        return self.server.silent_lately(self._clock.monotonic())

    def answered_within(self, seconds: float) -> bool:
        """Return whether its last answer, or refusal, is at most ``seconds`` old."""
        age = self._clock.monotonic() - self.server.answered
        return not self.server.silent and age <= seconds

    def keep(self, question: DatabaseRequest, answer: Future[Any]) -> None:
        """Keep an answer, arrived or pending, for the next caller with that request."""
        now = self._clock.monotonic()
        if now - self._tidied > UNCLAIMED_FOR:
            self._tidied = now
            for other, (_, since) in list(self._unclaimed.items()):
                if now - since > UNCLAIMED_FOR:
                    self._unclaimed.pop(other, None)
        self._unclaimed[question] = answer, now

    def keeps(self, question: DatabaseRequest) -> bool:
        """Return whether :meth:`claim` would return an answer now."""
        answer, since = self._unclaimed.get(question, (None, 0.0))
        return answer is not None and self._clock.monotonic() - since <= UNCLAIMED_FOR

    def claim(self, question: DatabaseRequest) -> Future[Any] | None:
        """Return the answer that was kept for ``question``, or None.

        Once: what the database knows may change.
        """
        answer, since = self._unclaimed.pop(question, (None, 0.0))
        return None if self._clock.monotonic() - since > UNCLAIMED_FOR else answer

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
            # Two threads may both make one; the last one is kept.
            self._made = _connect(self._authority)
        return self._made

    def call(self, command: str, *argument: str) -> Any:
        """Call a command of the database and return its result.

        Not a method of PyTango's ``Database``: they hold Python's lock during the call,
        which would block all threads.

        :param command: a command of the device of the database.
        :raises tango.DevFailed: if it does not answer, or the command fails.
        """
        return self.tango_database().command_inout(command, *argument)

    def start_each(
        self, questions: Sequence[DatabaseRequest]
    ) -> list[Callable[[], Any]]:
        """Start some calls, and return what waits for the result of each.

        Each has a thread of omniORB; see :attr:`Server.calls_together`.

        :return: functions that return the result, or raise as :meth:`call`.
        """
        if len(questions) == 1:
            return [partial(self.call, *questions[0])]
        return [self._started(question) for question in questions]

    def _started(self, question: DatabaseRequest) -> Callable[[], Any]:
        try:
            database = self.tango_database()
            number = database.command_inout_asynch(*question)
        except tango.DevFailed:
            # It connects anew, or raises this error again.
            return partial(self.call, *question)
        milliseconds = int(1000 * STARTED_FOR)
        return partial(database.command_inout_reply, number, milliseconds)


def _connect(authority: str) -> Any:
    """Return a new ``tango.Database``; waits for it.

    :param authority: see :class:`DatabaseConnection`.
    :raises tango.DevFailed: if it does not answer, or if there is another server.
    """
    host, _, port = authority.partition(":")
    if not port.isdecimal():
        return tango.Database()
    try:
        return tango.Database(host, int(port))
    except tango.DevFailed as error:
        if _NO_SUCH_OBJECT not in error.args[0].desc:
            raise
        first = tango.DevError()
        first.reason, first.origin = error.args[0].reason, "taurus_tpo"
        first.severity = tango.ErrSeverity.ERR
        first.desc = (
            f"the server at {authority} is no Tango database ({_NO_SUCH_OBJECT}); the "
            f"models of a server without a database begin with tango-nodb://{authority}"
        )
        raise tango.DevFailed(first, *error.args) from None


def is_answer(error: Any) -> bool:
    """Return whether the database itself raised a ``DevFailed``.

    Otherwise it was not reached, or did not answer in time. A database in Python, with
    PyTango before 10.0, may raise what CORBA does not know.
    """
    first = error.args[0]
    if str(first.desc).startswith("UNKNOWN CORBA"):
        return True
    return not str(first.reason).startswith(("API_", "TPO_"))


def no_answer_yet(who: str) -> NoReturn:
    """Raise the error for a missing answer.

    :raises tango.DevFailed: always.
    """
    tango.Except.throw_exception(NOT_YET, f"{who}: no answer yet", "taurus_tpo")
    raise AssertionError
