"""The subscription to the configuration, as its table of transitions has it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taurus_tpo.core.configuration_lifecycle import (
    CONFIGURATION_TABLE,
    ConfigurationEffect,
    ConfigurationInput,
    ConfigurationLifecycle,
    ConfigurationState,
)

WANT, WANT_ANSWERED = ConfigurationInput.WANT, ConfigurationInput.WANT_ANSWERED
BEGIN, EVENT, END = (
    ConfigurationInput.BEGIN,
    ConfigurationInput.EVENT,
    ConfigurationInput.END,
)
OPEN = {ConfigurationState.BEGUN, ConfigurationState.WORKING}

inputs = st.lists(st.sampled_from(list(ConfigurationInput)), max_size=30)


def walk(*happened: ConfigurationInput) -> ConfigurationLifecycle:
    lifecycle = ConfigurationLifecycle()
    for what in happened:
        lifecycle.feed(what)
    return lifecycle


def test_every_pair_of_state_and_input_is_in_the_table() -> None:
    assert set(CONFIGURATION_TABLE) == set(
        product(ConfigurationState, ConfigurationInput)
    )


def test_it_is_begun_when_it_is_wanted_and_no_window_is_being_built() -> None:
    lifecycle = ConfigurationLifecycle()
    assert lifecycle.feed(BEGIN) == ()
    assert lifecycle.feed(WANT_ANSWERED) == (ConfigurationEffect.DEFER,)
    assert not lifecycle.is_begun
    assert lifecycle.feed(BEGIN) == (ConfigurationEffect.SUBSCRIBE,)
    assert lifecycle.is_begun
    assert lifecycle.feed(BEGIN) == ()


def test_it_waits_for_a_device_that_does_not_answer() -> None:
    lifecycle = ConfigurationLifecycle()
    assert lifecycle.feed(WANT) == ()
    assert lifecycle.feed(WANT_ANSWERED) == (ConfigurationEffect.DEFER,)


def test_a_rejected_one_is_deferred_and_a_refused_one_waits_for_a_listener() -> None:
    lifecycle = walk(WANT, BEGIN)
    rejected = lifecycle.feed(ConfigurationInput.REJECTED)
    assert rejected == (ConfigurationEffect.DEFER,)
    lifecycle.feed(BEGIN)
    assert lifecycle.feed(ConfigurationInput.REFUSED) == ()
    assert lifecycle.state is ConfigurationState.WANTED


def test_the_first_event_of_each_subscription_is_known() -> None:
    lifecycle = walk(WANT, BEGIN, EVENT)
    assert lifecycle.state is ConfigurationState.WORKING
    lifecycle.feed(ConfigurationInput.REJECTED)
    lifecycle.feed(BEGIN)
    assert lifecycle.state is ConfigurationState.BEGUN


@pytest.mark.parametrize("state", ConfigurationState)
def test_nothing_is_left_at_the_end(state: ConfigurationState) -> None:
    after, effects = CONFIGURATION_TABLE[state, END]
    assert after is ConfigurationState.UNWANTED
    assert (ConfigurationEffect.UNSUBSCRIBE in effects) == (state in OPEN)


@given(inputs)
def test_there_is_one_subscription_at_a_time(
    happened: list[ConfigurationInput],
) -> None:
    lifecycle, begun = ConfigurationLifecycle(), 0
    for what in happened:
        effects = lifecycle.feed(what)
        begun += ConfigurationEffect.SUBSCRIBE in effects
        over = (ConfigurationInput.REJECTED, ConfigurationInput.REFUSED)
        if ConfigurationEffect.UNSUBSCRIBE in effects or (begun and what in over):
            begun -= 1
        assert begun == lifecycle.is_begun
