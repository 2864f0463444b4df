"""Whether a device reads several attributes at the same time: no threads, no clock."""

from __future__ import annotations

#: How many slow attributes are read at once of such a device.
MOST_PARALLEL = 16

#: How many trials have to show it: what was read beside a slow one may have come to the
#: device first.
SHOWN = 2

#: How many trials there are at the most: some show nothing.
TRIALS = 5

#: The least time that a trial tells anything of, s.
LEAST_TRIAL = 0.3

#: Where reads at once take more than this part of their times alone, they have waited
#: for each other.
WAITED = 0.75


class ParallelReads:
    """What the reads of one device have shown of that. Not thread-safe.

    A device with a monitor lock takes one trial, which is one call more.
    """

    def __init__(self) -> None:
        self._trials = 0
        self._shown = 0

    @property
    def is_possible(self) -> bool:
        """Whether it does, as far as is known."""
        return self._shown >= SHOWN

    @property
    def is_to_be_tried(self) -> bool:
        """Whether nobody knows yet."""
        return not self.is_possible and self._trials < TRIALS

    def tried(self, seconds: float, part: float) -> None:
        """Take note of a trial: a read, and another one meanwhile.

        :param seconds: how long the first took.
        :param part: which part of that the second took.
        """
        self._trials += 1
        if seconds < LEAST_TRIAL:
            return
        if part < 0.5:
            self._shown += 1
        else:
            self._give_up()

    def came(self, seconds: float, alone: float, missed: int, count: int) -> bool:
        """Take note of reads at once; return whether they did not wait for each other.

        :param seconds: how long it took until all had come.
        :param alone: how long they take one after the other, as far as is known, s.
        :param missed: how many timed out though they do not when they are read alone.
        :param count: how many they were.
        """
        if seconds > WAITED * alone or 2 * missed >= count:
            self._give_up()
        return self.is_possible

    def _give_up(self) -> None:
        self._trials, self._shown = TRIALS, 0
