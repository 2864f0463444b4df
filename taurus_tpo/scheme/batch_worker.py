"""What the threads of the pool do of one device: find it, connect, read, deliver.

And of a database: ask it.
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
from taurus_tpo.tango_client.subscriber import PROMPT

#: What is read beside a slow attribute of a device of which nothing quick is known.
STATE = "State"

Reads = dict[str, list[tuple[Request, Any]]]


def serve(batch: Batch, clock: Clock = SYSTEM) -> Report:
    """Do what is next for the device of ``batch``, and settle its requests.

    Called in a thread of the pool, without any lock.
    """
    # Tango does not know Python's threads, and crashes where two of them subscribe.
    with tango.EnsureOmniThread():
        if isinstance(batch.device, DatabaseConnection):
            return _ask(batch.device, batch.requests, clock)
        return _serve_device(batch.device, batch, clock)


def _serve_device(connection: DeviceConnection, batch: Batch, clock: Clock) -> Report:
    """Connect to a device, or read it.

    The database is asked first which server it belongs to, and whatever is wanted waits
    for that server.
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
            # It may have been the database that has not answered.
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
    """Tell that the server of a batch does not answer: to its attributes, too."""
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
    """Ask the database all that is wanted of it; the question is the request's name."""
    for number, request in enumerate(requests, 1):
        begun = clock.monotonic()
        try:
            request.succeed(database.call(*request.name))  # type: ignore[misc]
        except tango.DevFailed as error:
            request.fail(fresh(error))
            if clock.monotonic() - begun >= PROMPT:
                return Report(answered=False, again=requests[number:])
    return Report(answered=True)


def _read(connection: DeviceConnection, batch: Batch, clock: Clock) -> Report:
    wanted = _wanted(batch.requests)
    if not wanted:
        return Report()
    if len(wanted) > 1 and connection.costs.travel_apart(_names(wanted)):
        return _read_at_once(connection, wanted, clock)
    begun = clock.monotonic()
    try:
        readings = _read_together(connection, wanted, clock)
    except tango.DevFailed as error:
        seconds = clock.monotonic() - begun
        began = clock.time() - seconds
        # What is kept of it must not keep this frame, with all that waits in it.
        return _failed(connection, wanted, fresh(error), seconds, began)
    seconds = clock.monotonic() - begun
    _learn(connection, wanted, partial(connection.costs.learn, seconds=seconds))
    for found, reading in zip(wanted.values(), readings):
        _hand_out(found, reading)
    return Report(answered=True)


def _read_together(
    connection: DeviceConnection, wanted: Reads, clock: Clock
) -> list[Reading]:
    """Read ``wanted`` in one call; see beside a slow one whether others can be read.

    :raises tango.DevFailed: where the call fails as a whole.
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
        # One that fails shows nothing, and is not made for ever.
        costs.at_once.tried(seconds, part)
    return [reading]


def _read_at_once(connection: DeviceConnection, wanted: Reads, clock: Clock) -> Report:
    """Read each in a call of its own, all at once, and deliver them as they come."""
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
        # They have waited for each other: each of them may be in time alone.
        reports += [Report(again=_requests(one)) for one, _ in late]
    return _summary(reports)


def _summary(reports: list[Report]) -> Report:
    """Return what several calls to one device tell together."""
    answered = any(report.answered for report in reports)
    return Report(
        answered=answered,
        late=not answered,
        again=tuple(request for report in reports for request in report.again),
    )


def _learn(
    connection: DeviceConnection, wanted: Reads, learn: Callable[..., None]
) -> None:
    """Let the costs ``learn`` what a call has told; say where that changes much."""
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
    """Return what is still to be read, by the name that the device knows it by."""
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
    """Return by what name the costs of an attribute are known."""
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
    """Deliver that a call has failed as a whole, or have less of it tried again."""
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
            # Each alone may answer in time; or the server is gone, and then it is not
            # called again before it has answered.
            return Report(answered=False, late=True, again=_requests(wanted))
    for name, found in wanted.items():
        if name not in again:
            _hand_out(found, Reading(None, error, begun))
    prompt = seconds < PROMPT
    return Report(answered=prompt, late=not prompt, again=_requests(again))


def _to_read(request: Request) -> Any:
    """Return the attribute to read, or None where the read would be in vain."""
    attribute = request.target()
    if request.is_cancelled() or attribute is None:
        return None
    if request.kind is RequestKind.POLL and not attribute.factory().isPollingEnabled():
        # All polling of the program is switched off at present.
        return None
    if not isinstance(attribute, TpoTangoAttribute):
        return attribute
    known = attribute.engine.known_since(request.asked)
    if known is not None and request.kind is not RequestKind.LOOK:
        request.spare(known)
        return None
    return None if attribute.closed else attribute


def _hand_out(found: list[tuple[Request, Any]], reading: Reading) -> None:
    """Hand ``reading`` to its attribute first, then to whoever waits for it.

    A first read, a poll and a look of the same attribute may have travelled together:
    it is told once.
    """
    kinds: dict[int, set[RequestKind]] = {}
    for request, attribute in found:
        kinds.setdefault(id(attribute), set()).add(request.kind)
    told: dict[int, tuple[Any, Any]] = {}
    for request, attribute in found:
        key = id(attribute)
        if key not in told:
            told[key] = _deliver(attribute, reading, kinds[key])
        value, error = told[key]
        if error is None:
            request.succeed(value)
        else:
            request.fail(error)


def _deliver(
    attribute: Any, reading: Reading, kinds: set[RequestKind]
) -> tuple[Any, Any]:
    """Hand ``reading`` to ``attribute``; return its value, or the error.

    What goes wrong with one attribute is its own: the others of its call go on.

    :param kinds: what it was read for.
    """
    try:
        if isinstance(attribute, TpoTangoAttribute):
            looks, polls = RequestKind.LOOK in kinds, RequestKind.POLL in kinds
            return attribute.engine.accept_read(reading, looks, polls)
        return _deliver_to_stock(attribute, reading)
    except Exception as error:  # noqa: BLE001 - a class or listener of somebody else's
        attribute.error("%s: what was read was not taken: %r", attribute, error)
        attribute.debug("details:", exc_info=True)
        return None, error


def _deliver_to_stock(attribute: Any, reading: Reading) -> tuple[Any, Any]:
    """Deliver to an attribute of somebody else's class, the way Taurus polls."""
    attribute.poll(
        single=False, value=reading.value, error=reading.error, time=reading.begun
    )
    value = None if reading.error else attribute.decode(reading.value)
    return value, reading.error
