"""Which device is served next, and how much of it: no threads, no clock."""

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

from taurus_tpo.core.batching import AIM, ReadCosts
from taurus_tpo.core.server_health import Server

#: An attribute so slow that it travels alone lets those go first that are due so much
#: later, s, and no others: there may always be one that is polled.
OVERTAKING = 2.0

#: How long a thread is taken up with one batch until another takes its place, s: twice
#: what one call is to take. It may be in a call to a server that has just begun to
#: hang, for 9 s; or with a listener that blocks, for as long as that likes.
HELD = 2 * AIM

#: How many threads others take the place of at the most.
MOST_HELD = 32


class RequestKind(enum.Enum):
    """What is wanted of a device."""

    CONNECT = "to know whether it answers, and its configuration"
    READ = "the value of an attribute, once"
    READ_AT_ONCE = "the same, by somebody who waits for it"
    POLL = "the value of an attribute, as in every period"
    LOOK = "the value of an attribute, to compare it with what is cached"
    ASK = "what a database knows"
    ALARM = "nothing; somebody wants to know that it is time"


#: The kinds that bring the value of an attribute.
READS = frozenset(
    {RequestKind.READ, RequestKind.READ_AT_ONCE, RequestKind.POLL, RequestKind.LOOK}
)


class Outcome(enum.Enum):
    """What became of a request."""

    READ = "the read brought a value"
    FAILED = "the read failed"
    DROPPED = "the read was in vain"


class ScheduledDevice(Protocol):
    """What the schedule knows of a device; it is hashable, too.

    :param server: whose monitor and threads it takes at present; changed only while
        the device is served.
    :param costs: what its reads take.
    :param late: whether its last call timed out though the server is there.
    """

    server: Server
    costs: ReadCosts
    late: bool


@dataclass(eq=False)
class Request:
    """Something that is wanted of a device, and that waits.

    :param device: one device is served by one thread at a time.
    :param name: whatever tells attributes apart.
    :param asked: since when it is wanted, seconds since the epoch.
    :param target: what the reader needs to deliver the value (a weak reference:
        waiting work keeps no attribute alive).
    :param due: when it may be served, on the clock that never goes back, s.
    :param patient: whether it waits for a server that is silent already, rather than
        fail at once.
    :param beside: whether one like it was asked while this one was being served, in
        vain, so that both wait.
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
        """By which it is found among those that wait on its device."""
        key = self.kind, self.name
        return (*key, id(self)) if self.beside else key

    def is_wanted(self) -> bool:
        """Return whether somebody is still there to whom it would bring something."""
        gone = self.target is not None and self.target() is None
        return not gone and not self.is_cancelled()

    def is_cancelled(self) -> bool:
        """Return whether whoever asked has cancelled it."""
        return False

    def is_of(self, owner: Any) -> bool:
        """Return whether it was asked for ``owner``, or for somebody who is gone."""
        target = None if self.target is None else self.target()
        return owner is None or target is None or target is owner

    def succeed(self, value: Any) -> None:
        """Settle it with the value that was read."""
        self._settle(Outcome.READ, value=value)

    def fail(self, error: BaseException) -> None:
        """Settle it with the failure of its read."""
        self._settle(Outcome.FAILED, error=error)

    def spare(self, value: Any) -> None:
        """Settle it with a value that came in another way before the read."""
        self._settle(Outcome.DROPPED, value=value)

    def drop(self) -> None:
        """Settle it as in vain, with nothing to show for it."""
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
        value: Any,  # noqa: ARG002 - for whoever waits
        error: BaseException | None,  # noqa: ARG002
    ) -> bool:
        """Give the value or the error to whoever asked; return whether they want it."""
        return not self.is_cancelled()

    def cancel(self) -> None:
        """Say to whoever asked that nothing comes of it."""


@dataclass(frozen=True)
class Batch:
    """What one thread does of one device, in one go.

    :param requests: all of a kind of work that goes together: to connect, or to read.
    :param error: why none of it can be done; to be told to all of them.
    """

    device: Any
    requests: tuple[Request, ...]
    error: BaseException | None = None


@dataclass(frozen=True)
class Report:
    """What became of a batch.

    :param answered: whether the server has answered, or refused at once; None if it
        was not called.
    :param late: whether the call timed out.
    :param again: the requests that have to be served once more.
    """

    answered: bool | None = None
    late: bool = False
    again: tuple[Request, ...] = ()


class _DeviceQueue:
    """All that waits on one device."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.waiting: dict[Hashable, Request] = {}
        self.busy = False
        #: The server in whose queue it stands; None while it ripens or is served.
        self.server: Server | None = None
        self.due = float("inf")

    def due_requests(self, until: float) -> Iterator[Request]:
        return (request for request in self.waiting.values() if request.due <= until)

    def those_for(self, kind: RequestKind, name: Hashable) -> Iterator[Request]:
        """Return the requests for this that wait, the newest first."""
        newest = self.waiting.get((kind, name))
        if newest is not None:
            yield newest
        for one in self.waiting.values():
            if one.beside and (one.kind, one.name) == (kind, name):
                yield one


