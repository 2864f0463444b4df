"""The threads that connect to devices, do first reads and poll."""

from __future__ import annotations

import logging
import threading
import weakref
from collections import Counter, deque
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Callable, Optional, cast

from taurus_tpo.concurrency.future_request import FutureRequest
from taurus_tpo.concurrency.liveness import SILENCE, Liveness, LivenessMonitor
from taurus_tpo.core import clock as clocks
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.giop import Address
from taurus_tpo.core.scheduler import (
    Batch,
    Outcome,
    Report,
    Request,
    RequestKind,
    Scheduler,
)
from taurus_tpo.core.server_health import Server, pause_after

#: Prefix of the names of the threads.
THREAD_NAME = "taurus_tpo reader"

#: How long a first read waits for others of its device, s: a widget is built in about 5
#: ms, so that several attributes are read in one call, and users do not notice the
#: delay.
GATHER = 0.03

#: How long a thread waits for a batch before it ends, s.
IDLE = 0.25

#: How long a caller waits for the probe of a server, s: longer than it takes to find
#: that the server does not answer.
HEARD = 2 * SILENCE

#: Shortest time that a thread waits, s: a clock may stand still.
_SHORTEST_REST = 0.001


#: Weak reference to the owner of a request; None: any owner.
_Owner = Optional["weakref.ref[Any]"]

#: Stands for an owner that no longer exists.
_GONE = object()


def _alive_or_gone(whose: _Owner) -> Any:
    """Return the owner, or :data:`_GONE` if it no longer exists."""
    owner = None if whose is None else whose()
    return _GONE if owner is None and whose is not None else owner


def _drop(requests: list[Request]) -> None:
    """Settle ``requests`` without results; called without the lock."""
    for request in requests:
        request.drop()


@dataclass(frozen=True)
class Stats:
    """What the pool has done for one kind of request since it was made.

    :param asked: new requests; one that was pending already does not count again.
    :param calls: batches served, each with at most one call to a device.
    :param read: attributes that got a value.
    :param failed: attributes whose read failed.
    :param dropped: needless reads: the attribute no longer exists, or an event came
        first.
    """

    asked: int = 0
    calls: int = 0
    read: int = 0
    failed: int = 0
    dropped: int = 0


def _set_round_trip(server: Server, seconds: float) -> None:
    server.round_trip = seconds


def _do_now(action: Callable[[], Any]) -> None:
    action()


