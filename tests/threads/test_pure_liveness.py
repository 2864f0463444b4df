"""The thread that asks servers whether they are there; real sockets on loopback."""

from __future__ import annotations

import gc
import os
import resource
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pure_orb import KEY, Orb, Port
from pure_support import SOON, wait_until

from taurus_tpo.concurrency.liveness import THREAD_NAME, Liveness, LivenessMonitor
from taurus_tpo.core.giop import Address
from taurus_tpo.core.server_health import FAR

#: Longer than any test.
NEVER = 1000.0

#: How long a server may be silent in these tests: long for one on loopback, s.
SILENCE = 0.1


class Listener:
    """Takes verdicts."""

    def __init__(self, pause: float | None = None) -> None:
        self.pause = pause
        self._lock = threading.Lock()
        self._verdicts: list[Liveness] = []
        self.threads: set[str] = set()

    def __call__(self, verdict: Liveness) -> float | None:
        with self._lock:
            self._verdicts.append(verdict)
            self.threads.add(threading.current_thread().name)
        return self.pause

    @property
    def verdicts(self) -> list[Liveness]:
        with self._lock:
            return list(self._verdicts)

    def hears(self, *verdicts: Liveness) -> None:
        """Wait for exactly these."""
        wait_until(lambda: len(self.verdicts) >= len(verdicts), f"hears {verdicts}")
        assert self.verdicts == list(verdicts)


MakeSentinel = Callable[..., LivenessMonitor]


@pytest.fixture
def make() -> Iterator[MakeSentinel]:
    """Makes monitors that are closed after the test."""
    made: list[LivenessMonitor] = []

    def make_sentinel(silence: float = NEVER, **more: Any) -> LivenessMonitor:
        made.append(LivenessMonitor(silence, **more))
        return made[-1]

    yield make_sentinel
    for liveness in made:
        assert liveness.close(SOON)


@pytest.fixture
def orb() -> Iterator[Orb]:
    """A server that answers."""
    with Orb() as orb:
        yield orb


@pytest.fixture
def hung() -> Iterator[Orb]:
    """A server that takes questions and does not answer."""
    with Orb(answers=False) as orb:
        yield orb


# --- one question --------------------------------------------------------------------


def test_a_server_that_answers(make: MakeSentinel, orb: Orb) -> None:
    liveness, listener = make(), Listener()
    liveness.check("server", orb.address, listener)
    listener.hears(Liveness.ANSWERS)
    assert listener.threads == {THREAD_NAME}
    (question,) = orb.heard
    assert question.startswith(b"GIOP")
    assert question.endswith(KEY)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the round trip")
def test_the_round_trip_of_the_network_is_measured(
    make: MakeSentinel, orb: Orb
) -> None:
    """Once for each connection, however busy the machine is."""
    liveness = make()
    measured: list[float] = []
    for _ in range(2):
        listener = Listener()
        liveness.check("server", orb.address, listener, measured.append)
        listener.hears(Liveness.ANSWERS)
    assert len(measured) == 1
    assert 0.0 < measured[0] < FAR


def test_a_server_that_takes_questions_and_does_not_answer(
    make: MakeSentinel, hung: Orb
) -> None:
    liveness, listener = make(SILENCE), Listener()
    begun = time.monotonic()
    liveness.check("server", hung.address, listener)
    listener.hears(Liveness.SILENT)
    assert time.monotonic() - begun >= SILENCE
    assert len(hung.heard) == 1


def test_a_server_that_takes_no_connections(make: MakeSentinel) -> None:
    """The system has made the connection, as it does for a process that is stopped."""
    with Port(listens=True) as port:
        listener = Listener()
        make(SILENCE).check("server", port.address, listener)
        listener.hears(Liveness.SILENT)


def test_a_port_at_which_nobody_listens(make: MakeSentinel) -> None:
    with Port(listens=False) as port:
        listener = Listener()
        make().check("server", port.address, listener)
        listener.hears(Liveness.REFUSES)


@pytest.mark.parametrize(
    "address",
    [
        Address("no such host.invalid", 1, KEY),
        Address("x" * 100, 1, KEY),
        Address("a..b", 1, KEY),
        Address("em\0bedded", 1, KEY),
        Address("127.0.0.1", 70000, KEY),
        Address("127.0.0.1", 10**30, KEY),
    ],
    ids=["unknown", "long", "dots", "zero", "high port", "huge port"],
)
def test_an_address_that_is_none_harms_nobody(
    make: MakeSentinel, orb: Orb, address: Address
) -> None:
    liveness, listener, other = make(), Listener(), Listener()
    liveness.check("nowhere", address, listener)
    listener.hears(Liveness.REFUSES)
    liveness.check("server", orb.address, other)
    other.hears(Liveness.ANSWERS)


