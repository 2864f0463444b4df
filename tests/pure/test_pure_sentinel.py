"""The thread that asks servers whether they are there; real sockets on loopback."""

from __future__ import annotations

import gc
import os
import resource
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pure_orb import KEY, Orb, Port
from pure_support import SOON, wait_until

from taurus_tpo.concurrency.liveness import THREAD_NAME, Sentinel, Verdict
from taurus_tpo.core.giop import Address

#: Longer than any test.
NEVER = 1000.0

#: How long a server may be silent in these tests: long for one on loopback, s.
SILENCE = 0.1


class Listener:
    """Takes verdicts."""

    def __init__(self, pause: float | None = None) -> None:
        self.pause = pause
        self._lock = threading.Lock()
        self._verdicts: list[Verdict] = []
        self.threads: set[str] = set()

    def __call__(self, verdict: Verdict) -> float | None:
        with self._lock:
            self._verdicts.append(verdict)
            self.threads.add(threading.current_thread().name)
        return self.pause

    @property
    def verdicts(self) -> list[Verdict]:
        with self._lock:
            return list(self._verdicts)

    def hears(self, *verdicts: Verdict) -> None:
        """Wait for exactly these."""
        wait_until(lambda: len(self.verdicts) >= len(verdicts), f"hears {verdicts}")
        assert self.verdicts == list(verdicts)


MakeSentinel = Callable[..., Sentinel]


@pytest.fixture
def make() -> Iterator[MakeSentinel]:
    """Makes sentinels that are closed after the test."""
    made: list[Sentinel] = []

    def make_sentinel(silence: float = NEVER, **more: Any) -> Sentinel:
        made.append(Sentinel(silence, **more))
        return made[-1]

    yield make_sentinel
    for sentinel in made:
        assert sentinel.close(SOON)


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
    sentinel, listener = make(), Listener()
    sentinel.ask("server", orb.address, listener)
    listener.hears(Verdict.ANSWERS)
    assert listener.threads == {THREAD_NAME}
    (question,) = orb.heard
    assert question.startswith(b"GIOP")
    assert question.endswith(KEY)


def test_a_server_that_takes_questions_and_does_not_answer(
    make: MakeSentinel, hung: Orb
) -> None:
    sentinel, listener = make(SILENCE), Listener()
    begun = time.monotonic()
    sentinel.ask("server", hung.address, listener)
    listener.hears(Verdict.SILENT)
    assert time.monotonic() - begun >= SILENCE
    assert len(hung.heard) == 1


def test_a_server_that_takes_no_connections(make: MakeSentinel) -> None:
    """The system has made the connection, as it does for a process that is stopped."""
    with Port(listens=True) as port:
        listener = Listener()
        make(SILENCE).ask("server", port.address, listener)
        listener.hears(Verdict.SILENT)


def test_a_port_at_which_nobody_listens(make: MakeSentinel) -> None:
    with Port(listens=False) as port:
        listener = Listener()
        make().ask("server", port.address, listener)
        listener.hears(Verdict.REFUSES)


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
    sentinel, listener, other = make(), Listener(), Listener()
    sentinel.ask("nowhere", address, listener)
    listener.hears(Verdict.REFUSES)
    sentinel.ask("server", orb.address, other)
    other.hears(Verdict.ANSWERS)


def test_somebody_else_who_listens_there(make: MakeSentinel) -> None:
    with Orb(reply=b"HTTP/1.1 400 Bad Request\r\n") as other:
        listener = Listener()
        make().ask("server", other.address, listener)
        listener.hears(Verdict.REFUSES)


def test_an_answer_that_comes_in_pieces(make: MakeSentinel) -> None:
    with Orb(answers=False, reply=b"GIOP\1\0") as slow:
        listener = Listener()
        make().ask("server", slow.address, listener)
        wait_until(lambda: slow.heard, "the question has come")
        slow.answer()
        assert listener.verdicts == []
        with slow._lock:
            slow._open[0].sendall(b"\1\4\0\0\0\0")
        listener.hears(Verdict.ANSWERS)


