"""How much of a device travels in one call, in which order: no threads, no clock."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from operator import itemgetter
from statistics import median_low

from taurus_tpo.core.parallel_reads import MOST_PARALLEL, ParallelReads

#: What one call is to take, s. While a device reads, its monitor belongs to nobody
#: else, and a call that takes longer than Tango's timeout fails for all in it.
AIM = 0.5

#: How many attributes the first call of a device takes.
FIRST = 4

#: How many times more a call may take than the largest that came out well.
GROWTH = 4

#: When so many attributes are found to be refused alone, and none is read in between, a
#: device is taken to refuse all.
ALL = 2

#: How much of the time of a call that timed out its attributes have to take alone, for
#: that to be the reason.
EXPLAINED = 0.5

#: What is taken to be read in no time beside a slow one, s.
QUICK = 0.1

#: The least that a read is taken to cost, s: by a coarse clock it takes no time at all,
#: and would never get its share of a time that becomes longer.
LEAST_COST = 1e-6


class ReadCosts:
    """What the reads of one device have taken, and what to expect of the next.

    A call takes as long as its attributes together, and nobody tells how much of that
    each has taken: the time is shared out by what was expected of each, which comes
    close as soon as they have travelled in different company. Not thread-safe: a device
    is served by one thread at a time.

    :param one_by_one: whether each attribute is to be read in a call of its own.
    """

    def __init__(self, one_by_one: bool = False) -> None:
        self._one_by_one = one_by_one
        #: Whether it reads several slow attributes at the same time.
        self.at_once = ParallelReads()
        #: The names in the order in which they were heard of first.
        self._places: dict[Hashable, int] = {}
        self._costs: dict[Hashable, float] = {}
        self._largest = FIRST
        #: Those that were refused in a call of their own.
        self._alone: set[Hashable] = set()
        #: Those of them that were found out since something was read.
        self._refused: set[Hashable] = set()
        #: Those of a call that timed out that are to be read alone first, how long that
        #: took, and how long those took that were read alone since, s.
        self._suspects: set[Hashable] = set()
        self._together = self._apart = 0.0
        #: How often its server had fallen silent when that call timed out.
        self._falls = 0
        #: The one to be read alone next, to see whether the device refuses all.
        self._probe: Hashable = None
        self._probes = 0

    @property
    def one_by_one(self) -> bool:
        """Whether each attribute is read in a call of its own, for good."""
        return self._one_by_one

    def enter(self, name: Hashable) -> None:
        """Give ``name`` its place, the first time that it is heard of; any thread.

        In a call all have the order of the model, as in stock Taurus: reading one may
        change what the next one brings. An attribute enters when somebody listens to
        it: which of them is to be read first depends on who is subscribed to first.
        """
        self._places.setdefault(name, len(self._places))

    def place(self, name: Hashable) -> int:
        """Return which of the names that are read this is; the last for any other."""
        return self._places.get(name, len(self._places))

    def expected(self, name: Hashable) -> float:
        """Return what reading ``name`` is expected to take, s."""
        known = self._costs.get(name)
        return self._typical() if known is None else known

    def _typical(self) -> float:
        if not self._costs:
            return AIM / FIRST
        # Not the mean: one slow attribute says little of its neighbors.
        return median_low(self._costs.values())

    def cut(self, names: Iterable[Hashable]) -> list[Hashable]:
        """Return those of ``names`` to read in the next call, in their order.

        At least one. One that is slow enough to fill a call, or was refused alone,
        travels alone, and after the others.
        """
        typical = self._typical()
        if self._probe is not None:
            names = list(names)
            if self._probe in names:
                return [self._probe]
        most = 1 if self._one_by_one or self._suspects else self._largest
        quick: list[Hashable] = []
        slow: list[Hashable] = []
        total = 0.0
        for name in names:
            cost = self._costs.get(name, typical)
            if self._is_slow(name, cost):
                slow.append(name)
                continue
            total += cost
            # The first may go over the aim by nothing but rounding.
            if quick and (total > AIM * 1.001 or len(quick) >= most):
                break
            quick.append(name)
        return quick or slow[: MOST_PARALLEL if self.at_once.is_possible else 1]

    def _is_slow(self, name: Hashable, cost: float) -> bool:
        """Return whether ``name`` is read in a call of its own, after the others."""
        if self.at_once.is_possible and name in self._suspects:
            return True
        return cost >= AIM or name in self._alone

    def travel_apart(self, names: Iterable[Hashable]) -> bool:
        """Return whether each of ``names``, from :meth:`cut`, has a call of its own."""
        typical = self._typical()
        return self.at_once.is_possible and all(
            self._is_slow(name, self._costs.get(name, typical)) for name in names
        )

    def is_worth_a_trial(self, name: Hashable) -> bool:
        """Return whether it is to be seen if others are read while ``name`` is."""
        may_last = self.expected(name) >= AIM or name in self._suspects
        return may_last and self.at_once.is_to_be_tried and not self._one_by_one

    def quickest(self) -> Hashable:
        """Return what takes least of what was read; None where nothing is quick."""
        known = ((cost, name) for name, cost in self._costs.items())
        quick = [one for one in known if one[0] < QUICK and one[1] not in self._alone]
        return min(quick, key=itemgetter(0))[1] if quick else None

    def learn(self, names: Iterable[Hashable], seconds: float, falls: int = 0) -> None:
        """Take note that reading ``names`` in one call took so long.

        :param falls: how often the server has fallen silent so far.
        """
        read = list(names)
        self._look_into_timeout(read, seconds, falls)
        typical = self._typical()
        expected = [self._costs.get(name, typical) for name in read]
        total = sum(expected)
        for name, share in zip(read, expected):
            self._costs[name] = max(LEAST_COST, seconds * share / total)
        self._probe = None
        self._refused.clear()
        self._alone.difference_update(read)
        if seconds <= AIM:
            self._largest = max(self._largest, GROWTH * len(read))

    def timed_out(
        self, names: Iterable[Hashable], seconds: float = 0.0, falls: int = 0
    ) -> None:
        """Take note that reading ``names`` in one call took too long to know.

        They are read one by one until the reason is known. Where the server was silent,
        or they take as long alone, they may travel together again. Where each alone is
        quick, they wait for each other in a call: as one does that reads another of its
        device through a proxy. Such a call may keep the device from all its clients,
        and no other is made.

        :param seconds: after how long it failed, s.
        :param falls: how often the server has fallen silent so far.
        """
        read = list(names)
        self._look_into_timeout(read, seconds, falls)
        if len(read) > 1:
            self._suspects, self._together, self._apart = set(read), seconds, 0.0
            self._falls = falls
        typical = self._typical()
        at_least = 2 * AIM / len(read)
        for name in read:
            self._costs[name] = max(self._costs.get(name, typical), at_least)
        self._largest = max(1, len(read) // 2)

    def _look_into_timeout(
        self, read: list[Hashable], seconds: float, falls: int
    ) -> None:
        """See whether what a call has brought explains an earlier timeout."""
        if falls != self._falls:
            self._suspects.clear()
        if len(read) > 1 or read[0] not in self._suspects:
            return
        self._suspects.discard(read[0])
        self._apart += seconds
        if not self._suspects and self._apart < EXPLAINED * self._together:
            self._one_by_one = True

    def refused(self, names: Iterable[Hashable]) -> list[Hashable]:
        """Take note that the device has refused a call for ``names`` as a whole.

        One that is refused alone travels alone from then on, until it is read: the
        others need not be refused with it. Where the device seems to refuse all, one
        of them is tried alone, each time another.

        :return: those that may be read all the same, in calls for fewer of them.
        """
        read = list(names)
        self._probe = None
        if len(read) == 1:
            self._look_into_timeout(read, 0.0, self._falls)
            # One that is known to be refused says nothing of the others.
            if len(self._refused) < ALL and self._alone.isdisjoint(read):
                self._alone.update(read)
                self._refused.update(read)
            return []
        if len(self._refused) < ALL:
            self._largest = max(1, len(read) // 2)
            return read
        self._largest = max(self._largest, GROWTH * len(read))
        self._probe = read[self._probes % len(read)]
        self._probes += 1
        return [self._probe]
