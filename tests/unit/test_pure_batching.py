"""How much of a device travels in one call, against devices of any speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure_support import growth

from taurus_tpo.core.batching import AIM, FIRST, GROWTH, ReadCosts

#: Tango's timeout: a call that takes longer fails as a whole, s.
LIMIT = 3.0

#: By what rounding may exceed a time.
A_BIT_MORE = 1.001


@dataclass
class Simulation:
    """A device that takes a time of its own for each attribute, and its reader."""

    times: Mapping[int, float]
    costs: ReadCosts = field(default_factory=ReadCosts)
    calls: list[list[int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    timeouts: int = 0
    failed: list[int] = field(default_factory=list)

    def read_all(self) -> list[int]:
        """Read all attributes the way the pool does; return those that had a value."""
        waiting, read = list(self.times), []
        while waiting:
            names = self.costs.cut(waiting)
            assert names
            assert names == [name for name in waiting if name in names]
            if self._call(names):
                read += names
            elif len(names) == 1:
                self.failed += names
            else:
                continue
            waiting = [name for name in waiting if name not in names]
        return read

    def _call(self, names: list[int]) -> bool:
        seconds = sum(self.times[name] for name in names)
        self.calls.append(names)
        self.seconds.append(min(seconds, LIMIT))
        if seconds >= LIMIT:
            self.timeouts += 1
            self.costs.timed_out(names, LIMIT)
            return False
        self.costs.learn(names, seconds)
        return True


speeds = st.sampled_from([0.0, 1e-5, 1e-3, 0.01, 0.1, 0.2, 0.5, 1.0, 2.9, 3.0, 9.0])
devices = st.dictionaries(st.integers(0, 100), speeds | st.floats(0, 5), max_size=60)


# --- one call ------------------------------------------------------------------------


def test_the_first_call_is_small() -> None:
    assert ReadCosts().cut(range(100)) == list(range(FIRST))


def test_of_nothing_nothing_is_cut() -> None:
    assert ReadCosts().cut([]) == []


def test_the_next_call_takes_what_fits() -> None:
    costs = ReadCosts()
    costs.learn(range(4), 0.4)
    assert costs.cut(range(4, 100)) == [4, 5, 6, 7, 8]


def test_a_call_grows_by_and_by() -> None:
    costs = ReadCosts()
    sizes = []
    for _ in range(4):
        names = costs.cut(range(10_000))
        sizes.append(len(names))
        costs.learn(names, 1e-6 * len(names))
    assert sizes == [FIRST * GROWTH**n for n in range(4)]


def test_a_call_that_took_too_long_does_not_grow() -> None:
    costs = ReadCosts()
    costs.learn(range(FIRST), AIM * 2)
    for name in range(FIRST):
        costs.learn([name], 1e-5)
    assert len(costs.cut(range(FIRST, 100))) == FIRST


def test_a_slow_one_travels_alone_and_last() -> None:
    costs = ReadCosts()
    costs.learn([1], AIM)
    costs.learn([2, 3], 0.01)
    assert costs.cut([1, 2, 3]) == [2, 3]
    assert costs.cut([1]) == [1]


def test_two_slow_ones_travel_one_after_the_other() -> None:
    costs = ReadCosts()
    for name in (1, 2):
        costs.learn([name], 2 * AIM)
    assert costs.cut([2, 1]) == [2]


def test_what_is_not_known_is_expected_to_be_like_its_neighbors() -> None:
    costs = ReadCosts()
    assert costs.expected("x") == pytest.approx(AIM / FIRST)
    costs.learn("abc", 0.3)
    assert costs.expected("x") == pytest.approx(0.1)
    costs.learn("d", 2.0)
    assert costs.expected("x") == pytest.approx(0.1)
    assert costs.expected("d") == pytest.approx(2.0)


def test_a_time_is_shared_out_as_expected() -> None:
    costs = ReadCosts()
    costs.learn("a", 0.3)
    costs.learn("b", 0.1)
    costs.learn("ab", 0.8)
    assert costs.expected("a") == pytest.approx(0.6)
    assert costs.expected("b") == pytest.approx(0.2)


def timed_out(names: str, falls: int = 0) -> ReadCosts:
    """Return what is known after all of ``names`` were read in one call, in vain."""
    costs = ReadCosts()
    costs.learn(names, 0.001)
    costs.timed_out(names, LIMIT, falls)
    return costs


def test_after_a_timeout_each_is_read_alone() -> None:
    costs = timed_out("abcdefgh")
    for name in "abcdefg":
        assert len(costs.cut("abcdefgh")) == 1
        costs.learn([name], 0.3)
    # Others of the device tell nothing of the reason.
    costs.learn(["another"], 0.001)
    assert len(costs.cut("abcdefgh")) == 1


def test_those_that_take_their_time_travel_by_it_again() -> None:
    costs = timed_out("abcdefgh")
    for name in "abcdefgh":
        costs.learn([name], 0.2)
    assert not costs.one_by_one
    assert costs.cut("abcdefgh") == ["a", "b"]


def test_one_that_hangs_is_the_reason() -> None:
    costs = timed_out("abcd")
    costs.timed_out(["a"], LIMIT)
    for name in "bcd":
        costs.learn([name], 0.001)
    assert not costs.one_by_one
    assert costs.cut("abcd") == ["b", "c", "d"]


def test_those_that_wait_for_each_other_never_travel_together_again() -> None:
    costs = timed_out("abcd")
    for name in "abc":
        costs.learn([name], 0.001)
    # One that is refused alone is no reason, either.
    costs.refused("d")
    assert costs.one_by_one
    for _ in range(10):
        costs.learn(costs.cut("abc"), 0.001)
        assert len(costs.cut("abc")) == 1


def test_a_server_that_was_silent_is_the_reason() -> None:
    costs = timed_out("abcd", falls=2)
    costs.learn(["a"], 0.001, falls=3)
    for name in "bcd":
        costs.learn([name], 0.001, falls=3)
    assert not costs.one_by_one
    assert costs.cut("abcd") == ["a", "b", "c", "d"]


def test_one_that_timed_out_alone_travels_alone() -> None:
    costs = ReadCosts()
    costs.timed_out(["bad"])
    costs.learn("ab", 0.01)
    assert costs.cut(["bad", "a", "b"]) == ["a", "b"]


def test_one_by_one_nothing_travels_with_another() -> None:
    costs = ReadCosts(one_by_one=True)
    costs.learn("abcd", 0.01)
    assert costs.cut("abcd") == ["a"]


def test_after_a_refusal_half_of_them_travel() -> None:
    costs = ReadCosts()
    assert costs.refused("abcd") == ["a", "b", "c", "d"]
    assert costs.cut("abcd") == ["a", "b"]
    assert costs.refused("ab") == ["a", "b"]
    assert costs.cut("abcd") == ["a"]
    assert costs.refused("a") == []


def test_one_that_is_refused_alone_travels_alone_and_last() -> None:
    costs = ReadCosts()
    costs.learn("abcd", 0.01)
    costs.refused("b")
    costs.learn("a", 0.01)
    assert costs.cut("abcd") == ["a", "c", "d"]
    assert costs.cut("b") == ["b"]
    costs.learn("b", 0.01)
    assert costs.cut("abcd") == ["a", "b", "c", "d"]


def test_of_a_device_that_refuses_all_one_is_tried_each_time() -> None:
    costs = ReadCosts()
    others = [f"other {n}" for n in range(100)]
    costs.learn(others, 0.01)
    costs.refused("a")
    costs.refused("b")
    probed = []
    for _ in range(3):
        assert costs.cut(others) == others
        [probe] = costs.refused(others)
        assert costs.cut(others) == [probe]
        assert costs.refused([probe]) == []
        probed.append(probe)
    assert len(set(probed)) == 3
    # One that is read shows that it does not refuse all.
    costs.refused(others)
    costs.learn([probe], 0.01)
    assert costs.refused(others) == others


@given(
    bad=st.sets(st.integers(0, 19), max_size=20),
    healed=st.sets(st.integers(0, 19), max_size=20),
)
def test_whatever_is_not_refused_alone_is_read_in_the_end(
    bad: set[int], healed: set[int]
) -> None:
    """Also where others are refused from then on, or are no more."""
    costs = ReadCosts()
    for refused in (bad, bad ^ healed):
        # Each round is one of polling.
        for _ in range(60):
            read = _polled(costs, refused)
        assert read == set(range(20)) - refused


def _polled(costs: ReadCosts, refused: set[int]) -> set[int]:
    """Return which of twenty attributes one round of polling reads."""
    left, read = list(range(20)), set()
    while left:
        call = costs.cut(left)
        left = [one for one in left if one not in call]
        if refused & set(call):
            again = costs.refused(call)
            left = [*again, *left]
        else:
            costs.learn(call, 0.001 * len(call))
            read |= set(call)
    return read


def test_who_took_no_time_gets_a_share_of_a_time_later() -> None:
    """By a coarse clock a read takes no time at all."""
    costs = ReadCosts()
    costs.learn(range(3), 0.0)
    costs.learn([0], 0.2)
    for _ in range(5):
        costs.learn([1, 2], 0.2)
    assert costs.expected(1) == pytest.approx(0.1)


# --- whole devices -------------------------------------------------------------------


@given(devices)
def test_whatever_answers_in_time_alone_is_read(times: dict[int, float]) -> None:
    device = Simulation(times)
    read = device.read_all()
    assert sorted(read) == sorted(n for n, t in times.items() if t < LIMIT)
    assert sorted(device.failed) == sorted(n for n, t in times.items() if t >= LIMIT)
    # Each slow one costs some more calls than its own until it stands alone.
    assert len(device.calls) <= 4 * len(times) + 4


@given(devices)
def test_a_device_that_is_known_is_read_without_timeouts_of_neighbors(
    times: dict[int, float],
) -> None:
    device = Simulation(times)
    for _ in range(4):
        device.read_all()
    device.calls.clear()
    device.timeouts = 0
    device.failed.clear()
    read = device.read_all()
    assert sorted(read) == sorted(n for n, t in times.items() if t < LIMIT)
    assert len(device.calls) <= 2 * len(times)


@given(st.floats(0.0, LIMIT / FIRST, exclude_max=True), st.integers(1, 150))
def test_with_uniform_times_no_call_but_the_first_is_long(
    seconds: float, number: int
) -> None:
    device = Simulation(dict.fromkeys(range(number), seconds))
    assert len(device.read_all()) == number
    assert device.timeouts == 0
    longest = max(device.seconds[1:], default=0.0)
    assert longest <= max(AIM * A_BIT_MORE, seconds) <= 1.0


@given(st.floats(0.0, 0.1), st.integers(1, 150))
def test_with_uniform_times_no_more_calls_are_made_than_needed(
    seconds: float, number: int
) -> None:
    device = Simulation(dict.fromkeys(range(number), seconds))
    device.read_all()
    growing = 6
    assert len(device.calls) <= growing + 2 * number * seconds / AIM


def test_twenty_slow_attributes_fill_in_progressively() -> None:
    device = Simulation(dict.fromkeys(range(20), 0.2))
    device.read_all()
    assert device.timeouts == 0
    assert sum(device.seconds) == pytest.approx(4.0)
    assert max(device.seconds[1:]) <= AIM * A_BIT_MORE


def test_one_that_hangs_among_many_costs_some_timeouts() -> None:
    times = dict.fromkeys(range(200), 0.001)
    times[150] = 100.0
    device = Simulation(times)
    assert len(device.read_all()) == 199
    assert device.timeouts <= 10
    first = device.timeouts
    for _ in range(3):
        device.read_all()
    assert device.timeouts == first + 3


def test_what_an_attribute_costs_does_not_grow_with_the_device() -> None:
    """With a look at all for each of them, 10,000 would take minutes."""

    def learn(number: int) -> None:
        costs = ReadCosts()
        names = list(range(number))
        costs.learn(names, 0.1)
        costs.timed_out(names)
        assert len(costs.cut(names)) > 0

    assert growth(learn, 500, 10_000) < 5.0
