"""Errors: kept and raised again, and told in a word."""

from __future__ import annotations

import copy

#: Tango's reasons of errors that say: nobody was there to answer.
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

#: Tango's reason of an error that says: it took too long.
TIMED_OUT = "API_DeviceTimedOut"

#: Tango's reason of an error that says: the device has no such attribute.
NOT_FOUND = "API_AttrNotFound"


def fresh(error: BaseException) -> BaseException:
    """Return a copy of a kept ``error``, to be raised.

    An exception that is raised keeps alive the frames that it goes through, and with
    them whatever they hold; one that is kept and raised again gathers them for ever.
    """
    try:
        return copy.copy(error)
    except Exception:  # noqa: BLE001 - somebody else's class, which cannot be copied
        return error.with_traceback(None)


def reason_of(error: BaseException) -> str:
    """Return why, in a word of Tango's where it is its error, else in a line."""
    first = error.args[0] if error.args else error
    words = str(getattr(first, "reason", first)) or repr(error)
    return words.splitlines()[0]


def is_unreachable(error: BaseException) -> bool:
    """Return whether ``error`` says that nobody was there to answer."""
    return not UNREACHABLE.isdisjoint(_reasons(error))


def is_late(error: BaseException) -> bool:
    """Return whether ``error`` says that the answer took too long."""
    return TIMED_OUT in _reasons(error)


def is_of_the_device(error: BaseException) -> bool:
    """Return whether the device itself has said ``error``: it was reached."""
    is_lost = "API_CorbaException" in _reasons(error)
    return not (is_lost or is_unreachable(error) or is_late(error))


def is_not_found(error: BaseException) -> bool:
    """Return whether ``error`` says that the device has no such attribute."""
    return NOT_FOUND in _reasons(error)


def _reasons(error: BaseException) -> list[str]:
    """Return Tango's reasons, of all layers.

    Tango puts what it was doing over what went wrong.
    """
    return [getattr(one, "reason", "") for one in error.args]


def is_same(one: BaseException, other: BaseException) -> bool:
    """Return whether two errors tell people the same.

    What went wrong is in Tango's first layer; the others are what Tango was doing,
    which differs between an event and a read. Of those that say that nobody was there,
    the reason is enough.
    """
    if is_unreachable(one) and is_unreachable(other):
        return reason_of(one) == reason_of(other)
    return type(one) is type(other) and _told(one) == _told(other)


def _told(error: BaseException) -> tuple[str, str]:
    """Return reason and description of the first layer, or what the error says."""
    first = error.args[0] if error.args else error
    return getattr(first, "reason", ""), str(getattr(first, "desc", error.args))
