"""The events of a stream that wait: bounded, in order, and none in vain."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.concurrency.event_buffer import Event, EventBuffer

CHANGE, CONFIG, ERROR = "Change", "Config", "Error"

MODELS = ("a", "b", "c")
KINDS = (CHANGE, CONFIG, ERROR)


def event(model: str, kind: str = CHANGE, value: object = None) -> Event:
    return Event(model, None, kind, value, None, 0)


def values(buffer: EventBuffer) -> list[object]:
    """Take all that is there."""
    return [one.value for one in iter(buffer.take, None)]


def test_only_the_newest_of_each_model_and_kind_waits() -> None:
    buffer = EventBuffer()
    for value in range(3):
        buffer.put(event("a", CHANGE, value))
    buffer.put(event("b", CHANGE, 10))
    buffer.put(event("a", CONFIG, 20))
    assert sorted(map(str, values(buffer))) == ["10", "2", "20"]


def test_an_error_is_not_delivered_after_the_value_that_came_later() -> None:
    buffer = EventBuffer()
    buffer.put(event("a", CHANGE, 1))
    buffer.put(event("a", ERROR, 2))
    buffer.put(event("a", CHANGE, 3))
    assert values(buffer) == [2, 3]


def test_one_that_changes_all_the_time_delays_no_other() -> None:
    buffer = EventBuffer()
    taken = []
    for number in range(6):
        # Two of each kind come for each one that is taken.
        for model in MODELS:
            for kind in (CHANGE, ERROR):
                buffer.put(event(model, kind, number))
        taken.append(buffer.take())
    assert [one.model for one in taken if one] == [*MODELS, *MODELS]


def test_one_that_changes_all_the_time_is_not_starved_by_others() -> None:
    buffer = EventBuffer()
    taken = []
    for number in range(20):
        buffer.put(event("a", CHANGE, number))
        buffer.put(event("b", CHANGE, number))
        buffer.put(event("a", CHANGE, number))
        taken.append(buffer.take())
    assert sum(one is not None and one.model == "a" for one in taken) == 10


def test_the_oldest_is_dropped_where_each_counts() -> None:
    buffer = EventBuffer(latest=False, most=3)
    for value in range(5):
        buffer.put(event("a", CHANGE, value))
    found = list(iter(buffer.take, None))
    assert [one.value for one in found] == [2, 3, 4]
    assert [one.lost for one in found] == [2, 0, 0]


def test_what_is_replaced_is_counted_too() -> None:
    buffer = EventBuffer()
    for value in range(4):
        buffer.put(event("a", CHANGE, value))
    found = buffer.take()
    assert found is not None
    assert (found.value, found.lost) == (3, 3)


def test_the_reader_is_woken_once() -> None:
    buffer = EventBuffer()
    assert buffer.put(event("a"))
    assert not buffer.put(event("a"))
    assert not buffer.put(event("b"))
    assert len(values(buffer)) == 2
    assert buffer.put(event("a"))


@pytest.mark.parametrize("latest", [True, False])
def test_nothing_is_there_after_the_end(latest: bool) -> None:
    buffer = EventBuffer(latest)
    buffer.put(event("a"))
    buffer.close()
    assert not buffer.put(event("a"))
    assert buffer.take() is None


@given(st.lists(st.tuples(st.sampled_from(MODELS), st.sampled_from(KINDS))))
def test_the_last_event_of_each_model_is_its_newest(
    puts: list[tuple[str, str]],
) -> None:
    buffer = EventBuffer()
    for number, (model, kind) in enumerate(puts):
        buffer.put(event(model, kind, number))
    found = list(iter(buffer.take, None))
    assert len(found) == len(set(puts))
    assert sum(one.lost for one in found) == len(puts) - len(found)
    for model in MODELS:
        of_model = [one.value for one in found if one.model == model]
        assert of_model == sorted(of_model)  # type: ignore[type-var]
        sent = [number for number, put in enumerate(puts) if put[0] == model]
        assert of_model[-1:] == sent[-1:]


@given(st.integers(1, 5), st.lists(st.booleans()))
def test_it_is_a_bounded_queue(most: int, steps: list[bool]) -> None:
    buffer = EventBuffer(latest=False, most=most)
    model: deque[int] = deque(maxlen=most)
    for number, is_put in enumerate(steps):
        if is_put:
            buffer.put(event("a", CHANGE, number))
            model.append(number)
        else:
            taken = buffer.take()
            expected = model.popleft() if model else None
            assert (taken and taken.value) == expected
    assert values(buffer) == [*model]


@pytest.mark.usefixtures("hasty")
def test_no_event_of_several_threads_is_lost() -> None:
    buffer = EventBuffer(latest=False, most=10_000)
    woken = threading.Semaphore(0)

    def send(model: str) -> None:
        for number in range(500):
            if buffer.put(event(model, CHANGE, number)):
                woken.release()

    senders = [threading.Thread(target=send, args=(name,)) for name in MODELS]
    for sender in senders:
        sender.start()
    found: list[Event] = []
    while len(found) < 1500:
        assert woken.acquire(timeout=20.0)
        found += iter(buffer.take, None)
    for model in MODELS:
        assert [one.value for one in found if one.model == model] == [*range(500)]