def test_somebody_else_who_listens_there(make: MakeSentinel) -> None:
    with Orb(reply=b"HTTP/1.1 400 Bad Request\r\n") as other:
        listener = Listener()
        make().check("server", other.address, listener)
        listener.hears(Liveness.REFUSES)


def test_an_answer_that_comes_in_pieces(make: MakeSentinel) -> None:
    with Orb(answers=False, reply=b"GIOP\1\0") as slow:
        listener = Listener()
        make().check("server", slow.address, listener)
        wait_until(lambda: slow.heard, "the question has come")
        slow.answer()
        assert listener.verdicts == []
        with slow._lock:
            slow._open[0].sendall(b"\1\4\0\0\0\0")
        listener.hears(Liveness.ANSWERS)


def test_a_server_that_hangs_up_instead_of_an_answer(
    make: MakeSentinel, hung: Orb
) -> None:
    listener = Listener()
    make().check("server", hung.address, listener)
    wait_until(lambda: hung.heard, "the question has come")
    hung.hang_up()
    listener.hears(Liveness.REFUSES)


# --- one after the other -------------------------------------------------------------


def test_a_connection_is_kept(make: MakeSentinel, orb: Orb) -> None:
    liveness = make(keep=NEVER)
    for _ in range(3):
        listener = Listener()
        liveness.check("server", orb.address, listener)
        listener.hears(Liveness.ANSWERS)
    assert len(orb.heard) == 3
    assert len({question for question in orb.heard}) == 3
    assert orb.connections == 1


def test_a_kept_connection_that_was_hung_up_is_made_anew(
    make: MakeSentinel, orb: Orb
) -> None:
    liveness = make(keep=NEVER)
    for number in range(1, 4):
        listener = Listener()
        liveness.check("server", orb.address, listener)
        listener.hears(Liveness.ANSWERS)
        assert orb.connections == number
        orb.hang_up()
        wait_until(lambda: not orb.open, "it has hung up")


def test_a_kept_connection_that_is_hung_up_for_a_question_is_made_anew(
    make: MakeSentinel, orb: Orb
) -> None:
    liveness, listener, again = make(keep=NEVER), Listener(), Listener()
    liveness.check("server", orb.address, listener)
    listener.hears(Liveness.ANSWERS)
    orb.hang()
    liveness.check("server", orb.address, again)
    wait_until(lambda: len(orb.heard) == 2, "the question has come")
    orb.hang_up()
    wait_until(lambda: len(orb.heard) == 3, "it was asked once more")
    assert again.verdicts == []
    orb.answer()
    again.hears(Liveness.ANSWERS)
    assert orb.connections == 2


def test_a_question_that_is_on_its_way_is_not_asked_twice(
    make: MakeSentinel, hung: Orb
) -> None:
    liveness, first, last = make(), Listener(), Listener()
    liveness.check("server", hung.address, first)
    wait_until(lambda: hung.heard, "the question has come")
    liveness.check("server", hung.address, last)
    wait_until(liveness._asked.empty, "it was taken")
    hung.answer()
    last.hears(Liveness.ANSWERS)
    assert first.verdicts == []
    assert len(hung.heard) == 1


# --- silence -------------------------------------------------------------------------


def test_an_answer_that_comes_late_is_told(make: MakeSentinel, hung: Orb) -> None:
    listener = Listener(pause=NEVER)
    make(SILENCE).check("server", hung.address, listener)
    listener.hears(Liveness.SILENT)
    hung.answer()
    listener.hears(Liveness.SILENT, Liveness.ANSWERS)
    assert len(hung.heard) == 1


def test_an_answer_that_waits_for_the_monitor_is_in_time(
    make: MakeSentinel, orb: Orb, hung: Orb
) -> None:
    """Its thread may get no processor for longer than a server may be silent."""
    liveness, listener = make(silence=1.0), Listener()
    is_held, goes_on = threading.Event(), threading.Event()

    def hold(_verdict: Liveness) -> None:
        is_held.set()
        goes_on.wait(SOON)

    liveness.check("late", hung.address, listener)
    wait_until(lambda: hung.heard, "it is asked")
    liveness.check("other", orb.address, hold)
    assert is_held.wait(SOON)
    asked = time.monotonic()
    hung.answer()
    wait_until(lambda: time.monotonic() > asked + 1.0, "its time is over")
    goes_on.set()
    listener.hears(Liveness.ANSWERS)


def test_a_server_that_dies_while_it_is_left_alone_is_told(
    make: MakeSentinel,
) -> None:
    listener = Listener(pause=NEVER)
    with Orb(answers=False) as hung:
        make(SILENCE).check("server", hung.address, listener)
        listener.hears(Liveness.SILENT)
    listener.hears(Liveness.SILENT, Liveness.REFUSES)


