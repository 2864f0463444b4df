"""Connections of the Taurus devices, and how long their callers wait for them."""

from __future__ import annotations

import logging
import math
import threading
import weakref
from collections.abc import Hashable, Iterable
from concurrent.futures import Future
from contextvars import ContextVar
from functools import partial
from typing import Any, Callable

import tango

from taurus_tpo.concurrency.io_pool import DevicePool
from taurus_tpo.core.rules import AttributeName
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme.absent_proxy import AbsentProxy
from taurus_tpo.scheme.gui_wait_policy import GuiWaitPolicy
from taurus_tpo.scheme.pending_devices import PendingDevices
from taurus_tpo.tango_client.client import TangoClient
from taurus_tpo.tango_client.device import DeviceConnection

#: Largest age of the configurations of a device that are used for a new attribute, s:
#: in a script, and while a window is built. They may have changed since. (For a window,
#: they are read again later.)
JUST_TOLD = {False: 0.05, True: 0.5}

#: Name in the pool of the requests of a program.
BY_NAME = "by name"

#: Whether the caller makes a device that it does not wait for; per thread.
_PREFETCHES: ContextVar[bool] = ContextVar("taurus_tpo_prefetches", default=False)

#: Attribute of a Taurus device that keeps its connection, so that both live equally
#: long.
_CONNECTION = "_taurus_tpo_connection"