class _ServerQueue:
    """The device queues of one server that are due, and how many are being served.

    :param due: a heap: those whose last call timed out come last, then by age.
    :param held_back: those in which nothing is due but what waits until the server is
        no longer silent.
    """

    def __init__(self) -> None:
        self.due: list[tuple[bool, float, int, _DeviceQueue]] = []
        self.held_back: set[_DeviceQueue] = set()
        self.serving = 0


class Scheduler:
    """What waits, by device and by server.

    A request is due when it has waited ``gather`` seconds (or as long as whoever asked
    said), so that the attributes of a device that are asked for one after the other
    travel in one call. The device whose request has been due for longest comes first;
    those whose last call timed out come after all others. While a device is served,
    what is asked of it waits.

    The bulkheads: a server that has not answered just now is asked whether it is there
    (:meth:`to_check`) before a thread goes to it. Where it cannot be asked, and has not
    answered lately, one thread tries. One server gets three quarters of the threads at
    the most, and all that has just timed out half of them. A thread that is held for
    longer than :data:`HELD` does not count as one of the ``workers``: others go on.

    Times are seconds of a clock that never goes back. Not thread-safe.
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
        #: Servers that are being asked whether they are there, and whether that has
        #: been found out once.
        self._checked: dict[Server, bool] = {}
        #: Servers that have answered such a question; each lets one thread go there,
        #: however long that takes to come.
        self._checked_alive: set[Server] = set()
        self._troubled: set[Any] = set()
        #: Since when each device is served that is called for that.
        self._served: dict[Any, float] = {}
        self._pending: Counter[RequestKind] = Counter()

    # --- what is asked ---

    def pending(self, kind: RequestKind = RequestKind.READ) -> int:
        """Return the number of requests of a kind that wait or are being served."""
        return self._pending[kind]

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits or is being served."""
        return not self._device_queues

    def find(self, device: Any, kind: RequestKind, name: Hashable) -> Request | None:
        """Return the request for this that waits, or None."""
        device_queue = self._device_queues.get(device)
        return None if device_queue is None else device_queue.waiting.get((kind, name))

    def add(self, request: Request, now: float, delay: float = 0.0) -> None:
        """Let ``request`` wait; nothing like it must be waiting already.

        :param delay: how long it is to wait at the least, s.
        """
        gather = self._gather if request.kind is RequestKind.READ else 0.0
        request.due = now + delay + gather
        self._pending[request.kind] += 1
        device_queue = self._device_queues.setdefault(
            request.device, _DeviceQueue(request.device)
        )
        device_queue.waiting[request.key] = request
        if request.kind in READS:
            request.device.costs.enter(request.name)
        self._update_due(device_queue, request)

    def remove(
        self, device: Any, kind: RequestKind, name: Hashable, owner: Any = None
    ) -> Request | None:
        """Forget a request for this that waits, and return it; the newest first.

        :param owner: whose it is, where it has a target; None: whoever's.
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
        """Forget a queue in which nothing waits."""
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
        """Put ``request`` in the place of the one like it that waits."""
        waiting = self._device_queues[request.device].waiting
        request.due = waiting[request.key].due
        waiting[request.key] = request

    def hasten(self, request: Request, now: float, delay: float) -> None:
        """Let a ``request`` that waits be due earlier, if that is earlier."""
        request.due = min(request.due, now + delay)
        self._update_due(self._device_queues[request.device], request)

    def _update_due(
        self, device_queue: _DeviceQueue, changed: Request | None = None
    ) -> None:
        """See when a device is to be looked at next, after something has changed.

        :param changed: the one request that has come, or may be due earlier or have
            less patience now; None if it is not as simple as that.
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
        """Look at ``device_queue`` when something of it is ``due``, and not before."""
        if due != device_queue.due:
            device_queue.due = due
            heapq.heappush(self._not_due, (due, next(self._order), device_queue))

    # --- what is served ---

    def take(self, now: float) -> Batch | None:
        """Return the batch to serve now, or None; its device is busy from here on."""
        self._line_up(now)
        while True:
            server = self._next_server(now)
            if server is None:
                return None
            queue = self._queues[server]
            device_queue = heapq.heappop(queue.due)[-1]
            due = list(device_queue.due_requests(now + self._gather))
            if not due:
                # What was due has been removed.
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
        """Let a device wait for its server, or for one to be told that it is silent."""
        queue.held_back.add(device_queue)
        impatient = [r.due for r in device_queue.waiting.values() if not r.patient]
        if impatient:
            self._look_at(device_queue, min(impatient))

    def ready(self, now: float) -> bool:
        """Return whether there is something to serve now."""
        self._line_up(now)
        return self._next_server(now) is not None

    def _line_up(self, now: float) -> None:
        """Put the device queues that are due into the queues of their servers."""
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
        """Return the server whose turn it is."""
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
            # There is an error to tell, or it may be time to try.
            return self._is_up_to_date(server, now)
        if not self._has_room(server, queue):
            return False
        if server.address is not None:
            return self._is_there(server, now)
        if server.answers_lately(now):
            return True
        return not queue.serving and self._room_for_troubled()

    def held(self, now: float) -> int:
        """Return how many threads are held that others may take the place of."""
        held = sum(begun + HELD <= now for begun in self._served.values())
        return min(held, MOST_HELD)

    def _has_free_thread(self, now: float) -> bool:
        """Return whether fewer than ``workers`` threads are taken up, not held."""
        return len(self._served) - self.held(now) < self._workers

    def _has_room(self, server: Server, queue: _ServerQueue) -> bool:
        """Return whether the bulkheads leave a thread to what is due."""
        if queue.due[0][0] and not self._room_for_troubled():
            return False
        return queue.serving < min(self._of_one_server, server.at_once)

    def _is_there(self, server: Server, now: float) -> bool:
        """Return whether a thread may go to a server that can be asked."""
        vouched = server in self._checked_alive and server.answers_lately(now)
        return vouched or server.answered_just_now(now)

    def _is_up_to_date(self, server: Server, now: float) -> bool:
        """Return whether the silence of ``server`` is recent."""
        if server.address is None or now < server.retry_at():
            return True
        return self._checked.get(server, False)

    def _room_for_troubled(self) -> bool:
        return len(self._troubled) < self._of_troubled

    def _may_try(self, server: Server, queue: _ServerQueue, now: float) -> bool:
        """Return whether a call may find out if a silent server is back."""
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
            queue, device_queue, _in_one_go(device_queue.device.costs, due), now
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
        """Say that ``batch`` was served: what was asked meanwhile may come."""
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
            # One that is asked meanwhile may want a younger value.
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
        """Return the servers that have to be asked whether they are there.

        Each is returned once, until :meth:`verdict` is told, or :meth:`settled`; and
        none to which no thread could go now: its answer would be old when one can.
        """
        # Those that are silent are asked whoever is busy: so they are found again.
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
        """Return whether ``server`` has to be asked; not if that is under way.

        As :meth:`to_check`, for somebody who has nothing waiting.
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
        """Take note that a server was asked, and has answered or not.

        :param goes_on: whether it goes on being asked.
        """
        if goes_on:
            self._checked[server] = True
            return
        if not server.silent and server in self._queues:
            self._checked_alive.add(server)
        self.settled(server)

    def settled(self, server: Server) -> None:
        """Take note that the question whether a server is there is of no use any more.

        It has answered a call, or is somewhere else.
        """
        self._checked.pop(server, None)
        if not server.silent:
            self._wake(server)

    def _wake(self, server: Server) -> None:
        """Let those come who wait until ``server`` is not silent any more."""
        queue = self._queues.get(server)
        for device_queue in list(queue.held_back) if queue else ():
            self._update_due(device_queue)

    def wanted(self, server: Server) -> bool:
        """Return whether anything waits for ``server``."""
        queue = self._queues.get(server)
        return queue is not None and bool(queue.due or queue.held_back)

    def forget_servers(self) -> None:
        """Forget the queues in which nobody stands."""
        for server, queue in list(self._queues.items()):
            self._forget_if_empty(server, queue)

    def _forget_if_empty(self, server: Server, queue: _ServerQueue) -> None:
        if not (queue.due or queue.held_back or queue.serving):
            del self._queues[server]
            self._checked_alive.discard(server)

    # --- the rest ---

    def next_due(self, now: float) -> float | None:
        """Return when there is something to look at next; None if that is not known."""
        while self._not_due and self._not_due[0][0] != self._not_due[0][-1].due:
            # Something has become of the queue since.
            heapq.heappop(self._not_due)
        times = [self._not_due[0][0]] if self._not_due else []
        times += [
            server.retry_at()
            for server, queue in self._queues.items()
            if queue.held_back and self._may_try(server, queue, float("inf"))
        ]
        is_waited_for = any(queue.due for queue in self._queues.values())
        if is_waited_for and not self._has_free_thread(now):
            # When the next one counts as held.
            ends = (begun + HELD for begun in self._served.values())
            times += [end for end in ends if end > now]
        return min(times, default=None)

    def clear(self) -> tuple[Request, ...]:
        """Forget all that waits and return it; what is served goes on."""
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


def _in_one_go(costs: ReadCosts, due: list[Request]) -> tuple[Request, ...]:
    """Return those of the ``due`` requests of a device that go together."""
    connections = tuple(r for r in due if r.kind is RequestKind.CONNECT)
    if connections:
        return connections
    due = sorted(due, key=partial(_turn, costs))
    if costs.expected(due[0].name) >= AIM:
        due = [r for r in due if r.due <= due[0].due + OVERTAKING]
    chosen = set(costs.cut(dict.fromkeys(request.name for request in due)))
    together = (request for request in due if request.name in chosen)
    return tuple(sorted(together, key=lambda request: costs.place(request.name)))


def _turn(costs: ReadCosts, request: Request) -> tuple[float, int]:
    """Return when it is the turn of ``request``, among those that are due.

    Polls that fall due together do so but for rounding.
    """
    return round(request.due, 3), costs.place(request.name)