def test_a_silent_server_is_asked_again_on_a_new_connection(
    make: MakeSentinel, hung: Orb
) -> None:
    listener = Listener(pause=0.001)
    make(SILENCE).check("server", hung.address, listener)
    wait_until(lambda: len(hung.heard) >= 3, "it was asked again")
    assert hung.connections >= 3
    wait_until(lambda: hung.open <= 1, "the old connections were ended")
    hung.answer()
    wait_until(lambda: Liveness.ANSWERS in listener.verdicts, "it has answered")
    *silent, last = listener.verdicts
    assert last is Liveness.ANSWERS
    assert set(silent) == {Liveness.SILENT}


def test_a_silent_server_that_nobody_wants_to_know_of_is_let_go(
    make: MakeSentinel, hung: Orb
) -> None:
    liveness, listener = make(SILENCE), Listener(pause=None)
    liveness.check("server", hung.address, listener)
    listener.hears(Liveness.SILENT)
    wait_until(lambda: not liveness.threads(), "the thread has ended")
    wait_until(lambda: not hung.open, "the connection was ended")
    assert listener.verdicts == [Liveness.SILENT]


def test_whoever_asks_again_of_a_silent_server_is_answered(
    make: MakeSentinel, hung: Orb
) -> None:
    liveness, listener, again = make(SILENCE), Listener(pause=NEVER), Listener()
    liveness.check("server", hung.address, listener)
    listener.hears(Liveness.SILENT)
    liveness.check("server", hung.address, again)
    again.hears(Liveness.SILENT)
    assert listener.verdicts == [Liveness.SILENT]


def test_many_silent_servers_cost_one_silence(make: MakeSentinel) -> None:
    silence = 0.3
    liveness = make(silence)
    with ExitStack() as stack:
        ports = [stack.enter_context(Port(listens=True)) for _ in range(50)]
        listeners = [Listener() for _ in ports]
        begun = time.monotonic()
        for port, listener in zip(ports, listeners):
            liveness.check(port, port.address, listener)
        assert len(liveness.threads()) == 1
        for listener in listeners:
            listener.hears(Liveness.SILENT)
        assert time.monotonic() - begun < 10 * silence


def test_a_silent_server_delays_no_answer_of_another(
    make: MakeSentinel, orb: Orb, hung: Orb
) -> None:
    liveness, silent, listener = make(), Listener(), Listener()
    liveness.check("hung", hung.address, silent)
    liveness.check("server", orb.address, listener)
    listener.hears(Liveness.ANSWERS)
    assert silent.verdicts == []


# --- addresses -----------------------------------------------------------------------


def test_a_server_that_was_started_elsewhere_is_asked_there(
    make: MakeSentinel, orb: Orb, hung: Orb
) -> None:
    liveness, old, new = make(), Listener(), Listener()
    liveness.check("server", hung.address, old)
    wait_until(lambda: hung.heard, "the question has come")
    liveness.check("server", orb.address, new)
    new.hears(Liveness.ANSWERS)
    wait_until(lambda: not hung.open, "the old connection was ended")
    assert old.verdicts == []


def test_a_kept_connection_to_another_address_is_not_used(
    make: MakeSentinel, orb: Orb
) -> None:
    liveness = make(keep=NEVER)
    with Orb() as other:
        for where in (orb, other, orb):
            listener = Listener()
            liveness.check("server", where.address, listener)
            listener.hears(Liveness.ANSWERS)
    assert orb.connections == 2


# --- what goes wrong -----------------------------------------------------------------


@pytest.mark.parametrize("verdict", Liveness, ids=lambda verdict: verdict.name)
def test_a_listener_that_raises_harms_nobody(
    make: MakeSentinel,
    orb: Orb,
    hung: Orb,
    verdict: Liveness,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def tell(_verdict: Liveness) -> float | None:
        raise ValueError("broken")

    silence = 3 * SILENCE if verdict is Liveness.SILENT else NEVER
    liveness, listener = make(silence, keep=NEVER), Listener()
    with Port(listens=False) as nobody:
        where = {
            Liveness.ANSWERS: orb.address,
            Liveness.SILENT: hung.address,
            Liveness.REFUSES: nobody.address,
        }
        liveness.check("bad", where[verdict], tell)
        wait_until(lambda: "broken" in caplog.text, "it is in the log")
    liveness.check("good", orb.address, listener)
    listener.hears(Liveness.ANSWERS)


def test_a_listener_may_ask_again(make: MakeSentinel, orb: Orb) -> None:
    liveness, listener = make(keep=NEVER), Listener()

    def tell(_verdict: Liveness) -> float | None:
        liveness.check("server", orb.address, listener)
        return None

    liveness.check("server", orb.address, tell)
    listener.hears(Liveness.ANSWERS)
    assert orb.connections == 1


def test_where_there_are_no_sockets_to_be_had_the_next_question_tries_again(
    make: MakeSentinel, orb: Orb, caplog: pytest.LogCaptureFixture
) -> None:
    liveness, one, other = make(), Listener(), Listener()
    few, many = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, many))
    try:
        liveness.check("one", orb.address, one)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, many))
    assert liveness.threads() == ()
    assert "No thread for" in caplog.text
    liveness.check("other", orb.address, other)
    one.hears(Liveness.ANSWERS)
    other.hears(Liveness.ANSWERS)


