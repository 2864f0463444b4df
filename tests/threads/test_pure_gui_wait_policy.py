"""How long a window waits for devices, by a driven clock."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from pure_support import DrivenClock

from taurus_tpo.core.server_health import Server
from taurus_tpo.scheme.gui_wait_policy import VALUES, GuiWaitPolicy

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
def wait_policy(clock: DrivenClock) -> Iterator[GuiWaitPolicy]:
    made = GuiWaitPolicy(clock)
    with made.hurry():
        yield made


def waited(clock: DrivenClock, call: Any, *args: Any) -> float:
    """Return how long a call took on the driven clock, s."""
    begun = clock.now
    call(*args)
    return clock.now - begun


def test_one_that_answers_is_waited_for_no_longer(wait_policy, clock) -> None:
    answer = Answer(clock, after=0.004)
    assert waited(clock, wait_policy.wait, answer, Asked()) == pytest.approx(0.004)
    assert answer.done()


def test_one_server_is_waited_for_a_moment(wait_policy, clock) -> None:
    took = waited(clock, wait_policy.wait, Answer(clock), Asked())
    assert took == pytest.approx(FOR_ONE)


def test_all_servers_together_are_waited_for_some_moments(wait_policy, clock) -> None:
    took = [waited(clock, wait_policy.wait, Answer(clock), Asked()) for _ in range(100)]
    assert sum(took) == pytest.approx(FOR_ALL)


def test_one_that_has_missed_its_turn_is_not_waited_for(wait_policy, clock) -> None:
    server = Server("some/server")
    wait_policy.wait(Answer(clock), Asked(server))
    assert waited(clock, wait_policy.wait, Answer(clock), Asked(server)) == 0.0
    # Once it has answered it has its turn again.
    server.answered = clock.now + 0.001
    assert waited(clock, wait_policy.wait, Answer(clock), Asked(server)) > 0.0


def test_one_that_is_known_not_to_answer_is_not_waited_for(wait_policy, clock) -> None:
    asked = Asked()
    asked.silent = True
    assert waited(clock, wait_policy.wait, Answer(clock), asked) == 0.0


def test_the_next_window_waits_again(wait_policy, clock) -> None:
    for _ in range(100):
        wait_policy.wait(Answer(clock), Asked())
    assert waited(clock, wait_policy.wait, Answer(clock), Asked()) == 0.0
    clock.now += LONG
    took = waited(clock, wait_policy.wait, Answer(clock), Asked())
    assert took == pytest.approx(FOR_ONE)


def test_what_nobody_feels_does_not_count(wait_policy, clock) -> None:
    for _ in range(1000):
        answer = Answer(clock, after=0.001)
        wait_policy.wait(answer, Asked(), 0.005)
        assert answer.done()
    took = waited(clock, wait_policy.wait, Answer(clock), Asked())
    assert took == pytest.approx(FOR_ONE)


def test_where_the_mode_asks_for_it_a_server_is_waited_for_once(
    wait_policy, clock
) -> None:
    server = Server("some/server")
    first = waited(clock, wait_policy.wait_at_length, Answer(clock), Asked(server))
    # One timeout of Tango's, and a little more.
    assert 3.0 < first < 4.0
    again = waited(clock, wait_policy.wait_at_length, Answer(clock), Asked(server))
    assert again == 0.0


def test_a_thread_without_a_window_waits_as_long_as_it_takes(
    wait_policy, clock
) -> None:
    answer, begun = Answer(clock, after=100.0), clock.now
    # Not the main one: that of this process may have windows from other tests.
    other = threading.Thread(target=wait_policy.wait, args=(answer, Asked()))
    other.start()
    other.join()
    assert answer.done()
    assert clock.now - begun == pytest.approx(100.0)


def test_a_hurry_is_that_of_one_thread_and_ends_with_the_outermost(clock) -> None:
    wait_policy, others = GuiWaitPolicy(clock), []
    with wait_policy.hurry():
        with wait_policy.hurry():
            assert wait_policy.in_a_hurry
        assert wait_policy.in_a_hurry
        other = threading.Thread(target=lambda: others.append(wait_policy.in_a_hurry))
        other.start()
        other.join()
    assert others == [False]


# --- what is asked for by name, and what a form asks ---------------------------------


class Asking:
    """Somebody who is asked, and asked again; keeps how patiently."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.patiently: list[bool] = []

    def __call__(self, patient: bool) -> Answer:
        self.patiently.append(patient)
        return self._answers.pop(0)


def silence(clock: DrivenClock, asked: Asked, after: float) -> Answer:
    """An answer that fails, since the server is found silent after some seconds."""

    class Silent(Answer):
        def exception(self, timeout: float | None = None) -> BaseException | None:
            super().exception(timeout)
            if asked.server.error is None:
                asked.server.fall_silent(TimeoutError(), clock.now, clock.time())
            return asked.server.error

    return Silent(clock, after)


