"""When full garbage collections are postponed, by a driven clock."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from pure_support import DrivenClock, DrivenTimer

from taurus_tpo.concurrency.collector_thresholds import NEVER, CollectorThresholds
from taurus_tpo.concurrency.postponed_collections import (
    LONGEST,
    MANY,
    QUIET,
    WITHIN,
    PostponedCollections,
)


class Bench:
    """Counts attributes by a clock that stands still."""

    def __init__(self) -> None:
        self.clock = DrivenClock()
        self.timer = DrivenTimer(self.clock)
        self.permitted = True
        self.postponed = PostponedCollections(
            self.timer.after,
            lambda: self.permitted,
            self.clock,
            CollectorThresholds(),
        )

    def make(self, number: int, seconds: float = 0.0) -> None:
        """Make attributes, spread evenly over some time."""
        for _ in range(number):
            self.clock.now += seconds / number
            self.postponed.made()

    @property
    def is_postponed(self) -> bool:
        return gc.get_threshold()[2] == NEVER


@pytest.fixture
def bench() -> Iterator[Bench]:
    before = gc.get_threshold()
    yield Bench()
    gc.set_threshold(*before)


def test_few_attributes_or_many_slowly_postpone_nothing(bench):
    bench.make(2 * MANY - 1)
    assert not bench.is_postponed
    bench.clock.now += 2 * WITHIN
    bench.make(20 * MANY, seconds=40 * WITHIN)
    assert not bench.is_postponed
    assert not bench.timer


def test_many_do_until_none_was_made_for_a_while(bench):
    before = gc.get_threshold()
    bench.make(3 * MANY)
    assert bench.is_postponed
    bench.make(MANY, seconds=0.9 * WITHIN)
    bench.timer.fire()
    assert bench.is_postponed
    assert bench.timer.delays[-1] == pytest.approx(0.9 * WITHIN)
    bench.timer.fire()
    assert gc.get_threshold() == before
    assert not bench.timer


def test_it_ends_at_last_and_waits_until_it_begins_again(bench):
    bench.postponed.postpone()
    begun = bench.clock.now
    while bench.is_postponed:
        bench.clock.now += QUIET / 2
        bench.postponed.postpone()
        bench.timer.fire()
    assert bench.clock.now - begun == pytest.approx(LONGEST)
    bench.clock.now += LONGEST - 1
    bench.postponed.postpone()
    assert not bench.is_postponed
    bench.clock.now += 1
    bench.postponed.postpone()
    assert bench.is_postponed


def test_after_a_quiet_time_it_begins_again_at_once(bench):
    bench.postponed.postpone()
    bench.timer.fire()
    assert not bench.is_postponed
    bench.clock.now += 0.1
    bench.postponed.postpone()
    assert bench.is_postponed
    assert bench.timer.delays == [QUIET, QUIET]


def test_the_setting_and_the_end_are_respected(bench):
    bench.permitted = False
    bench.make(3 * MANY)
    assert not bench.is_postponed
    bench.permitted = True
    bench.postponed.postpone()
    assert bench.is_postponed
    bench.postponed.close()
    assert not bench.is_postponed
    bench.timer.fire()
    assert not bench.timer
    # No timer would end it.
    bench.postponed.postpone()
    assert not bench.is_postponed