# --- the end -------------------------------------------------------------------------


def test_a_sentinel_that_nobody_asks_has_no_thread(make: MakeSentinel) -> None:
    liveness = make()
    assert liveness.threads() == ()
    assert liveness.close()


def test_the_thread_ends_when_no_connection_is_kept_and_starts_again(
    make: MakeSentinel, orb: Orb
) -> None:
    liveness = make(keep=0.005)
    for number in range(1, 4):
        listener = Listener()
        liveness.check("server", orb.address, listener)
        listener.hears(Liveness.ANSWERS)
        wait_until(lambda: not liveness.threads(), "the thread has ended")
        wait_until(lambda: not orb.open, "the connection was ended")
        assert orb.connections == number


def test_the_thread_is_named_and_keeps_no_process_alive(
    make: MakeSentinel, hung: Orb
) -> None:
    liveness = make()
    liveness.check("server", hung.address, Listener())
    (thread,) = liveness.threads()
    assert thread.name == THREAD_NAME
    assert thread.daemon


def test_close_ends_the_thread_and_tells_nobody(make: MakeSentinel, hung: Orb) -> None:
    liveness, listener = make(), Listener()
    liveness.check("server", hung.address, listener)
    wait_until(lambda: hung.heard, "the question has come")
    (thread,) = liveness.threads()
    assert liveness.close(SOON)
    assert liveness.threads() == ()
    wait_until(lambda: not thread.is_alive(), "the thread has ended")
    wait_until(lambda: not hung.open, "the connection was ended")
    assert listener.verdicts == []


def test_close_does_not_wait_for_a_listener_unless_it_is_told_to(
    make: MakeSentinel, orb: Orb
) -> None:
    go, begun = threading.Event(), threading.Event()

    def tell(_verdict: Liveness) -> float | None:
        begun.set()
        go.wait(SOON)
        return None

    liveness = make()
    liveness.check("server", orb.address, tell)
    assert begun.wait(SOON)
    assert not liveness.close()
    go.set()
    assert liveness.close(None)


def test_after_close_nobody_is_asked(make: MakeSentinel, orb: Orb) -> None:
    liveness = make()
    assert liveness.close()
    liveness.check("server", orb.address, Listener())
    assert liveness.threads() == ()
    assert orb.connections == 0


def test_whoever_was_told_is_not_kept_alive(make: MakeSentinel, orb: Orb) -> None:
    liveness, listener = make(keep=NEVER), Listener()
    liveness.check("server", orb.address, listener)
    listener.hears(Liveness.ANSWERS)
    reference = weakref.ref(listener)
    del listener

    def gone() -> bool:
        gc.collect()
        return reference() is None

    wait_until(gone, "the listener is gone")


def test_no_socket_is_left_behind(make: MakeSentinel, orb: Orb, hung: Orb) -> None:
    before = open_files()
    with Port(listens=False) as nobody:
        for number, where in enumerate([orb, hung, nobody] * 3):
            liveness, listener = make(SILENCE, keep=0.005), Listener()
            liveness.check(number, where.address, listener)
            wait_until(lambda told=listener: told.verdicts, "a verdict")
            assert liveness.close(SOON)
    wait_until(lambda: not orb.open + hung.open, "the servers know")
    assert open_files() <= before


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/dev/fd"))


def test_many_questions_from_many_threads_are_all_answered(
    make: MakeSentinel,
) -> None:
    """Threads that end at once and start again lose no question."""
    liveness = make(keep=0.0)
    with ExitStack() as stack:
        orbs = [stack.enter_context(Orb()) for _ in range(4)]

        def ask(orb: Orb) -> None:
            for _ in range(50):
                listener = Listener()
                liveness.check(orb, orb.address, listener)
                listener.hears(Liveness.ANSWERS)

        threads = [threading.Thread(target=ask, args=(orb,)) for orb in orbs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        assert not any(thread.is_alive() for thread in threads)
        assert [len(orb.heard) for orb in orbs] == [50] * 4
