"""Which row of a form is made next: one in view, else one near the view."""

from __future__ import annotations

from bisect import bisect_left


class PendingRows:
    """The rows that are still to be made.

    :param count: of the rows, which are numbered from 0.
    """

    def __init__(self, count: int) -> None:
        #: In ascending order.
        self._left = list(range(count))

    def __len__(self) -> int:
        return len(self._left)

    def __contains__(self, row: int) -> bool:
        place = bisect_left(self._left, row)
        return place < len(self._left) and self._left[place] == row

    def take(self, first: int, last: int) -> int:
        """Remove and return the next row.

        That is the first one in view; else the nearest, of two rows the lower one.

        :param first: the first row in view.
        :param last: the last row in view, ``first`` or greater.
        :raises IndexError: no row is left.
        """
        place = bisect_left(self._left, first)
        above = first - self._left[place - 1] if place else None
        below = self._left[place] - last if place < len(self._left) else None
        if above is not None and (below is None or above < below):
            place -= 1
        return self._left.pop(place)
