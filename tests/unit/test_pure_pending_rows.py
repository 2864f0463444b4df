"""Which row of a form is made next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.pending_rows import PendingRows


def all_taken(rows: PendingRows, first: int, last: int) -> list[int]:
    return [rows.take(first, last) for _ in range(len(rows))]


def test_rows_in_view_come_first_then_the_nearest():
    assert all_taken(PendingRows(8), 3, 4) == [3, 4, 5, 2, 6, 1, 7, 0]


def test_from_the_top_they_come_in_order():
    assert all_taken(PendingRows(5), 0, 2) == [0, 1, 2, 3, 4]


def test_who_scrolls_is_followed():
    rows = PendingRows(100)
    assert [rows.take(0, 1) for _ in range(3)] == [0, 1, 2]
    assert [rows.take(90, 92) for _ in range(5)] == [90, 91, 92, 93, 89]
    assert rows.take(0, 1) == 3
    assert 3 not in rows
    assert 4 in rows


def test_of_no_rows_none_is_next():
    with pytest.raises(IndexError):
        PendingRows(0).take(0, 0)


def distance(row: int, first: int, last: int) -> int:
    return max(first - row, row - last, 0)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=30))
def test_each_is_the_nearest_of_those_left(views: list[tuple[int, int]]):
    rows, left = PendingRows(30), set(range(30))
    for first, height in views:
        last = first + height
        taken = rows.take(first, last)
        nearest = min(distance(row, first, last) for row in left)
        assert distance(taken, first, last) == nearest
        left.remove(taken)
        assert len(rows) == len(left)
