"""How long a window waits for devices, by a driven clock."""

from __future__ import annotations

import concurrent.futures
import threading
from concurrent.futures import Future
from typing import Any

import pytest
from pure_support import DrivenClock

from taurus_tpo.firstread import Server
from taurus_tpo.scheme.connector import Patience

#: What a window may wait, s: for one server, and for all together.
FOR_ONE = 0.05
FOR_ALL = 0.25

#: After such a pause another window is being built, s.
LONG = 10.0


class Placed:
    """It is known at once which server a device belongs to."""

    def wait(self, timeout: float) -> bool:
        return True


class Asked:
    """Somebody who was asked, on a server of their own unless there is another."""

    def __init__(self, server: Server | None = None) -> None:
        self.placed: Any = Placed()
        self.located = True
        self.server = Server("some/server") if server is None else server
        self.silent = False


class Answer(Future):
    """Comes after some seconds of the driven clock."""

    def __init__(self, clock: DrivenClock, after: float = float("inf")) -> None:
        super().__init__()
        self._clock = clock
        self._at = clock.now + after

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait: the clock goes on."""
        end = float("inf") if timeout is None else self._clock.now + timeout
        self._clock.now = max(self._clock.now, min(self._at, end))
        if self._at > end:
            raise concurrent.futures.TimeoutError
        if not self.done():
            self.set_result(None)
        return None


@pytest.fixture
def patience(clock: DrivenClock) -> Patience:
    made = Patience(clock)
    made.hurried = True
    return made


def waited(clock: DrivenClock, call: Any, *args: Any) -> float:
    """Return how long a call took on the driven clock, s."""
    begun = clock.now
    call(*args)
    return clock.now - begun


def test_one_that_answers_is_waited_for_no_longer(patience, clock) -> None:
    answer = Answer(clock, after=0.004)
    assert waited(clock, patience.wait, answer, Asked()) == pytest.approx(0.004)
    assert answer.done()


def test_one_server_is_waited_for_a_moment(patience, clock) -> None:
    took = waited(clock, patience.wait, Answer(clock), Asked())
    assert took == pytest.approx(FOR_ONE)


def test_all_servers_together_are_waited_for_some_moments(patience, clock) -> None:
    took = [waited(clock, patience.wait, Answer(clock), Asked()) for _ in range(100)]
    assert sum(took) == pytest.approx(FOR_ALL)


def test_one_that_has_missed_its_turn_is_not_waited_for(patience, clock) -> None:
    server = Server("some/server")
    patience.wait(Answer(clock), Asked(server))
    assert waited(clock, patience.wait, Answer(clock), Asked(server)) == 0.0
    # Once it has answered it has its turn again.
    server.answered = clock.now + 0.001
    assert waited(clock, patience.wait, Answer(clock), Asked(server)) > 0.0


def test_one_that_is_known_not_to_answer_is_not_waited_for(patience, clock) -> None:
    asked = Asked()
    asked.silent = True
    assert waited(clock, patience.wait, Answer(clock), asked) == 0.0


def test_the_next_window_waits_again(patience, clock) -> None:
    for _ in range(100):
        patience.wait(Answer(clock), Asked())
    assert waited(clock, patience.wait, Answer(clock), Asked()) == 0.0
    clock.now += LONG
    took = waited(clock, patience.wait, Answer(clock), Asked())
    assert took == pytest.approx(FOR_ONE)


def test_what_nobody_feels_does_not_count(patience, clock) -> None:
    for _ in range(1000):
        answer = Answer(clock, after=0.001)
        patience.wait(answer, Asked(), 0.005)
        assert answer.done()
    took = waited(clock, patience.wait, Answer(clock), Asked())
    assert took == pytest.approx(FOR_ONE)


def test_where_the_mode_asks_for_it_a_server_is_waited_for_once(
    patience, clock
) -> None:
    server = Server("some/server")
    first = waited(clock, patience.wait_at_length, Answer(clock), Asked(server))
    # One timeout of Tango's, and a little more.
    assert 3.0 < first < 4.0
    again = waited(clock, patience.wait_at_length, Answer(clock), Asked(server))
    assert again == 0.0


def test_a_thread_without_a_window_waits_as_long_as_it_takes(patience, clock) -> None:
    patience.hurried = False
    answer, begun = Answer(clock, after=100.0), clock.now
    # Not the main one: that of this process may have windows from other tests.
    other = threading.Thread(target=patience.wait, args=(answer, Asked()))
    other.start()
    other.join()
    assert answer.done()
    assert clock.now - begun == pytest.approx(100.0)
