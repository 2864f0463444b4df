"""What the plugin keeps of Tango: subscriptions, servers, and threads that call it."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable

from taurus_tpo.concurrency.foreign_calls import Callbacks
from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.server_registry import ServerRegistry
from taurus_tpo.tango_client.subscription import (
    LingeringProxies,
    UnansweredSubscriptions,
)
from taurus_tpo.tango_client.subscription_queue import Readiness, SubscriptionQueue


class TangoClient:
    """Owned by the factory; connections and subscriptions refer to it.

    Methods may be called from any thread.

    :param servers: the servers of the devices.
    :param readiness: tells when Tango may subscribe; None: always.
    :param log: logger for errors of the threads.
    """

    def __init__(
        self,
        servers: ServerRegistry,
        readiness: Readiness | None = None,
        clock: Clock = SYSTEM,
        log: Any = None,
    ) -> None:
        self.servers = servers
        #: Objects of the parent that a forked process keeps for ever: Tango's locks may
        #: be held there.
        self.of_the_parent: list[Any] = []
        #: The calls of Tango's threads into Python.
        self.callbacks = Callbacks()
        #: The subscriptions that Tango has not answered yet.
        self.unanswered = UnansweredSubscriptions(clock)
        #: Proxies that are kept for a while after their subscription has ended.
        self.lingering = LingeringProxies(clock)
        #: Begins subscriptions that wait for their server, or have waited for an answer
        #: of Tango.
        self.subscriber = SerialExecutor("taurus_tpo subscriber", clock=clock, log=log)
        #: Ends subscriptions, which waits for devices that hang: a separate thread.
        self.unsubscriber = SerialExecutor(
            "taurus_tpo unsubscriber", clock=clock, log=log
        )
        #: The subscriptions that are not begun yet.
        self.queue = SubscriptionQueue(
            self.subscriber,
            readiness,
            clock,
            log,
            always_reads=not pytango_compat.has_event_sub_mode(),
        )

    def destroy_later(self, proxy: Any, process: int) -> None:
        """Destroy a ``DeviceProxy`` in another thread; the caller refers to it last.

        Destroying it waits for a lock of Tango, which a thread of Tango may hold that
        calls back and waits for a lock of ours, which the caller may hold. Returns at
        once; may be called during garbage collection.

        :param process: the process that made the proxy. A process forked since keeps it
            for ever: no thread there may release the lock.
        """
        if process == os.getpid():
            self.unsubscriber.do(partial(_drop, proxy))
        else:
            self.of_the_parent.append(proxy)

    @property
    def waits(self) -> tuple[Callable[[float | None], bool], ...]:
        """Functions that wait, in this order, until Tango and its threads are idle.

        Each waits up to so many s, None: no limit, and returns whether that is so. Late
        answers are unsubscribed, so the unsubscriber is the last.
        """
        return self.unanswered.wait, self.subscriber.wait, self.unsubscriber.wait

    def drop(self) -> int:
        """Drop the pending actions of its threads; return their number."""
        return self.subscriber.drop() + self.unsubscriber.drop()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which has no threads of the parent.

        Objects of the parent must not be destroyed there.
        """
        parts = (
            self.unsubscriber,
            self.subscriber,
            self.queue,
            self.callbacks,
            self.unanswered,
            self.lingering,
            self.servers,
        )
        self.of_the_parent.extend(dict(vars(one)) for one in parts)
        for part in parts:
            part.restart_in_child()


def _drop(proxy: Any) -> None:
    """Drop the last reference to ``proxy``, in the calling thread."""
