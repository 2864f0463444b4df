"""Copies, classes and comparison of errors."""

from __future__ import annotations

import copy

#: Tango's error reasons that mean: no server was reached.
UNREACHABLE = frozenset(
    {
        "API_CantConnectToDatabase",
        "API_CantConnectToDevice",
        "API_CommunicationFailed",
        "API_DeviceNotExported",
        "API_EventTimeout",
        "API_ServerNotRunning",
    }
)

#: Tango's error reason that means: a call timed out.
TIMED_OUT = "API_DeviceTimedOut"

#: Tango's error reason that means: the device has no such attribute.
NOT_FOUND = "API_AttrNotFound"


def fresh(error: BaseException) -> BaseException:
    """Return a copy of a stored ``error``, to be raised.

    A raised exception keeps the frames of its traceback alive. One that is stored and
    raised repeatedly would accumulate them.
    """
    try:
        return copy.copy(error)
    except Exception:  # noqa: BLE001 - a foreign class that cannot be copied
        return error.with_traceback(None)


def no_answer_within(timeout: float) -> TimeoutError:
    """Return the error for a caller that waited ``timeout`` s in vain."""
    return TimeoutError(f"no answer within {timeout:g} s")


def reason_of(error: BaseException) -> str:
    """Return Tango's reason of ``error``; the first line of an error without one."""
    first = error.args[0] if error.args else error
    words = str(getattr(first, "reason", first)) or repr(error)
    return words.splitlines()[0]


def is_unreachable(error: BaseException) -> bool:
    """Return whether ``error`` means that no server was reached."""
    return not UNREACHABLE.isdisjoint(_reasons(error))


def is_late(error: BaseException) -> bool:
    """Return whether ``error`` means that a call timed out."""
    return TIMED_OUT in _reasons(error)


def is_of_the_device(error: BaseException) -> bool:
    """Return whether the device itself raised ``error``, so that it was reached."""
    is_lost = "API_CorbaException" in _reasons(error)
    return not (is_lost or is_unreachable(error) or is_late(error))


def is_not_found(error: BaseException) -> bool:
    """Return whether ``error`` means that the device has no such attribute."""
    return NOT_FOUND in _reasons(error)


def _reasons(error: BaseException) -> list[str]:
    """Return Tango's reasons from all layers of ``error``."""
    return [getattr(one, "reason", "") for one in error.args]


def is_same(one: BaseException, other: BaseException) -> bool:
    """Return whether two errors mean the same to users.

    The first layer of a ``DevFailed`` is the cause. The others are operations of Tango,
    which differ between an event and a read. If no server was reached, only the reasons
    are compared.
    """
    if is_unreachable(one) and is_unreachable(other):
        return reason_of(one) == reason_of(other)
    return type(one) is type(other) and _told(one) == _told(other)


def _told(error: BaseException) -> tuple[str, str]:
    """Return reason and description of the first layer, else the arguments."""
    first = error.args[0] if error.args else error
    return getattr(first, "reason", ""), str(getattr(first, "desc", error.args))