def test_a_server_that_hangs_up_instead_of_an_answer(
    make: MakeSentinel, hung: Orb
) -> None:
    listener = Listener()
    make().ask("server", hung.address, listener)
    wait_until(lambda: hung.heard, "the question has come")
    hung.hang_up()
    listener.hears(Verdict.REFUSES)


# --- one after the other -------------------------------------------------------------


def test_a_connection_is_kept(make: MakeSentinel, orb: Orb) -> None:
    sentinel = make(keep=NEVER)
    for _ in range(3):
        listener = Listener()
        sentinel.ask("server", orb.address, listener)
        listener.hears(Verdict.ANSWERS)
    assert len(orb.heard) == 3
    assert len({question for question in orb.heard}) == 3
    assert orb.connections == 1


def test_a_kept_connection_that_was_hung_up_is_made_anew(
    make: MakeSentinel, orb: Orb
) -> None:
    sentinel = make(keep=NEVER)
    for number in range(1, 4):
        listener = Listener()
        sentinel.ask("server", orb.address, listener)
        listener.hears(Verdict.ANSWERS)
        assert orb.connections == number
        orb.hang_up()
        wait_until(lambda: not orb.open, "it has hung up")


def test_a_kept_connection_that_is_hung_up_for_a_question_is_made_anew(
    make: MakeSentinel, orb: Orb
) -> None:
    sentinel, listener, again = make(keep=NEVER), Listener(), Listener()
    sentinel.ask("server", orb.address, listener)
    listener.hears(Verdict.ANSWERS)
    orb.hang()
    sentinel.ask("server", orb.address, again)
    wait_until(lambda: len(orb.heard) == 2, "the question has come")
    orb.hang_up()
    wait_until(lambda: len(orb.heard) == 3, "it was asked once more")
    assert again.verdicts == []
    orb.answer()
    again.hears(Verdict.ANSWERS)
    assert orb.connections == 2


def test_a_question_that_is_on_its_way_is_not_asked_twice(
    make: MakeSentinel, hung: Orb
) -> None:
    sentinel, first, last = make(), Listener(), Listener()
    sentinel.ask("server", hung.address, first)
    wait_until(lambda: hung.heard, "the question has come")
    sentinel.ask("server", hung.address, last)
    wait_until(sentinel._asked.empty, "it was taken")
    hung.answer()
    last.hears(Verdict.ANSWERS)
    assert first.verdicts == []
    assert len(hung.heard) == 1


# --- silence -------------------------------------------------------------------------


def test_an_answer_that_comes_late_is_told(make: MakeSentinel, hung: Orb) -> None:
    listener = Listener(pause=NEVER)
    make(SILENCE).ask("server", hung.address, listener)
    listener.hears(Verdict.SILENT)
    hung.answer()
    listener.hears(Verdict.SILENT, Verdict.ANSWERS)
    assert len(hung.heard) == 1


def test_a_server_that_dies_while_it_is_left_alone_is_told(
    make: MakeSentinel,
) -> None:
    listener = Listener(pause=NEVER)
    with Orb(answers=False) as hung:
        make(SILENCE).ask("server", hung.address, listener)
        listener.hears(Verdict.SILENT)
    listener.hears(Verdict.SILENT, Verdict.REFUSES)


def test_a_silent_server_is_asked_again_on_a_new_connection(
    make: MakeSentinel, hung: Orb
) -> None:
    listener = Listener(pause=0.001)
    make(SILENCE).ask("server", hung.address, listener)
    wait_until(lambda: len(hung.heard) >= 3, "it was asked again")
    assert hung.connections >= 3
    wait_until(lambda: hung.open <= 1, "the old connections were ended")
    hung.answer()
    wait_until(lambda: Verdict.ANSWERS in listener.verdicts, "it has answered")
    *silent, last = listener.verdicts
    assert last is Verdict.ANSWERS
    assert set(silent) == {Verdict.SILENT}


def test_a_silent_server_that_nobody_wants_to_know_of_is_let_go(
    make: MakeSentinel, hung: Orb
) -> None:
    sentinel, listener = make(SILENCE), Listener(pause=None)
    sentinel.ask("server", hung.address, listener)
    listener.hears(Verdict.SILENT)
    wait_until(lambda: not sentinel.threads(), "the thread has ended")
    wait_until(lambda: not hung.open, "the connection was ended")
    assert listener.verdicts == [Verdict.SILENT]


