"""One thread that probes any number of servers at once.

A call of Tango to a server that hangs holds its thread for 3 to 9 s, so that ten such
servers would block a pool of any reasonable size. A probe blocks nothing: each server
is sent a dozen bytes (:mod:`taurus_tpo.core.giop`), and only a server that answers is
called.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import logging
import os
import queue
import selectors
import socket
import struct
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Callable

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.giop import HEADER_LENGTH, Address, is_answer, locate_request

#: Name of the thread, for debuggers.
THREAD_NAME = "taurus_tpo liveness"

#: A server that has not answered a probe within this time counts as silent, s.
SILENCE = 1.0

#: How long a connection to a server is kept for the next probe, s.
KEEP = 2.0

#: Results of connect_ex() while connecting.
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


#: Where Linux has the round trip (``tcpi_rtt``, microseconds) in a ``tcp_info``.
_ROUND_TRIP_AT = 68


class Liveness(enum.Enum):
    """Result of a probe."""

    ANSWERS = "the server answers"
    REFUSES = "nobody listens there: a call fails at once"
    SILENT = "the server has not answered"


#: Receives a result. After ``SILENT`` it returns the pause before the next probe, s, or
#: None to stop; an answer that arrives during the pause is reported, too.
Tell = Callable[[Liveness], "float | None"]

#: Receives how long the network takes to a server and back, s.
Measured = Callable[[float], Any]


class _State(enum.Enum):
    """State of a connection."""

    KEPT = "nobody wants to know; the connection is kept for a while"
    ASKING = "a question is on its way"
    RESTING = "silent so far; asked again later, and a late answer counts"


@dataclass
class _Connection:
    """The connection to one server.

    :param tell: receives the result; None if none is expected.
    :param measured: receives the round trip of a new connection.
    :param due: when the present state ends, monotonic clock, s.
    :param reused: whether the socket was used for an earlier probe.
    """

    address: Address
    tell: Tell | None = None
    measured: Measured | None = None
    due: float = 0.0
    state: _State = _State.KEPT
    socket: socket.socket | None = None
    heard: bytes = b""
    reused: bool = False


class LivenessMonitor:
    """Probes servers; its thread starts on demand and ends when idle.

    All methods may be called from any thread and return at once.

    :param silence: how long a server has to answer, s.
    :param keep: how long a connection is kept, s; with the last one the thread ends.
    :param log: logger for errors.
    """

    def __init__(
        self,
        silence: float = SILENCE,
        keep: float = KEEP,
        clock: Clock = SYSTEM,
        log: Any = None,
    ) -> None:
        self._silence = silence
        self._keep = keep
        self._clock = clock
        self._log = log if log is not None else logging.getLogger(__name__)
        self._asked: queue.SimpleQueue[tuple[Hashable, Address, Tell, Measured | None]]
        self._asked = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._closed = False
        # From here on: used by the thread only.
        self._lines: dict[Hashable, _Connection] = {}
        self._selector: selectors.BaseSelector
        self._numbers = 0

    @property
    def silence(self) -> float:
        """How long a server has to answer a probe, s."""
        return self._silence

    def check(
        self,
        server: Hashable,
        address: Address,
        tell: Tell,
        measured: Measured | None = None,
    ) -> None:
        """Probe ``server``.

        A running probe is not repeated: its result goes to the last caller.

        :param tell: called in the monitor's thread, once or, while it returns a pause,
            again; must not block.
        :param measured: called in the same thread for each new connection, where the
            system tells the round trip; must not block, or raise.
        """
        self._asked.put((server, address, tell, measured))
        with self._changed:
            if self._closed:
                return
            if self._waker is not None:
                # A full socket buffer has woken the thread already.
                with contextlib.suppress(BlockingIOError):
                    self._waker.send(b".")
            else:
                self._start()

    def threads(self) -> tuple[threading.Thread, ...]:
        """Return the running threads: one or none."""
        with self._changed:
            return () if self._thread is None else (self._thread,)

    def close(self, timeout: float | None = 0.0) -> bool:
        """End the thread; no result is reported any more.

        :param timeout: how long to wait for it, s; None: no limit.
        :return: whether it has ended.
        """
        with self._changed:
            self._closed = True
            if self._waker is not None:
                with contextlib.suppress(BlockingIOError):
                    self._waker.send(b".")
            return self._changed.wait_for(lambda: self._thread is None, timeout)

    def _start(self) -> None:
        """Start the thread; with the lock held."""
        with contextlib.ExitStack() as stack:
            try:
                selector = stack.enter_context(selectors.DefaultSelector())
                waker, woken = map(stack.enter_context, socket.socketpair())
                waker.setblocking(False)
                woken.setblocking(False)
                selector.register(woken, selectors.EVENT_READ)
                thread = threading.Thread(
                    target=self._run,
                    args=(selector, woken),
                    name=THREAD_NAME,
                    daemon=True,
                )
                thread.start()
            except (OSError, RuntimeError) as error:
                # The next check() tries again; the pending ones stay in the queue.
                self._log.warning("No thread for %s: %s", THREAD_NAME, error)
                return
            stack.pop_all()
            self._waker, self._thread = waker, thread

    # --- the thread ---

    def _run(self, selector: selectors.BaseSelector, woken: socket.socket) -> None:
        with selector:
            self._selector = selector
            while not self._may_end(woken):
                # An answer that has arrived by then is processed first, even if this
                # thread has waited for a processor since.
                now = self._clock.monotonic()
                for key, _ in self._selector.select(self._until_due()):
                    if key.data is None:
                        _drain(woken)
                    else:
                        self._on_line(key.data)
                self._take_requests()
                self._conclude_due(now)

    def _may_end(self, woken: socket.socket) -> bool:
        """Mark the thread as ended and clean up, unless there is work left."""
        with self._changed:
            if not self._closed and (self._lines or not self._asked.empty()):
                return False
            for server in list(self._lines):
                self._forget(server)
            assert self._waker is not None
            self._waker.close()
            woken.close()
            self._waker = self._thread = None
            self._changed.notify_all()
            return True

    def _until_due(self) -> float | None:
        if not self._lines:
            return 0.0
        first = min(line.due for line in self._lines.values())
        return max(0.0, first - self._clock.monotonic())

    def _take_requests(self) -> None:
        while not self._asked.empty():
            server, address, tell, measured = self._asked.get()
            line = self._lines.get(server)
            if line is not None and line.address != address:
                # The server was restarted at another address.
                self._forget(server)
                line = None
            if line is None:
                line = self._lines[server] = _Connection(address)
            line.tell, line.measured = tell, measured
            if line.state is not _State.ASKING:
                self._ask_on(server, line)

    def _ask_on(self, server: Hashable, line: _Connection) -> None:
        """Send a probe on the existing connection, or on a new one."""
        line.due = self._clock.monotonic() + self._silence
        line.state = _State.ASKING
        line.heard = b""
        line.reused = line.socket is not None
        if line.socket is None:
            self._dial(server, line)
        else:
            self._say(server, line)

    def _dial(self, server: Hashable, line: _Connection) -> None:
        try:
            line.socket = _connecting(line.address)
        except (OSError, ValueError, OverflowError) as error:
            # Invalid host or port: a call fails at once, too.
            self._log.debug("%s: %s", line.address, error)
            self._conclude(server, line, Liveness.REFUSES)
            return
        # The socket is writable when it is connected, or refused.
        self._selector.register(line.socket, selectors.EVENT_WRITE, server)

    def _on_line(self, server: Hashable) -> None:
        """Process an event of a socket."""
        line = self._lines.get(server)
        if line is None or line.socket is None:
            return
        watched = self._selector.get_key(line.socket).events
        if watched == selectors.EVENT_WRITE:
            refused = line.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if refused:
                self._log.debug("%s: %s", line.address, os.strerror(refused))
                self._conclude(server, line, Liveness.REFUSES)
                return
            self._selector.modify(line.socket, selectors.EVENT_READ, server)
            self._measure(line)
            if line.state is _State.ASKING:
                # The server has its whole time from the request on.
                line.due = self._clock.monotonic() + self._silence
            self._say(server, line)
            return
        self._listen(server, line)

    def _measure(self, line: _Connection) -> None:
        """Report the round trip of a connection, as Linux saw it while connecting.

        Unlike the time of an answer it does not depend on how busy either machine is.
        """
        if line.measured is None or not hasattr(socket, "TCP_INFO"):
            return
        assert line.socket is not None
        length = _ROUND_TRIP_AT + 4
        try:
            told = line.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, length)
        except OSError as error:
            self._log.debug("%s: no round trip is known: %s", line.address, error)
            return
        (microseconds,) = struct.unpack_from("=I", told, _ROUND_TRIP_AT)
        line.measured(microseconds / 1e6)

    def _say(self, server: Hashable, line: _Connection) -> None:
        self._numbers += 1
        assert line.socket is not None
        try:
            line.socket.send(locate_request(self._numbers, line.address.key))
        except OSError as error:
            self._broken(server, line, error)

    def _listen(self, server: Hashable, line: _Connection) -> None:
        assert line.socket is not None
        try:
            heard = line.socket.recv(4096)
        except OSError as error:
            self._broken(server, line, error)
            return
        line.heard += heard
        if not heard:
            self._broken(server, line, "it has hung up")
        elif line.state is _State.KEPT:
            return
        elif is_answer(line.heard):
            self._conclude(server, line, Liveness.ANSWERS)
        elif len(line.heard) >= HEADER_LENGTH:
            # Another program listens there now.
            self._conclude(server, line, Liveness.REFUSES)

    def _broken(self, server: Hashable, line: _Connection, why: Any) -> None:
        """Handle a connection that the server has closed; a reused one is reopened."""
        self._log.debug("%s: %s", line.address, why)
        self._hang_up(line)
        if line.state is _State.KEPT:
            self._lines.pop(server)
        elif line.reused:
            line.reused = False
            self._dial(server, line)
        else:
            self._conclude(server, line, Liveness.REFUSES)

    def _conclude_due(self, now: float) -> None:
        """Take the next step of the connections that were due at ``now``."""
        due = [(key, line) for key, line in self._lines.items() if line.due <= now]
        for server, line in due:
            if line.state is _State.ASKING:
                self._conclude(server, line, Liveness.SILENT)
            elif line.state is _State.RESTING:
                # The probe may have been lost when the host was switched off.
                self._hang_up(line)
                self._ask_on(server, line)
            else:
                self._forget(server)

    def _conclude(self, server: Hashable, line: _Connection, verdict: Liveness) -> None:
        """Report the result, and set the next state."""
        pause = None if line.tell is None else self._told(line.tell, verdict)
        if verdict is Liveness.SILENT and pause is not None:
            line.state = _State.RESTING
            line.due = self._clock.monotonic() + pause
        elif verdict is Liveness.ANSWERS:
            line.state, line.tell = _State.KEPT, None
            line.due = self._clock.monotonic() + self._keep
        else:
            self._forget(server)

    def _told(self, tell: Tell, verdict: Liveness) -> float | None:
        try:
            return tell(verdict)
        except Exception as error:  # noqa: BLE001 - other servers must be probed too
            self._log.error(
                "the result of a probe (%s) could not be processed: %r", verdict, error
            )
            self._log.debug("details:", exc_info=True)
            return None

    def _hang_up(self, line: _Connection) -> None:
        if line.socket is not None:
            self._selector.unregister(line.socket)
            line.socket.close()
            line.socket = None

    def _forget(self, server: Hashable) -> None:
        self._hang_up(self._lines.pop(server))


def _drain(woken: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while woken.recv(4096):
            pass


def _connecting(address: Address) -> socket.socket:
    """Return a socket that is being connected to ``address``.

    A host name is resolved here, which may block (an ORB publishes IP addresses by
    default).

    :raises OSError: if that fails at once.
    """
    kind = socket.SOCK_STREAM
    found = socket.getaddrinfo(address.host, address.port, type=kind)
    family, kind, protocol, _, where = found[0]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    try:
        failed = made.connect_ex(where)
        if failed not in _UNDER_WAY:
            raise OSError(failed, os.strerror(failed))
    except BaseException:
        made.close()
        raise
    return made
