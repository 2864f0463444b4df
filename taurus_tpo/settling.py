"""When what is cached of an attribute with events can be trusted again.

Floor 1: no Tango, no threads, no clock.

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
from typing import Any

import numpy as np

from taurus_tpo.clock import phase_of

#: How long to wait before the look after a first subscription, s. A connection whose
#: first packet is lost takes one; no channel was seen to take a tenth of that.
OPEN = 2.0

#: How much longer it may wait for company, s: the attributes of a device that are
#: subscribed to in that time are looked at in one call.
COMPANY = 1.0

#: How long to wait before each of the first looks, s; the last of them comes after
#: Tango's keep-alive period.
PAUSES = (1.0, 4.0, 8.0)

#: How long before each that follows, s. An error is shown for no longer than that after
#: it has gone.
PAUSE = 8.0

#: How long before the next where a read took longer than Tango waits for a call, s: it
#: keeps all others from the device for that long.
LATE = 30.0

#: How many looks that bring a value there are at the most: a value that moves by less
#: than its events tell never agrees.
MOST = 6


@dataclass
class Settling:
    """The looks at one attribute since there was a reason to doubt what is cached.

    Not thread-safe: whoever owns it calls it under a lock of its own.

    :param looks: how many there were.
    :param values: how many of them brought a value.
    :param event: whether an event has brought a value since the last one.
    :param late: whether the last read took longer than Tango waits for a call.
    :param proven: whether an event has come since, or Tango has not subscribed anew by
        itself.
    """

    looks: int = 0
    values: int = 0
    event: bool = False
    late: bool = False
    proven: bool = True

    @property
    def pause(self) -> float:
        """How long to wait before the next look, s."""
        if self.late:
            return LATE
        return PAUSES[self.looks] if self.looks < len(PAUSES) else PAUSE

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
        trusted, self.event = agrees or self.event, False
        return self.values >= MOST or (trusted and self.looks >= len(PAUSES))

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
    periods = math.ceil((now + OPEN - phase) / COMPANY)
    return max(OPEN, phase + periods * COMPANY - now)


def same(one: Any, other: Any) -> bool:
    """Return whether two values of an attribute say the same.

    :param one: something with ``rvalue``, ``wvalue`` and ``quality``, each a number, a
        text, an array of any shape, or one of these with ``units``; or None.
    """
    if one is None or other is None:
        return one is other
    alike = (_alike(getattr(one, n), getattr(other, n)) for n in ("rvalue", "wvalue"))
    return bool(one.quality == other.quality and all(alike))


def _alike(one: Any, other: Any) -> bool:
    """Return whether two are equal; what is no number equals what is none."""
    if getattr(one, "units", None) != getattr(other, "units", None):
        return False
    one, other = getattr(one, "magnitude", one), getattr(other, "magnitude", other)
    if type(one) is type(other) is float:
        # Most are, and an array of one number takes ten times as long.
        return one == other or (one != one and other != other)
    left, right = np.asarray(one), np.asarray(other)
    if left.shape != right.shape:
        return False
    return bool(np.all((left == right) | ((left != left) & (right != right))))