def test_whoever_asks_again_of_a_silent_server_is_answered(
    make: MakeSentinel, hung: Orb
) -> None:
    sentinel, listener, again = make(SILENCE), Listener(pause=NEVER), Listener()
    sentinel.ask("server", hung.address, listener)
    listener.hears(Verdict.SILENT)
    sentinel.ask("server", hung.address, again)
    again.hears(Verdict.SILENT)
    assert listener.verdicts == [Verdict.SILENT]


def test_many_silent_servers_cost_one_silence(make: MakeSentinel) -> None:
    silence = 0.3
    sentinel = make(silence)
    with ExitStack() as stack:
        ports = [stack.enter_context(Port(listens=True)) for _ in range(50)]
        listeners = [Listener() for _ in ports]
        begun = time.monotonic()
        for port, listener in zip(ports, listeners):
            sentinel.ask(port, port.address, listener)
        assert len(sentinel.threads()) == 1
        for listener in listeners:
            listener.hears(Verdict.SILENT)
        assert time.monotonic() - begun < 10 * silence


def test_a_silent_server_delays_no_answer_of_another(
    make: MakeSentinel, orb: Orb, hung: Orb
) -> None:
    sentinel, silent, listener = make(), Listener(), Listener()
    sentinel.ask("hung", hung.address, silent)
    sentinel.ask("server", orb.address, listener)
    listener.hears(Verdict.ANSWERS)
    assert silent.verdicts == []


# --- addresses -----------------------------------------------------------------------


def test_a_server_that_was_started_elsewhere_is_asked_there(
    make: MakeSentinel, orb: Orb, hung: Orb
) -> None:
    sentinel, old, new = make(), Listener(), Listener()
    sentinel.ask("server", hung.address, old)
    wait_until(lambda: hung.heard, "the question has come")
    sentinel.ask("server", orb.address, new)
    new.hears(Verdict.ANSWERS)
    wait_until(lambda: not hung.open, "the old connection was ended")
    assert old.verdicts == []


def test_a_kept_connection_to_another_address_is_not_used(
    make: MakeSentinel, orb: Orb
) -> None:
    sentinel = make(keep=NEVER)
    with Orb() as other:
        for where in (orb, other, orb):
            listener = Listener()
            sentinel.ask("server", where.address, listener)
            listener.hears(Verdict.ANSWERS)
    assert orb.connections == 2


# --- what goes wrong -----------------------------------------------------------------


@pytest.mark.parametrize("verdict", Verdict, ids=lambda verdict: verdict.name)
def test_a_listener_that_raises_harms_nobody(
    make: MakeSentinel,
    orb: Orb,
    hung: Orb,
    verdict: Verdict,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def tell(_verdict: Verdict) -> float | None:
        raise ValueError("broken")

    silence = 3 * SILENCE if verdict is Verdict.SILENT else NEVER
    sentinel, listener = make(silence, keep=NEVER), Listener()
    with Port(listens=False) as nobody:
        where = {
            Verdict.ANSWERS: orb.address,
            Verdict.SILENT: hung.address,
            Verdict.REFUSES: nobody.address,
        }
        sentinel.ask("bad", where[verdict], tell)
        wait_until(lambda: "broken" in caplog.text, "it is in the log")
    sentinel.ask("good", orb.address, listener)
    listener.hears(Verdict.ANSWERS)


def test_a_listener_may_ask_again(make: MakeSentinel, orb: Orb) -> None:
    sentinel, listener = make(keep=NEVER), Listener()

    def tell(_verdict: Verdict) -> float | None:
        sentinel.ask("server", orb.address, listener)
        return None

    sentinel.ask("server", orb.address, tell)
    listener.hears(Verdict.ANSWERS)
    assert orb.connections == 1


def test_where_there_are_no_sockets_to_be_had_the_next_question_tries_again(
    make: MakeSentinel, orb: Orb, caplog: pytest.LogCaptureFixture
) -> None:
    sentinel, one, other = make(), Listener(), Listener()
    few, many = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, many))
    try:
        sentinel.ask("one", orb.address, one)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, many))
    assert sentinel.threads() == ()
    assert "No thread for" in caplog.text
    sentinel.ask("other", orb.address, other)
    one.hears(Verdict.ANSWERS)
    other.hears(Verdict.ANSWERS)