def test_what_is_asked_for_by_name_is_waited_for(wait_policy, clock) -> None:
    asking, asked = Asking(Answer(clock, after=3.0)), Asked()
    took = waited(clock, wait_policy.wait_by_name, asking, asked)
    assert took == pytest.approx(3.0)
    assert asking.patiently == [False]


def test_it_is_waited_for_as_long_as_tango_waits_and_once(wait_policy, clock) -> None:
    asked = Asked()
    asking = Asking(silence(clock, asked, after=1.0), *(Answer(clock),) * 3)
    took = waited(clock, wait_policy.wait_by_name, asking, asked)
    assert 3.0 < took < 4.0
    assert waited(clock, wait_policy.wait_by_name, asking, asked) == 0.0
    # It is known to be silent, and asked again by whoever waits for it.
    assert asking.patiently == [False, True, True]
    asked.server.answer(clock.now + 0.001)
    took = waited(clock, wait_policy.wait_by_name, asking, asked)
    assert 3.0 < took < 4.0


def test_one_that_comes_back_in_time_is_waited_for(wait_policy, clock) -> None:
    asked = Asked()
    later = Answer(clock)
    later._at = clock.now + 2.0
    asking = Asking(silence(clock, asked, after=1.0), later)
    took = waited(clock, wait_policy.wait_by_name, asking, asked)
    assert took == pytest.approx(2.0)
    assert later.done()


def test_one_that_was_silent_for_long_is_not_waited_for(wait_policy, clock) -> None:
    asked, asking = Asked(), Asking(Answer(clock))
    asked.server.fall_silent(TimeoutError(), clock.now, clock.time())
    clock.now += LONG
    assert waited(clock, wait_policy.wait_by_name, asking, asked) == 0.0


def runs(server: Server) -> bool:
    """Return what a probe of a process that runs does."""
    return True


def test_a_form_waits_for_a_process_that_runs(wait_policy, clock) -> None:
    asked = Asked()
    asked.server.answered = clock.now
    answer = Answer(clock, after=2.0)
    wait = wait_policy.wait_if_it_runs
    assert waited(clock, wait, answer, asked, runs) == pytest.approx(2.0)
    assert answer.done()


def test_a_form_does_not_wait_for_a_process_that_hangs_meanwhile(
    wait_policy, clock
) -> None:
    asked, probed = Asked(), []

    def hangs(server: Server) -> bool:
        probed.append(server)
        return len(probed) < 3

    asked.server.answered = clock.now
    wait = wait_policy.wait_if_it_runs
    assert 0.0 < waited(clock, wait, Answer(clock), asked, hangs) < 1.0
    assert probed == [asked.server] * 3
    # Nor for the next request.
    clock.now += 2.0
    assert waited(clock, wait, Answer(clock), asked, hangs) == 0.0


def test_a_form_waits_little_for_processes_that_do_not_say_so(
    wait_policy, clock
) -> None:
    def took(asked: Asked) -> float:
        return waited(clock, wait_policy.wait_if_it_runs, Answer(clock), asked, runs)

    hung = [Asked() for _ in range(10)]
    assert sum(took(asked) for asked in hung) < 1.0
    assert sum(took(asked) for asked in hung) == 0.0
    # One that runs has its time after all of them.
    one, answer = Asked(), Answer(clock, after=0.04)
    waited(clock, wait_policy.wait_if_it_runs, answer, one, runs)
    assert answer.done()


def test_a_value_may_take_all_that_is_left_where_its_server_answers(
    wait_policy, clock
) -> None:
    """The machine may be busy; the values of a window have one budget."""
    asked = Asked()
    asked.server.answer(clock.now)
    wait = wait_policy.wait_for_value
    assert waited(clock, wait, Answer(clock, 0.3), asked) == pytest.approx(0.3)
    assert waited(clock, wait, Answer(clock), asked) == pytest.approx(VALUES - 0.3)
    assert waited(clock, wait, Answer(clock), asked) == 0.0
    clock.now += LONG
    assert waited(clock, wait, Answer(clock), asked) == pytest.approx(FOR_ONE)


def test_what_healthy_devices_take_for_a_value_does_not_count(
    wait_policy, clock
) -> None:
    asked = Asked()
    asked.server.answer(clock.now)
    for _ in range(200):
        wait_policy.wait_for_value(Answer(clock, 0.004), asked)
        asked.server.answer(clock.now)
    assert waited(clock, wait_policy.wait_for_value, Answer(clock), asked) == VALUES


def test_no_value_is_waited_for_of_a_silent_server(wait_policy, clock) -> None:
    asked = Asked()
    asked.silent = True
    assert waited(clock, wait_policy.wait_for_value, Answer(clock), asked) == 0.0
