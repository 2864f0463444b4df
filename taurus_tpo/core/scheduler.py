"""Which device is served next, with which requests: no threads, no clock."""

from __future__ import annotations

import enum
import heapq
import itertools
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

from taurus_tpo.core.batching import AIM, FIRST, ReadCosts
from taurus_tpo.core.server_health import Server

#: A slow attribute, which is read in a separate call, yields to requests that are due
#: up to this much later, s, and to no others: polls are due again and again.
OVERTAKING = 2.0

#: How long a thread serves a batch before another one may replace it, s: twice the
#: target duration of a call. It may be in a call to a server that has just begun to
#: hang, for 9 s, or in a listener that blocks.
HELD = 2 * AIM

#: Largest number of threads that are replaced.
MOST_HELD = 32


class RequestKind(enum.Enum):
    """Purpose of a request."""

    CONNECT = "to know whether it answers, and its configuration"
    READ = "the value of an attribute, once"
    READ_AT_ONCE = "the same, by somebody who waits for it"
    POLL = "the value of an attribute, as in every period"
    LOOK = "the value of an attribute, to compare it with what is cached"
    ASK = "what a database knows"

    # By identity: that of Enum is a Python function, called many times a request.
    __hash__ = object.__hash__


#: The kinds that read the value of an attribute.
READS = frozenset(
    {RequestKind.READ, RequestKind.READ_AT_ONCE, RequestKind.POLL, RequestKind.LOOK}
)


class Outcome(enum.Enum):
    """Result of a request."""

    READ = "the read brought a value"
    FAILED = "the read failed"
    DROPPED = "the read was in vain"

    __hash__ = object.__hash__


class ScheduledDevice(Protocol):
    """Interface of a device for the scheduler; must be hashable.

    :param server: the server that has to be called next; changes only while the device
        is served.
    :param costs: the estimated times of its reads.
    :param late: whether its last call timed out although the server answers.
    """

    server: Server
    costs: ReadCosts
    late: bool


@dataclass(eq=False)
class Request:
    """A pending request to a device.

    :param device: is served by one thread at a time.
    :param name: identifies the attribute.
    :param asked: since when the value is wanted, seconds since the epoch; older ones do
        not count.
    :param target: what the reader needs to deliver the value (a weak reference: pending
        requests keep no attribute alive).
    :param due: when it may be served, monotonic clock, s.
    :param patient: whether it waits while the server does not answer, rather than fail
        at once.
    :param beside: whether an equal request was made while this one was being served and
        had to be retried, so that both are pending.
    """

    device: Any
    name: Hashable
    asked: float
    target: Any = None
    kind: RequestKind = RequestKind.READ
    due: float = 0.0
    patient: bool = False
    outcome: Outcome | None = None
    beside: bool = False

    @property
    def key(self) -> Hashable:
        """Key among the pending requests of its device."""
        key = self.kind, self.name
        return (*key, id(self)) if self.beside else key

    def is_wanted(self) -> bool:
        """Return whether its receiver still exists and it was not cancelled."""
        gone = self.target is not None and self.target() is None
        return not gone and not self.is_cancelled()

    def is_cancelled(self) -> bool:
        """Return whether the caller has cancelled it."""
        return False

    def is_of(self, owner: Any) -> bool:
        """Return whether it is for ``owner``, or its receiver no longer exists."""
        target = None if self.target is None else self.target()
        return owner is None or target is None or target is owner

    def succeed(self, value: Any) -> None:
        """Settle it with the value read."""
        self._settle(Outcome.READ, value=value)

    def fail(self, error: BaseException) -> None:
        """Settle it with an error."""
        self._settle(Outcome.FAILED, error=error)

    def spare(self, value: Any) -> None:
        """Settle it with a value that arrived by other means before the read."""
        self._settle(Outcome.DROPPED, value=value)

    def drop(self) -> None:
        """Settle it without a result."""
        if self.outcome is None:
            self.outcome = Outcome.DROPPED
            self.cancel()

    def _settle(
        self, outcome: Outcome, value: Any = None, error: BaseException | None = None
    ) -> None:
        if self.outcome is None:
            self.outcome = outcome
            if not self.deliver(value, error):
                self.outcome = Outcome.DROPPED

    def deliver(
        self,
        value: Any,  # noqa: ARG002 - for subclasses
        error: BaseException | None,  # noqa: ARG002
    ) -> bool:
        """Pass the value or the error to the caller; return whether it was wanted."""
        return not self.is_cancelled()

    def cancel(self) -> None:
        """Report to the caller that there will be no result."""