# --- the end -------------------------------------------------------------------------


def test_a_sentinel_that_nobody_asks_has_no_thread(make: MakeSentinel) -> None:
    sentinel = make()
    assert sentinel.threads() == ()
    assert sentinel.close()


def test_the_thread_ends_when_no_connection_is_kept_and_starts_again(
    make: MakeSentinel, orb: Orb
) -> None:
    sentinel = make(keep=0.005)
    for number in range(1, 4):
        listener = Listener()
        sentinel.ask("server", orb.address, listener)
        listener.hears(Verdict.ANSWERS)
        wait_until(lambda: not sentinel.threads(), "the thread has ended")
        wait_until(lambda: not orb.open, "the connection was ended")
        assert orb.connections == number


def test_the_thread_is_named_and_keeps_no_process_alive(
    make: MakeSentinel, hung: Orb
) -> None:
    sentinel = make()
    sentinel.ask("server", hung.address, Listener())
    (thread,) = sentinel.threads()
    assert thread.name == THREAD_NAME
    assert thread.daemon


def test_close_ends_the_thread_and_tells_nobody(make: MakeSentinel, hung: Orb) -> None:
    sentinel, listener = make(), Listener()
    sentinel.ask("server", hung.address, listener)
    wait_until(lambda: hung.heard, "the question has come")
    (thread,) = sentinel.threads()
    assert sentinel.close(SOON)
    assert sentinel.threads() == ()
    wait_until(lambda: not thread.is_alive(), "the thread has ended")
    wait_until(lambda: not hung.open, "the connection was ended")
    assert listener.verdicts == []


def test_close_does_not_wait_for_a_listener_unless_it_is_told_to(
    make: MakeSentinel, orb: Orb
) -> None:
    go, begun = threading.Event(), threading.Event()

    def tell(_verdict: Verdict) -> float | None:
        begun.set()
        go.wait(SOON)
        return None

    sentinel = make()
    sentinel.ask("server", orb.address, tell)
    assert begun.wait(SOON)
    assert not sentinel.close()
    go.set()
    assert sentinel.close(None)


def test_after_close_nobody_is_asked(make: MakeSentinel, orb: Orb) -> None:
    sentinel = make()
    assert sentinel.close()
    sentinel.ask("server", orb.address, Listener())
    assert sentinel.threads() == ()
    assert orb.connections == 0


def test_whoever_was_told_is_not_kept_alive(make: MakeSentinel, orb: Orb) -> None:
    sentinel, listener = make(keep=NEVER), Listener()
    sentinel.ask("server", orb.address, listener)
    listener.hears(Verdict.ANSWERS)
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
            sentinel, listener = make(SILENCE, keep=0.005), Listener()
            sentinel.ask(number, where.address, listener)
            wait_until(lambda told=listener: told.verdicts, "a verdict")
            assert sentinel.close(SOON)
    wait_until(lambda: not orb.open + hung.open, "the servers know")
    assert open_files() <= before


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/dev/fd"))


def test_many_questions_from_many_threads_are_all_answered(
    make: MakeSentinel,
) -> None:
    """Threads that end at once and start again lose no question."""
    sentinel = make(keep=0.0)
    with ExitStack() as stack:
        orbs = [stack.enter_context(Orb()) for _ in range(4)]

        def ask(orb: Orb) -> None:
            for _ in range(50):
                listener = Listener()
                sentinel.ask(orb, orb.address, listener)
                listener.hears(Verdict.ANSWERS)

        threads = [threading.Thread(target=ask, args=(orb,)) for orb in orbs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        assert not any(thread.is_alive() for thread in threads)
        assert [len(orb.heard) for orb in orbs] == [50] * 4
