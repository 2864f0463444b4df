"""A value of Taurus as a short text: value, unit, quality and time."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np

from taurus_tpo.cli.read import unit_of
from taurus_tpo.core import text

#: Arrays with at most so many elements are shown as they are.
MOST_ELEMENTS = 6

#: The longest text of a value.
LONGEST = 80


@dataclass(frozen=True)
class Shown:
    """What is shown of a value.

    :param value: with its unit; of an array what its numbers are like.
    :param written: the value that was written last, with its unit; empty: none.
    :param quality: Tango's, such as ``VALID``.
    :param stamp: when it was taken, seconds since the epoch; None: not known.
    :param numbers: the numbers of a spectrum or an image, for a picture.
    """

    value: str
    written: str = ""
    quality: str = ""
    stamp: float | None = None
    numbers: Any = None

    @property
    def clock(self) -> str:
        """The time of day, with milliseconds; of another day with the date."""
        if self.stamp is None:
            return ""
        when = datetime.datetime.fromtimestamp(self.stamp)
        is_today = when.date() == datetime.date.today()
        shape = "%H:%M:%S.%f" if is_today else "%Y-%m-%d %H:%M:%S.%f"
        return when.strftime(shape)[:-3]

    def __str__(self) -> str:
        written = f"(set {self.written})" if self.written else ""
        value = " ".join(filter(None, (self.value, written)))
        return ", ".join(filter(None, (value, self.quality, self.clock)))


def shown(value: Any) -> Shown:
    """Return what is shown of a ``TaurusAttrValue``; any thread."""
    read = value.rvalue
    numbers = getattr(read, "magnitude", read)
    is_array = isinstance(numbers, np.ndarray) and numbers.ndim > 0
    quality = getattr(value.quality, "name", value.quality)
    return Shown(
        value=_with_unit(read),
        written="" if _is_nothing(value.wvalue) else _with_unit(value.wvalue),
        quality="" if quality is None else str(quality).replace("ATTR_", ""),
        stamp=None if value.time is None else float(value.time.totime()),
        numbers=numbers if is_array else None,
    )


def _is_nothing(written: Any) -> bool:
    """Return whether nothing was written; of an array that is an empty one."""
    return written is None or np.size(getattr(written, "magnitude", written)) == 0


def _with_unit(value: Any) -> str:
    """Return a value, or what an array is like, as text."""
    plain = getattr(value, "magnitude", value)
    unit = unit_of(value) or ""
    if isinstance(plain, (list, tuple)):
        plain = np.array(plain, dtype=object)
    if isinstance(plain, np.ndarray) and plain.ndim:
        return _of_array(plain, unit)
    return " ".join(filter(None, (_of_scalar(plain), unit)))


def _of_scalar(value: Any) -> str:
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if value is None:
        return "no value"
    if isinstance(value, float):
        return f"{value:.8g}"
    # A state, of Taurus or of PyTango.
    name = getattr(value, "name", None)
    if isinstance(value, (bool, int)) and name is None:
        return str(value)
    told = name or value
    if not isinstance(told, str):
        return text.shown(value)
    line = " ".join(told.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _of_array(array: Any, unit: str) -> str:
    kind = {1: "spectrum", 2: "image"}.get(array.ndim, "array")
    if not array.size:
        return f"empty {kind}"
    if array.ndim == 1 and array.size <= MOST_ELEMENTS:
        elements = ", ".join(map(_of_scalar, array))
        return " ".join(filter(None, (f"[{elements}]", unit)))
    # The width of an image first.
    size = " x ".join(map(str, reversed(array.shape)))
    return f"{kind} of {size}{_of_elements(array, unit)}"


def _of_elements(array: Any, unit: str) -> str:
    if array.dtype.kind == "b":
        return f", {int(array.sum())} true"
    if array.dtype.kind not in "iuf":
        first = ", ".join(map(_of_scalar, array.ravel()[:MOST_ELEMENTS]))
        return f": {first}, ..."
    finite = array[np.isfinite(array)]
    bad = array.size - finite.size
    told = [f"{bad} not finite"] if bad else []
    if finite.size:
        least, most = finite.min(), finite.max()
        mean = float(finite.mean(dtype=float))
        limits = f"min {_brief(least)}, mean {_brief(mean)}, max {_brief(most)} {unit}"
        told.insert(0, limits.rstrip())
    return ", " + ", ".join(told)


def _brief(number: Any) -> str:
    """Return a number with few digits, an integer as it is."""
    plain = number.item() if isinstance(number, np.generic) else number
    return f"{plain:.5g}" if isinstance(plain, float) else str(plain)
