"""Devices that were there later than a window asked for them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable

from taurus_tpo.scheme.gui_thread import current_application

#: By what name the pool knows these requests.
NAME = "late device"


class PendingDevices:
    """Keeps those devices of which a widget may have to be built anew.

    Because the device has answered for the first time after somebody asked for it, or
    because more is known of it by now. Keeps none of them alive. All methods may be
    called from any thread, and return at once.

    :param connect: has a device asked whether it answers, see
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
        #: Those that are being asked, by their identities.
        self._expected: dict[int, weakref.ref[Any]] = {}
        self._came: list[weakref.ref[Any]] = []

    def expect(self, device: Any) -> None:
        """Take note of ``device`` when it answers for the first time.

        Where it never has, and there are windows. It is asked as long as it has
        listeners: a widget has become one by the time of the first answer.
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
        """Take note of ``device``: more is known of it by now."""
        with self._lock:
            self._came.append(weakref.ref(device))

    def take(self) -> list[Any]:
        """Return those that there are, each once; from now on there are none."""
        with self._lock:
            came, self._came = self._came, []
        found = (reference() for reference in came)
        return list({id(one): one for one in found if one is not None}.values())

    def _ask(self, device: Any, delay: float) -> None:
        answer = self._connect(device, NAME, delay, True)
        answer.add_done_callback(partial(self._on_answer, id(device)))

    def _on_answer(self, key: int, answer: Future[Any]) -> None:
        """Take note of it, or have it asked again; called by the pool."""
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
        # No lock: a device that is collected as garbage may be forgotten in any thread.
        self._expected.pop(key, None)
