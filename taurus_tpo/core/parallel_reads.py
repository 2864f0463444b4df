"""Whether a device reads several attributes in parallel: no threads, no clock."""

from __future__ import annotations

#: Largest number of slow attributes that are read in parallel from one device.
MOST_PARALLEL = 16

#: Number of positive trials required: in a single one, the second read may have reached
#: the device first.
SHOWN = 2

#: Largest number of trials: some are inconclusive.
TRIALS = 5

#: Shortest duration of a conclusive trial, s.
LEAST_TRIAL = 0.3

#: Parallel reads that take more than this fraction of their sequential time have waited
#: for each other.
WAITED = 0.75


class ParallelReads:
    """Results of the trials of one device. Not thread-safe.

    A trial reads a second attribute while a slow one is being read. A device with a
    monitor lock takes only one trial, which is one additional call.
    """

    def __init__(self) -> None:
        self._trials = 0
        self._shown = 0

    @property
    def is_possible(self) -> bool:
        """Whether the device is known to read in parallel."""
        return self._shown >= SHOWN

    @property
    def is_to_be_tried(self) -> bool:
        """Whether this is not known yet."""
        return not self.is_possible and self._trials < TRIALS

    def tried(self, seconds: float, part: float) -> None:
        """Record a trial.

        :param seconds: duration of the first read, s.
        :param part: fraction of it that the second read took.
        """
        self._trials += 1
        if seconds < LEAST_TRIAL:
            return
        if part < 0.5:
            self._shown += 1
        else:
            self._give_up()

    def came(self, seconds: float, alone: float, missed: int, count: int) -> bool:
        """Record parallel reads; return whether they did not wait for each other.

        :param seconds: time until all were complete, s.
        :param alone: their estimated sequential time, s.
        :param missed: number of reads that timed out, but do not when made alone.
        :param count: number of reads.
        """
        if seconds > WAITED * alone or 2 * missed >= count:
            self._give_up()
        return self.is_possible

    def _give_up(self) -> None:
        self._trials, self._shown = TRIALS, 0
