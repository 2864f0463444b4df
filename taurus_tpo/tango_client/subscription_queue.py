"""Where subscriptions wait until Tango may carry them out."""

from __future__ import annotations

import logging
import threading
from collections import deque
from functools import partial
from typing import Any, Protocol

from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.tango_client.subscription import Subscription

#: What the thread is called that begins subscriptions nobody else can wait for.
THREAD_NAME = "taurus_tpo subscriber"


class PendingSubscription(Protocol):
    """A subscription that wants to be begun."""

    @property
    def subscription(self) -> Subscription:
        """Which it is."""

    @property
    def urgent(self) -> bool:
        """Whether somebody waits to see what it brings.

        A value, rather than the next change of a configuration that is known.
        """

    def may_begin(self) -> bool:
        """Return whether its device has answered lately; may wait where begin does."""

    def begin(self) -> None:
        """Begin it."""

    def rejected(self) -> None:
        """Take note that it may not be begun."""

    def refused(self, error: Exception) -> None:
        """Take note of what :meth:`begin` has raised."""


class _ServerSubscriptions:
    """Those who wait for one server: the urgent ones first."""

    def __init__(self) -> None:
        self._urgent: deque[PendingSubscription] = deque()
        self._others: deque[PendingSubscription] = deque()

    def append(self, pending: PendingSubscription) -> None:
        (self._urgent if pending.urgent else self._others).append(pending)

    def next(self) -> PendingSubscription | None:
        queue = self._urgent or self._others
        return queue.popleft() if queue else None


class SubscriptionQueue:
    """Lets Tango have one unanswered subscription a server, and no more.

    cppTango carries all asynchronous subscriptions of a process out in one thread, one
    after the other. Twenty to a server that has just begun to hang would keep it from
    those of all other servers for more than a minute. As it is, each waits until the
    one before is answered (that takes no longer in all), and is begun only if the
    device has answered lately. All methods may be called from any thread.

    :param log: takes what goes wrong with those who apply.
    """

    def __init__(self, log: Any = None) -> None:
        self._log = log if log is not None else logging.getLogger(__name__)
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: nobody answers the parent there."""
        self._lock = threading.Lock()
        #: Those who wait, by server; a server is here while one of its is unanswered.
        self._lines: dict[Any, _ServerSubscriptions] = {}

    def apply_later(self, server: Any, pending: PendingSubscription) -> None:
        """The same for one whose beginning may wait for its server; returns at once."""
        SUBSCRIBER.do(lambda: self.apply(server, pending))

    def apply(self, server: Any, pending: PendingSubscription) -> None:
        """Begin the subscription when it is its turn; it may be at once."""
        with self._lock:
            line = self._lines.get(server)
            if line is not None:
                line.append(pending)
                return
            self._lines[server] = _ServerSubscriptions()
        self._serve(server, pending)

    def _serve(self, server: Any, pending: PendingSubscription | None) -> None:
        """Begin the first that may be begun, of ``applicant`` and those in line."""
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
        except Exception as error:  # noqa: BLE001 - told; the next ones have their turn
            subscription.on_answer = None
            self._refuse(pending, error)
            return False
        return not subscription.tried

    def _refuse(self, pending: PendingSubscription, error: Exception) -> None:
        try:
            pending.refused(error)
        except Exception:  # noqa: BLE001 - the next ones have their turn
            self._log.exception("a failed subscription could not be told: %r", error)

    def _answered(self, server: Any) -> None:
        """Tango has answered; not called in its thread, which is not done with it."""
        self._serve(server, self._next(server))


#: Begins what waits for its server, and what has waited for an answer of Tango's. Not
#: the one that gives subscriptions up, and waits for a device that hangs.
SUBSCRIBER = SerialExecutor(THREAD_NAME)

#: The queue of this process: Tango has one thread for all.
SUBSCRIPTION_QUEUE = SubscriptionQueue()
