"""A kept error can be raised again and again, and keeps nobody alive."""

from __future__ import annotations

import gc
import weakref

import pytest
import tango

from taurus_tpo.core import errors
from taurus_tpo.core.errors import fresh


class UncopyableError(Exception):
    def __reduce__(self):
        raise TypeError("cannot be copied")


class Big:
    """Something that a frame holds."""


def kept() -> tango.DevFailed:
    return layered("Reason", "description")


def layered(reason: str, description: str) -> tango.DevFailed:
    try:
        tango.Except.throw_exception(reason, description, "origin")
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


def test_errors_that_tell_the_same_are_the_same() -> None:
    one, other = layered("API_AttrFailed", "too hot"), layered("API_AttrFailed", "x")
    assert errors.is_same(one, layered("API_AttrFailed", "too hot"))
    assert not errors.is_same(one, other)
    assert not errors.is_same(one, ValueError("too hot"))
    assert errors.is_same(ValueError("too hot"), ValueError("too hot"))


def test_what_tango_was_doing_makes_no_other_error() -> None:
    root = layered("API_AttrFailed", "too hot").args[0]
    read = layered("API_AttributeFailed", "Failed to read_attributes").args[0]
    assert errors.is_same(tango.DevFailed(root), tango.DevFailed(root, read))


def test_nobody_there_is_the_same_whatever_tango_was_doing() -> None:
    one = layered("API_CantConnectToDevice", "while reading")
    other = layered("API_CantConnectToDevice", "while subscribing")
    assert errors.is_same(one, other)
    assert not errors.is_same(
        one, layered("API_CantConnectToDatabase", "while reading")
    )


@pytest.mark.parametrize(
    ("reason", "is_its_own"),
    [
        ("Diff_HookFails", True),
        ("API_AttributeFailed", True),
        ("API_CantConnectToDevice", False),
        ("API_CorbaException", False),
        ("API_DeviceTimedOut", False),
    ],
)
def test_what_the_device_itself_says_is_told_apart(
    reason: str, is_its_own: bool
) -> None:
    assert errors.is_of_the_device(layered(reason, "x")) is is_its_own
