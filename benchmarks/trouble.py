"""Brings servers into the state that a case wants, and out of it again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from benchmarks.facilities import Group, State
from taurus_tpo.sim import Facility

#: How long after the window the servers that are late are started, s.
LATE_BY = 3.0


def _servers(facility: Facility, groups: Sequence[Group], state: State) -> list[Any]:
    return [
        facility.server(name)
        for group in groups
        if group.state is state
        for name in group.server_names
    ]


@contextlib.contextmanager
def hung(facility: Facility, groups: Sequence[Group]) -> Iterator[None]:
    """Hang the servers that are to hang for the time of the block.

    For one run only: those who wait for a hung server fill its queue, and a full one is
    another sort of trouble.
    """
    servers = _servers(facility, groups, State.HUNG)
    for server in servers:
        server.hang()
    try:
        yield
    finally:
        for server in servers:
            server.resume()
        for server in servers:
            server.wait_serving()


class LateServers:
    """The servers that are started when the window is there, for one run.

    A context manager, after which they do not run any more.
    """

    def __init__(self, facility: Facility, groups: Sequence[Group]) -> None:
        self._servers = _servers(facility, groups, State.LATE)
        self._thread = ThreadPoolExecutor(1, "late servers")
        self._started: Future[float] | None = None

    def start_soon(self) -> None:
        """Start them some seconds from now, in another thread."""
        self._started = self._thread.submit(self._start)

    def _start(self) -> float:
        time.sleep(LATE_BY)
        for server in self._servers:
            server.launch()
        for server in self._servers:
            server.wait_serving()
        return time.time()

    def answered(self) -> float | None:
        """Return when they answered, seconds since the epoch; None if never started.

        :raises FacilityError: if they did not
        """
        return None if self._started is None else self._started.result()

    def __enter__(self) -> LateServers:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        for server in self._servers:
            server.terminate()
