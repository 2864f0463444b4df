"""Serves the batches of the first read: one call a device, then delivery."""

from __future__ import annotations

from typing import Any

from taurus_tpo import clock
from taurus_tpo.connection import Reading
from taurus_tpo.firstread import Batch, Request
from taurus_tpo.scheme.attribute import TpoTangoAttribute


def serve(batch: Batch) -> None:
    """Read what ``batch`` still needs and settle its requests.

    Called in a thread of the pool, without any lock.
    """
    found = [(request, _to_read(request)) for request in batch.requests]
    wanted = [(request, attribute) for request, attribute in found if attribute]
    if not wanted:
        return
    connection: Any = batch.device
    names = [attribute.getSimpleName() for _, attribute in wanted]
    readings = connection.read(names, begun=clock.SYSTEM.time())
    for (request, attribute), reading in zip(wanted, readings):
        _deliver(request, attribute, reading)


def _to_read(request: Request) -> Any:
    """Return the attribute to read, or None where the read would be in vain."""
    attribute = request.target()
    if not isinstance(attribute, TpoTangoAttribute):
        return attribute
    known = attribute.known_since(request.asked)
    if known is not None:
        request.spare(known)
        return None
    return None if attribute.closed else attribute


def _deliver(request: Request, attribute: Any, reading: Reading) -> None:
    """Hand ``reading`` to its attribute first, then to whoever waits for it."""
    if isinstance(attribute, TpoTangoAttribute):
        value, error = attribute.accept_first_read(reading)
    else:
        value, error = _deliver_to_stock(attribute, reading)
    if error is None:
        request.succeed(value)
    else:
        request.fail(error)


def _deliver_to_stock(attribute: Any, reading: Reading) -> tuple[Any, Any]:
    """Deliver to an attribute of somebody else's class, the way Taurus polls."""
    attribute.poll(
        single=False, value=reading.value, error=reading.error, time=reading.begun
    )
    value = None if reading.error else attribute.decode(reading.value)
    return value, reading.error
