"""When the cached value of a subscribed attribute can be trusted again.

After a server was killed and restarted, Tango reports success, but for one more period
of its keep-alive thread (10 s) the events of some attributes do not arrive (DESIGN,
fact 9; seen again with cppTango 10.3.3). When a device is re-created, Tango only
reports its configuration, and the end of an error need not send an event. So the cached
value is compared with reads of the device until both agree and that period is over.

After a first subscription one check suffices. Tango reports success when it has
requested the events. The server sends none before it receives that request on another
connection, moments later (seen with cppTango 10.3.3: a change 1 ms after the callback
was lost after 1 or 2 subscriptions of 100).

After a restart, Tango may also drop an event as a duplicate. A server numbers the
events of an attribute, from one when it starts, and Tango drops an event with the
number of the last one that it received. If Tango has subscribed again by itself, that
may be the first event of the new server (seen with cppTango 10.3.3). An event that
arrives rules this out; a new subscription starts without a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from taurus_tpo.core.clock import phase_of

#: Delay of the check after a first subscription, s. A connection whose first packet is
#: lost takes 1 s; no channel was seen to take a tenth of that.
CHANNEL_OPENS = 2.0

#: Largest additional delay, s: attributes of a device that were subscribed to within
#: this time are checked in one call.
COMPANY = 1.0

#: Delays before the first checks, s; the last check is later than Tango's keep-alive
#: period.
FIRST_CHECKS = (1.0, 4.0, 8.0)

#: Delay before each later check, s. An error is shown for no longer than this after it
#: has ended.
CHECK_PERIOD = 8.0

#: Delay after a read that took longer than Tango's timeout, s: such a read blocks the
#: device for its other clients.
LATE_CHECK = 30.0

#: Largest number of checks that return a value: a value that changes by less than its
#: event criteria never agrees.
MOST_CHECKS = 6


@dataclass
class Verification:
    """The checks of one attribute since its cached value became doubtful.

    Not thread-safe: the owner calls it under its own lock.

    :param looks: number of checks.
    :param values: number of checks that returned a value.
    :param event: whether an event with a value arrived since the last such check.
    :param trusted: whether the last check with a value agreed, or an event arrived
        since the one before.
    :param late: whether the last read took longer than Tango's timeout.
    :param proven: whether an event arrived, or Tango has not subscribed again by
        itself.
    """

    looks: int = 0
    values: int = 0
    event: bool = False
    trusted: bool = True
    late: bool = False
    proven: bool = True

    @property
    def pause(self) -> float:
        """Delay before the next check, s."""
        if self.late:
            return LATE_CHECK
        return (
            FIRST_CHECKS[self.looks] if self.looks < len(FIRST_CHECKS) else CHECK_PERIOD
        )

    def heard(self) -> None:
        """Record an event with a value: events of this attribute arrive."""
        self.event = self.proven = True

    def look(self, agrees: bool) -> bool:
        """Record a check that returned a value; return whether it was the last one.

        :param agrees: whether the value read is the cached one.
        """
        self.looks += 1
        self.values += 1
        self.late = False
        self.trusted, self.event = agrees or self.event, False
        return self.values >= MOST_CHECKS or (
            self.trusted and self.looks >= len(FIRST_CHECKS)
        )

    def failed(self, late: bool = False) -> bool:
        """Record a check that returned an error; return False: never the last one.

        :param late: whether it took longer than Tango's timeout.
        """
        self.looks += 1
        self.late = late
        return False


def delay_to_group(now: float, company: str) -> float:
    """Return the delay of the check after a first subscription, s.

    :param now: monotonic clock, s.
    :param company: identifies what is checked at the same time, such as a device;
        others are checked at another time.
    """
    phase = phase_of(company) * COMPANY
    periods = math.ceil((now + CHANNEL_OPENS - phase) / COMPANY)
    return max(CHANNEL_OPENS, phase + periods * COMPANY - now)


@dataclass(frozen=True)
class Criteria:
    """By how much a value has to change before its server sends an event.

    Tango's ``abs_change`` and ``rel_change``: each the lower and the upper bound of
    changes without an event, the second in percent of the last value sent. None: the
    criterion is not set.
    """

    absolute: tuple[float, float] | None = None
    relative: tuple[float, float] | None = None

    @classmethod
    def of(cls, absolute: str, relative: str) -> Criteria:
        """Return the criteria in the configuration of an attribute.

        :param absolute: in Tango's form: ``"0.5"``, ``"-1,2"``, ``"Not specified"``.
        :param relative: the same.
        """
        return cls(_bounds(absolute), _bounds(relative))

    def allow(self, sent: Any, read: Any) -> bool:
        """Return whether ``read`` may follow ``sent`` without an event.

        :param sent: a number, or an array of them.
        :param read: the same, of the same shape.
        """
        if self.absolute is None and self.relative is None:
            return False
        change = read - sent
        allowed = self.absolute is None or _lies_within(change, self.absolute)
        if self.relative is not None:
            nothing = np.where(change == 0, 0.0, np.inf)
            percent = np.divide(100.0 * change, sent, out=nothing, where=sent != 0)
            allowed &= _lies_within(percent, self.relative)
        return bool(allowed)


def _bounds(text: str) -> tuple[float, float] | None:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    if len(numbers) == 1:
        return -abs(numbers[0]), abs(numbers[0])
    return (min(numbers), max(numbers)) if len(numbers) == 2 else None


def _lies_within(change: Any, bounds: tuple[float, float]) -> bool:
    low, high = bounds
    return bool(np.all((change > low) & (change < high)))


#: No criteria.
NO_CRITERIA = Criteria()


def same(one: Any, other: Any, criteria: Criteria = NO_CRITERIA) -> bool:
    """Return whether two values of an attribute are the same; never raises.

    :param one: an object with ``rvalue``, ``wvalue`` and ``quality``, each a number, a
        text, bytes, an array of any shape, a sequence of these, or one of these with
        ``units``; or None.
    :param other: the later value, of the same form.
    :param criteria: changes of ``rvalue`` up to these do not count.
    """
    if one is None or other is None:
        return one is other
    return bool(
        one.quality == other.quality
        and _set_alike(one, other)
        and (
            _alike(one.rvalue, other.rvalue)
            or _allowed(one.rvalue, other.rvalue, criteria)
        )
    )


def _set_alike(one: Any, other: Any) -> bool:
    """Return whether two values have the same set value.

    That of an attribute that can only be written is its ``rvalue``; events of it have
    no ``wvalue``, reads have.
    """
    if one.wvalue is None and _alike(one.rvalue, other.wvalue):
        return True
    return _alike(one.wvalue, other.wvalue)


def _allowed(one: Any, other: Any, criteria: Criteria) -> bool:
    if criteria == NO_CRITERIA:
        return False
    one, other = getattr(one, "magnitude", one), getattr(other, "magnitude", other)
    try:
        left, right = np.asarray(one, float), np.asarray(other, float)
    except (TypeError, ValueError):
        # Not numeric: Tango applies no criteria, whatever is configured.
        return False
    return left.shape == right.shape and criteria.allow(left, right)


def _alike(one: Any, other: Any) -> bool:
    """Return whether two values are equal; NaN equals NaN."""
    if _units(one) != _units(other):
        return False
    one, other = getattr(one, "magnitude", one), getattr(other, "magnitude", other)
    if _is_empty(one) and _is_empty(other):
        # In events, PyTango returns an empty image of states as another type.
        return True
    for kinds, alike in _WAYS:
        if isinstance(one, kinds) and isinstance(other, kinds):
            return alike(one, other)
    return type(one) is type(other) and _equal(one, other)


def _is_empty(value: Any) -> bool:
    """Return whether ``value`` is an array or a sequence without elements."""
    if isinstance(value, np.ndarray):
        return value.size == 0
    return isinstance(value, (list, tuple)) and all(map(_is_empty, value))


def _units(value: Any) -> Any:
    return getattr(value, "units", None)


def _numbers_alike(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))


def _sequences_alike(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(map(_alike, one, other))


def _arrays_alike(one: Any, other: Any) -> bool:
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
        return False
    equal = one == other
    if one.dtype.kind in "fc":
        equal |= np.isnan(one) & np.isnan(other)
    return bool(np.all(equal))


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - a foreign class: counts as different
        return False


#: How to compare two values of these types. An encoded value is a sequence: a format
#: and bytes, which are not an array.
_WAYS: tuple[tuple[tuple[type, ...], Callable[[Any, Any], bool]], ...] = (
    ((float, int, np.number), _numbers_alike),
    ((np.ndarray,), _arrays_alike),
    ((list, tuple), _sequences_alike),
)
