"""How the attributes of one device are subscribed to, and when they are not."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Protocol

import tango

from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.modes import SubMode
from taurus_tpo.core.server_health import Server
from taurus_tpo.tango_client.server_registry import DeviceLocation
from taurus_tpo.tango_client.subscription import BUSY, Subscription
from taurus_tpo.tango_client.subscription_queue import SUBSCRIPTION_QUEUE

#: A call that takes longer counts as not answered, s: a device that is down refuses in
#: some ms, Tango's timeouts are 3 s.
PROMPT = 1.0

#: How long callers do not wait for Tango once it was found waiting for a server that
#: hangs, s: the time of a call to a server that has just stopped answering.
BUSY_FOR = 9.0


class Readiness(Protocol):
    """Tells when Tango may subscribe: ``taurus_tpo.scheme.database_readiness``."""

    def is_ready(self, place: DeviceLocation) -> bool:
        """Return whether Tango may subscribe now."""

    def becomes_ready(self, place: DeviceLocation) -> Future[Any] | None:
        """Return a future that is done when Tango may subscribe; None if it may now."""

    def await_ready(self, place: DeviceLocation) -> None:
        """Wait until Tango may subscribe."""

    def note_subscription(self) -> None:
        """Record that Tango has subscribed."""

    def server_answers(self, server: Server) -> bool:
        """Return whether ``server`` answers now; waits for a probe."""


class SubscribedDevice(Protocol):
    """Device of a subscription: ``taurus_tpo.tango_client.device.DeviceConnection``."""

    server: Server

    def proxy(self) -> Any:
        """Return its ``DeviceProxy``."""

    @property
    def answers_lately(self) -> bool:
        """Whether the device, or its server, answered or refused recently."""

    @property
    def answered_just_now(self) -> bool:
        """Whether the device answered so recently that it needs no probe."""

    def heard(self) -> None:
        """Record that it has just answered, or refused."""

    def doubt(self) -> None:
        """Record that a call to it took so long that it has to be probed first."""


class Subscriber:
    """Has Tango subscribe to the attributes of one device; for any thread.

    The device is passed with each call and not kept alive.

    :param place: location of the device.
    :param readiness: tells when Tango may subscribe; None: always.
    """

    def __init__(
        self, place: DeviceLocation, readiness: Readiness | None, clock: Clock = SYSTEM
    ) -> None:
        self._place = place
        self._readiness = readiness
        self._clock = clock
        self.restart_in_child()
        self._subscriptions: weakref.WeakSet[Subscription] = weakref.WeakSet()
        #: One of these that works: searching for one takes time.
        self._working: weakref.ref[Subscription] | None = None

    def restart_in_child(self) -> None:
        """Reset in a forked child process: a thread of the parent may hold the lock."""
        # One thread may add a subscription while another searches for one that works.
        self._lock = threading.RLock()

    def subscribe(
        self,
        device: SubscribedDevice,
        attribute: str,
        event_type: Any,
        mode: SubMode,
        callback: Callable[[Any], None],
        rejected: Callable[[Subscription], Any],
        refused: Callable[[Subscription, Exception], Any],
        after: Subscription | None = None,
    ) -> Subscription:
        """Subscribe now, or queue the subscription.

        See :meth:`taurus_tpo.tango_client.device.DeviceConnection.subscribe`.

        :param event_type: a ``tango.EventType``.
        :raises tango.DevFailed: if the subscription fails and the mode raises.
        """
        subscription = Subscription(device.proxy(), callback, answered=mode.tries)
        with self._lock:
            self._subscriptions.add(subscription)
        wanted = _Pending(
            self,
            device,
            subscription,
            attribute,
            event_type,
            mode,
            WeakCallback(rejected),
            WeakCallback(refused),
        )
        if mode.raises:
            self._try(wanted)
            return subscription
        if after is not None:
            after.when_gone(partial(_apply_later, wanted))
        elif mode.tries:
            _apply_later(wanted)
        else:
            _apply(wanted)
        return subscription

    def begin(self, wanted: _Pending) -> None:
        """Begin a subscription; in modes that wait, record whether the device answers.

        :raises tango.DevFailed: if it fails and its mode raises.
        """
        if wanted.mode.tries:
            self._timed(wanted)
        else:
            self._begin(wanted)

    def _begin(self, wanted: _Pending) -> None:
        try:
            wanted.subscription.begin(wanted.attribute, wanted.event_type, wanted.mode)
        finally:
            if self._readiness is not None:
                self._readiness.note_subscription()

    # --- may it be begun ---

    def may_begin(self, wanted: _Pending) -> bool:
        """Return whether a subscription may be begun; may wait where its mode does."""
        readiness, device = self._readiness_needed(), wanted.device
        may = device.answers_lately and (
            readiness is None or readiness.is_ready(self._place)
        )
        return may and (not wanted.mode.tries or self._answers_now(device))

    def _answers_now(self, device: SubscribedDevice) -> bool:
        """Probe the server, unless it answered just now; waits."""
        if device.answered_just_now or self._readiness is None:
            return True
        return self._readiness.server_answers(device.server)

    def _readiness_needed(self) -> Readiness | None:
        """Return the readiness; None if a subscription of the device works."""
        known = None if self._working is None else self._working()
        if known is None or not known.works:
            with self._lock:
                known = next((one for one in self._subscriptions if one.works), None)
            self._working = None if known is None else weakref.ref(known)
        return self._readiness if known is None else None

    def reject(self, wanted: _Pending) -> None:
        """Queue the subscription until a database answers, or reject it."""
        readiness = self._readiness_needed()
        ready = None if readiness is None else readiness.becomes_ready(self._place)
        if ready is None or not wanted.device.answers_lately:
            wanted.tell_rejected(wanted.subscription)
        else:
            ready.add_done_callback(partial(_apply_again, wanted))

    # --- synchronous modes ---

    def _try(self, wanted: _Pending) -> None:
        """Begin a subscription and wait for it, unless it could hang.

        :raises tango.DevFailed: if it fails, or Tango is waiting for another server:
            callers wait for that once, not for each attribute.
        """
        device = wanted.device
        if not device.answers_lately or not self._answers_now(device):
            wanted.tell_rejected(wanted.subscription)
            return
        if _TANGO.is_busy(self._clock.monotonic()):
            description = "Tango waits for a device that hangs, and subscribes later"
            tango.Except.throw_exception(BUSY, description, "Subscriber")
        readiness = self._readiness_needed()
        if readiness is not None:
            readiness.await_ready(self._place)
        self._timed(wanted)

    def _timed(self, wanted: _Pending) -> None:
        """Begin a subscription, wait for it, and record whether the device answers.

        :raises tango.DevFailed: if it fails and its mode raises.
        """
        begun = self._clock.monotonic()
        try:
            self._begin(wanted)
        except tango.DevFailed as error:
            if error.args[0].reason == BUSY:
                _TANGO.found_busy(self._clock.monotonic())
            raise
        finally:
            if self._clock.monotonic() - begun < PROMPT:
                wanted.device.heard()
            else:
                # The next call has to probe it first.
                wanted.device.doubt()


@dataclass(frozen=True)
class _Pending:
    """A subscription that is to be begun, for the queue.

    One object without reference cycles: each attribute of a window has two of them,
    which are freed when they are begun.
    """

    subscriber: Subscriber
    device: SubscribedDevice
    subscription: Subscription
    attribute: str
    event_type: Any
    mode: SubMode
    tell_rejected: WeakCallback
    tell_refused: WeakCallback

    @property
    def urgent(self) -> bool:
        """Whether it brings a value."""
        return self.event_type is tango.EventType.CHANGE_EVENT

    def may_begin(self) -> bool:
        """Return whether it may be begun now."""
        return self.subscriber.may_begin(self)

    def begin(self) -> None:
        """Begin it."""
        self.subscriber.begin(self)

    def rejected(self) -> None:
        """Queue it again, or report that it was rejected."""
        self.subscriber.reject(self)

    def refused(self, error: Exception) -> None:
        """Report Tango's error."""
        self.tell_refused(self.subscription, error)


def _apply(wanted: _Pending) -> None:
    SUBSCRIPTION_QUEUE.apply(wanted.device.server, wanted)


def _apply_later(wanted: _Pending) -> None:
    SUBSCRIPTION_QUEUE.apply_later(wanted.device.server, wanted)


def _apply_again(wanted: _Pending, opened: Future[Any]) -> None:
    """Queue it again when a database has answered or failed; in a pool thread."""
    if opened.cancelled():
        return
    error = opened.exception()
    if error is None or isinstance(error, tango.DevFailed):
        apply = _apply_later if wanted.subscription.tried else _apply
        apply(wanted)
    elif isinstance(error, Exception):
        wanted.refused(error)


class _Tango:
    """Whether Tango was found waiting for a server that hangs; any thread.

    Meanwhile it carries out no other subscription, in any mode.
    """

    def __init__(self) -> None:
        self._found = float("-inf")

    def found_busy(self, now: float) -> None:
        """Record that Tango is waiting."""
        self._found = now

    def is_busy(self, now: float) -> bool:
        """Return whether it was found waiting within the last :data:`BUSY_FOR` s."""
        return now - self._found < BUSY_FOR


#: The state of this process.
_TANGO = _Tango()