class DevicePool:
    """A bounded pool of daemon threads that serves devices, one thread per device.

    Threads start on demand, end when idle, and never keep the process alive. All
    methods may be called from any thread.

    :param serve: serves one batch, settles its requests and returns the result; called
        without any lock, in a thread of the pool. A request that it does not settle or
        ask to serve again is dropped.
    :param workers: number of devices served at a time. A thread that is held for longer
        than :data:`~taurus_tpo.core.scheduler.HELD` does not count, up to
        :data:`~taurus_tpo.core.scheduler.MOST_HELD` threads.
    :param silent: makes the error of a server that does not answer.
    :param refuse: delivers the error of a batch that cannot be served to its
        attributes; called as ``serve`` is. The futures get it in any case.
    :param liveness: probes servers; closed with the pool.
    :param name: prefix of the names of the threads, for debuggers.
    :param gather: how long a first read waits for others of its device, s.
    :param idle: how long a thread waits for a batch before it ends, s.
    :param log: logger for errors in ``serve`` itself.
    :param do_later: has an action run in another thread without waiting for it. Without
        it, :meth:`withdraw` may wait for the lock.
    """

    def __init__(
        self,
        serve: Callable[[Batch], Report],
        workers: int,
        silent: Callable[[Server], BaseException] = TimeoutError,
        refuse: Callable[[Batch], Any] | None = None,
        liveness: LivenessMonitor | None = None,
        name: str = THREAD_NAME,
        gather: float = GATHER,
        idle: float = IDLE,
        clock: clocks.Clock = clocks.SYSTEM,
        log: Any = None,
        do_later: Callable[[Callable[[], Any]], Any] = _do_now,
    ) -> None:
        self._serve = serve
        self._workers = workers
        self._silent = silent
        self._refuse = refuse
        self._log = log if log is not None else logging.getLogger(__name__)
        self._liveness = liveness or LivenessMonitor(log=self._log)
        self._name = name
        self._idle = idle
        self._clock = clock
        self._schedule = Scheduler(workers, gather)
        # One lock with two conditions: state that callers wait for has changed; and an
        # idle thread of the pool has to examine the schedule. The lock itself is used
        # for each request: entering a condition takes twice the time.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._roused = threading.Condition(self._lock)
        #: Requests to withdraw, with their owners.
        self._withdrawn: deque[tuple[Any, RequestKind, Hashable, _Owner]] = deque()
        self._do_later = do_later
        self._threads: set[threading.Thread] = set()
        #: Number of threads that will examine the schedule next: new ones, and those
        #: that have just served a batch.
        self._about_to_look = 0
        #: When each idle thread examines the schedule again, by thread id.
        self._rests: dict[int, float] = {}
        self._numbers = 0
        self._stats: dict[RequestKind, Counter[str]]
        self._stats = {kind: Counter() for kind in RequestKind}
        self._closed = False

    def submit(
        self,
        device: Any,
        name: Hashable,
        target: Any,
        kind: RequestKind = RequestKind.READ,
        delay: float = 0.0,
        patient: bool = False,
    ) -> Future[Any]:
        """Register a request and return the future for its result.

        Of equal pending requests there is one, with one future. While an equal request
        is being served, a new one is added. After :meth:`close` the future is
        cancelled.

        :param device: see :class:`taurus_tpo.core.scheduler.ScheduledDevice`.
        :param target: see :class:`taurus_tpo.core.scheduler.Request`.
        :param delay: shortest time until it is served, s.
        :param patient: if the server already does not answer, wait until it does;
            otherwise fail at once.
        """
        withdrawn = []
        with self._lock:
            if self._withdrawn:
                # A request that is withdrawn and then made again must stay.
                withdrawn = self._take_out()
            request = self._asked(device, name, target, kind, delay, patient)
        _drop(withdrawn)
        return request.future

    def withdraw(
        self, device: Any, kind: RequestKind, name: Hashable, owner: Any = None
    ) -> None:
        """Remove a pending request and cancel its future.

        A request that is being served is not affected. Never waits for another thread.
        An attribute that is garbage-collected withdraws its requests in whatever code
        its thread runs. That may be a new thread that has not reported its start yet,
        for which another one waits with the lock held.

        :param owner: only requests of this owner: an attribute that was made again has
            requests with the same names. None: of any owner.
        """
        whose = None if owner is None else weakref.ref(owner)
        self._withdrawn.append((device, kind, name, whose))
        if self._is_held():
            # A thread of the pool removes it when it examines the schedule next.
            return
        if self._changed.acquire(blocking=False):
            try:
                requests = self._take_out()
            finally:
                self._changed.release()
            _drop(requests)
        else:
            self._do_later(self._take_back)

    def _is_held(self) -> bool:
        """Return whether this thread holds the lock already.

        It may be examining the schedule.
        """
        try:
            self._changed.notify(0)
        except RuntimeError:
            return False
        return True

    def _take_back(self) -> None:
        """Remove and drop the withdrawn requests; called without the lock."""
        with self._changed:
            requests = self._take_out()
        _drop(requests)

    def _take_out(self) -> list[Request]:
        """Remove and return the withdrawn requests; with the lock held."""
        requests: list[Request] = []
        while self._withdrawn:
            device, kind, name, whose = self._withdrawn.popleft()
            remove = partial(
                self._schedule.remove, device, kind, name, _alive_or_gone(whose)
            )
            found = list(iter(remove, None))
            self._count(kind, dropped=len(found))
            requests += found
        self._tell()
        return requests

    def server_answers(self, server: Server) -> bool:
        """Return whether ``server`` answers now, for a caller that is about to call it.

        Waits for a probe: 0.2 ms on a healthy host, at most :data:`HEARD`. A server
        that cannot be probed counts as answering; one whose probe has no result in time
        does not.
        """
        with self._changed:
            now = self._clock.monotonic()
            if server.address is None or server.answered_just_now(now):
                return not server.silent
            if not server.silent and self._schedule.begin_check(server):
                self._check_liveness(server, server.address)

            def is_told() -> bool:
                return server.silent or server.answered >= now or self._closed

            told = self._changed.wait_for(is_told, HEARD)
            return bool(told) and not server.silent

    def probe(self, server: Server) -> None:
        """Have ``server`` probed now, even during a pause; returns at once.

        The result is in the state of ``server``.
        """
        with self._changed:
            if server.address is not None:
                self._check_liveness(server, server.address)
            else:
                # Only a call can tell: the next pending request may make it.
                server.told = float("-inf")
                self._wake()

    def pending(self, kind: RequestKind = RequestKind.READ) -> int:
        """Return the number of requests of a kind that are pending or being served."""
        with self._changed:
            return self._schedule.pending(kind)

    def stats(self, kind: RequestKind = RequestKind.READ) -> Stats:
        """Return what was done for one kind of request so far."""
        with self._changed:
            return Stats(**self._stats[kind])

    def threads(self) -> tuple[threading.Thread, ...]:
        """Return the running threads."""
        with self._changed:
            return (*self._threads, *self._liveness.threads())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no request of the kind READ is pending.

        :param timeout: s; None: no limit.
        :return: whether none is pending.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._schedule.pending(), timeout)

    def close(self, timeout: float | None = 0.0) -> bool:
        """Cancel pending requests and end the threads.

        A thread in a call to a device that does not answer cannot be interrupted: it
        ends after the call.

        :param timeout: how long to wait for the threads, s; None: no limit.
        :return: whether all threads have ended, except for the calling one.
        """
        with self._changed:
            self._closed = True
            forgotten = self._forget()
            self._changed.notify_all()
            self._rouse()
        for request in forgotten:
            request.drop()
        with self._changed:
            me = {threading.current_thread()}
            ended = self._changed.wait_for(lambda: self._threads <= me, timeout)
        return self._liveness.close(timeout) and ended

    def owns(self, thread: threading.Thread) -> bool:
        """Return whether ``thread`` belongs to the pool; takes no lock."""
        return thread in self._threads

    # From here on: with self._changed held, unless noted otherwise.

    def _asked(
        self,
        device: Any,
        name: Hashable,
        target: Any,
        kind: RequestKind,
        delay: float,
        patient: bool,
    ) -> FutureRequest:
        """Return the pending request for this, or a new one."""
        now = self._clock.monotonic()
        # The schedule contains no other type.
        waiting = cast(Optional[FutureRequest], self._schedule.find(device, kind, name))
        if waiting is not None and waiting.is_wanted():
            # A value from before this call must not settle it.
            waiting.asked = max(waiting.asked, self._clock.time())
            waiting.patient = waiting.patient and patient
            self._schedule.hasten(waiting, now, delay)
            self._wake(waiting.due)
            return waiting
        asked = self._clock.time() + (delay if kind is RequestKind.POLL else 0.0)
        request = FutureRequest(device, name, asked, target, kind)
        if self._closed:
            request.drop()
            return request
        request.patient = patient and device.server.silent
        if waiting is None:
            self._schedule.add(request, now, delay)
        else:
            self._schedule.replace(request)
            self._schedule.hasten(request, now, delay)
            self._count(kind, dropped=1)
        self._count(kind, asked=1)
        self._wake(request.due)
        return request

    def _wake(self, due: float = float("-inf")) -> None:
        """Ensure that a thread examines the schedule by ``due``.

        Waking a thread delays the caller, which has Python's lock. So it is done only
        if no thread examines the schedule in time anyway.
        """
        if self._is_watched(due):
            return
        self._check_servers()
        if not self._rests:
            self._employ()
        self._rouse()

    def _is_watched(self, due: float) -> bool:
        """Return whether a thread will examine the schedule by ``due`` anyway.

        A thread may stay idle, or end, only if another one examines the schedule by the
        time of the next due request.
        """
        return self._about_to_look > 0 or min(self._rests.values(), default=inf) <= due

    def _rouse(self) -> None:
        """Wake all idle threads; until they look, no further wake-up is needed."""
        self._rests = dict.fromkeys(self._rests, float("-inf"))
        self._roused.notify_all()

    def _tell(self) -> None:
        """Notify waiting callers that requests may have been removed."""
        self._changed.notify_all()
        if self._schedule.is_empty:
            # A thread may wait for a request that no longer exists.
            self._rouse()

    def _forget(self) -> tuple[Request, ...]:
        """Remove and return all pending requests, to be dropped without the lock."""
        forgotten = self._schedule.clear()
        for request in forgotten:
            self._count(request.kind, dropped=1)
        return forgotten

    def _employ(self) -> None:
        # One more than may be busy, to examine the schedule while they are.
        most = self._workers + 1 + self._schedule.held(self._clock.monotonic())
        if self._closed or len(self._threads) >= most:
            return
        self._numbers += 1
        name = f"{self._name} {self._numbers}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._log.warning("No thread for %s: %s", self._name, error)
        else:
            self._threads.add(thread)
            self._about_to_look += 1

    def _check_servers(self) -> None:
        """Probe the servers that pending requests wait for."""
        for server in self._schedule.to_check(self._clock.monotonic()):
            assert server.address is not None
            self._check_liveness(server, server.address)

    def _check_liveness(self, server: Server, address: Address) -> None:
        judge = partial(self._judge, server, address)
        self._liveness.check(server, address, judge, partial(_set_round_trip, server))

    def _judge(
        self, server: Server, address: Address, verdict: Liveness
    ) -> float | None:
        """Record the result of a probe, unless it is obsolete: then it is repeated.

        In the monitor's thread, without the lock.
        """
        error = self._silent(server) if verdict is Liveness.SILENT else None
        with self._changed:
            now = self._clock.monotonic()
            # Since the probe was sent, it got another address, or answered a call.
            has_answered = now - server.answered < self._liveness.silence
            if server.address != address or (error is not None and has_answered):
                self._schedule.settled(server)
                self._changed.notify_all()
                self._wake()
                return None
            if error is None:
                server.answer(now)
            else:
                server.fall_silent(error, now, self._clock.time())
            goes_on = error is not None and self._schedule.wanted(server)
            self._schedule.verdict(server, goes_on and not self._closed)
            self._changed.notify_all()
            self._wake()
            return pause_after(server.silences) if goes_on else None

    def _work(self) -> None:
        """Run a thread of the pool; takes the lock itself."""
        while self._serve_next():
            pass

    def _serve_next(self) -> bool:
        """Serve one batch and keep no reference to it; return False to end."""
        if self._withdrawn:
            self._take_back()
        with self._changed:
            self._about_to_look -= 1
            batch = self._next_batch()
            if batch is None:
                self._threads.discard(threading.current_thread())
                self._changed.notify_all()
                return False
            server = batch.device.server
        report = self._serve_safely(batch)
        with self._changed:
            self._learn(server, report)
            self._schedule.done(batch, report)
            self._book(batch)
            # Nothing is served again after close().
            forgotten = self._forget() if self._closed else ()
            self._check_servers()
            self._tell()
            self._about_to_look += 1
        for request in forgotten:
            request.drop()
        return True

    def _learn(self, server: Server, report: Report) -> None:
        """Record what a call has shown about the health of a server."""
        if report.answered:
            server.answer(self._clock.monotonic())
            self._schedule.settled(server)
        elif report.answered is False and server.address is None:
            error = self._silent(server)
            server.fall_silent(error, self._clock.monotonic(), self._clock.time())
        elif report.answered is False:
            server.doubt()

    def _next_batch(self) -> Batch | None:
        """Wait for a batch; None if the thread is to end."""
        idle_until = self._clock.monotonic() + self._idle
        while not self._closed:
            now = self._clock.monotonic()
            batch = self._schedule.take(now)
            self._check_servers()
            if batch is not None:
                self._leave(now)
                return batch
            due = self._schedule.next_due(now)
            if due is not None and self._is_watched(due):
                # One thread is enough to wait for the next due request.
                due = None
            if due is None and now >= idle_until:
                self._schedule.forget_servers()
                return None
            self._rest(now, idle_until if due is None else due)
        return None

    def _leave(self, now: float) -> None:
        """Ensure that another thread examines the schedule while this one serves."""
        if self._schedule.ready(now):
            self._wake()
            return
        due = self._schedule.next_due(now)
        if due is not None:
            self._wake(due)

    def _rest(self, now: float, until: float) -> None:
        me = threading.get_ident()
        self._rests[me] = until
        try:
            self._roused.wait(max(until - now, _SHORTEST_REST))
        finally:
            del self._rests[me]

    def _serve_safely(self, batch: Batch) -> Report:
        """Serve ``batch`` and settle its requests in any case; without the lock.

        An error, even a listener's SystemExit, must not end the thread.
        """
        report = Report()
        try:
            report = self._carry_out(batch)
        except BaseException as error:  # noqa: BLE001 - goes to the log and the futures
            self._log.error("%s: %s failed: %r", self._name, batch.device, error)
            self._log.debug("details:", exc_info=True)
            for request in batch.requests:
                request.fail(error)
        again = set(report.again)
        for request in batch.requests:
            if batch.error is not None:
                request.fail(fresh(batch.error))
            elif request not in again:
                request.drop()
        return report

    def _carry_out(self, batch: Batch) -> Report:
        if batch.error is None:
            return self._serve(batch)
        if self._refuse is not None:
            self._refuse(batch)
        return Report()

    def _book(self, batch: Batch) -> None:
        for kind in {request.kind for request in batch.requests}:
            outcomes = Counter(r.outcome for r in batch.requests if r.kind is kind)
            self._count(
                kind,
                calls=1,
                read=outcomes[Outcome.READ],
                failed=outcomes[Outcome.FAILED],
                dropped=outcomes[Outcome.DROPPED],
            )

    def _count(self, kind: RequestKind, **more: int) -> None:
        counted = self._stats[kind]
        for name, by in more.items():
            counted[name] += by
