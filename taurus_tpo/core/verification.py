"""When what is cached of an attribute with events can be trusted again.

After a server was killed and started again, Tango calls back, and for one more period
of its keep-alive thread (10 s) the events of some attributes do not arrive (DESIGN,
fact 9; seen again with cppTango 10.3.3). Of a device that was made anew it tells the
configuration alone, and whoever repairs something need not send an event. So what is
cached is compared with what the device says, until the two agree and that time is over.

After the first subscription there is less to see to. Tango calls back when it has asked
for the events; the server sends none before that request has come to it by another
connection, which takes moments (seen with cppTango 10.3.3: a change 1 ms after the
callback was lost after 1 or 2 subscriptions of 100). One look later on finds it.

After a restart there is one thing more. A server numbers the events of an attribute,
from one when it starts, and Tango drops one that has the number of the last that it has
had: it takes it for the same. Where Tango has subscribed anew by itself, that may be
the first event of the new server (seen with cppTango 10.3.3). One that has arrived
proves that it was not; a subscription that is begun anew starts without a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from taurus_tpo.core.clock import phase_of

#: How long to wait before the look after a first subscription, s. A connection whose
#: first packet is lost takes one; no channel was seen to take a tenth of that.
CHANNEL_OPENS = 2.0

#: How much longer it may wait for company, s: the attributes of a device that are
#: subscribed to in that time are looked at in one call.
COMPANY = 1.0

#: How long to wait before each of the first looks, s; the last of them comes after
#: Tango's keep-alive period.
FIRST_CHECKS = (1.0, 4.0, 8.0)

#: How long before each that follows, s. An error is shown for no longer than that after
#: it has gone.
CHECK_PERIOD = 8.0

#: How long before the next where a read took longer than Tango waits for a call, s: it
#: keeps all others from the device for that long.
LATE_CHECK = 30.0

#: How many looks that bring a value there are at the most: a value that moves by less
#: than its events tell never agrees.
MOST_CHECKS = 6


@dataclass
class Verification:
    """The looks at one attribute since there was a reason to doubt what is cached.

    Not thread-safe: whoever owns it calls it under a lock of its own.

    :param looks: how many there were.
    :param values: how many of them brought a value.
    :param event: whether an event has brought a value since the last one.
    :param trusted: whether the last look that brought a value agreed, or an event has
        come since the one before.
    :param late: whether the last read took longer than Tango waits for a call.
    :param proven: whether an event has come since, or Tango has not subscribed anew by
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
        """How long to wait before the next look, s."""
        if self.late:
            return LATE_CHECK
        return (
            FIRST_CHECKS[self.looks] if self.looks < len(FIRST_CHECKS) else CHECK_PERIOD
        )

    def heard(self) -> None:
        """Take note of an event with a value: those of this attribute arrive."""
        self.event = self.proven = True

    def look(self, agrees: bool) -> bool:
        """Take note of a look that brought a value; return whether it was the last.

        :param agrees: whether what was read is what was cached.
        """
        self.looks += 1
        self.values += 1
        self.late = False
        self.trusted, self.event = agrees or self.event, False
        return self.values >= MOST_CHECKS or (
            self.trusted and self.looks >= len(FIRST_CHECKS)
        )

    def failed(self, late: bool = False) -> bool:
        """Take note of a look that brought an error: never the last one.

        :param late: whether it took longer than Tango waits for a call.
        """
        self.looks += 1
        self.late = late
        return False


def in_company(now: float, company: str) -> float:
    """Return how long the look after a first subscription waits, s.

    :param now: on a clock that never goes back, s.
    :param company: who is looked at at the same time; others at another one.
    """
    phase = phase_of(company) * COMPANY
    periods = math.ceil((now + CHANNEL_OPENS - phase) / COMPANY)
    return max(CHANNEL_OPENS, phase + periods * COMPANY - now)


@dataclass(frozen=True)
class Criteria:
    """By how much a value has to change before its server sends an event.

    What Tango calls ``abs_change`` and ``rel_change``; each a lower and an upper bound
    of what a change may be without an event, the second in percent of the value that
    was sent last. None: that criterion is not set.
    """

    absolute: tuple[float, float] | None = None
    relative: tuple[float, float] | None = None

    @classmethod
    def of(cls, absolute: str, relative: str) -> Criteria:
        """Return what the configuration of an attribute says.

        :param absolute: as Tango has it: ``"0.5"``, ``"-1,2"``, ``"Not specified"``.
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


#: The criteria of an attribute that has none.
NO_CRITERIA = Criteria()


def same(one: Any, other: Any, criteria: Criteria = NO_CRITERIA) -> bool:
    """Return whether two values of an attribute say the same; never raises.

    :param one: something with ``rvalue``, ``wvalue`` and ``quality``, each a number, a
        text, bytes, an array of any shape, a sequence of these, or one of these with
        ``units``; or None.
    :param other: the same; the later one.
    :param criteria: up to which change of ``rvalue`` two still say the same.
    """
    if one is None or other is None:
        return one is other
    return bool(
        one.quality == other.quality
        and _alike(one.wvalue, other.wvalue)
        and (
            _alike(one.rvalue, other.rvalue)
            or _allowed(one.rvalue, other.rvalue, criteria)
        )
    )


def _allowed(one: Any, other: Any, criteria: Criteria) -> bool:
    if criteria == NO_CRITERIA:
        return False
    one, other = getattr(one, "magnitude", one), getattr(other, "magnitude", other)
    try:
        left, right = np.asarray(one, float), np.asarray(other, float)
    except (TypeError, ValueError):
        # No numbers: Tango has no criteria for them, whatever was configured.
        return False
    return left.shape == right.shape and criteria.allow(left, right)


def _alike(one: Any, other: Any) -> bool:
    """Return whether two are equal; what is no number equals what is none."""
    if _units(one) != _units(other):
        return False
    one, other = getattr(one, "magnitude", one), getattr(other, "magnitude", other)
    if _is_empty(one) and _is_empty(other):
        # PyTango brings an empty image of states as another type in an event.
        return True
    for kinds, alike in _WAYS:
        if isinstance(one, kinds) and isinstance(other, kinds):
            return alike(one, other)
    return type(one) is type(other) and _equal(one, other)


def _is_empty(value: Any) -> bool:
    """Return whether ``value`` is an array or a sequence without an element."""
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
    except Exception:  # noqa: BLE001 - somebody else's class: taken for another value
        return False


#: How to compare two that are of these types. An encoded value is a sequence: a format
#: and bytes, which are no array.
_WAYS: tuple[tuple[tuple[type, ...], Callable[[Any, Any], bool]], ...] = (
    ((float, int, np.number), _numbers_alike),
    ((np.ndarray,), _arrays_alike),
    ((list, tuple), _sequences_alike),
)
