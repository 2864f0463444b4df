"""Servers on loopback that answer, or do not, as a test wants."""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType

from taurus_tpo.core.giop import Address

#: The answer to a question: GIOP 1.0, the object is here.
REPLY = b"GIOP\x01\x00\x01\x04" + b"\x08\x00\x00\x00" + b"\x01\0\0\0" + b"\x01\0\0\0"

KEY = b"some object"


class Port:
    """A port of loopback at which something is, or nothing."""

    def __init__(self, listens: bool) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        if listens:
            # Connections are made by the system; nobody takes them.
            self._socket.listen(100)
        self.address = Address("127.0.0.1", self._socket.getsockname()[1], KEY)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Port:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Orb(Port):
    """A server that takes connections and questions, and answers while it wants to."""

    def __init__(self, answers: bool = True, reply: bytes = REPLY) -> None:
        super().__init__(listens=True)
        self._reply = reply
        self._lock = threading.Lock()
        self._answers = answers
        self._unanswered: list[socket.socket] = []
        self._open: list[socket.socket] = []
        self._heard: list[bytes] = []
        self._connections = 0
        self._waker, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def heard(self) -> list[bytes]:
        """The questions that have come."""
        with self._lock:
            return list(self._heard)

    @property
    def connections(self) -> int:
        """The number of connections that were made."""
        with self._lock:
            return self._connections

    @property
    def open(self) -> int:
        """The number of connections that are open."""
        with self._lock:
            return len(self._open)

    def hang(self) -> None:
        """Answer no more."""
        with self._lock:
            self._answers = False

    def answer(self) -> None:
        """Answer from now on, and what was asked before."""
        with self._lock:
            self._answers = True
            for one in self._unanswered:
                one.sendall(self._reply)
            self._unanswered.clear()

    def hang_up(self) -> None:
        """End all connections, and take new ones."""
        with self._lock:
            for one in self._open:
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._waker.close()
        self._thread.join()
        super().close()

    def _run(self) -> None:
        with self._selector as selector:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        self._woken.close()
                        for one in self._open:
                            one.close()
                        return
                    if key.fileobj is self._socket:
                        self._take(selector)
                    else:
                        assert isinstance(key.fileobj, socket.socket)
                        self._hear(selector, key.fileobj)

    def _take(self, selector: selectors.BaseSelector) -> None:
        one, _ = self._socket.accept()
        with self._lock:
            self._connections += 1
            self._open.append(one)
        selector.register(one, selectors.EVENT_READ)

    def _hear(self, selector: selectors.BaseSelector, one: socket.socket) -> None:
        try:
            heard = one.recv(4096)
        except OSError:
            heard = b""
        with self._lock:
            if not heard:
                selector.unregister(one)
                self._open.remove(one)
                if one in self._unanswered:
                    self._unanswered.remove(one)
                one.close()
                return
            self._heard.append(heard)
            if self._answers:
                one.sendall(self._reply)
            else:
                self._unanswered.append(one)
