"""The facts that the status of one attribute is composed of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import is_late, is_unreachable
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.status import Facts

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute


def server_of(attribute: TpoTangoAttribute) -> Server | None:
    """Return the attribute's server, or its database until the server is known.

    None before the first request; never waits.
    """
    connection = attribute.connection
    return None if connection is None else connection.home or connection.server


def facts_of(attribute: TpoTangoAttribute, clock: Clock = SYSTEM) -> Facts:
    """Return the facts for the status; never waits."""
    connection, error = attribute.connection, attribute.known.error
    # The server that has to answer first; it may be the database.
    awaited = None if connection is None else connection.server
    silent = awaited is not None and awaited.silent
    who, next_try = server_of(attribute), 0.0
    if silent and awaited is not None:
        who = awaited
        next_try = max(0.0, awaited.retry_at() - clock.monotonic())
    return Facts(
        state=attribute.state,
        period=attribute.getPollingPeriod() if attribute.isPollingActive() else None,
        server="" if who is None else f"server {who}",
        silent=silent,
        next_try=next_try,
        unreachable=error is not None and is_unreachable(error),
        disabled_by=attribute.factory().events_disabled_by() or "",
        refusal=attribute.engine.refusal,
        failed=error is not None,
    )


def is_missing(attribute: TpoTangoAttribute) -> bool:
    """Return whether its listeners have nothing from the device; never waits.

    An error that the device has raised is not missing.
    """
    known = attribute.known
    if known.value is not None or not attribute.is_listened_to:
        return False
    error = known.error
    return error is None or is_unreachable(error) or is_late(error)
