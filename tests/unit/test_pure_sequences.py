"""The diagrams of who says what to whom: they say what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from diagrams import label, sequence_diagram, words
from paths import DOCS
from sequences import (
    SEQUENCES,
    Item,
    Lane,
    LieError,
    Message,
    Sequence,
    Waits,
    failing,
    opening,
    walk,
)

from taurus_tpo.core import modes
from taurus_tpo.core.lifecycle import POLLED_STATES, WORKING, Effect, Input, State
from taurus_tpo.core.modes import SubMode

#: Where each effect is carried out; in an attribute itself where all is known already.
CARRIED_OUT_BY = {
    Effect.CONNECT: {Lane.POOL, Lane.ATTRIBUTE, Lane.OTHER},
    Effect.SUBSCRIBE: {Lane.TANGO, Lane.SUBSCRIBER, Lane.SERVER},
    Effect.SUBSCRIBE_RETRYING: {Lane.TANGO},
    Effect.READ: {Lane.POOL},
    Effect.LOOK_ONCE: {Lane.POOL},
    Effect.LOOK_AGAIN: {Lane.POOL},
    Effect.POLL: {Lane.POOL},
    Effect.STOP_POLLING: {Lane.POOL},
    Effect.PUBLISH: {Lane.WINDOW},
}

DRAWN = {**SEQUENCES, **{f"{mode} fails": failing(mode) for mode in modes.MODES}}

each_sequence = pytest.mark.parametrize("sequence", DRAWN.values(), ids=DRAWN)
each_mode = pytest.mark.parametrize("mode", modes.MODES, ids=str)
each_carrier = pytest.mark.parametrize(
    ("mode", "native"),
    [(mode, native) for mode in modes.MODES for native in (False, True)],
    ids=str,
)


def without(sequence: Sequence, item: Item) -> Sequence:
    """The same, but for one thing that it does not tell."""
    kept = tuple(one for one in sequence.items if one is not item)
    return replace(sequence, items=kept)


def states(sequence: Sequence) -> Iterator[State]:
    """The states that the attribute goes through."""
    return (state for _, state in walk(sequence) if state is not None)


# --- what they say -------------------------------------------------------------------


@each_sequence
def test_a_sequence_is_what_the_table_of_the_life_says(sequence: Sequence) -> None:
    assert [item for item, _ in walk(sequence)] == list(sequence.items)


@each_sequence
def test_what_is_left_out_of_a_sequence_is_noticed(sequence: Sequence) -> None:
    for message in sequence.messages:
        if message.carries is not None:
            with pytest.raises(LieError):
                list(walk(without(sequence, message)))


@each_sequence
def test_what_is_told_in_the_place_of_something_else_is_noticed(
    sequence: Sequence,
) -> None:
    lies = {Input.ACCEPTED: Input.EVENT, Input.EVENT: Input.ACCEPTED}
    for number, item in enumerate(sequence.items):
        if isinstance(item, Message) and item.told in lies:
            lie = replace(item, told=lies[item.told])
            items = (*sequence.items[:number], lie, *sequence.items[number + 1 :])
            with pytest.raises(LieError):
                list(walk(replace(sequence, items=items)))


@each_sequence
def test_what_has_to_be_done_is_done_by_those_who_do_it(sequence: Sequence) -> None:
    for message in sequence.messages:
        if message.carries is not None:
            assert message.receiver in CARRIED_OUT_BY[message.carries]


@each_carrier
def test_a_healthy_device_is_subscribed_to_in_the_end(
    mode: SubMode, native: bool
) -> None:
    *_, last = states(opening(mode, native))
    assert last is State.SUBSCRIBED


@each_mode
def test_where_no_subscription_works_it_is_polled_until_one_does(mode: SubMode) -> None:
    *_, before, last = states(failing(mode))
    assert before in POLLED_STATES
    assert last in WORKING


@each_carrier
def test_the_window_waits_where_the_mode_raises(mode: SubMode, native: bool) -> None:
    waits = [one for one in opening(mode, native).items if isinstance(one, Waits)]
    assert bool(waits) == mode.raises


@each_carrier
def test_the_pool_reads_what_the_subscription_does_not(
    mode: SubMode, native: bool
) -> None:
    carrier = modes.carrier(mode, native)
    asked = [message.carries for message in opening(mode, native).messages]
    assert (Effect.READ in asked) != bool(carrier.reads)


@each_carrier
def test_who_waits_for_the_subscription_is_who_the_mode_says(
    mode: SubMode, native: bool
) -> None:
    carrier = modes.carrier(mode, native)
    (subscribing,) = [
        message
        for message in opening(mode, native).messages
        if message.carries is Effect.SUBSCRIBE
    ]
    by = {Lane.SERVER: "caller", Lane.SUBSCRIBER: "subscriber", Lane.TANGO: "Tango"}
    waits = "caller" if carrier.raises else "subscriber" if carrier.tries else "Tango"
    assert by[subscribing.receiver] == waits


# --- how they are drawn --------------------------------------------------------------


@each_sequence
def test_each_lane_and_message_is_in_the_diagram(sequence: Sequence) -> None:
    lines = list(sequence_diagram(sequence))
    participants = [line for line in lines if line.startswith("participant ")]
    assert participants == [
        f"participant {lane.name} as {lane.value}" for lane in sequence.lanes
    ]
    arrows = [re.split("-?->>|: ", line, maxsplit=2) for line in lines if ">>" in line]
    assert arrows == [
        [message.sender.name, message.receiver.name, message.text]
        for message in sequence.messages
    ]
    answers = [line for line in lines if "-->>" in line]
    assert len(answers) == sum(message.answer for message in sequence.messages)


@each_sequence
def test_each_state_is_a_note_of_the_diagram(sequence: Sequence) -> None:
    text = "\n".join(sequence_diagram(sequence))
    notes = re.findall(r"^Note over (?:ATTRIBUTE|OTHER): (.*)$", text, re.MULTILINE)
    assert notes == [label(state) for state in states(sequence)]


@each_sequence
def test_the_bar_of_a_window_that_waits_ends(sequence: Sequence) -> None:
    lines = list(sequence_diagram(sequence))
    waits = sum(isinstance(item, Waits) for item in sequence.items)
    assert lines.count("activate WINDOW") == waits
    assert lines.count("deactivate WINDOW") == waits


@each_sequence
def test_a_diagram_has_a_name(sequence: Sequence) -> None:
    assert f"accTitle: {sequence.title}" in sequence_diagram(sequence)


def test_the_text_of_a_message_is_escaped() -> None:
    message = Message(Lane.WINDOW, Lane.POOL, "a; b")
    assert "WINDOW->>POOL: a#59; b" in sequence_diagram(Sequence("a title", (message,)))


@each_sequence
def test_the_words_tell_all_that_is_drawn(sequence: Sequence) -> None:
    told = list(words(sequence))
    assert len(told) >= len(sequence.items)
    for message in sequence.messages:
        assert any(message.text in line for line in told)


def test_each_sequence_is_in_the_documentation() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.rst"))
    drawn = re.findall(r"^\.\. tpo-sequence:: (.*)$", pages, re.MULTILINE)
    assert sorted(drawn) == sorted(SEQUENCES)
