"""What a program observes, as JSON: values, exceptions, log lines.

It names no type of Taurus or Tango: it looks at what an object has.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Sequence
from typing import Any

#: A time stamp that is not of the scenario, but of the moment.
NOW = "now"

#: How far a stamp may be from the moment to count as that, s.
_MOMENT = 60.0

#: What differs from run to run in a text.
_VARYING = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x"),
    (re.compile(r"\(id=\d+\)|ID=\d+"), "(id)"),
    (re.compile(r"\bDifferential/s\d+"), "SERVER"),
)


class Plain:
    """Makes JSON of what one run observes.

    :param devices: the devices' names, which no observation holds.
    :param host: ``HOST:PORT`` of the database; likewise.
    :param base: the first time stamp of the scenario, seconds since the epoch.
    :param now: returns the time, seconds since the epoch.
    """

    def __init__(
        self, devices: Sequence[str], host: str, base: float, now: Any
    ) -> None:
        self._devices = [re.compile(re.escape(one), re.IGNORECASE) for one in devices]
        self._host = host
        self._base = base
        self._now = now

    def text(self, text: str) -> str:
        """Return a text without what differs from run to run."""
        for index, device in enumerate(self._devices):
            text = device.sub(f"DEVICE{index or ''}", text)
        text = text.replace(self._host, "HOST")
        for pattern, instead in _VARYING:
            text = pattern.sub(instead, text)
        return text

    def error(self, error: BaseException) -> dict[str, Any]:
        """Return the type of an exception and, of Tango's, the reason."""
        told = {"raised": type(error).__name__}
        first: Any = error.args[0] if error.args else None
        if hasattr(first, "reason"):
            told["reason"] = str(first.reason)
        return told

    def value(self, value: Any) -> Any:
        """Return any value as JSON: equal if, and only if, they look the same."""
        if isinstance(value, BaseException):
            return self.error(value)
        if hasattr(value, "rvalue") and hasattr(value, "wvalue"):
            return self.attribute_value(value)
        return self._object(value)

    def attribute_value(self, value: Any) -> dict[str, Any]:
        """Return what a ``TaurusAttrValue`` says."""
        return {
            "rvalue": self._object(value.rvalue),
            "wvalue": self._object(value.wvalue),
            "quality": self._object(value.quality),
            "time": self.stamp(value.time),
            "error": None if value.error is None else self.error(value.error),
        }

    def stamp(self, stamp: Any) -> Any:
        """Return a time stamp as ms since the first one, or that it is of now."""
        if stamp is None:
            return None
        seconds = stamp.totime()
        if abs(seconds - self._now()) < _MOMENT:
            return NOW
        return round((seconds - self._base) * 1000)

    def _object(self, value: Any) -> Any:
        if value is None or (
            isinstance(value, (bool, int)) and type(value).__module__ == "builtins"
        ):
            return value
        if isinstance(value, enum.Enum):
            return f"{type(value).__name__}.{value.name}"
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        if type(value) is float:
            return _number(value)
        return self._compound(value)

    def _compound(self, value: Any) -> Any:
        if hasattr(value, "magnitude"):
            magnitude = self._object(value.magnitude)
            return {"magnitude": magnitude, "unit": str(value.units)}
        if hasattr(value, "dtype"):
            listed = value.tolist()
            return {"numpy": str(value.dtype), "value": self._object(listed)}
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, *map(self._object, value)]
        if isinstance(value, dict):
            return {str(key): self._object(one) for key, one in value.items()}
        return f"{type(value).__name__}: {self.text(str(value))}"


def _number(value: float) -> Any:
    return value if math.isfinite(value) else repr(value)
