"""What people are told of an attribute."""

from __future__ import annotations

import pytest

from taurus_tpo.core.lifecycle import State
from taurus_tpo.core.status import NO_EVENTS, Condition, Facts, condition, tell


@pytest.mark.parametrize("state", State)
def test_each_state_has_its_words(state: State) -> None:
    alone = tell(Facts(state))
    polled = tell(Facts(state, period=3000))
    assert alone
    assert polled.startswith("polled every 3000 ms: ")


@pytest.mark.parametrize("state", State)
def test_a_server_that_does_not_answer_is_the_whole_story(state: State) -> None:
    facts = Facts(state, 3000, "server TangoTest/1", silent=True, next_try=3.7)
    assert tell(facts) == "server TangoTest/1 does not answer, next try in 4 s"


def test_nobody_is_told_of_a_try_in_no_time() -> None:
    facts = Facts(State.RECONNECTING, server="server A/1", silent=True, next_try=0.1)
    assert tell(facts) == "server A/1 does not answer, it is being asked"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (Facts(State.RETRYING, 3000, refusal=NO_EVENTS[0]), "sends no events"),
        (Facts(State.RETRYING, 3000, refusal="API_Odd"), "failed (API_Odd), Tango"),
        (Facts(State.RETRYING, 3000), "the subscription failed, Tango goes on"),
        (Facts(State.POLLED, 500, disabled_by="--disable"), "disabled (--disable)"),
        (Facts(State.SUBSCRIBING, 3000), "Tango has not subscribed yet"),
        (Facts(State.SUBSCRIBED, 3000), "polling is forced"),
    ],
)
def test_polling_is_told_with_its_reason(facts: Facts, why: str) -> None:
    assert why in tell(facts)


def test_a_server_that_is_down_is_told_by_its_name() -> None:
    facts = Facts(State.RETRYING, 3000, "server A/1", unreachable=True, failed=True)
    assert tell(facts) == "server A/1 cannot be reached, tried every 3000 ms"
    unknown = Facts(State.RECONNECTING, unreachable=True, failed=True)
    assert tell(unknown) == "its server cannot be reached"


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (Facts(State.IDLE, silent=True), Condition.IDLE),
        (Facts(State.IDLE, period=500), Condition.POLLED),
        (Facts(State.CLOSED, failed=True), Condition.IDLE),
        (Facts(State.SUBSCRIBED, silent=True), Condition.SILENT),
        (Facts(State.RETRYING, 500, unreachable=True, failed=True), Condition.SILENT),
        (Facts(State.SUBSCRIBED, failed=True), Condition.ERROR),
        (Facts(State.SUBSCRIBED, 500), Condition.SUBSCRIBED),
        (Facts(State.VERIFYING), Condition.SUBSCRIBED),
        (Facts(State.RETRYING, 500), Condition.POLLED),
        (Facts(State.SUBSCRIBING, 500), Condition.POLLED),
        (Facts(State.SUBSCRIBING), Condition.CONNECTING),
        (Facts(State.CONNECTING), Condition.CONNECTING),
    ],
)
def test_people_sort_attributes_by_their_condition(
    facts: Facts, wanted: Condition
) -> None:
    assert condition(facts) is wanted
