"""The values of attributes as plain data, by attribute type.

A value is a JSON type: a number, a bool or a text, in a list for a spectrum, in a list
of rows for an image (``shape = (x, y)``: ``y`` rows of ``x`` values). An enum is held
as the index of its label, a state as its name (``"ON"``).

Everything here is pure and thread-safe.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Literal, get_args

Kind = Literal["float", "int", "bool", "string", "enum", "state"]
State = Literal[
    "ON",
    "OFF",
    "CLOSE",
    "OPEN",
    "INSERT",
    "EXTRACT",
    "MOVING",
    "STANDBY",
    "FAULT",
    "INIT",
    "RUNNING",
    "ALARM",
    "DISABLE",
    "UNKNOWN",
]

#: The states of a Tango device, in the order of ``tango.DevState``.
STATES: tuple[str, ...] = get_args(State)

#: The number of steps in which a changing float goes once around its start value ...
_STEPS_AROUND = 60
#: ... and the amplitude, relative to the value (1 for a value of 0).
_SWING = 0.05


@dataclass(frozen=True)
class ValueKind:
    """The properties of one attribute type.

    ``default(k, n)`` is the start value of element ``k`` of ``n``;
    ``check(value, labels)`` returns the value in the form that is held, or raises
    ``ValueError`` with a description of valid values; ``step(value, k, labels)`` is the
    value ``k`` periods later, different from the one a period before.
    """

    tango_type: str
    default: Callable[[int, int], Any]
    check: Callable[[Any, Sequence[str]], Any]
    step: Callable[[Any, int, Sequence[str]], Any]


def nearest(name: Any, names: Iterable[str]) -> str:
    """Return the valid names as text, ``"a, b or c"``, with the closest spelling."""
    known = list(names)
    close = difflib.get_close_matches(str(name), known, n=1)
    listed = " or ".join([", ".join(known[:-1]), known[-1]] if known[1:] else known)
    return f"{listed} (did you mean {close[0]}?)" if close else listed


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _float(value: Any, _labels: Sequence[str]) -> float:
    if not _is_number(value):
        raise ValueError("a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a number of 64 bit") from None


def _int(value: Any, _labels: Sequence[str]) -> int:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if not is_int or not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of 64 bit")
    return int(value)


def _bool(value: Any, _labels: Sequence[str]) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _string(value: Any, _labels: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _enum(value: Any, labels: Sequence[str]) -> int:
    if value in labels:
        return labels.index(value)
    is_index = isinstance(value, int) and not isinstance(value, bool)
    if not is_index or not 0 <= value < len(labels):
        raise ValueError(f"{nearest(value, labels)}, or the index of one of them")
    return int(value)


def _state(value: Any, _labels: Sequence[str]) -> str:
    if value not in STATES:
        raise ValueError(nearest(value, STATES))
    return str(value)


def _swing(value: float, step: int, _labels: Sequence[str]) -> float:
    reach = _SWING * abs(value) or 1.0
    return value + reach * math.sin(2 * math.pi * step / _STEPS_AROUND)


def _next_state(value: str, step: int, _labels: Sequence[str]) -> str:
    return STATES[(STATES.index(value) + step) % len(STATES)]


#: The attribute types, by their names in facility files.
KINDS: dict[Kind, ValueKind] = {
    "float": ValueKind(
        "DevDouble",
        lambda k, n: round(math.sin(2 * math.pi * k / n), 6),
        _float,
        _swing,
    ),
    "int": ValueKind("DevLong64", lambda k, _n: k, _int, lambda v, k, _l: v + k % 1000),
    "bool": ValueKind(
        "DevBoolean",
        lambda k, _n: bool(k % 2),
        _bool,
        lambda v, k, _l: v != bool(k % 2),
    ),
    "string": ValueKind(
        "DevString",
        lambda k, _n: f"text {k}",
        _string,
        lambda v, k, _l: f"{v} {k}",
    ),
    "enum": ValueKind(
        "DevEnum",
        lambda _k, _n: 0,
        _enum,
        lambda v, k, labels: (v + k) % len(labels),
    ),
    "state": ValueKind("DevState", lambda _k, _n: "ON", _state, _next_state),
}


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """Return ``value`` with ``function`` applied to each of its elements."""
    if isinstance(value, (list, tuple)):
        return [map_leaves(function, item) for item in value]
    return function(value)


def _filled(shape: Sequence[int], element: Callable[[int], Any]) -> Any:
    """Return an array of ``shape`` made of ``element(0)``, ``element(1)`` ..."""
    if not shape:
        return element(0)
    row = [element(k) for k in range(shape[0])]
    return row if len(shape) == 1 else [list(row) for _ in range(shape[1])]


def _check_shape(value: Any, shape: Sequence[int]) -> None:
    """Raise ``ValueError`` unless ``value`` is an array no larger than ``shape``."""
    rows = value if len(shape) == 2 else [value]
    right = f"a list of 1 to {shape[0]} values"
    if len(shape) == 2:
        right = f"1 to {shape[1]} rows of 1 to {shape[0]} values, all as long"
    is_array = isinstance(rows, list) and all(isinstance(row, list) for row in rows)
    if not is_array or not 1 <= len(rows) <= ([*shape, 1])[1]:
        raise ValueError(right)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or not 1 <= lengths.pop() <= shape[0]:
        raise ValueError(right)


def check(value: Any, type_: Kind, shape: Sequence[int], labels: Sequence[str]) -> Any:
    """Return ``value`` in the form that an attribute of this type and shape holds.

    ``None`` gives the default of the type; a single element fills an array.

    :raises ValueError: with a description of valid values
    """
    kind = KINDS[type_]
    if value is None:
        size = shape[0] if shape else 1
        return _filled(shape, lambda k: kind.default(k, size))
    if shape and not isinstance(value, list):
        element = kind.check(value, labels)
        return _filled(shape, lambda _k: element)
    if shape:
        _check_shape(value, shape)
    return map_leaves(lambda leaf: kind.check(leaf, labels), value)


def step(value: Any, type_: Kind, labels: Sequence[str], count: int) -> Any:
    """Return ``value`` after ``count`` changes by itself."""
    kind = KINDS[type_]
    return map_leaves(lambda leaf: kind.step(leaf, count, labels), value)
