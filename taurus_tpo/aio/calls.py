"""Calls to Taurus off the event loop, by threads that the process owns."""

from __future__ import annotations

import os
from collections.abc import Hashable
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable

import tango
import taurus

from taurus_tpo.concurrency.keyed_executor import KeyedExecutor
from taurus_tpo.concurrency.shared_future import pass_on
from taurus_tpo.environment import activation
from taurus_tpo.scheme.program_calls import (
    FIRST_SCHEME,
    OF_DEVICES,
    key_of,
    made,
    read_soon,
)

#: Prefix of the names of the threads.
THREAD_NAME = "taurus_tpo aio"


class TaurusCalls:
    """Calls Taurus in threads of its own: those of one device one after the other.

    Methods may be called from any thread; unless they say so, they never wait. Results
    are errors of Taurus and Tango if a call fails.
    """

    def __init__(self) -> None:
        self._executor = KeyedExecutor(THREAD_NAME)
        #: Makes what Taurus makes without a lock: of two threads, one would get an
        #: object that is not ready.
        self._maker = KeyedExecutor(f"{THREAD_NAME} maker", workers=1, most_blocked=0)
        #: The schemes whose factories are made.
        self._schemes: set[str] = set()
        os.register_at_fork(after_in_child=self._restart_in_child)

    def _restart_in_child(self) -> None:
        self._executor.restart_in_child()
        self._maker.restart_in_child()

    def read(self, model: str) -> Future[Any]:
        """Read an attribute; a separate future for each caller.

        It gets the value that the device has after this call.
        """
        result: Future[Any] = Future()
        begun = self.submit(model, partial(self._begin_read, model), ("read", model))
        begun.add_done_callback(partial(_await_read, result))
        return result

    def write(self, model: str, value: Any) -> Future[Any]:
        """Write an attribute; the future gets the value that was read back.

        Cancelling it withdraws the call unless it has begun.
        """
        return self.submit(model, partial(self._write, model, value))

    def submit(
        self, model: str, action: Callable[[], Any], name: Hashable = None
    ) -> Future[Any]:
        """Have ``action`` called after the earlier ones of the device of ``model``.

        :param name: see
            :meth:`taurus_tpo.concurrency.keyed_executor.KeyedExecutor.submit`.
        :raises RuntimeError: if the plugin is off.
        """
        scheme = taurus.getSchemeFromName(model)
        before = None if scheme in self._schemes else self._request_factory(scheme)

        def act() -> Any:
            if before is not None:
                before.result()
            return _with_omni_thread(action)

        return self._executor.submit(key_of(model), act, name)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is pending or running; return whether that is so."""
        return self._executor.wait(timeout) and self._maker.wait(timeout)

    def made(self, model: str) -> Any:
        """Return Taurus's attribute; does not wait for a device that hangs.

        For another scheme, waits as long as Taurus. Called by the threads of this
        object.

        :raises Exception: whatever Taurus raises.
        """
        if taurus.getSchemeFromName(model) in OF_DEVICES:
            return made(model)
        act = partial(_with_omni_thread, partial(made, model))
        return self._maker.submit(None, act).result()

    def _begin_read(self, model: str) -> Future[Any]:
        """Have the pool read an attribute; or read it here, if it is no Tango one.

        :return: the read, not to be cancelled: several callers may wait for it.
        """
        attribute = self.made(model)
        if hasattr(attribute.factory(), "read_soon"):
            return read_soon(attribute)
        read: Future[Any] = Future()
        read.set_result(attribute.read(cache=False))
        return read

    def _write(self, model: str, value: Any) -> Any:
        return self.made(model).write(value)

    def _request_factory(self, scheme: str) -> Future[Any]:
        """Have the factory of ``scheme`` made.

        Stock Taurus cannot be called by several threads: of two that make and destroy
        attributes, one gets an object that is not ready, or the process crashes.
        """
        plugin = activation.decide()
        if not plugin.active:
            raise RuntimeError(f"taurus_tpo.aio needs the plugin: {plugin.reason}")
        return self._maker.submit(None, partial(self._make_factory, scheme), scheme)

    def _make_factory(self, scheme: str) -> None:
        for one in (FIRST_SCHEME, scheme):
            factory = taurus.Factory(one)
            if one == FIRST_SCHEME and not hasattr(factory, "wait_at_end"):
                raise RuntimeError("taurus_tpo.aio needs the plugin: not installed")
            if one == FIRST_SCHEME:
                factory.wait_at_end(self._finish)
            self._schemes.add(one)

    def _finish(self, timeout: float | None) -> bool:
        """Drop what has not begun; return whether the rest ends in time."""
        are_done = [one.finish(timeout) for one in (self._executor, self._maker)]
        return all(are_done)


#: The calls of the process: attributes, and what waits for devices, belong to it, not
#: to an event loop.
CALLS = TaurusCalls()


def _with_omni_thread(action: Callable[[], Any]) -> Any:
    """Call ``action`` in a thread of Python's, which Tango does not know.

    It crashes if two such threads subscribe.
    """
    with tango.EnsureOmniThread():
        return action()


def _await_read(result: Future[Any], begun: Future[Any]) -> None:
    """Give ``result`` what the read brings that ``begun`` has begun."""
    failed = begun.cancelled() or begun.exception() is not None
    read = begun if failed else begun.result()
    read.add_done_callback(partial(pass_on, result))
