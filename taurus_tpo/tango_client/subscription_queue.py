"""When the subscriptions of all devices are begun, and when they are not."""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import tango

from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.modes import SubMode
from taurus_tpo.core.server_health import Server
from taurus_tpo.tango_client.server_registry import DeviceLocation
from taurus_tpo.tango_client.subscription import BUSY, Subscription

#: A call that takes longer counts as not answered, s: a device that is down refuses in
#: some ms, Tango's timeouts are 3 s.
PROMPT = 1.0

#: Where Tango reads the attribute in each subscription: those of a device whose last
#: one took longer are begun last, s; how long they wait for a read of the pool, at most
#: and at a time, s.
SLOW = 0.05
PATIENCE = 10.0
_PAUSE = 0.05

#: How long callers do not wait for Tango once it was found waiting for a server that
#: hangs, s: the time of a call to a server that has just stopped answering.
BUSY_FOR = 9.0


class Readiness(Protocol):
    """Tells when Tango may subscribe: ``taurus_tpo.scheme.database_client``."""

    def is_ready(self, place: DeviceLocation) -> bool:
        """Return whether Tango may subscribe now."""

    def becomes_ready(self, place: DeviceLocation) -> Future[Any] | None:
        """Return a future that is done when Tango may subscribe; None if it may now."""

    def await_ready(self, place: DeviceLocation) -> None:
        """Wait until Tango may subscribe."""

    @property
    def has_subscribed(self) -> bool:
        """Whether Tango was called to subscribe."""

    def note_subscription(self) -> None:
        """Record that Tango has subscribed."""

    def server_answers(self, server: Server) -> bool:
        """Return whether ``server`` answers now; waits for a probe."""


class SubscribedDevice(Protocol):
    """Device of a subscription: ``taurus_tpo.tango_client.device.DeviceConnection``."""

    server: Server
    place: DeviceLocation

    @property
    def answers_lately(self) -> bool:
        """Whether the device, or its server, answered or refused recently."""

    @property
    def answered_just_now(self) -> bool:
        """Whether the device answered so recently that it needs no probe."""

    @property
    def is_subscribed_to(self) -> bool:
        """Whether a subscription of the device works: its database is not needed."""

    def heard(self) -> None:
        """Record that it has just answered, or refused."""

    def doubt(self) -> None:
        """Record that a call to it took so long that it has to be probed first."""


@dataclass(frozen=True)
class SubscriptionRequest:
    """A subscription that is to be begun.

    One object without reference cycles: each attribute of a window has two of them,
    which are freed when they are begun.

    :param event_type: a ``tango.EventType``.
    :param tell_rejected: called with the subscription if it is not begun because the
        device has not answered lately. The subscription may have been ended meanwhile.
    :param tell_refused: called with the subscription and the error if it failed at
        once, in a mode that does not raise.
    """

    device: SubscribedDevice
    subscription: Subscription
    attribute: str
    event_type: Any
    mode: SubMode
    tell_rejected: WeakCallback
    tell_refused: WeakCallback

    @property
    def urgent(self) -> bool:
        """Whether it brings a value that is waited for.

        A subscription to a configuration, which is known already, is not urgent.
        """
        return self.event_type is tango.EventType.CHANGE_EVENT


class _PendingRequests:
    """Pending requests: the urgent ones first. Not thread-safe."""

    def __init__(self) -> None:
        self._urgent: deque[SubscriptionRequest] = deque()
        self._others: deque[SubscriptionRequest] = deque()

    def __bool__(self) -> bool:
        return bool(self._urgent or self._others)

    def append(self, request: SubscriptionRequest) -> None:
        (self._urgent if request.urgent else self._others).append(request)

    def next(self) -> SubscriptionRequest | None:
        queue = self._urgent or self._others
        return queue.popleft() if queue else None


