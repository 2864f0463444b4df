"""Puts servers into the state that a case needs, and restores them.

The process that owns the servers listens on a socket; ``python -m benchmarks.trouble
SOCKET WORD`` sends it a command, for the hooks of ``taurus tpo bench``.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Callable

from benchmarks.facilities import Group, State
from taurus_tpo.sim import Facility, FacilityError

#: The commands.
HANG, RESUME, START, END = "hang", "resume", "start", "end"
_STOP = "stop"


def _servers(facility: Facility, groups: Sequence[Group], state: State) -> list[Any]:
    return [
        facility.server(name)
        for group in groups
        if group.state is state
        for name in group.server_names
    ]


@contextlib.contextmanager
def hung(facility: Facility, groups: Sequence[Group]) -> Iterator[None]:
    """Stop the servers of hung groups for the time of the block.

    Use it for one run only: waiting clients fill the connection queue of a stopped
    server, and a full queue is a different fault.
    """
    servers = _servers(facility, groups, State.HUNG)
    _hang(servers)
    try:
        yield
    finally:
        _resume(servers)


def _hang(servers: Sequence[Any]) -> None:
    for server in servers:
        server.hang()


def _resume(servers: Sequence[Any]) -> None:
    for server in servers:
        server.resume()
    for server in servers:
        server.wait_serving()


def _start(servers: Sequence[Any]) -> None:
    for server in servers:
        server.launch()
    for server in servers:
        server.wait_serving()


def _end(servers: Sequence[Any]) -> None:
    for server in servers:
        server.terminate()


_ROW_ACTIONS: dict[str, tuple[State, Callable[[Sequence[Any]], None]]] = {
    HANG: (State.HUNG, _hang),
    RESUME: (State.HUNG, _resume),
    START: (State.LATE, _start),
    END: (State.LATE, _end),
}


class Trouble:
    """Carries out commands, for the time of a ``with`` block.

    Meanwhile only its thread may start or stop the servers.
    """

    def __init__(self, facility: Facility, groups: Sequence[Group]) -> None:
        self._facility = facility
        self._groups = groups
        self._folder = tempfile.TemporaryDirectory(prefix="taurus_tpo_trouble_")
        self._path = str(Path(self._folder.name, "socket"))
        self._listener = Listener(self._path, "AF_UNIX")
        self._thread = threading.Thread(target=self._serve, name="trouble")
        #: When started servers had answered, s since the epoch.
        self.answered: list[float] = []

    def asking(self, word: str) -> str:
        """Return the command line that sends the command ``word``."""
        return f"'{sys.executable}' -m benchmarks.trouble '{self._path}' {word}"

    def __enter__(self) -> Trouble:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        ask(self._path, _STOP)
        self._thread.join()
        self._listener.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        word = ""
        while word != _STOP:
            with self._listener.accept() as asker:
                word = asker.recv()
                asker.send(self._do(word))

    def _do(self, word: str) -> str:
        """Carry out a command; return an error message, or an empty text."""
        if word not in _ROW_ACTIONS:
            return (
                ""
                if word == _STOP
                else f"{word}: must be one of {', '.join(_ROW_ACTIONS)}"
            )
        state, row_action = _ROW_ACTIONS[word]
        try:
            row_action(_servers(self._facility, self._groups, state))
        except FacilityError as error:
            return str(error)
        if word == START:
            self.answered.append(time.time())
        return ""


def ask(path: str, word: str) -> str:
    """Send the command ``word`` to ``path``; return an error message, or nothing."""
    asking: Connection = Client(path, "AF_UNIX")
    with asking:
        asking.send(word)
        return str(asking.recv())


if __name__ == "__main__":
    # sys.exit would take an empty text as a failure.
    sys.exit(ask(*sys.argv[1:]) or 0)
