"""What users are told of one attribute: the facts of its status, and its tooltip."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Callable

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import is_late, is_unreachable
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.status import Facts

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute


class TooltipLines:
    """Taurus's lines of the tooltip, composed once for each configuration.

    Taurus composes them at each update of a widget, about twenty times for a row of a
    form, and each time pint formats six limits and looks for a unit: a third of the
    time to build the row.
    """

    __slots__ = ("_composed",)

    def __init__(self) -> None:
        #: What the lines were composed of, and they; replaced as a whole.
        self._composed: tuple[_Parts, tuple[tuple[str, str], ...]] | None = None

    def of(
        self, attribute: TpoTangoAttribute, compose: Callable[[], list[tuple[str, str]]]
    ) -> tuple[tuple[str, str], ...]:
        """Return the lines; any thread.

        :param compose: Taurus's own method.
        """
        parts = _parts_of(attribute)
        composed = self._composed
        if composed is None or not _same_parts(composed[0], parts):
            self._composed = composed = parts, tuple(compose())
        return composed[1]


#: Texts and the unit, which are compared; and objects, which are not changed in place.
_Parts = tuple[tuple[Any, ...], tuple[Any, ...]]


def _parts_of(attribute: TpoTangoAttribute) -> _Parts:
    """Return what Taurus composes its lines of."""
    value = attribute.rvalue
    limits = (attribute.getRange(), attribute.getAlarms(), attribute.getWarnings())
    texts = attribute.getLabel(), attribute.description, getattr(value, "units", None)
    return texts, (type(value), *(limit for pair in limits for limit in pair))


def _same_parts(one: _Parts, other: _Parts) -> bool:
    # An array would be compared element by element, a quantity after a conversion.
    return one[0] == other[0] and all(map(operator.is_, one[1], other[1]))


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
