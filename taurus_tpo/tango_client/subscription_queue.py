"""Queue of subscriptions that Tango is not asked to carry out yet."""

from __future__ import annotations

import logging
import threading
from collections import deque
from functools import partial
from typing import Any, Protocol

from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.tango_client.subscription import Subscription

#: Name of the thread that begins queued subscriptions.
THREAD_NAME = "taurus_tpo subscriber"


class PendingSubscription(Protocol):
    """A subscription that is to be begun."""

    @property
    def subscription(self) -> Subscription:
        """The subscription."""

    @property
    def urgent(self) -> bool:
        """Whether it brings a value that is waited for.

        A subscription to a configuration, which is known already, is not urgent.
        """

    def may_begin(self) -> bool:
        """Return whether its device has answered lately; may wait where begin does."""

    def begin(self) -> None:
        """Begin the subscription."""

    def rejected(self) -> None:
        """Record that it may not be begun."""

    def refused(self, error: Exception) -> None:
        """Record the error that :meth:`begin` has raised."""


class _ServerSubscriptions:
    """Pending subscriptions of one server: the urgent ones first."""

    def __init__(self) -> None:
        self._urgent: deque[PendingSubscription] = deque()
        self._others: deque[PendingSubscription] = deque()

    def append(self, pending: PendingSubscription) -> None:
        (self._urgent if pending.urgent else self._others).append(pending)

    def next(self) -> PendingSubscription | None:
        queue = self._urgent or self._others
        return queue.popleft() if queue else None


class SubscriptionQueue:
    """Limits Tango to one unanswered subscription per server.

    cppTango carries out all asynchronous subscriptions of a process one after the
    other, in one thread. Twenty subscriptions to a server that has just begun to hang
    would block those to all other servers for more than a minute. So each subscription
    waits for the answer to the previous one, which takes no longer in total, and is
    begun only if the device has answered lately. All methods may be called from any
    thread.

    :param log: logger for errors of pending subscriptions.
    """

    def __init__(self, log: Any = None) -> None:
        self._log = log if log is not None else logging.getLogger(__name__)
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which gets no answers to the parent."""
        self._lock = threading.Lock()
        #: Pending subscriptions by server, for servers with an unanswered subscription.
        self._lines: dict[Any, _ServerSubscriptions] = {}

    def apply_later(self, server: Any, pending: PendingSubscription) -> None:
        """Queue a subscription whose begin may wait for its server; returns at once."""
        SUBSCRIBER.do(lambda: self.apply(server, pending))

    def apply(self, server: Any, pending: PendingSubscription) -> None:
        """Begin a subscription at once, or when the previous ones are answered."""
        with self._lock:
            line = self._lines.get(server)
            if line is not None:
                line.append(pending)
                return
            self._lines[server] = _ServerSubscriptions()
        self._serve(server, pending)

    def _serve(self, server: Any, pending: PendingSubscription | None) -> None:
        """Begin the first subscription that may be begun, from ``pending`` on."""
        while pending is not None and not self._begun(server, pending):
            pending = self._next(server)

    def _next(self, server: Any) -> PendingSubscription | None:
        with self._lock:
            pending = self._lines[server].next()
            if pending is None:
                del self._lines[server]
            return pending

    def _begun(self, server: Any, pending: PendingSubscription) -> bool:
        """Begin a subscription; return whether the next one waits for its answer."""
        subscription = pending.subscription
        if subscription.ended:
            return False
        try:
            if not pending.may_begin():
                pending.rejected()
                return False
            answered = partial(self._answered, server)
            subscription.on_answer = partial(SUBSCRIBER.do, answered)
            pending.begin()
        except Exception as error:  # noqa: BLE001 - reported; the next ones go on
            subscription.on_answer = None
            self._refuse(pending, error)
            return False
        return not subscription.tried

    def _refuse(self, pending: PendingSubscription, error: Exception) -> None:
        try:
            pending.refused(error)
        except Exception:  # noqa: BLE001 - the next ones go on
            self._log.exception(
                "the failure of a subscription could not be reported: %r", error
            )

    def _answered(self, server: Any) -> None:
        """Begin the next one; not called in Tango's thread, which is not done yet."""
        self._serve(server, self._next(server))


#: Begins subscriptions that wait for their server, or have waited for an answer of
#: Tango. Separate from the thread that ends subscriptions, which waits for devices that
#: hang.
SUBSCRIBER = SerialExecutor(THREAD_NAME)

#: The queue of this process: Tango has one thread for all.
SUBSCRIPTION_QUEUE = SubscriptionQueue()