class _ReadingRequests:
    """Pending requests that are begun in calls which read the attribute; any thread.

    Tango begins no other subscription during such a call, in no thread. So the requests
    of slow devices come last. They also wait until the pool has read the values of the
    device: two reads of a device at a time would only delay each other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quick = _PendingRequests()
        #: Those of slow devices, and when that was found.
        self._slow: list[tuple[float, SubscriptionRequest]] = []
        self._slow_devices: weakref.WeakSet[SubscribedDevice] = weakref.WeakSet()

    def __bool__(self) -> bool:
        return bool(self._quick or self._slow)

    def append(self, request: SubscriptionRequest) -> None:
        """Add a request."""
        with self._lock:
            self._quick.append(request)

    def next(self, now: float) -> SubscriptionRequest | None:
        """Remove and return the request to begin now; None if none may be begun.

        :param now: monotonic clock, s.
        """
        with self._lock:
            while (request := self._quick.next()) is not None:
                if request.device not in self._slow_devices:
                    return request
                self._slow.append((now, request))
            return self._next_slow(now)

    def _next_slow(self, now: float) -> SubscriptionRequest | None:
        being_read = {
            one.device
            for since, one in self._slow
            if one.subscription.awaits_read and now - since <= PATIENCE
        }
        ready = [one for one in self._slow if one[1].device not in being_read]
        if not ready:
            return None
        chosen = next((one for one in ready if one[1].urgent), ready[0])
        self._slow.remove(chosen)
        return chosen[1]

    def note(self, device: SubscribedDevice, seconds: float) -> None:
        """Record how long a subscription to ``device`` took."""
        with self._lock:
            if seconds > SLOW:
                self._slow_devices.add(device)
            else:
                self._slow_devices.discard(device)


class SubscriptionQueue:
    """Begins subscriptions; Tango has at most one unanswered one per server.

    cppTango carries out all asynchronous subscriptions of a process one after the
    other, in one thread. Twenty subscriptions to a server that has just begun to hang
    would block those to all other servers for more than a minute. So each subscription
    waits for the answer to the previous one, which takes no longer in total, and is
    begun only if the device has answered lately. All methods may be called from any
    thread.

    :param executor: begins subscriptions that wait for their server, or have waited for
        an answer of Tango.
    :param readiness: tells when Tango may subscribe; None: always.
    :param log: logger for errors of requests.
    :param always_reads: whether Tango reads the attribute in each subscription, as
        before 10.1. The executor waits for each of them then.
    """

    def __init__(
        self,
        executor: SerialExecutor,
        readiness: Readiness | None = None,
        clock: Clock = SYSTEM,
        log: Any = None,
        always_reads: bool = False,
    ) -> None:
        self._executor = executor
        self._always_reads = always_reads
        self._readiness = readiness
        self._clock = clock
        self._log = log if log is not None else logging.getLogger(__name__)
        #: When Tango was last found waiting for another server, monotonic clock, s.
        self._found_busy = float("-inf")
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process, which gets no answers to the parent."""
        self._lock = threading.Lock()
        #: Pending requests by server, for servers with an unanswered subscription.
        self._lines: dict[Server, _PendingRequests] = {}
        #: Pending requests, where Tango always reads.
        self._reading = _ReadingRequests()

    def add(
        self, request: SubscriptionRequest, after: Subscription | None = None
    ) -> None:
        """Begin a subscription as its mode requires: now, or when it may be begun.

        :param after: a subscription that is ended first; not in modes that raise.
        :raises tango.DevFailed: if the subscription fails and its mode raises.
        """
        if request.mode.raises:
            self._begin_now(request)
        elif after is not None:
            after.when_gone(partial(self._apply_later, request))
        elif request.mode.tries or self._is_first():
            self._apply_later(request)
        else:
            self._apply(request)

    def _is_first(self) -> bool:
        """Return whether Tango was not called to subscribe yet.

        In the first call Tango connects to the default database: eight requests, for
        which the GUI thread would wait. Later ones return at once.
        """
        return self._readiness is not None and not self._readiness.has_subscribed

    # --- modes in which the caller waits ---

    def _begin_now(self, request: SubscriptionRequest) -> None:
        """Begin a subscription and wait for it, unless it could hang.

        :raises tango.DevFailed: if it fails, or Tango is waiting for another server:
            callers wait for that once, not for each attribute.
        """
        device = request.device
        if not device.answers_lately or not self._answers_now(device):
            request.tell_rejected(request.subscription)
            return
        if self._clock.monotonic() - self._found_busy < BUSY_FOR:
            description = "Tango waits for a device that hangs, and subscribes later"
            tango.Except.throw_exception(BUSY, description, "SubscriptionQueue")
        readiness = self._needed_readiness(device)
        if readiness is not None:
            readiness.await_ready(device.place)
        self._begin(request)

    # --- the queue ---

    def _apply_later(self, request: SubscriptionRequest) -> None:
        """Queue a subscription whose begin may wait for its server; returns at once."""
        if self._always_reads:
            self._reading.append(request)
            self._executor.do(self._apply_next)
        else:
            self._executor.do(partial(self._apply, request))

    def _apply_next(self) -> None:
        """Begin one of the subscriptions that read; called once for each of them."""
        now = self._clock.monotonic()
        request = self._reading.next(now)
        if request is not None:
            self._apply(request)
        elif self._reading:
            self._executor.do(self._apply_next, now + _PAUSE)

    def _apply(self, request: SubscriptionRequest) -> None:
        """Begin a subscription at once, or when the previous ones are answered."""
        server = request.device.server
        with self._lock:
            line = self._lines.get(server)
            if line is not None:
                line.append(request)
                return
            self._lines[server] = _PendingRequests()
        self._serve(server, request)

    def _serve(self, server: Server, request: SubscriptionRequest | None) -> None:
        """Begin the first subscription that may be begun, from ``request`` on."""
        while request is not None and not self._is_awaited(server, request):
            request = self._next(server)

    def _next(self, server: Server) -> SubscriptionRequest | None:
        with self._lock:
            request = self._lines[server].next()
            if request is None:
                del self._lines[server]
            return request

    def _is_awaited(self, server: Server, request: SubscriptionRequest) -> bool:
        """Begin a subscription; return whether the next one waits for its answer."""
        subscription = request.subscription
        if subscription.ended:
            return False
        try:
            if not self._may_begin(request):
                self._reject(request)
                return False
            answered = partial(self._answered, server)
            subscription.on_answer = partial(self._executor.do, answered)
            self._begin(request)
        except Exception as error:  # noqa: BLE001 - reported; the next ones go on
            subscription.on_answer = None
            self._refuse(request, error)
            return False
        return not subscription.tried

    def _answered(self, server: Server) -> None:
        """Begin the next one; not called in Tango's thread, which is not done yet."""
        self._serve(server, self._next(server))

    def _may_begin(self, request: SubscriptionRequest) -> bool:
        """Return whether it may be begun; may wait where its mode does."""
        device = request.device
        may = device.answers_lately and self._is_ready(device)
        return may and (not request.mode.tries or self._answers_now(device))

    def _is_ready(self, device: SubscribedDevice) -> bool:
        """Return whether no database is in the way; never waits.

        The search for a subscription that works comes last: it takes long for a device
        of which none works, as while a window is built.
        """
        readiness = self._readiness
        return (
            readiness is None
            or readiness.is_ready(device.place)
            or device.is_subscribed_to
        )

    def _reject(self, request: SubscriptionRequest) -> None:
        """Queue it until a database answers, or reject it."""
        device = request.device
        readiness = self._needed_readiness(device)
        ready = None if readiness is None else readiness.becomes_ready(device.place)
        if ready is None or not device.answers_lately:
            request.tell_rejected(request.subscription)
        else:
            ready.add_done_callback(partial(self._apply_again, request))

    def _apply_again(self, request: SubscriptionRequest, ready: Future[Any]) -> None:
        """Queue it again when a database has answered or failed; in a pool thread."""
        if ready.cancelled():
            return
        error = ready.exception()
        if error is None or isinstance(error, tango.DevFailed):
            apply = self._apply_later if request.mode.tries else self._apply
            apply(request)
        elif isinstance(error, Exception):
            self._refuse(request, error)

    def _refuse(self, request: SubscriptionRequest, error: Exception) -> None:
        try:
            request.tell_refused(request.subscription, error)
        except Exception:  # noqa: BLE001 - the next ones go on
            self._log.exception(
                "the failure of a subscription could not be reported: %r", error
            )

    # --- calls to Tango ---

    def _begin(self, request: SubscriptionRequest) -> None:
        """Begin a subscription; in modes that wait, record whether the device answers.

        :raises tango.DevFailed: if it fails and its mode raises.
        """
        if not request.mode.tries:
            self._subscribe(request)
            return
        begun = self._clock.monotonic()
        try:
            self._subscribe(request)
        except tango.DevFailed as error:
            if error.args[0].reason == BUSY:
                self._found_busy = self._clock.monotonic()
            raise
        finally:
            took = self._clock.monotonic() - begun
            self._reading.note(request.device, took)
            if took < PROMPT:
                request.device.heard()
            else:
                # The next call has to probe it first.
                request.device.doubt()

    def _subscribe(self, request: SubscriptionRequest) -> None:
        try:
            request.subscription.begin(
                request.attribute, request.event_type, request.mode
            )
        finally:
            if self._readiness is not None:
                self._readiness.note_subscription()

    def _answers_now(self, device: SubscribedDevice) -> bool:
        """Probe the server, unless it answered just now; waits."""
        if device.answered_just_now or self._readiness is None:
            return True
        return self._readiness.server_answers(device.server)

    def _needed_readiness(self, device: SubscribedDevice) -> Readiness | None:
        return None if device.is_subscribed_to else self._readiness
