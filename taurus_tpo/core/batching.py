"""Which attributes of a device are read in one call: no threads, no clock."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from operator import itemgetter
from statistics import median_low

from taurus_tpo.core.parallel_reads import MOST_PARALLEL, ParallelReads

#: Target duration of one call, s. A call holds the monitor of its device, and one that
#: exceeds Tango's timeout fails for all its attributes.
AIM = 0.5

#: Number of attributes in the first call to a device.
FIRST = 4

#: Factor by which the next call may exceed the largest call so far that met
#: :data:`AIM`, in attributes.
GROWTH = 4

#: Number of attributes refused alone, without a successful read in between, after which
#: the device is assumed to refuse all reads.
ALL = 2

#: Fraction of the time of a call that timed out which its attributes must take when
#: read alone, for their own read times to explain the timeout.
EXPLAINED = 0.5

#: Longest read time of the attribute that is read during a slow one in a trial, s.
QUICK = 0.1

#: Shortest estimated read time, s. A coarse clock may measure 0 s, and such an estimate
#: could never grow, since measured times are shared out in proportion.
LEAST_COST = 1e-6


class ReadCosts:
    """Estimates the read times of one device and chooses the attributes of each call.

    Tango reports only how long a whole call takes. This time is shared out in
    proportion to the previous estimates, which converges once attributes were read in
    different combinations. Not thread-safe: a device is served by one thread at a time.

    :param one_by_one: whether each attribute is read in a separate call.
    """

    def __init__(self, one_by_one: bool = False) -> None:
        self._one_by_one = one_by_one
        #: Whether the device reads several slow attributes in parallel.
        self.at_once = ParallelReads()
        #: Position of each name in a call: the order of registration.
        self._places: dict[Hashable, int] = {}
        self._costs: dict[Hashable, float] = {}
        self._largest = FIRST
        #: Attributes that were refused when read alone.
        self._alone: set[Hashable] = set()
        #: The subset of these that was found since the last successful read.
        self._refused: set[Hashable] = set()
        #: Attributes of a call that timed out that have not been read alone yet, the
        #: duration of that call, and the total time of those read alone since, s.
        self._suspects: set[Hashable] = set()
        self._together = self._apart = 0.0
        #: ``Server.falls`` at the time of that call.
        self._falls = 0
        #: Attribute to read alone next, to test whether the device refuses all reads.
        self._probe: Hashable = None
        self._probes = 0

    @property
    def one_by_one(self) -> bool:
        """Whether each attribute is read in a separate call, permanently."""
        return self._one_by_one

    def enter(self, name: Hashable) -> None:
        """Register ``name`` and fix its position in calls; any thread.

        Attributes register when a listener is added, so that calls keep the order of
        the model, as in stock Taurus: reading one attribute may change the value of the
        next. The order of requests does not suffice: it depends on the order of
        subscriptions.
        """
        self._places.setdefault(name, len(self._places))

    def place(self, name: Hashable) -> int:
        """Return the position of ``name`` in calls; unknown names come last."""
        return self._places.get(name, len(self._places))

    def expected(self, name: Hashable) -> float:
        """Return the expected read time of ``name``, s."""
        known = self._costs.get(name)
        return self._typical() if known is None else known

    def _typical(self) -> float:
        if not self._costs:
            return AIM / FIRST
        # The median: one slow attribute must not raise the estimate for all others.
        return median_low(self._costs.values())

    def cut(self, names: Iterable[Hashable]) -> list[Hashable]:
        """Return those of ``names`` to read in the next call, in order; at least one.

        Attributes slow enough to fill a call, or refused when read alone, come after
        the others and are read in separate calls, see :meth:`are_read_apart`.
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
            # The factor absorbs rounding errors.
            if quick and (total > AIM * 1.001 or len(quick) >= most):
                break
            quick.append(name)
        return quick or slow[: MOST_PARALLEL if self.at_once.is_possible else 1]

    def _is_slow(self, name: Hashable, cost: float) -> bool:
        """Return whether ``name`` is read in a separate call, after the others."""
        if self.at_once.is_possible and name in self._suspects:
            return True
        return cost >= AIM or name in self._alone

    def are_read_apart(self, names: Iterable[Hashable]) -> bool:
        """Return whether ``names``, from :meth:`cut`, are read in separate calls."""
        typical = self._typical()
        return self.at_once.is_possible and all(
            self._is_slow(name, self._costs.get(name, typical)) for name in names
        )

    def is_worth_a_trial(self, name: Hashable) -> bool:
        """Return whether to test for parallel reads while ``name`` is read."""
        may_last = self.expected(name) >= AIM or name in self._suspects
        return may_last and self.at_once.is_to_be_tried and not self._one_by_one

    def quickest(self) -> Hashable:
        """Return the fastest attribute read so far; None if none is fast enough."""
        known = ((cost, name) for name, cost in self._costs.items())
        quick = [one for one in known if one[0] < QUICK and one[1] not in self._alone]
        return min(quick, key=itemgetter(0))[1] if quick else None

    def learn(self, names: Iterable[Hashable], seconds: float, falls: int = 0) -> None:
        """Record that one call read ``names`` in ``seconds``.

        :param falls: how often the server has stopped answering so far.
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
        """Record that a call that read ``names`` timed out.

        The attributes are read one by one until the cause is known. If the server did
        not answer, or the attributes take as long alone, they may share a call again.
        If each alone is fast, they wait for each other in a shared call, as an
        attribute does that reads another one of its device through a proxy. Such a call
        may block the device for all its clients, so the device is read one by one from
        then on.

        :param seconds: time until the call failed, s.
        :param falls: how often the server has stopped answering so far.
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
        """Check whether the result of a call explains an earlier timeout."""
        if falls != self._falls:
            self._suspects.clear()
        if len(read) > 1 or read[0] not in self._suspects:
            return
        self._suspects.discard(read[0])
        self._apart += seconds
        if not self._suspects and self._apart < EXPLAINED * self._together:
            self._one_by_one = True

    def refused(self, names: Iterable[Hashable]) -> list[Hashable]:
        """Record that the device refused a call for ``names`` as a whole.

        An attribute refused alone is read in a separate call until a read succeeds, so
        that the others are not refused with it. Where the device seems to refuse all
        reads, one attribute is tried alone, a different one each time.

        :return: the attributes to retry, in smaller calls.
        """
        read = list(names)
        self._probe = None
        if len(read) == 1:
            self._look_into_timeout(read, 0.0, self._falls)
            # A repeated refusal of one attribute is no evidence about the others.
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
