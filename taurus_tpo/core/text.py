"""Values of any type as text."""

from __future__ import annotations

import reprlib
import textwrap
from typing import Any

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 120


def shown(value: Any) -> str:
    """Return ``value`` as one short line, for users; never raises."""
    return " ".join(_guarded(_short.repr, value).split())


def one_line(text: str) -> str:
    """Return ``text`` as one line of at most 120 characters."""
    return textwrap.shorten(text, 120, placeholder=" ...")


def shown_fully(value: Any) -> str:
    """Return ``repr(value)``, or a text that equals no literal; never raises."""
    return _guarded(repr, value)


def _guarded(represent: Any, value: Any) -> str:
    try:
        return str(represent(value))
    except Exception as error:  # noqa: BLE001 - a foreign __repr__
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"


def plural(count: int, noun: str) -> str:
    """Return ``3 servers``, ``1 server``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
