"""The life of one attribute, as its table of transitions has it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taurus_tpo.core.lifecycle import (
    CONNECTING,
    POLLED_STATES,
    TABLE,
    WORKING,
    Effect,
    Input,
    Lifecycle,
    State,
)

PAIRS = set(product(State, Input))

#: What Tango says of a subscription; nothing where there is none.
TANGO_SAYS = {Input.ACCEPTED, Input.REFUSED, Input.FAILED, Input.EVENT}
SUBSCRIBES = {Effect.SUBSCRIBE, Effect.SUBSCRIBE_RETRYING}

#: Where Tango was asked to subscribe.
BEING_SUBSCRIBED = [
    State.SUBSCRIBING,
    State.RESUBSCRIBING,
    State.SUBSCRIBED,
    State.OPENING,
    State.VERIFYING,
    State.UNTRUSTED,
    State.RETRYING,
]

inputs = st.lists(st.sampled_from(list(Input)), max_size=40)


def walk(*happened: Input) -> Lifecycle:
    life = Lifecycle()
    for what in happened:
        life.feed(what)
    return life


# --- the table as a whole ------------------------------------------------------------


def test_every_pair_of_state_and_input_is_in_the_table() -> None:
    assert set(TABLE) == PAIRS


def test_every_state_can_be_reached() -> None:
    reached, fresh = {State.IDLE}, {State.IDLE}
    while fresh:
        targets = {step.state for (state, _), step in TABLE.items() if state in fresh}
        fresh = targets - reached
        reached |= fresh
    assert reached == set(State)


def test_every_state_and_input_and_effect_says_what_it_means() -> None:
    for kind in (State, Input, Effect):
        meanings = [member.value for member in kind]
        assert len(set(meanings)) == len(meanings)
        assert all(isinstance(meaning, str) and meaning for meaning in meanings)


@pytest.mark.parametrize("state", [state for state in State if state in POLLED_STATES])
def test_no_state_is_polled_and_works(state: State) -> None:
    assert state not in WORKING


# --- the rules of the design ---------------------------------------------------------


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_polling_begins_and_ends_with_the_polled_states(
    pair: tuple[State, Input],
) -> None:
    before, step = pair[0] in POLLED_STATES, TABLE[pair]
    after = step.state in POLLED_STATES
    if after and not before:
        assert Effect.POLL in step.effects
    if before and not after:
        assert Effect.STOP_POLLING in step.effects
    if after == before:
        assert Effect.POLL not in step.effects


@pytest.mark.parametrize("state", BEING_SUBSCRIBED)
def test_a_subscription_that_brought_no_data_is_followed_by_a_read(
    state: State,
) -> None:
    step = TABLE[state, Input.ACCEPTED]
    assert step.state in WORKING
    assert Effect.READ in step.effects


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_what_is_cached_is_looked_at_again_where_there_is_doubt(
    pair: tuple[State, Input],
) -> None:
    """Events may not arrive for a while after a recovery, and none ends an error.

    The first subscription is no recovery: there is one look, for another reason.
    """
    (before, said), step = pair, TABLE[pair]
    success = said in (Input.ACCEPTED, Input.EVENT) and step.state in WORKING
    anew = before in WORKING and said in (Input.ACCEPTED, Input.RENEWED)
    recovery = anew or (success and before in (State.RESUBSCRIBING, State.RETRYING))
    error = said is Input.DOUBTED and before in (State.SUBSCRIBED, State.OPENING)
    # Some of its changes come with an event, and others without.
    error |= said is Input.OPENED and before is State.UNTRUSTED
    assert (Effect.LOOK_AGAIN in step.effects) == (recovery or error)
    if recovery:
        assert step.state is State.VERIFYING


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_there_is_one_look_after_each_first_success(pair: tuple[State, Input]) -> None:
    """An event that is sent before the channel is open is lost."""
    (before, said), step = pair, TABLE[pair]
    success = before is State.SUBSCRIBING and said in (Input.ACCEPTED, Input.EVENT)
    assert (Effect.LOOK_ONCE in step.effects) == success
    assert (step.state is State.OPENING) == (
        success or (before is State.OPENING and step.state is before)
    )


@pytest.mark.parametrize("said", [Input.OPENED, Input.VERIFIED])
def test_an_event_from_the_channel_and_the_look_both_prove_it_open(said: Input) -> None:
    life = walk(Input.LISTEN, Input.CONNECTED, Input.ACCEPTED)
    assert life.state is State.OPENING
    assert life.feed(said) == (Effect.WATCH,)
    assert life.state is State.SUBSCRIBED


@pytest.mark.parametrize(
    "state", [State.OPENING, State.VERIFYING, State.SUBSCRIBED], ids=str
)
def test_a_change_without_an_event_has_it_checked_from_then_on(state: State) -> None:
    step = TABLE[state, Input.CONTRADICTED]
    assert (step.state, step.effects) == (State.UNTRUSTED, (Effect.CHECK,))
    assert State.UNTRUSTED in WORKING


def test_an_event_ends_the_checks_where_looks_agree_then() -> None:
    life = walk(Input.LISTEN, Input.CONNECTED, Input.ACCEPTED, Input.CONTRADICTED)
    assert life.feed(Input.OPENED) == (Effect.LOOK_AGAIN,)
    assert life.feed(Input.VERIFIED) == (Effect.WATCH,)


def test_who_listens_while_events_are_disabled_is_polled_at_once() -> None:
    life = Lifecycle()
    assert Effect.POLL in life.feed(Input.LISTEN_POLLED)
    assert life.state is State.POLLED


def test_it_settles_when_what_is_read_agrees() -> None:
    life = walk(Input.LISTEN, Input.CONNECTED, Input.FAILED, Input.ACCEPTED)
    assert life.state is State.VERIFYING
    assert life.feed(Input.VERIFIED) == (Effect.WATCH,)
    assert life.state is State.SUBSCRIBED


def test_where_no_event_has_come_since_the_subscription_is_begun_anew() -> None:
    life = walk(Input.LISTEN, Input.CONNECTED, Input.FAILED, Input.ACCEPTED)
    assert life.feed(Input.UNPROVEN) == (Effect.POLL, Effect.RENEW)
    assert Effect.LOOK_ONCE in life.feed(Input.ACCEPTED)
    life.feed(Input.VERIFIED)
    assert life.state is State.SUBSCRIBED


def test_a_device_that_was_away_is_subscribed_to_anew() -> None:
    life = walk(Input.LISTEN, Input.UNREACHABLE, Input.CONNECTED)
    assert life.state is State.RESUBSCRIBING
    life = walk(Input.LISTEN, Input.CONNECTED, Input.EVENT, Input.REJECTED)
    assert life.state is State.RECONNECTING


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_a_subscription_is_never_only_preceded_by_a_read(
    pair: tuple[State, Input],
) -> None:
    effects = TABLE[pair].effects
    if Effect.SUBSCRIBE in effects:
        assert Effect.READ not in effects


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_who_is_polled_from_now_on_does_not_wait_for_the_first_period(
    pair: tuple[State, Input],
) -> None:
    effects = TABLE[pair].effects
    if Effect.POLL in effects:
        assert {Effect.READ, Effect.SUBSCRIBE, Effect.RENEW} & set(effects)


@pytest.mark.parametrize("said", [Input.REFUSED, Input.FAILED])
def test_who_falls_back_to_polling_is_read_at_once(said: Input) -> None:
    for state in BEING_SUBSCRIBED:
        fell_back = state is State.RETRYING
        assert fell_back or Effect.READ in TABLE[state, said].effects


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_a_rejected_subscription_is_retried(pair: tuple[State, Input]) -> None:
    if pair[1] is Input.REJECTED and TABLE[pair].state is not pair[0]:
        assert TABLE[pair].state in CONNECTING
        assert Effect.CONNECT in TABLE[pair].effects


@pytest.mark.parametrize("pair", TABLE, ids=str)
def test_only_news_is_published(pair: tuple[State, Input]) -> None:
    news = pair[1] in (Input.READ, Input.EVENT, Input.UNREACHABLE)
    assert (Effect.PUBLISH in TABLE[pair].effects) <= news


@pytest.mark.parametrize("state", [state for state in State if state != State.CLOSED])
def test_a_read_is_published_and_changes_no_state(state: State) -> None:
    step = TABLE[state, Input.READ]
    assert (step.state, step.effects) == (state, (Effect.PUBLISH,))


@pytest.mark.parametrize("state", BEING_SUBSCRIBED)
def test_an_event_is_published_and_ends_polling(state: State) -> None:
    step = TABLE[state, Input.EVENT]
    assert step.state in WORKING
    assert Effect.PUBLISH in step.effects
    assert (Effect.STOP_POLLING in step.effects) == (state not in WORKING)


def test_a_refused_subscription_is_polled_and_tried_again_in_a_retrying_mode() -> None:
    step = TABLE[State.SUBSCRIBING, Input.REFUSED]
    assert step.state is State.RETRYING
    assert step.effects[-1] is Effect.SUBSCRIBE_RETRYING


def test_tangos_late_callbacks_reach_nobody_who_gave_the_subscription_up() -> None:
    for said in TANGO_SAYS:
        life = walk(Input.LISTEN, Input.CONNECTED, Input.UNLISTEN)
        assert life.feed(said) == ()
        assert life.state is State.IDLE


@given(inputs)
def test_nothing_happens_after_the_end(happened: list[Input]) -> None:
    life = walk(Input.LISTEN, Input.CONNECTED, Input.CLOSE)
    for what in happened:
        assert life.feed(what) == ()
        assert life.state is State.CLOSED


# --- any interleaving ----------------------------------------------------------------


class Model:
    """What carrying out the effects of a life leads to."""

    def __init__(self) -> None:
        self.life = Lifecycle()
        self.polled = False
        self.subscribed = False
        self.answered = True

    def feed(self, what: Input) -> tuple[Effect, ...]:
        """Let ``what`` happen and carry out what follows."""
        if what in TANGO_SAYS:
            self.answered = True
        if what in (Input.REFUSED, Input.REJECTED):
            self.subscribed = False
        effects = self.life.feed(what)
        for effect in effects:
            self._carry_out(effect)
        return effects

    def _carry_out(self, effect: Effect) -> None:
        if effect in SUBSCRIBES:
            assert not self.subscribed, "it would be subscribed twice"
            self.subscribed, self.answered = True, False
        elif effect is Effect.UNSUBSCRIBE:
            self.subscribed = False
        elif effect is Effect.POLL:
            assert not self.polled, "it would be polled twice"
            self.polled = True
        elif effect is Effect.STOP_POLLING:
            self.polled = False

    def possible(self, what: Input) -> bool:
        """Whether ``what`` can happen.

        Tango speaks only of a subscription, and only the call that subscribes is
        refused; only what has not been begun is rejected. Where the subscription was
        given up, it may speak late.
        """
        if self.life.state in (State.IDLE, State.CLOSED):
            return True
        if what is Input.REJECTED:
            return self.subscribed and not self.answered
        if what not in TANGO_SAYS:
            return True
        return self.subscribed and not (what is Input.REFUSED and self.answered)


@settings(max_examples=500, deadline=None)
@given(inputs)
def test_it_is_polled_exactly_without_a_working_subscription(
    happened: list[Input],
) -> None:
    model = Model()
    for what in filter(model.possible, happened):
        model.feed(what)
        assert model.polled == (model.life.state in POLLED_STATES)


@settings(max_examples=500, deadline=None)
@given(inputs)
def test_it_is_subscribed_exactly_in_the_states_that_say_so(
    happened: list[Input],
) -> None:
    model = Model()
    for what in filter(model.possible, happened):
        model.feed(what)
        if model.life.state in (*WORKING, State.SUBSCRIBING, State.RESUBSCRIBING):
            assert model.subscribed
        if model.life.state in (State.IDLE, State.POLLED, State.CLOSED):
            assert not model.subscribed


@settings(max_examples=500, deadline=None)
@given(inputs)
def test_whoever_listens_gets_a_value_to_come(happened: list[Input]) -> None:
    model = Model()
    to_come = False
    for what in filter(model.possible, happened):
        effects = model.feed(what)
        # A read, an event, a device that is asked, or a subscription: each will speak.
        speaks = {Effect.READ, Effect.PUBLISH, Effect.CONNECT, *SUBSCRIBES}
        to_come |= bool(speaks & set(effects))
        if model.life.state in (State.IDLE, State.CLOSED):
            to_come = False
        else:
            assert to_come


@settings(max_examples=500, deadline=None)
@given(inputs)
def test_nothing_is_left_running_when_the_last_listener_goes(
    happened: list[Input],
) -> None:
    for end in (Input.UNLISTEN, Input.CLOSE):
        model = Model()
        for what in filter(model.possible, [*happened, end]):
            model.feed(what)
        assert not model.polled
        assert not model.subscribed


@pytest.mark.parametrize("late", sorted(TANGO_SAYS, key=str), ids=str)
def test_late_callbacks_change_nothing_where_events_were_disabled_meanwhile(
    late: Input,
) -> None:
    life = walk(
        *(Input.LISTEN, Input.CONNECTED, Input.UNLISTEN),
        *(Input.LISTEN, Input.CONNECTED_POLLED),
    )
    assert life.feed(late) == ()
    assert life.state is State.POLLED


def test_a_late_event_does_not_hide_that_the_next_subscription_is_refused() -> None:
    # The event is one of the subscription that was given up, the refusal of the next.
    first = Input.LISTEN, Input.CONNECTED, Input.UNLISTEN
    again = Input.LISTEN, Input.CONNECTED, Input.EVENT, Input.REFUSED
    assert walk(*first, *again).state in POLLED_STATES
