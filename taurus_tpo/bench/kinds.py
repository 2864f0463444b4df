"""Models without a network that cause the same work in the widgets of a form.

No Taurus, no Tango.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TEXT, _TRUTH = "DevString", "DevBoolean"

#: The type, format and shape of an attribute of which nothing is known.
_UNKNOWN: Mapping[str, Any] = {"type": _TEXT, "format": "SCALAR", "shape": (1, 0)}


def expressions(
    models: Sequence[str], kinds: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return an ``eval:`` model for each of ``models``, of the same type and shape.

    All are different, so that Taurus makes one attribute for each.

    :param kinds: the known facts of each model: ``type`` and ``format`` as Tango names
        them, ``shape`` as (x, y).
    """
    return [
        f"eval:{_expression(number, kinds.get(model) or _UNKNOWN)}"
        for number, model in enumerate(models)
    ]


def _expression(number: int, kind: Mapping[str, Any]) -> str:
    kind = {**_UNKNOWN, **kind}
    width, height = kind["shape"]
    if kind["format"] == "SPECTRUM":
        return _array(number, kind["type"], str(max(1, width)))
    if kind["format"] == "IMAGE":
        return _array(number, kind["type"], f"({max(1, height)},{max(1, width)})")
    if kind["type"] == _TEXT:
        return f'"text {number}"'
    return f"{number}>=0" if kind["type"] == _TRUTH else _number(number, kind["type"])


def _number(number: int, data_type: str) -> str:
    return f"{number}" if data_type.endswith(_INTEGERS) else f"{number}.5"


#: The endings of the names of Tango's integer types.
_INTEGERS = ("Short", "Long", "Long64", "UChar", "Enum", "State")


def _array(number: int, data_type: str, shape: str) -> str:
    if data_type == _TEXT:
        # Taurus shows a list of texts like any other array.
        return f"array(['text {number}'])"
    if data_type == _TRUTH:
        return f"ones({shape})*{number}>=0"
    return f"ones({shape})*{_number(number, data_type)}"
