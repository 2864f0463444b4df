"""Things done one after the other, with no lock held."""

from __future__ import annotations

import threading
import weakref
from functools import partial

import pytest
from pure_support import SOON, Shapeless

from taurus_tpo.concurrency.action_queue import ActionQueue


@pytest.fixture
def errors() -> list[Exception]:
    """What actions raised."""
    return []


@pytest.fixture
def actions(errors: list[Exception]) -> ActionQueue:
    """A queue that keeps the errors."""
    return ActionQueue(errors.append)


def test_nothing_is_done_before_work(actions: ActionQueue) -> None:
    done: list[str] = []
    actions.put(partial(done.append, "a"), partial(done.append, "b"))
    assert done == []
    actions.work()
    assert done == ["a", "b"]


def test_nothing_is_done_twice(actions: ActionQueue) -> None:
    done: list[str] = []
    actions.put(partial(done.append, "a"))
    actions.work()
    actions.work()
    assert done == ["a"]


def test_no_action_is_shown_as_a_text(actions: ActionQueue) -> None:
    """Its text has the value it is about, and was made for an exception of a deque."""
    done: list[object] = []
    actions.put(partial(done.append, Shapeless()))
    actions.put_news(partial(done.append, Shapeless()), most=2)
    actions.work()
    assert len(done) == 2


def test_what_an_action_puts_in_comes_after_what_is_there(actions: ActionQueue) -> None:
    done: list[str] = []

    def first() -> None:
        done.append("first begins")
        actions.put(partial(done.append, "third"))
        actions.work()
        done.append("first ends")

    actions.put(first, partial(done.append, "second"))
    actions.work()
    assert done == ["first begins", "first ends", "second", "third"]


def test_an_action_that_raises_does_not_stop_the_next(
    actions: ActionQueue, errors: list[Exception]
) -> None:
    done: list[str] = []
    broken = ValueError("broken")

    def fail() -> None:
        raise broken

    actions.put(fail, partial(done.append, "next"))
    actions.work()
    assert done == ["next"]
    assert errors == [broken]


def test_an_action_that_ends_the_program_leaves_a_box_that_works(
    actions: ActionQueue, errors: list[Exception]
) -> None:
    done: list[str] = []

    def leave() -> None:
        raise KeyboardInterrupt

    actions.put(leave, partial(done.append, "next"))
    with pytest.raises(KeyboardInterrupt):
        actions.work()
    actions.work()
    assert done == ["next"]
    assert errors == []


def test_a_complaint_that_raises_leaves_a_box_that_works() -> None:
    done: list[str] = []

    def fail(*_: object) -> None:
        raise ValueError("broken")

    actions = ActionQueue(fail)
    actions.put(fail, partial(done.append, "next"))
    with pytest.raises(ValueError, match="broken"):
        actions.work()
    actions.work()
    assert done == ["next"]


def test_no_lock_is_held_during_an_action(actions: ActionQueue) -> None:
    done: list[str] = []

    def other_thread() -> None:
        actions.put(partial(done.append, "second"))
        actions.work()

    def first() -> None:
        other = threading.Thread(target=other_thread, daemon=True)
        other.start()
        other.join(SOON)
        done.append("stuck" if other.is_alive() else "first")

    actions.put(first)
    actions.work()
    assert done == ["first", "second"]


def test_who_finds_the_box_attended_does_not_wait(actions: ActionQueue) -> None:
    inside, go = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        inside.set()
        go.wait(SOON)
        done.append(threading.current_thread().name)

    actions.put(first)
    attendant = threading.Thread(target=actions.work, name="attendant", daemon=True)
    attendant.start()
    assert inside.wait(SOON)
    actions.put(lambda: done.append(threading.current_thread().name))
    actions.work()
    assert done == []
    go.set()
    attendant.join(SOON)
    assert done == ["attendant", "attendant"]


def test_the_order_of_the_decisions_holds_across_threads(actions: ActionQueue) -> None:
    lock, threads, each = threading.Lock(), 8, 300
    decided: list[int] = []
    done: list[int] = []
    inside: list[int] = []
    overlapping: list[int] = []

    def act(number: int) -> None:
        inside.append(number)
        if len(inside) > 1:
            overlapping.append(number)
        done.append(number)
        inside.pop()

    def decide(first: int) -> None:
        for number in range(first, first + each):
            with lock:
                decided.append(number)
                actions.put(partial(act, number))
            actions.work()

    deciders = [
        threading.Thread(target=decide, args=(n * each,)) for n in range(threads)
    ]
    for decider in deciders:
        decider.start()
    for decider in deciders:
        decider.join(SOON)
    assert done == decided
    assert len(done) == threads * each
    assert overlapping == []


def test_of_news_the_oldest_are_dropped(actions: ActionQueue) -> None:
    """Whoever is told them may be slower than they come; all else is done."""
    done: list[object] = []
    for number in range(10):
        actions.put_news(partial(done.append, number), most=3)
        if number % 4 == 0:
            actions.put(partial(done.append, "a"))
    actions.work()
    assert done == ["a", "a", 7, 8, "a", 9]
    actions.put_news(partial(done.append, "later"), most=3)
    actions.work()
    assert done[-1] == "later"


def test_it_has_news_until_they_are_told(actions: ActionQueue) -> None:
    told: list[bool] = []
    actions.put(partial(told.append, True))
    assert not actions.has_news
    actions.put_news(lambda: told.append(actions.has_news), most=3)
    assert actions.has_news
    actions.work()
    assert told == [True, False]
    assert not actions.has_news


def test_large_news_make_room_and_what_is_dropped_is_gone(actions: ActionQueue) -> None:
    class Value:
        def told(self) -> None:
            done.append(self)

    done: list[object] = []
    values = [Value() for _ in range(5)]
    for value in values:
        actions.put_news(value.told, most=5)
    references = [weakref.ref(value) for value in values]
    newest = Value()
    actions.put_news(newest.told, most=1)
    del values, value
    assert [reference() for reference in references] == [None] * 5
    actions.work()
    assert done == [newest]


def test_news_that_come_while_one_is_told_are_bounded(actions: ActionQueue) -> None:
    done: list[int] = []

    def first() -> None:
        for number in range(100):
            actions.put_news(partial(done.append, number), most=2)
            actions.work()

    actions.put_news(first, most=2)
    actions.work()
    assert done == [98, 99]


def test_who_finishes_waits_for_the_thread_that_is_at_it(actions: ActionQueue) -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def slow() -> None:
        begun.set()
        go_on.wait(SOON)
        done.append("slow")

    actions.put(slow)
    other = threading.Thread(target=actions.work)
    other.start()
    assert begun.wait(SOON)
    actions.put(partial(done.append, "mine"))
    actions.finish(0.01)
    assert done == []
    threading.Timer(0.05, go_on.set).start()
    actions.finish(SOON)
    assert done == ["slow", "mine"]
    other.join(SOON)


def test_who_finishes_in_the_midst_of_an_action_waits_for_nobody(
    actions: ActionQueue,
) -> None:
    done: list[str] = []

    def first() -> None:
        actions.put(partial(done.append, "second"))
        actions.finish(SOON)
        done.append("first")

    actions.put(first)
    actions.work()
    assert done == ["first", "second"]
