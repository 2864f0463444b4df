"""What is known of a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.giop import Address
from taurus_tpo.core.server_health import LATELY, RETRY_PAUSES, Server, pause_after

ERROR = TimeoutError("it does not answer")


def test_the_longer_it_is_silent_the_longer_it_is_left_alone() -> None:
    assert [pause_after(silences) for silences in range(1, 7)] == [1, 2, 4, 4, 4, 4]
    assert list(RETRY_PAUSES) == sorted(RETRY_PAUSES)


def test_nothing_is_known_at_first() -> None:
    server = Server("server")
    assert str(server) == "server"
    assert not server.silent
    assert not server.answers_lately(0.0)
    assert not server.silent_lately(0.0)


def test_an_answer_counts_for_a_while() -> None:
    server = Server("server")
    server.answer(10.0)
    assert server.answers_lately(10.0)
    assert server.answers_lately(10.0 + LATELY)
    assert not server.answers_lately(10.1 + LATELY)
    assert not server.silent


def test_a_doubt_takes_the_answer_back_and_says_no_more() -> None:
    server = Server("server")
    server.answer(10.0)
    server.heard = 10.0
    server.doubt()
    assert not server.answers_lately(10.0)
    assert server.heard < 0
    assert not server.heard_lately(10.0)
    assert not server.silent


def test_an_event_is_a_sign_of_life_but_no_answer() -> None:
    server = Server("server")
    assert not server.heard_lately(0.0)
    server.heard = 10.0
    assert server.heard_lately(10.0 + LATELY)
    assert not server.heard_lately(10.1 + LATELY)
    assert not server.answers_lately(10.0)
    server.answer(20.0)
    assert server.heard_lately(20.0)
    server.fall_silent(ERROR, now=21.0, time=21.0)
    server.heard = 21.0
    assert not server.heard_lately(21.0)


def test_a_silence_has_a_reason_and_a_beginning() -> None:
    server = Server("server")
    server.fall_silent(ERROR, now=10.0, time=1000.0)
    server.fall_silent(ERROR, now=20.0, time=1010.0)
    assert server.silent
    assert server.error is ERROR
    assert (server.since, server.told, server.silences) == (1000.0, 20.0, 2)
    assert not server.answers_lately(20.0)


def test_a_silence_is_an_old_story_some_time_after_the_next_try() -> None:
    server = Server("server")
    server.fall_silent(ERROR, now=10.0, time=1000.0)
    assert server.retry_at() == 10.0 + RETRY_PAUSES[0]
    last = server.retry_at() + LATELY
    assert server.silent_lately(last - 0.1)
    assert not server.silent_lately(last)


def test_an_answer_ends_a_silence() -> None:
    server = Server("server")
    for now in (10.0, 20.0):
        server.fall_silent(ERROR, now=now, time=now)
    server.answer(30.0)
    assert not server.silent
    assert (server.error, server.since, server.silences) == (None, None, 0)
    server.fall_silent(ERROR, now=40.0, time=50.0)
    assert (server.since, server.retry_at()) == (50.0, 40.0 + RETRY_PAUSES[0])


@given(st.lists(st.sampled_from(["answer", "doubt", "silent"])))
def test_a_server_never_both_answers_and_is_silent(told: list[str]) -> None:
    server = Server("server")
    for now, what in enumerate(told):
        if what == "answer":
            server.answer(now)
        elif what == "doubt":
            server.doubt()
        else:
            server.fall_silent(ERROR, now, now)
        assert not (server.silent and server.answers_lately(now))
        assert server.silent == (server.since is not None) == (server.silences > 0)


KEYS = (b"one", b"other")


@pytest.mark.parametrize("key", KEYS)
def test_a_server_moves_where_another_object_of_it_was_found(key: bytes) -> None:
    server = Server("server", Address("host", 1, b"one"))
    server.move(Address("host", 1, key))
    assert server.address == Address("host", 1, b"one")
    server.move(Address("host", 2, key))
    assert server.address == Address("host", 2, key)
    server.move(None)
    assert server.address is None
    server.move(Address("host", 2, key))
    assert server.address == Address("host", 2, key)


def test_servers_are_told_apart_whatever_is_known_of_them() -> None:
    assert len({Server("same"), Server("same")}) == 2
