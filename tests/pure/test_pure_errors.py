"""A kept error can be raised again and again, and keeps nobody alive."""

from __future__ import annotations

import gc
import weakref

import pytest
import tango

from taurus_tpo.errors import fresh


class UncopyableError(Exception):
    def __reduce__(self):
        raise TypeError("cannot be copied")


class Big:
    """Something that a frame holds."""


def kept() -> tango.DevFailed:
    try:
        tango.Except.throw_exception("Reason", "description", "origin")
    except tango.DevFailed as error:
        return error


@pytest.mark.parametrize(
    "error",
    [kept(), ValueError(3), UncopyableError("x")],
    ids=lambda error: type(error).__name__,
)
def test_it_says_the_same(error: Exception) -> None:
    again = fresh(error)
    assert type(again) is type(error)
    assert again.args == error.args


@pytest.mark.parametrize(
    "error", [kept(), ValueError(3)], ids=lambda error: type(error).__name__
)
def test_raising_it_keeps_no_frame_alive(error: Exception) -> None:
    def fail() -> weakref.ref[Big]:
        big = Big()
        with pytest.raises(type(error)):
            raise fresh(error)
        return weakref.ref(big)

    gone = fail()
    gc.collect()
    assert gone() is None
