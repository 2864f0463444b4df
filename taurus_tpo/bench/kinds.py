"""Models without a network that make the widgets of a form work as much.

No Taurus, no Tango.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TEXT, _TRUTH = "DevString", "DevBoolean"

#: The type, format and shape of what nobody has told of: as a placeholder's.
_UNKNOWN: Mapping[str, Any] = {"type": _TEXT, "format": "SCALAR", "shape": (1, 0)}


def expressions(
    models: Sequence[str], kinds: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return an ``eval:`` model for each of ``models``, of the same type and shape.

    No two of them are the same, so that each is an attribute of its own, as those are.

    :param kinds: what is known of each model: ``type`` and ``format`` as Tango calls
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


#: How the names of Tango's integer types end.
_INTEGERS = ("Short", "Long", "Long64", "UChar", "Enum", "State")


def _array(number: int, data_type: str, shape: str) -> str:
    if data_type == _TEXT:
        # Taurus shows a list of texts as it shows any other array.
        return f"array(['text {number}'])"
    if data_type == _TRUTH:
        return f"ones({shape})*{number}>=0"
    return f"ones({shape})*{_number(number, data_type)}"
