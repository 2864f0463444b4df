"""How a thread of the pool serves a device: locate, connect, read, deliver.

A database is served by calling its commands.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Callable

import tango

from taurus_tpo.core.batching import AIM
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import fresh, is_of_the_device
from taurus_tpo.core.scheduler import READS, Batch, Report, Request, RequestKind
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.tango_client.database import DatabaseConnection
from taurus_tpo.tango_client.device import DeviceConnection
from taurus_tpo.tango_client.reads import Answer, Reading
from taurus_tpo.tango_client.subscription_queue import PROMPT

#: Attribute to read beside a slow one if no quick attribute of the device is known.
STATE = "State"

Reads = dict[str, list[tuple[Request, Any]]]


def serve(batch: Batch, clock: Clock = SYSTEM) -> Report:
    """Serve ``batch`` and settle its requests.

    Called in a thread of the pool, without any lock.
    """
    # Tango does not know Python's threads, and crashes if two of them subscribe.
    with tango.EnsureOmniThread():
        if isinstance(batch.device, DatabaseConnection):
            return _ask(batch.device, batch.requests, clock)
        return _serve_device(batch.device, batch, clock)


def _serve_device(connection: DeviceConnection, batch: Batch, clock: Clock) -> Report:
    """Connect to a device, or read it.

    First the database is called to locate its server; all requests then wait for that
    server.
    """
    begun = clock.monotonic()
    try:
        if not connection.located:
            connection.locate()
            return Report(answered=True, again=batch.requests)
        connecting = batch.requests[0].kind is RequestKind.CONNECT
        if connecting or not connection.configured:
            connection.connect()
    except tango.DevFailed as error:
        _fail(batch, error, clock)
        if not connection.has_proxy:
            # It may have been the database that did not answer.
            connection.lose()
        prompt = clock.monotonic() - begun < PROMPT
        return Report(answered=prompt, late=not prompt)
    if not connecting:
        return _read(connection, batch, clock)
    for request in batch.requests:
        request.succeed(connection)
    if not connection.configured:
        connection.lose()
    return Report(answered=True)


def refuse(batch: Batch, clock: Clock = SYSTEM) -> None:
    """Fail a batch whose server does not answer; its attributes get the error."""
    if batch.error is not None:
        _fail(batch, batch.error, clock)


def _fail(batch: Batch, error: BaseException, clock: Clock) -> None:
    reads = [r for r in batch.requests if r.kind in READS]
    for found in _wanted(reads).values():
        _hand_out(found, Reading(None, fresh(error), clock.time()))
    for request in batch.requests:
        request.fail(fresh(error))


def _ask(
    database: DatabaseConnection, requests: tuple[Request, ...], clock: Clock
) -> Report:
    """Call the database for each request, whose name is command and argument."""
    done = 0
    while done < len(requests):
        some = requests[done : done + database.server.calls_together]
        waits = database.start_each([request.name for request in some])  # type: ignore[misc]
        for request, wait in zip(some, waits):
            done += 1
            begun = clock.monotonic()
            try:
                request.succeed(wait())
            except tango.DevFailed as error:
                request.fail(fresh(error))
                if clock.monotonic() - begun >= PROMPT:
                    return Report(answered=False, again=requests[done:])
    return Report(answered=True)


def _read(connection: DeviceConnection, batch: Batch, clock: Clock) -> Report:
    wanted = _wanted(batch.requests)
    if not wanted:
        return Report()
    if len(wanted) > 1 and connection.costs.are_read_apart(_names(wanted)):
        return _read_at_once(connection, wanted, clock)
    begun = clock.monotonic()
    try:
        readings = _read_together(connection, wanted, clock)
    except tango.DevFailed as error:
        seconds = clock.monotonic() - begun
        began = clock.time() - seconds
        # The error is kept; it must not keep this frame, with all its requests.
        return _failed(connection, wanted, fresh(error), seconds, began)
    seconds = clock.monotonic() - begun
    _learn(connection, wanted, partial(connection.costs.learn, seconds=seconds))
    for found, reading in zip(wanted.values(), readings):
        _hand_out(found, reading)
    return Report(answered=True)


def _read_together(
    connection: DeviceConnection, wanted: Reads, clock: Clock
) -> list[Reading]:
    """Read ``wanted`` in one call; beside a slow attribute, test for parallel reads.

    :raises tango.DevFailed: if the call fails as a whole.
    """
    names, costs = list(wanted), connection.costs
    first = _name(wanted[names[0]])
    if len(names) > 1 or not costs.is_worth_a_trial(first):
        return connection.read(names, begun=clock.time())
    other, begun, part = costs.quickest() or STATE, clock.monotonic(), 1.0
    seconds = 0.0
    try:
        reading, part = connection.read_beside(names[0], str(other), clock.time())
        seconds = clock.monotonic() - begun
    finally:
        # A failed test shows nothing, but counts, so that tests end.
        costs.at_once.tried(seconds, part)
    return [reading]


def _read_at_once(connection: DeviceConnection, wanted: Reads, clock: Clock) -> Report:
    """Read each in a separate call, in parallel, and deliver them as they arrive."""
    apart, costs = list(wanted.items()), connection.costs
    alone = sum(costs.expected(name) for name in _names(wanted))
    reports: list[Report] = []
    late: list[tuple[Reads, Answer]] = []
    begun, began = clock.monotonic(), clock.time()

    def fail(one: Reads, answer: Answer) -> None:
        error = fresh(answer.error)
        reports.append(_failed(connection, one, error, answer.seconds, began))

    for answer in connection.read_at_once(list(wanted), began):
        name, found = apart[answer.number]
        if answer.reading is not None:
            learn = partial(costs.learn, seconds=answer.seconds)
            _learn(connection, {name: found}, learn)
            _hand_out(found, answer.reading)
            reports.append(Report(answered=True))
        elif answer.seconds >= PROMPT:
            late.append(({name: found}, answer))
        else:
            fail({name: found}, answer)
    seconds = clock.monotonic() - begun
    if costs.at_once.came(seconds, alone, len(late), len(apart)):
        for one, answer in late:
            fail(one, answer)
    else:
        # The calls waited for each other: each may be in time alone.
        reports += [Report(again=_requests(one)) for one, _ in late]
    return _summary(reports)


def _summary(reports: list[Report]) -> Report:
    """Return the combined result of several calls to one device."""
    answered = any(report.answered for report in reports)
    return Report(
        answered=answered,
        late=not answered,
        again=tuple(request for report in reports for request in report.again),
    )


def _learn(
    connection: DeviceConnection, wanted: Reads, learn: Callable[..., None]
) -> None:
    """Record the times of a call; warn if reads change to one by one."""
    costs, before = connection.costs, connection.costs.one_by_one
    learn(_names(wanted), falls=connection.server.falls)
    if costs.one_by_one and not before:
        attribute = next(iter(wanted.values()))[0][1]
        attribute.warning(
            "%s: read together its attributes take too long, each alone does not: they "
            "are read one by one from now on (see TPO_READ_ONE_BY_ONE)",
            connection,
        )


def _wanted(requests: Iterable[Request]) -> Reads:
    """Return the attributes that have to be read, by their name in the device."""
    wanted: Reads = {}
    for request in requests:
        attribute = _to_read(request)
        if attribute is not None:
            name = attribute.getSimpleName()
            wanted.setdefault(name, []).append((request, attribute))
    return wanted


def _names(wanted: Reads) -> list[Any]:
    return [_name(found) for found in wanted.values()]


def _name(found: list[tuple[Request, Any]]) -> Any:
    """Return the name by which the costs of an attribute are recorded."""
    return found[0][0].name


def _requests(wanted: Reads) -> tuple[Request, ...]:
    return tuple(request for found in wanted.values() for request, _ in found)


def _failed(
    connection: DeviceConnection,
    wanted: Reads,
    error: Any,
    seconds: float,
    begun: float,
) -> Report:
    """Deliver the failure of a whole call, or have some attributes read again."""
    names = _names(wanted)
    again: Reads = {}
    if seconds < PROMPT and is_of_the_device(error):
        # One of them may be the cause: a hook that is common to all has raised.
        tried = connection.costs.refused(names)
        again = {one: found for one, found in wanted.items() if _name(found) in tried}
    elif seconds < PROMPT:
        connection.lose()
    else:
        known_to_be_slow = connection.costs.expected(names[0]) >= 2 * AIM
        slow = partial(connection.costs.timed_out, seconds=seconds)
        _learn(connection, wanted, slow)
        if len(wanted) > 1 or not known_to_be_slow:
            # Each alone may answer in time. If the server does not answer, it is probed
            # before the next call.
            return Report(answered=False, late=True, again=_requests(wanted))
    for name, found in wanted.items():
        if name not in again:
            _hand_out(found, Reading(None, error, begun))
    prompt = seconds < PROMPT
    return Report(answered=prompt, late=not prompt, again=_requests(again))


def _to_read(request: Request) -> Any:
    """Return the attribute to read, or None if the read is not needed."""
    attribute = request.target()
    if request.is_cancelled() or attribute is None:
        return None
    if request.kind is RequestKind.POLL and not attribute.factory().isPollingEnabled():
        # The program has switched off all polling.
        return None
    if not isinstance(attribute, TpoTangoAttribute):
        return attribute
    known = attribute.engine.dispatch.known_since(request.asked)
    if known is not None and request.kind is not RequestKind.LOOK:
        request.spare(known)
        return None
    return None if attribute.closed else attribute


def _hand_out(found: list[tuple[Request, Any]], reading: Reading) -> None:
    """Deliver ``reading`` to its attribute first, then to the requests.

    A first read, a poll and a verification of the same attribute may be served by one
    call; the attribute gets the result once.
    """
    if len(found) == 1:
        # As for nearly all polls.
        ((request, attribute),) = found
        _settle(request, *_deliver(attribute, reading, {request.kind}))
        return
    kinds: dict[int, set[RequestKind]] = {}
    for request, attribute in found:
        kinds.setdefault(id(attribute), set()).add(request.kind)
    told: dict[int, tuple[Any, Any]] = {}
    for request, attribute in found:
        key = id(attribute)
        if key not in told:
            told[key] = _deliver(attribute, reading, kinds[key])
        _settle(request, *told[key])


def _settle(request: Request, value: Any, error: Any) -> None:
    if error is None:
        request.succeed(value)
    else:
        request.fail(error)


def _deliver(
    attribute: Any, reading: Reading, kinds: set[RequestKind]
) -> tuple[Any, Any]:
    """Deliver ``reading`` to ``attribute``; return its value, or the error.

    An exception does not affect the other attributes of the call.

    :param kinds: the kinds of its requests.
    """
    try:
        if isinstance(attribute, TpoTangoAttribute):
            looks, polls = RequestKind.LOOK in kinds, RequestKind.POLL in kinds
            return attribute.engine.accept_read(reading, looks, polls)
        return _deliver_to_stock(attribute, reading)
    except Exception as error:  # noqa: BLE001 - a class or listener may raise anything
        attribute.error(
            "%s: the result of a read could not be processed: %r", attribute, error
        )
        attribute.debug("details:", exc_info=True)
        return None, error


def _deliver_to_stock(attribute: Any, reading: Reading) -> tuple[Any, Any]:
    """Deliver to an attribute of another class, as Taurus's polling does."""
    attribute.poll(
        single=False, value=reading.value, error=reading.error, time=reading.begun
    )
    value = None if reading.error else attribute.decode(reading.value)
    return value, reading.error
