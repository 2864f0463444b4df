"""The five modes as data."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pure_support import Shapeless

from taurus_tpo.core import modes
from taurus_tpo.core.modes import FirstCallback, Reads, UnknownModeError
from taurus_tpo.core.text import shown

YES, NO = True, False

#: name: tries before returning, raises, retries by itself, reads, first callback
TABLE = {
    "SyncRead": (YES, YES, NO, Reads.DURING, FirstCallback.AT_ONCE_WITH_DATA),
    "AsyncRead": (NO, NO, YES, Reads.AFTER, FirstCallback.AFTER_READ_WITH_DATA),
    "Sync": (YES, YES, NO, Reads.NEVER, FirstCallback.ON_NEXT_EVENT),
    "Async": (NO, NO, YES, Reads.NEVER, FirstCallback.AFTER_SUBSCRIPTION_NO_DATA),
    "Stateless": (YES, NO, YES, Reads.DURING, FirstCallback.AT_ONCE_WITH_DATA),
}


@st.composite
def any_case(draw: st.DrawFn) -> tuple[str, str]:
    """A name of a mode, and the same in some other case, with spaces around."""
    name = draw(st.sampled_from(list(TABLE)))
    upper = draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    letters = [c.upper() if up else c.lower() for c, up in zip(name, upper)]
    blank = st.sampled_from(["", " ", "\t"])
    return name, draw(blank) + "".join(letters) + draw(blank)


def test_there_are_exactly_the_five_modes() -> None:
    assert [mode.name for mode in modes.MODES] == list(TABLE)


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_each_mode_does_what_the_table_says(mode: modes.SubMode) -> None:
    facts = (mode.tries, mode.raises, mode.retries, mode.reads, mode.first_callback)
    assert facts == TABLE[mode.name]


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_a_mode_either_raises_or_goes_on_trying(mode: modes.SubMode) -> None:
    assert mode.raises != mode.retries


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_only_sync_says_nothing_after_a_success(mode: modes.SubMode) -> None:
    assert mode.tells_success == (mode is not modes.SYNC)


def test_reads_is_true_where_a_mode_reads() -> None:
    reading = [mode.name for mode in modes.MODES if mode.reads]
    assert reading == ["SyncRead", "AsyncRead", "Stateless"]


def test_the_default_is_async_read() -> None:
    assert modes.DEFAULT is modes.ASYNC_READ


def test_a_failed_subscription_is_tried_again_in_a_mode_that_retries() -> None:
    assert modes.RETRYING.retries
    assert not modes.RETRYING.tries


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_only_async_read_is_carried_by_another_mode(mode: modes.SubMode) -> None:
    expected = modes.ASYNC if mode is modes.ASYNC_READ else mode
    assert modes.carrier(mode, native_async_read=False) is expected


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_native_modes_carry_themselves(mode: modes.SubMode) -> None:
    assert modes.carrier(mode, native_async_read=True) is mode


@given(any_case())
def test_a_name_counts_in_any_case(names: tuple[str, str]) -> None:
    name, written = names
    assert modes.parse(written).name == name


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_a_mode_and_its_key_and_its_tango_likeness_are_parsed(
    mode: modes.SubMode,
) -> None:
    likeness = SimpleNamespace(name=mode.name)
    assert modes.parse(mode) is mode
    assert modes.parse(mode.key) is mode
    assert modes.parse(likeness) is mode


@given(st.text())
@example("0" * 119)
@example("a  b")
@example(" " * 5 + "x" * 300)
def test_any_other_text_is_an_unknown_mode_that_lists_the_five(text: str) -> None:
    if text.strip().upper() in {name.upper() for name in TABLE}:
        return
    with pytest.raises(UnknownModeError) as caught:
        modes.parse(text)
    # In full, unless it is longer than a line of the log should be.
    fits = len(repr(text)) <= 120 and "  " not in text
    assert (repr(text) if fits else shown(text)) in str(caught.value)
    assert all(name in str(caught.value) for name in TABLE)


@pytest.mark.parametrize("value", [None, 1, True, 2.5, b"SYNC", ["SYNC"], object()])
def test_what_is_no_name_is_an_unknown_mode(value: object) -> None:
    with pytest.raises(UnknownModeError):
        modes.parse(value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("asyncreed", "AsyncRead"),
        ("SYNK", "Sync"),
        ("sync_read", "SyncRead"),
        (" statless ", "Stateless"),
    ],
)
def test_a_typing_error_is_told_the_nearest_mode(typed: str, meant: str) -> None:
    with pytest.raises(UnknownModeError, match=f"Did you mean {meant}\\?") as caught:
        modes.parse(typed)
    assert caught.value.nearest == meant
    assert caught.value.value == typed


def test_what_is_far_from_all_modes_gets_no_suggestion() -> None:
    error = UnknownModeError("banana")
    assert error.nearest is None
    assert "Did you mean" not in str(error)


@pytest.mark.parametrize("value", [Shapeless(), 1 << 20000], ids=["object", "number"])
def test_what_has_no_repr_is_an_unknown_mode(value: object) -> None:
    with pytest.raises(UnknownModeError):
        modes.parse(value)
