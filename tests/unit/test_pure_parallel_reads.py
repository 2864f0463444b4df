"""Whether a device reads several attributes at the same time: what its reads show."""

from __future__ import annotations

from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.parallel_reads import (
    LEAST_TRIAL,
    MOST_PARALLEL,
    SHOWN,
    TRIALS,
    ParallelReads,
)


def shown() -> ParallelReads:
    """What is known of a device that does."""
    at_once = ParallelReads()
    for _ in range(SHOWN):
        assert not at_once.is_possible
        assert at_once.is_to_be_tried
        at_once.tried(2.0, part=0.01)
    assert at_once.is_possible
    assert not at_once.is_to_be_tried
    return at_once


def test_a_device_that_does_shows_it_more_than_once() -> None:
    shown()


def test_a_device_that_does_not_takes_one_trial() -> None:
    at_once = ParallelReads()
    at_once.tried(2.0, part=0.97)
    assert not at_once.is_possible
    assert not at_once.is_to_be_tried


def test_a_quick_read_shows_nothing_and_is_not_tried_for_ever() -> None:
    at_once = ParallelReads()
    for _ in range(TRIALS):
        assert at_once.is_to_be_tried
        at_once.tried(LEAST_TRIAL / 2, part=0.01)
    assert not at_once.is_possible
    assert not at_once.is_to_be_tried


def test_reads_that_waited_for_each_other_show_that_it_does_not() -> None:
    at_once = shown()
    assert at_once.came(2.1, alone=8.0, missed=0, count=4)
    assert not at_once.came(7.9, alone=8.0, missed=0, count=4)
    assert not at_once.is_possible
    assert not at_once.is_to_be_tried


def test_so_do_those_of_which_many_are_late() -> None:
    assert shown().came(3.0, alone=20.0, missed=4, count=10)
    assert not shown().came(3.0, alone=20.0, missed=5, count=10)


def slow(names: str) -> ReadCosts:
    costs = ReadCosts()
    for name in names:
        costs.learn([name], 2.0)
    return costs


def test_slow_ones_travel_at_once_where_that_is_possible() -> None:
    costs = slow("abcd")
    costs.learn(["quick"], 0.01)
    assert costs.cut("abcd") == ["a"]
    assert not costs.are_read_apart(["a"])
    assert costs.is_worth_a_trial("a")
    assert not costs.is_worth_a_trial("quick")
    assert costs.quickest() == "quick"
    costs.at_once = shown()
    assert costs.cut("abcd") == ["a", "b", "c", "d"]
    assert costs.are_read_apart("abcd")
    assert not costs.is_worth_a_trial("a")
    # Those that are quick share a call, before them.
    assert costs.cut(["a", "quick", "b"]) == ["quick"]
    assert not costs.are_read_apart(["quick"])
    assert len(costs.cut(range(100))) == MOST_PARALLEL


def test_those_of_a_call_that_timed_out_are_tried_and_travel_at_once() -> None:
    costs = ReadCosts()
    costs.timed_out("abcd", 3.0)
    assert costs.is_worth_a_trial("a")
    assert costs.quickest() is None
    assert costs.cut("abcd") == ["a"]
    costs.at_once = shown()
    assert costs.cut("abcd") == ["a", "b", "c", "d"]
    assert costs.are_read_apart("abcd")


def test_nothing_is_tried_of_a_device_that_is_read_one_by_one() -> None:
    costs = ReadCosts(one_by_one=True)
    costs.learn(["a"], 2.0)
    assert not costs.is_worth_a_trial("a")
