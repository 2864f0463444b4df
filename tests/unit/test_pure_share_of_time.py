"""Work that may take a part of the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure_support import DrivenClock

from taurus_tpo.core.share_of_time import ShareOfTime


def test_what_has_not_been_done_is_due():
    assert ShareOfTime(0.1, DrivenClock()).is_due()


def test_what_takes_longer_is_due_later():
    clock = DrivenClock()
    work = ShareOfTime(0.1, clock)
    with work.doing():
        clock.now += 1.0
    clock.now += 8.9
    assert not work.is_due()
    clock.now += 0.2
    assert work.is_due()


def test_work_that_raises_has_taken_its_time():
    clock = DrivenClock()
    work = ShareOfTime(0.5, clock)

    def fail() -> None:
        with work.doing():
            clock.now += 1.0
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    assert not work.is_due()


@given(st.floats(0.01, 1.0), st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20))
def test_it_takes_at_most_its_share(share: float, times: list[float]):
    clock = DrivenClock()
    work, begin = ShareOfTime(share, clock), clock.now
    for seconds in times:
        with work.doing():
            clock.now += seconds
        while not work.is_due():
            clock.now += 0.01
    assert sum(times) <= (clock.now - begin) * share + 1e-6
