"""Devices that first answered after a window had requested them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable

from taurus_tpo.scheme.gui_thread import current_application

#: Name of these requests in the pool.
NAME = "late device"


class PendingDevices:
    """Collects devices whose widgets may have to be rebuilt.

    Because the device has answered for the first time after a request, or because more
    is known about it. Keeps none of them alive. All methods may be called from any
    thread, and return at once.

    :param connect: requests a connection, see
        :meth:`taurus_tpo.scheme.factory.TpoTangoFactory.connect`.
    :param connection_of: returns the connection of a device.
    """

    def __init__(
        self,
        connect: Callable[[Any, Hashable, float, bool], Future[Any]],
        connection_of: Callable[[Any], Any],
    ) -> None:
        self._connect = connect
        self._connection_of = connection_of
        self._lock = threading.Lock()
        #: Devices with a pending request, by their identities.
        self._expected: dict[int, weakref.ref[Any]] = {}
        self._came: list[weakref.ref[Any]] = []

    def expect(self, device: Any) -> None:
        """Record ``device`` when it answers for the first time.

        If it has not answered yet, and there is an application. The request is retried
        as long as the device has listeners: a widget has become one by the time of the
        first answer.
        """
        if self._connection_of(device).configured or current_application() is None:
            return
        key = id(device)
        with self._lock:
            if key in self._expected:
                return
            forget = partial(self._forget, key)
            self._expected[key] = weakref.ref(device, forget)
        self._ask(device, 0.0)

    def add(self, device: Any) -> None:
        """Record ``device``: more is known about it."""
        with self._lock:
            self._came.append(weakref.ref(device))

    def take(self) -> list[Any]:
        """Return the recorded devices that still exist, each once, and forget them."""
        with self._lock:
            came, self._came = self._came, []
        found = (reference() for reference in came)
        return list({id(one): one for one in found if one is not None}.values())

    def _ask(self, device: Any, delay: float) -> None:
        answer = self._connect(device, NAME, delay, True)
        answer.add_done_callback(partial(self._on_answer, id(device)))

    def _on_answer(self, key: int, answer: Future[Any]) -> None:
        """Record the device, or retry the request; called by the pool."""
        reference = self._expected.get(key)
        device = None if reference is None else reference()
        if device is None or answer.cancelled():
            self._forget(key)
        elif self._connection_of(device).configured:
            self._forget(key)
            self.add(device)
        elif device.hasListeners():
            self._ask(device, self._connection_of(device).retry_delay)
        else:
            self._forget(key)

    def _forget(self, key: int, *_gone: Any) -> None:
        # No lock: called when a device is garbage-collected, in any thread.
        self._expected.pop(key, None)