class DeviceAccess:
    """Connects Taurus devices by the pool. Methods may be called from any thread.

    :param wait_policy: how long the GUI thread waits.
    :param client: has the subscriptions and the servers.
    :param log: logger for devices that a thread of the pool cannot connect to.
    """

    def __init__(
        self,
        pool: DevicePool,
        wait_policy: GuiWaitPolicy,
        client: TangoClient,
        log: Any = None,
    ) -> None:
        self._pool = pool
        self._wait_policy = wait_policy
        self._client = client
        self._log = log if log is not None else logging.getLogger(__name__)
        #: The devices that answered only after a window requested them.
        self.late = PendingDevices(self.connect, self.connection)

    def connection(self, device: Any) -> DeviceConnection:
        """Return the connection of a Taurus device; the same one for its lifetime.

        :param device: any Taurus device object with ``getDeviceProxy``.
        """
        connection = vars(device).get(_CONNECTION)
        if connection is None:
            name = AttributeName.of_device(device.getFullName())
            patterns = CUSTOM_SETTINGS.current().read_one_by_one
            one_by_one = any(pattern.matches(name) for pattern in patterns)
            made = DeviceConnection(device, self._client, one_by_one=one_by_one)
            # Two threads may both make one; the first one is kept.
            connection = vars(device).setdefault(_CONNECTION, made)
        return connection

    def connect(
        self,
        device: Any,
        name: Hashable = "",
        delay: float = 0.0,
        patient: bool = False,
    ) -> Future[Any]:
        """Have the pool find out whether ``device`` answers; returns at once.

        :param name: identifies the request: of equal ones, one is made.
        :param delay: s from now, unless it is being served already.
        :param patient: if its server is known not to answer, wait until it does.
        :return: gets the connection, or a ``DevFailed``.
        """
        connection = self.connection(device)
        return self._pool.submit(
            connection, name, weakref.ref(device), RequestKind.CONNECT, delay, patient
        )

    def proxy_of(self, device: Any) -> Any:
        """Return the proxy of ``device``, or None if it does not answer in time.

        For requests that Taurus makes by itself; the wait is limited, see
        :class:`taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy`.
        """
        connection = self.connection(device)
        if connection.made_proxy is None and not _PREFETCHES.get():
            self._reach(device, connection)
        return connection.made_proxy

    def prefetch(self, make: Callable[[], Any], attributes: Iterable[str]) -> Any:
        """Make a device, and request the configurations of attributes of it.

        Does not wait for the device.

        :param make: returns the device, or None.
        :param attributes: they are about to be made.
        :return: what ``make`` has returned.
        """
        token = _PREFETCHES.set(True)
        try:
            device = make()
        finally:
            _PREFETCHES.reset(token)
        if device is not None:
            self.connection(device).prefetch(attributes)
            self.connect(device)
        return device

    def proxy_by_name(self, device: Any) -> Any:
        """Return the proxy of ``device``; waits for it, in any thread.

        For requests of a program, see
        :meth:`taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy.wait_by_name`.

        :return: an ``AbsentProxy`` if its server does not answer; None if there can be
            no proxy: the database does not know the device, or does not answer.
        """
        connection = self.connection(device)
        self.reach_by_name(device)
        if connection.known_proxy is not None or not connection.located:
            return connection.known_proxy
        name = "/".join(connection.name.split("/")[-3:])
        find = partial(self._found_by_name, device)
        return AbsentProxy(name, device.getParentObj(), find, connection.no_answer)

    def _found_by_name(self, device: Any) -> Any:
        self.reach_by_name(device)
        return self.connection(device).known_proxy

    def reach_by_name(self, device: Any) -> bool:
        """Wait for ``device``, which a program has requested; in any thread.

        :return: whether it can be called; False while its server does not answer.
        """
        connection = self.connection(device)
        if connection.made_proxy is None:
            self._wait_by_name(device, connection)
            self.late.expect(device)
        return connection.made_proxy is not None and not connection.silent

    def _wait_by_name(self, device: Any, connection: DeviceConnection) -> None:
        if self._pool.owns(threading.current_thread()):
            self._reach_here(connection)
        elif self._wait_policy.in_a_hurry and taurus_compat.fills_a_form():
            self._reach_if_it_runs(device, connection)
        else:
            ask = partial(self.connect, device, BY_NAME, 0.0)
            self._wait_policy.wait_by_name(ask, connection)

    def _reach_here(self, connection: DeviceConnection) -> None:
        """Connect in this thread of the pool, which cannot wait for the pool.

        Not to a server that does not answer.
        """
        try:
            if not connection.located:
                connection.locate()
            if self._pool.server_answers(connection.server):
                connection.proxy()
        except tango.DevFailed as error:
            self._log.debug("%s: %s", connection.name, error.args[0].desc)

    def _reach_if_it_runs(self, device: Any, connection: DeviceConnection) -> bool:
        """Wait for ``device`` if its server's process runs; return whether it answered.

        For requests that a form of Taurus makes by itself while it is filled.
        """
        if connection.silent:
            return False
        answer = self.connect(device, BY_NAME)
        self._wait_policy.wait_if_it_runs(answer, connection, self._pool.server_answers)
        return answer.done()

    def configuration_of(self, device: Any, attribute: str) -> Any:
        """Return Tango's ``AttributeInfoEx`` of an attribute of ``device``.

        Waits as :meth:`proxy_of`. In the GUI thread a device that is down is called
        once, not once per attribute.

        :raises tango.DevFailed: if the configuration is not known in time.
        """
        connection = self.connection(device)
        hurried = self._wait_policy.in_a_hurry
        known = connection.configuration_for_new(attribute, JUST_TOLD[hurried])
        is_down = connection.refused_lately and hurried
        if known is None and not is_down and self._reach(device, connection):
            known = connection.fresh_configuration(attribute)
            known = known or connection.configuration(attribute)
        if known is None and hurried:
            # An old configuration is better than none; it is verified later.
            known = connection.fresh_configuration(attribute, math.inf)
        return known if known is not None else connection.no_answer()

    def answers_in_time(self, device: Any) -> bool:
        """Return whether the caller may wait for a call to ``device``.

        In the GUI thread only if the device has answered lately. It is called to find
        out, and waited for if its server's process runs.
        """
        if not self._wait_policy.in_a_hurry:
            return True
        connection = self.connection(device)
        answered = self._reach_if_it_runs(device, connection)
        return answered and connection.answers_lately

    def _reach(self, device: Any, connection: DeviceConnection) -> bool:
        """Connect to ``device`` by the pool, wait as permitted; return whether done."""
        if self._pool.owns(threading.current_thread()):
            # This thread is serving it.
            return True
        hurried = self._wait_policy.in_a_hurry
        if connection.silent and hurried:
            return False
        answer = self.connect(device)
        if not hurried or not self.takes_long(device):
            self._wait_policy.wait(answer, connection)
        return answer.done()

    def takes_long(self, device: Any) -> bool:
        """Return whether to connect takes longer than the GUI thread waits for it."""
        connection = self.connection(device)
        is_far = getattr(device.getParentObj(), "is_far", False)
        return not connection.has_proxy and (is_far or connection.server.is_far)
