"""Errors: kept and raised again, and told in a word. Floor 0."""

from __future__ import annotations

import copy


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
