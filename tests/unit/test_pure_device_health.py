"""The health of a device, from its calls and from its server."""

from __future__ import annotations

import pytest
from pure_support import DrivenClock

from taurus_tpo.core.device_health import LONGEST_RETRY, DeviceHealth
from taurus_tpo.core.server_health import JUST_NOW, LATELY, Server

ERROR = TimeoutError("no answer")


@pytest.fixture
def server() -> Server:
    return Server("server")


@pytest.fixture
def health(server: Server, clock: DrivenClock) -> DeviceHealth:
    return DeviceHealth(server, located=True, answers=False, clock=clock)


def test_of_a_new_device_nothing_is_known(health: DeviceHealth) -> None:
    assert not health.silent
    assert not health.answers_lately
    assert not health.is_there
    assert health.error is None


def test_an_answer_is_recent_for_a_while(
    health: DeviceHealth, clock: DrivenClock
) -> None:
    health.connected()
    assert health.answers_lately
    assert health.answered_just_now
    clock.now += 1.01 * JUST_NOW
    assert not health.answered_just_now
    assert health.answers_lately
    clock.now += LATELY
    assert not health.answers_lately
    assert health.is_there, "it has answered, if not just now"
    health.heard()
    assert health.answers_lately, "an event counts"


def test_an_answer_of_its_server_counts_once_it_is_located(
    server: Server, clock: DrivenClock
) -> None:
    health = DeviceHealth(server, located=False, answers=True, clock=clock)
    server.answer(clock.now)
    assert not health.answers_lately, "that was the database"
    assert health.is_there
    health.located = True
    assert health.answers_lately


def test_an_event_of_a_device_is_heard_of_its_server(
    health: DeviceHealth, server: Server, clock: DrivenClock
) -> None:
    health.heard()
    assert server.heard == clock.now
    server.heard = 0.0
    health.located = False
    health.heard()
    assert server.heard == 0.0, "the server is the database's"


def test_a_device_that_fails_is_silent_until_it_connects(health: DeviceHealth) -> None:
    health.failed(ERROR)
    assert health.silent
    assert isinstance(health.error, TimeoutError)
    health.connected()
    assert not health.silent
    assert health.error is None


def test_a_refusal_is_an_answer(health: DeviceHealth, clock: DrivenClock) -> None:
    health.refused(ERROR)
    assert health.answers
    assert health.refused_lately
    assert not health.silent
    assert isinstance(health.error, TimeoutError), "for people"
    clock.now += 1.01 * LATELY
    assert not health.refused_lately
    health.refused(ERROR)
    health.connected()
    assert not health.refused_lately


def test_the_error_of_its_server_comes_first(
    health: DeviceHealth, server: Server, clock: DrivenClock
) -> None:
    health.connected()
    server.fall_silent(OSError("gone"), clock.now, clock.now)
    assert isinstance(health.error, OSError)
    assert health.silent
    assert not health.answers_lately
    clock.now = server.retry_at() + LATELY
    assert not health.silent, "nobody probes it: it may be back"


def test_after_a_late_call_it_has_to_be_probed(health: DeviceHealth) -> None:
    health.connected()
    health.doubt()
    assert not health.answers_lately
    assert not health.answered_just_now


def test_a_patient_request_waits_for_the_probe_of_a_silent_server(
    health: DeviceHealth, server: Server, clock: DrivenClock
) -> None:
    health.failed(ERROR)
    health.failed(ERROR)
    assert health.patient_retry_delay == health.retry_delay == 2.0
    server.fall_silent(ERROR, clock.now, clock.now)
    assert health.patient_retry_delay == 0.0
    assert health.retry_delay == 2.0


def test_pauses_between_attempts_grow_up_to_a_limit(health: DeviceHealth) -> None:
    delays = []
    for _ in range(6):
        health.failed(ERROR)
        delays.append(health.retry_delay)
    assert delays == [1.0, 2.0, 4.0, 8.0, LONGEST_RETRY, LONGEST_RETRY]
    health.connected()
    assert health.retry_delay == 1.0
