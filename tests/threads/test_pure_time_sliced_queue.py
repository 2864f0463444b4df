"""Things done by one thread, a slice at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pure_support import DrivenClock

from taurus_tpo.concurrency.time_sliced_queue import TimeSlicedQueue

#: How long each item takes by the clock of the test, s.
COST = 1.0


class Loop:
    """An event loop of one thread: what it was called for, and what it did."""

    def __init__(self) -> None:
        self.clock = DrivenClock()
        self.done: list[int] = []
        self.calls: list[str] = []
        self.inside: dict[int, Callable[[], object]] = {}
        self.time_sliced: TimeSlicedQueue[int] = TimeSlicedQueue(
            self._do,
            lambda: self.calls.append("call"),
            lambda: self.calls.append("again"),
            self.clock,
        )

    def _do(self, item: int) -> None:
        self.done.append(item)
        self.clock.now += COST
        self.inside.get(item, lambda: None)()
        self.done.append(-item)

    def turn(self, seconds: float = COST) -> bool:
        """Do what it was called for; return whether there was anything."""
        called, self.calls = bool(self.calls), []
        if called:
            self.time_sliced.turn(seconds)
        return called


@pytest.fixture
def loop() -> Loop:
    """A loop that has nothing to do."""
    return Loop()


def whole(*items: int) -> list[int]:
    """What is done if no item is done inside another."""
    return [step for item in items for step in (item, -item)]


def test_nothing_is_done_before_the_loop_turns(loop: Loop) -> None:
    loop.time_sliced.put(1)
    assert loop.done == []
    assert loop.calls == ["call"]
    loop.turn()
    assert loop.done == whole(1)


def test_many_items_call_once(loop: Loop) -> None:
    for item in range(1, 6):
        loop.time_sliced.put(item)
    assert loop.calls == ["call"]


def test_a_slice_ends_with_its_time_and_calls_again(loop: Loop) -> None:
    for item in range(1, 6):
        loop.time_sliced.put(item)
    loop.turn(2 * COST)
    assert loop.done == whole(1, 2)
    assert loop.calls == ["again"]
    loop.turn(2 * COST)
    loop.turn(2 * COST)
    assert loop.done == whole(1, 2, 3, 4, 5)
    assert not loop.calls


def test_a_slice_does_one_item_at_the_least(loop: Loop) -> None:
    loop.time_sliced.put(1)
    loop.time_sliced.put(2)
    loop.turn(0.0)
    assert loop.done == whole(1)


def test_a_call_in_vain_does_nothing(loop: Loop) -> None:
    loop.time_sliced.put(1)
    loop.time_sliced.pass_by(COST)
    assert loop.done == whole(1)
    assert loop.turn()
    assert loop.done == whole(1)
    loop.time_sliced.put(2)
    assert loop.calls == ["call"]


def test_now_is_at_once_where_nothing_waits(loop: Loop) -> None:
    loop.time_sliced.now(1)
    assert loop.done == whole(1)
    assert not loop.calls


def test_now_is_after_those_that_wait(loop: Loop) -> None:
    loop.time_sliced.put(1)
    loop.time_sliced.now(2)
    assert loop.done == []
    loop.turn(2 * COST)
    assert loop.done == whole(1, 2)


@pytest.mark.parametrize("how", ["turn", "now"])
def test_no_item_is_done_inside_another(loop: Loop, how: str) -> None:
    def more() -> None:
        loop.time_sliced.now(2)
        loop.time_sliced.pass_by(COST)

    loop.inside[1] = more
    if how == "now":
        loop.time_sliced.now(1)
    else:
        loop.time_sliced.put(1)
    while loop.turn():
        pass
    assert loop.done == whole(1, 2)


def test_the_loop_of_a_dialog_goes_on_with_the_rest(loop: Loop) -> None:
    loop.inside[1] = loop.turn
    loop.time_sliced.put(1)
    loop.time_sliced.put(2)
    loop.turn()
    assert loop.done == [1, *whole(2), -1]


def test_what_is_put_inside_the_loop_of_a_dialog_is_done_there(loop: Loop) -> None:
    def dialog() -> None:
        loop.time_sliced.put(2)
        loop.turn()

    loop.inside[1] = dialog
    loop.time_sliced.put(1)
    loop.turn()
    assert loop.done == [1, *whole(2), -1]


def test_passing_by_stops_where_it_is_told(loop: Loop) -> None:
    for item in range(1, 6):
        loop.time_sliced.put(item)
    loop.time_sliced.pass_by(10 * COST, lambda item: item == 3)
    assert loop.done == whole(1, 2)
    assert len(loop.time_sliced) == 3


def test_an_item_that_raises_leaves_the_rest_doable(loop: Loop) -> None:
    def broken() -> None:
        raise ValueError("broken")

    loop.inside[1] = broken
    loop.time_sliced.put(1)
    loop.time_sliced.put(2)
    with pytest.raises(ValueError, match="broken"):
        loop.turn()
    loop.turn()
    assert loop.done == [1, *whole(2)]


def test_nothing_is_lost_between_threads() -> None:
    called = threading.Event()
    done: list[int] = []
    time_sliced: TimeSlicedQueue[int] = TimeSlicedQueue(
        done.append, called.set, called.set
    )
    fillers = [
        threading.Thread(target=lambda k=k: [time_sliced.put(k) for _ in range(1000)])
        for k in range(4)
    ]
    for filler in fillers:
        filler.start()
    while len(done) < 4000:
        assert called.wait(10), "nobody called"
        called.clear()
        time_sliced.turn(0.0)
    assert sorted(done) == sorted(k for k in range(4) for _ in range(1000))