@dataclass(frozen=True)
class Batch:
    """Requests of one device that one thread serves together.

    :param requests: all of the same kind of work: connecting, or reading.
    :param error: why they cannot be served; delivered to all of them.
    """

    device: Any
    requests: tuple[Request, ...]
    error: BaseException | None = None


@dataclass(frozen=True)
class Report:
    """Result of a batch.

    :param answered: whether the server answered, or refused at once; None if it was not
        called.
    :param late: whether the call timed out.
    :param again: requests that have to be served again.
    """

    answered: bool | None = None
    late: bool = False
    again: tuple[Request, ...] = ()


class _DeviceQueue:
    """Pending requests of one device."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.waiting: dict[Hashable, Request] = {}
        self.busy = False
        #: The server at which it is queued or served; None while nothing is due.
        self.server: Server | None = None
        self.due = float("inf")

    def due_requests(self, until: float) -> Iterator[Request]:
        return (request for request in self.waiting.values() if request.due <= until)

    def those_for(self, kind: RequestKind, name: Hashable) -> Iterator[Request]:
        """Yield the pending requests of this kind and name, the newest first."""
        newest = self.waiting.get((kind, name))
        if newest is not None:
            yield newest
        for one in self.waiting.values():
            if one.beside and (one.kind, one.name) == (kind, name):
                yield one


class _ServerQueue:
    """Due device queues of one server, and the number of those being served.

    :param due: a heap: devices whose last call timed out come last, then by due time.
    :param held_back: queues whose due requests all wait until the server answers again.
    """

    def __init__(self) -> None:
        self.due: list[tuple[bool, float, int, _DeviceQueue]] = []
        self.held_back: set[_DeviceQueue] = set()
        self.serving = 0


class Scheduler:
    """Pending requests, by device and by server.

    A request is due after the delay that its caller set. Requests of the kind READ wait
    ``gather`` seconds more, so that attributes of a device that are requested one after
    the other are read in one call. The device with the oldest due request is served
    first; devices whose last call timed out come after all others. While a device is
    served, new requests for it wait.

    Bulkheads: a server that has not answered just now is probed (:meth:`to_check`)
    before a thread calls it. If it cannot be probed and has not answered lately, only
    one thread calls it. One server gets at most three quarters of the threads; all
    devices that timed out or whose server has not answered lately get at most half. A
    thread that is held for longer than :data:`HELD` does not count as one of the
    ``workers``.

    Times are seconds of a monotonic clock. Not thread-safe.
    """

    def __init__(self, workers: int = 8, gather: float = 0.0) -> None:
        self._workers = workers
        self._gather = gather
        self._of_one_server = max(1, workers - workers // 4)
        self._of_troubled = max(1, workers // 2)
        self._device_queues: dict[Any, _DeviceQueue] = {}
        self._not_due: list[tuple[float, int, _DeviceQueue]] = []
        self._order = itertools.count()
        self._queues: dict[Server, _ServerQueue] = {}
        #: Servers that are being probed; the value is whether a first result is known.
        self._checked: dict[Server, bool] = {}
        #: Servers whose probe was answered; each entry permits one call, however late.
        self._checked_alive: set[Server] = set()
        self._troubled: set[Any] = set()
        #: When serving of each device began; only devices whose server is called.
        self._served: dict[Any, float] = {}
        self._pending: Counter[RequestKind] = Counter()

    # --- requests ---

    def pending(self, kind: RequestKind = RequestKind.READ) -> int:
        """Return the number of requests of a kind that are pending or being served."""
        return self._pending[kind]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is pending or being served."""
        return not self._device_queues

    def find(self, device: Any, kind: RequestKind, name: Hashable) -> Request | None:
        """Return the pending request of this kind and name, or None."""
        device_queue = self._device_queues.get(device)
        return None if device_queue is None else device_queue.waiting.get((kind, name))

    def add(self, request: Request, now: float, delay: float = 0.0) -> None:
        """Add ``request``; no equal request may be pending.

        :param delay: shortest time until it is due, s.
        """
        gather = self._gather if request.kind is RequestKind.READ else 0.0
        request.due = now + delay + gather
        self._pending[request.kind] += 1
        device_queue = self._device_queues.get(request.device)
        if device_queue is None:
            device_queue = _DeviceQueue(request.device)
            self._device_queues[request.device] = device_queue
        device_queue.waiting[request.key] = request
        if request.kind in READS:
            request.device.costs.enter(request.name)
        self._update_due(device_queue, request)

    def remove(
        self, device: Any, kind: RequestKind, name: Hashable, owner: Any = None
    ) -> Request | None:
        """Remove and return a pending request of this kind and name, the newest first.

        :param owner: only requests for this receiver, or for one that no longer exists;
            None: any request.
        """
        device_queue = self._device_queues.get(device)
        if device_queue is None:
            return None
        waiting = device_queue.those_for(kind, name)
        request = next((r for r in waiting if r.is_of(owner)), None)
        if request is None:
            return None
        del device_queue.waiting[request.key]
        self._pending[kind] -= 1
        if device_queue.waiting:
            self._update_due(device_queue)
        elif not device_queue.busy:
            self._dissolve(device_queue)
        return request

    def _dissolve(self, device_queue: _DeviceQueue) -> None:
        """Delete the queue of a device without pending requests."""
        del self._device_queues[device_queue.device]
        device_queue.due = float("inf")
        if device_queue.server is not None:
            queue = self._queues[device_queue.server]
            queue.held_back.discard(device_queue)
            queue.due = [entry for entry in queue.due if entry[-1] is not device_queue]
            heapq.heapify(queue.due)
            self._forget_if_empty(device_queue.server, queue)
            device_queue.server = None

    def replace(self, request: Request) -> None:
        """Replace the equal pending request by ``request``; the due time is kept."""
        waiting = self._device_queues[request.device].waiting
        request.due = waiting[request.key].due
        waiting[request.key] = request

    def hasten(self, request: Request, now: float, delay: float) -> None:
        """Make a pending ``request`` due in ``delay`` s, if that is earlier."""
        request.due = min(request.due, now + delay)
        self._update_due(self._device_queues[request.device], request)

    def _update_due(
        self, device_queue: _DeviceQueue, changed: Request | None = None
    ) -> None:
        """Update when the queue of a device is examined next.

        :param changed: the only request that was added, or whose ``due`` or ``patient``
            may have decreased; None for any other change.
        """
        if device_queue.busy or not device_queue.waiting:
            return
        if device_queue.server is not None:
            queue = self._queues[device_queue.server]
            if device_queue not in queue.held_back:
                return
            if changed is not None and changed.patient:
                return
            queue.held_back.remove(device_queue)
            self._forget_if_empty(device_queue.server, queue)
            device_queue.server = changed = None
        if changed is None:
            self._look_at(
                device_queue, min(r.due for r in device_queue.waiting.values())
            )
        else:
            self._look_at(device_queue, min(device_queue.due, changed.due))

    def _look_at(self, device_queue: _DeviceQueue, due: float) -> None:
        """Examine ``device_queue`` at ``due``, and not before."""
        if due != device_queue.due:
            device_queue.due = due
            heapq.heappush(self._not_due, (due, next(self._order), device_queue))

    # --- service ---

    def take(self, now: float) -> Batch | None:
        """Return the batch to serve now, or None; marks its device as busy."""
        self._line_up(now)
        while True:
            server = self._next_server(now)
            if server is None:
                return None
            queue = self._queues[server]
            device_queue = heapq.heappop(queue.due)[-1]
            due = list(device_queue.due_requests(now + self._gather))
            if not due:
                # The due requests were removed.
                device_queue.server = None
                self._forget_if_empty(server, queue)
                self._update_due(device_queue)
            elif not server.silent or self._may_try(server, queue, now):
                return self._called(server, queue, device_queue, due, now)
            else:
                told = tuple(request for request in due if not request.patient)
                if told:
                    return self._begun(queue, device_queue, told, now, server.error)
                self._hold_back(queue, device_queue)

    def _hold_back(self, queue: _ServerQueue, device_queue: _DeviceQueue) -> None:
        """Hold a device until its server answers or an impatient request is due."""
        queue.held_back.add(device_queue)
        impatient = [r.due for r in device_queue.waiting.values() if not r.patient]
        if impatient:
            self._look_at(device_queue, min(impatient))

    def ready(self, now: float) -> bool:
        """Return whether a batch can be served now."""
        self._line_up(now)
        return self._next_server(now) is not None

    def _line_up(self, now: float) -> None:
        """Move the device queues that are due to the queues of their servers."""
        for server, queue in list(self._queues.items()):
            if queue.held_back and self._may_try(server, queue, now):
                self._wake(server)
        while self._not_due and self._not_due[0][0] <= now:
            due, order, device_queue = heapq.heappop(self._not_due)
            if device_queue.due != due:
                continue
            if device_queue.server is not None:
                self._queues[device_queue.server].held_back.discard(device_queue)
            device_queue.due = float("inf")
            device_queue.server = device_queue.device.server
            queue = self._queues.setdefault(device_queue.server, _ServerQueue())
            heapq.heappush(
                queue.due, (device_queue.device.late, due, order, device_queue)
            )

    def _next_server(self, now: float) -> Server | None:
        """Return the server to serve next."""
        waiting = [
            (queue.due[0], server)
            for server, queue in self._queues.items()
            if queue.due and self._may_serve(server, queue, now)
        ]
        return min(waiting, key=itemgetter(0))[1] if waiting else None

    def _may_serve(self, server: Server, queue: _ServerQueue, now: float) -> bool:
        if server.calls and not self._has_free_thread(now):
            return False
        if server.silent:
            # Requests have to fail, or a retry may be due.
            return self._is_up_to_date(server, now)
        if not self._has_room(server, queue):
            return False
        if server.address is not None:
            return self._is_there(server, now)
        if server.answers_lately(now):
            return True
        return not queue.serving and self._room_for_troubled()

    def held(self, now: float) -> int:
        """Return the number of held threads that may be replaced."""
        held = sum(begun + HELD <= now for begun in self._served.values())
        return min(held, MOST_HELD)

    def _has_free_thread(self, now: float) -> bool:
        """Return whether fewer than ``workers`` threads are busy and not held."""
        return len(self._served) - self.held(now) < self._workers

    def _has_room(self, server: Server, queue: _ServerQueue) -> bool:
        """Return whether the bulkheads leave a thread for the first due device."""
        if queue.due[0][0] and not self._room_for_troubled():
            return False
        return queue.serving < min(self._of_one_server, server.at_once)

    def _is_there(self, server: Server, now: float) -> bool:
        """Return whether a thread may call a server that can be probed."""
        vouched = server in self._checked_alive and server.answers_lately(now)
        return vouched or server.answered_just_now(now)

    def _is_up_to_date(self, server: Server, now: float) -> bool:
        """Return whether it is known that ``server`` still does not answer."""
        if server.address is None or now < server.retry_at():
            return True
        return self._checked.get(server, False)

    def _room_for_troubled(self) -> bool:
        return len(self._troubled) < self._of_troubled

    def _may_try(self, server: Server, queue: _ServerQueue, now: float) -> bool:
        """Return whether a call may test a server that cannot be probed."""
        alone = server.silent and server.address is None and not queue.serving
        return alone and server.retry_at() <= now and self._room_for_troubled()

    def _called(
        self,
        server: Server,
        queue: _ServerQueue,
        device_queue: _DeviceQueue,
        due: list[Request],
        now: float,
    ) -> Batch:
        if device_queue.device.late or not server.answers_lately(now):
            self._troubled.add(device_queue.device)
        self._checked_alive.discard(server)
        return self._begun(
            queue, device_queue, _in_one_go(device_queue.device, due), now
        )

    def _begun(
        self,
        queue: _ServerQueue,
        device_queue: _DeviceQueue,
        requests: tuple[Request, ...],
        now: float,
        error: BaseException | None = None,
    ) -> Batch:
        for request in requests:
            del device_queue.waiting[request.key]
        device_queue.busy = True
        if device_queue.device.server.calls:
            self._served[device_queue.device] = now
        queue.serving += 1
        return Batch(device_queue.device, requests, error)

    def done(self, batch: Batch, report: Report) -> None:
        """Record that ``batch`` was served; its device may be served again."""
        device_queue = self._device_queues[batch.device]
        assert device_queue.server is not None
        queue = self._queues[device_queue.server]
        queue.serving -= 1
        self._forget_if_empty(device_queue.server, queue)
        self._troubled.discard(batch.device)
        self._served.pop(batch.device, None)
        device_queue.busy, device_queue.server = False, None
        for request in batch.requests:
            self._pending[request.kind] -= 1
        for request in report.again:
            request.beside = False
            # A request made meanwhile may need a newer value.
            request.beside = request.key in device_queue.waiting
            self._pending[request.kind] += 1
            device_queue.waiting[request.key] = request
        if report.answered is not None:
            device_queue.device.late = report.late
        if device_queue.waiting:
            self._update_due(device_queue)
        else:
            del self._device_queues[batch.device]

    # --- servers ---

    def to_check(self, now: float) -> tuple[Server, ...]:
        """Return the servers to probe.

        Each is returned once, until :meth:`verdict` or :meth:`settled` is called.
        Servers that no thread may call now are left out: the result would be too old
        when one may.
        """
        # Servers that do not answer are probed even if all threads are busy, to detect
        # when they answer again.
        is_busy = not self._has_free_thread(now)
        found = tuple(
            server
            for server, queue in self._queues.items()
            if server.address is not None
            and server not in self._checked
            and (queue.due or queue.held_back)
            and (server.silent or not is_busy)
            and self._is_to_be_asked(server, queue, now)
        )
        self._checked.update(dict.fromkeys(found, False))
        return found

    def begin_check(self, server: Server) -> bool:
        """Return whether to probe ``server``; False while it is being probed.

        As :meth:`to_check`, for a caller without a pending request.
        """
        if server in self._checked:
            return False
        self._checked[server] = False
        return True

    def _is_to_be_asked(self, server: Server, queue: _ServerQueue, now: float) -> bool:
        if server.silent:
            return True
        has_room = bool(queue.due) and self._has_room(server, queue)
        return has_room and not self._is_there(server, now)

    def verdict(self, server: Server, goes_on: bool) -> None:
        """Record the result of a probe.

        :param goes_on: whether the server is probed again after a pause.
        """
        if goes_on:
            self._checked[server] = True
            return
        if not server.silent and server in self._queues:
            self._checked_alive.add(server)
        self.settled(server)

    def settled(self, server: Server) -> None:
        """Record that the probe of a server is obsolete.

        The server has answered a call, or has another address.
        """
        self._checked.pop(server, None)
        if not server.silent:
            self._wake(server)

    def _wake(self, server: Server) -> None:
        """Examine the queues again that were held back for ``server``."""
        queue = self._queues.get(server)
        for device_queue in list(queue.held_back) if queue else ():
            self._update_due(device_queue)

    def wanted(self, server: Server) -> bool:
        """Return whether any request waits for ``server``."""
        queue = self._queues.get(server)
        return queue is not None and bool(queue.due or queue.held_back)

    def forget_servers(self) -> None:
        """Delete empty server queues."""
        for server, queue in list(self._queues.items()):
            self._forget_if_empty(server, queue)

    def _forget_if_empty(self, server: Server, queue: _ServerQueue) -> None:
        if not (queue.due or queue.held_back or queue.serving):
            del self._queues[server]
            self._checked_alive.discard(server)

    # --- other ---

    def next_due(self, now: float) -> float | None:
        """Return when the schedule has to be examined next; None if that is unknown."""
        while self._not_due and self._not_due[0][0] != self._not_due[0][-1].due:
            # The entry is outdated.
            heapq.heappop(self._not_due)
        times = [self._not_due[0][0]] if self._not_due else []
        times += [
            server.retry_at()
            for server, queue in self._queues.items()
            if queue.held_back and self._may_try(server, queue, float("inf"))
        ]
        is_waited_for = any(queue.due for queue in self._queues.values())
        if is_waited_for and not self._has_free_thread(now):
            # When the next thread counts as held.
            ends = (begun + HELD for begun in self._served.values())
            times += [end for end in ends if end > now]
        return min(times, default=None)

    def clear(self) -> tuple[Request, ...]:
        """Remove and return all pending requests; batches in service continue."""
        forgotten: list[Request] = []
        for device, device_queue in list(self._device_queues.items()):
            forgotten += device_queue.waiting.values()
            device_queue.waiting.clear()
            device_queue.due = float("inf")
            if not device_queue.busy:
                del self._device_queues[device]
        for queue in self._queues.values():
            queue.due.clear()
            queue.held_back.clear()
        self._not_due.clear()
        self.forget_servers()
        for request in forgotten:
            self._pending[request.kind] -= 1
        return tuple(forgotten)


def _in_one_go(device: ScheduledDevice, due: list[Request]) -> tuple[Request, ...]:
    """Return the ``due`` requests of a device that are served in one batch."""
    costs = device.costs
    connections = tuple(r for r in due if r.kind is RequestKind.CONNECT)
    if connections:
        return connections
    due = sorted(due, key=partial(_turn, costs))
    if due[0].kind is RequestKind.ASK:
        # Nothing is learned of the time that these take.
        return tuple(due[: max(FIRST, device.server.calls_together)])
    if costs.expected(due[0].name) >= AIM:
        due = [r for r in due if r.due <= due[0].due + OVERTAKING]
    chosen = set(costs.cut(dict.fromkeys(request.name for request in due)))
    together = (request for request in due if request.name in chosen)
    return tuple(sorted(together, key=lambda request: costs.place(request.name)))


def _turn(costs: ReadCosts, request: Request) -> tuple[float, int]:
    """Return the sort key of a due ``request``.

    Rounded, since polls that are due together differ by rounding errors.
    """
    return round(request.due, 3), costs.place(request.name)
