"""A subscription of Tango, and how it is ended safely."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Callable

import tango

from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.modes import SubMode
from taurus_tpo.tango_client import pytango_compat

if TYPE_CHECKING:
    from taurus_tpo.tango_client.client import TangoClient

_LOG = logging.getLogger(__name__)

#: Error reason: Tango neither subscribes nor ends a subscription, because another
#: thread is waiting for a device that hangs. And the pause before a retry, s.
BUSY = "API_CommandTimedOut"
_WHILE = 1.0

#: The same, if the process has too many sockets: Tango opens two for each subscription
#: that is ended, and ZeroMQ closes them with a delay (seen with cppTango 10.3.3 on a
#: busy machine). A subscription that is never ended would call back after its proxy was
#: destroyed.
_NO_SOCKET = "API_ZmqFailed"

#: Error reason: Tango has ended the subscription by itself, as it does at shutdown.
_GONE = "API_EventNotFound"

#: How long Tango's thread may take to return from the callback, s.
_MOMENT = 0.1

#: How long proxies are kept, s: longer than Tango takes for a subscription, several
#: calls of 3 s.
LINGERING = 15.0


class Subscription:
    """A subscription of Tango, which can be ended at any time, from any thread.

    Tango 10.3 crashes when a subscription is ended while its thread is carrying it out
    (seen in ``safe_execute_callback_or_store_data``). So it is ended only a moment
    after Tango's answer, and its proxy, in which PyTango keeps the callback, is kept
    for a while. That is done in a separate thread, the unsubscriber, since it waits for
    the device.

    Tango also cannot distinguish threads that it did not start (such as Python's): the
    second one waits in vain for a lock of the first one, and then Tango crashes (seen
    in ``TangoMonitor::get_monitor``).

    :param client: has the threads.
    :param proxy: the ``DeviceProxy``.
    :param callback: a bound method, not kept alive; gets PyTango's events.
    :param answered: whether Tango has answered when :meth:`begin` returns.
    """

    def __init__(
        self,
        client: TangoClient,
        proxy: Any,
        callback: Callable[[Any], None],
        answered: bool,
    ) -> None:
        self._client = client
        self._proxy = proxy
        self._callback = WeakCallback(callback)
        # Reentrant: its owner may be garbage-collected while the lock is held.
        self._lock = threading.RLock()
        self._answered = answered
        #: Whether Tango has answered when :meth:`begin` returns.
        self.tried = answered
        #: Whether the pool is about to read the value, with which it need not compete.
        self.awaits_read = False
        self._ended = False
        self._works = False
        self._heard = self._lost = False
        self._number: int | None = None
        #: Whether the end of the subscription in Tango was requested.
        self._given_up = False
        #: The thread that begins it: in some modes Tango calls back in this thread.
        self._caller = 0
        #: Whether Tango was asked to subscribe; whether it never was, or has ended it.
        self._begun = self._gone = False
        #: The process that made it.
        self._process = os.getpid()
        #: Called when the subscription has ended in Tango.
        self._when_gone: list[Callable[[], Any]] = []
        #: Called once Tango has answered, in its thread; not if :meth:`begin` raises.
        self.on_answer: Callable[[], Any] | None = None

    @property
    def works(self) -> bool:
        """Whether it has brought something other than an error, and was not ended."""
        return self._works and not self._ended

    @property
    def was_lost(self) -> bool:
        """Whether it failed after an event: Tango subscribes again by itself."""
        return self._lost

    @property
    def ended(self) -> bool:
        """Whether it was ended; then it must not be begun any more."""
        return self._ended

    def begin(self, attribute: str, event_type: Any, mode: SubMode) -> None:
        """Subscribe, unless it was ended; to be called once.

        :raises tango.DevFailed: if the subscription fails and the mode raises.
        """
        self._caller = threading.get_ident()
        with self._lock:
            self._begun = not self._ended
        if not self._begun:
            self._answer()
            return
        if not self._answered:
            self._client.unanswered.add(self)
        try:
            with tango.EnsureOmniThread():
                number = pytango_compat.subscribe(
                    self._proxy, attribute, event_type, self._called, mode
                )
        except tango.DevFailed:
            # The caller is told by the error.
            self.on_answer = None
            if self._answer()[0]:
                self._client.unanswered.remove(self)
            self._be_gone()
            raise
        with self._lock:
            self._number = number
            # If it was ended meanwhile, Tango can end it only now.
            due = self._is_due()
        if due:
            self._give_up_later(_MOMENT)

    def end(self) -> None:
        """End the subscription; returns at once. Its callback is not called again."""
        if self._end():
            self._client.unsubscriber.do(self._give_up)

    def end_now(self, timeout: float) -> bool:
        """End the subscription in the caller's thread, which waits for the device.

        Waits for Tango's answer to the subscription first.

        :param timeout: how long to wait for Tango, s.
        :return: whether it has ended in Tango.
        """
        gone = threading.Event()
        if self._end():
            self._give_up()
        self.when_gone(gone.set)
        return gone.wait(timeout)

    def when_gone(self, action: Callable[[], Any]) -> None:
        """Have ``action`` called when the subscription has ended in Tango.

        At once if it has ended or was never begun; else in the thread that ends it. The
        action must not block.
        """
        with self._lock:
            if not self._gone:
                self._when_gone.append(action)
                return
        action()

    def _give_up_later(self, delay: float) -> None:
        """End it in Tango in ``delay`` s, in the thread for that."""
        self._client.unsubscriber.do(self._give_up, SYSTEM.monotonic() + delay)

    def _end(self) -> bool:
        """Stop callbacks; return whether to end the subscription in Tango now."""
        with self._lock:
            self._ended = True
            due, begun = self._is_due(), self._begun
        if not begun:
            self._be_gone()
        return due

    def _be_gone(self) -> None:
        """Call the actions of :meth:`when_gone`."""
        with self._lock:
            self._gone = True
            actions, self._when_gone = self._when_gone, []
        for action in actions:
            action()

    def _is_due(self) -> bool:
        """Return whether to end it in Tango now, True only once; with the lock held."""
        is_there = self._answered and self._number is not None
        due = self._ended and is_there and not self._given_up
        self._given_up |= due
        return due

    def _called(self, event: Any) -> None:
        if threading.get_ident() == self._caller:
            self._take(event)
            return
        if not self._client.callbacks.enter():
            return
        try:
            _name_thread()
            self._take(event)
        finally:
            self._client.callbacks.leave()

    def _take(self, event: Any) -> None:
        failed = pytango_compat.is_subscription_failure(event)
        self._lost |= failed and self._heard
        self._heard |= not failed
        self._works = self._works or not event.err
        was_first, due = self._answer()
        try:
            if not self._ended:
                self._callback(event)
            elif due:
                self._give_up_later(_MOMENT)
        finally:
            if was_first:
                # Last, since Tango may be cleaned up from here on.
                self._client.unanswered.remove(self)

    def _answer(self) -> tuple[bool, bool]:
        """Record that Tango has answered.

        :return: whether it is the first answer, and whether the subscription is to be
            ended in Tango now.
        """
        if self._answered and not self._ended:
            # As for nearly all events; end() now finds by itself whether it is due.
            return False, False
        with self._lock:
            was_first, self._answered = not self._answered, True
            due = self._is_due()
        if was_first:
            told, self.on_answer = self.on_answer, None
            if told is not None:
                told()
        return was_first, due

    def _give_up(self) -> None:
        """End it in Tango, and wait for the device; retried later if Tango is busy."""
        if self._process != os.getpid():
            # Tango's threads exist only in the parent: a call to Tango, or destroying
            # the proxy, would wait for them.
            self._client.of_the_parent.append(self._proxy)
            self._be_gone()
            return
        self._client.lingering.keep(self._proxy)
        number = self._number
        assert number is not None  # see _is_due()
        try:
            with tango.EnsureOmniThread():
                pytango_compat.unsubscribe(self._proxy, number)
        except tango.DevFailed as error:
            reason = error.args[0].reason
            if reason in (BUSY, _NO_SOCKET):
                self._give_up_later(_WHILE)
                return
            if reason != _GONE:
                _LOG.warning("unsubscribing failed: %s", error)
        self._be_gone()


def _name_thread() -> None:
    """Give a thread of Tango a readable name for log lines.

    Python names threads that it did not start "Dummy-1" and so on.
    """
    thread = threading.current_thread()
    if thread.name.startswith("Dummy-"):
        thread.name = "Tango events"


class UnansweredSubscriptions:
    """The subscriptions that Tango has not answered yet, kept alive; any thread.

    A proxy and its subscription refer to each other, possibly without other references:
    Python would collect both while Tango uses them. Tango must not be cleaned up before
    they are answered, either: the cleanup waits for Tango's thread with Python's lock
    held, which that thread needs in order to call back.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._subscriptions: set[Subscription] = set()
        self._clock = clock
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which must not destroy the parent's."""
        self._subscriptions = set()
        self._changed = threading.Condition()
        self._last_answer = float("-inf")

    def add(self, subscription: Subscription) -> None:
        """Keep ``subscription`` until it is answered."""
        with self._changed:
            self._subscriptions.add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Release ``subscription``."""
        with self._changed:
            self._subscriptions.discard(subscription)
            self._last_answer = self._clock.monotonic()
            self._changed.notify_all()

    def wait(self, timeout: float | None) -> bool:
        """Wait up to ``timeout`` s until all are answered; return whether they are.

        Also waits until Tango's thread has returned from the last callback.
        """
        with self._changed:
            answered = self._changed.wait_for(lambda: not self._subscriptions, timeout)
            pause = self._last_answer + _MOMENT - self._clock.monotonic()
        if answered and pause > 0:
            threading.Event().wait(pause)
        return answered


class LingeringProxies:
    """Proxies that are kept for a while after a subscription was ended.

    A thread of Tango may be about to call back. For that case PyTango keeps the
    callback in the proxy. If the proxy is destroyed, too, as with the last attribute of
    a device, the thread calls an object that no longer exists.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process."""
        self._kept: deque[tuple[float, Any]] = deque()

    def keep(self, proxy: Any) -> None:
        """Keep ``proxy`` for a while, and release those whose time is over."""
        now = self._clock.monotonic()
        self._kept.append((now + LINGERING, proxy))
        while self._kept and self._kept[0][0] < now:
            self._kept.popleft()
