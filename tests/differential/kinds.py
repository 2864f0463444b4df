"""The kinds of attribute that take part: each type, format and access that Tango has.

Pure: the device server makes attributes of them, strategies choose among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: JSON has no bytes and no numbers beyond the finite ones.
NAN, INF = "nan", "inf"

LABELS = ("OFF", "ON", "DÉFAUT")

#: Values of a scalar, by the name of its Tango type. Encoded ones are format and hex.
SCALARS: dict[str, tuple[Any, ...]] = {
    "DevDouble": (1.0, -2.5, 1e300, NAN, INF, 0.1),
    "DevFloat": (1.0, -2.5, NAN, INF, 0.1),
    "DevShort": (1, -32768, 0, 32767),
    "DevLong": (1, -(2**31), 0, 2**31 - 1),
    "DevLong64": (1, -(2**63), 0, 2**63 - 1),
    "DevUChar": (1, 0, 255),
    "DevUShort": (1, 0, 65535),
    "DevULong": (1, 0, 2**32 - 1),
    "DevULong64": (1, 0, 2**64 - 1),
    "DevBoolean": (True, False),
    "DevString": ("text", "", "Überhöhe 5 µm", "<b>&amp;</b>"),
    "DevState": ("ON", "OFF", "FAULT", "UNKNOWN"),
    "DevEnum": (0, 1, 2),
    "DevEncoded": (("raw", "fffe00804a"), ("json", "7b7d"), ("raw", "")),
}

#: Values of a spectrum; those of an image are rows of them.
SPECTRA: dict[str, tuple[Any, ...]] = {
    "DevDouble": ([1.0, 2.0], [], [NAN, INF, -1.0]),
    "DevFloat": ([1.0, 2.0], []),
    "DevShort": ([1, 2], [], [-32768]),
    "DevLong": ([1, 2], []),
    "DevLong64": ([1, 2], [], [2**63 - 1]),
    "DevUChar": ([1, 2], [], [255]),
    "DevULong": ([1, 2], []),
    "DevULong64": ([1, 2], [], [2**64 - 1]),
    "DevBoolean": ([True, False], [], [True]),
    "DevString": (["a", "b"], [], ["Überhöhe", ""]),
    "DevState": (["ON", "OFF"], [], ["FAULT"]),
    "DevEnum": ([0, 1], [], [2, 2]),
}

IMAGES: dict[str, tuple[Any, ...]] = {
    type_: ([values[0], values[0]], [], [values[0]])
    for type_, values in SPECTRA.items()
    if type_ not in ("DevShort", "DevULong")
}

ACCESSES = {"r": "READ", "rw": "READ_WRITE", "w": "WRITE", "rww": "READ_WITH_WRITE"}


@dataclass(frozen=True)
class Kind:
    """What a class of a device server says of an attribute.

    :param type: the name of its Tango type.
    :param format: ``scalar``, ``spectrum`` or ``image``.
    :param access: a key of :data:`ACCESSES`.
    :param values: what it may hold, the first one at the start.
    """

    type: str
    format: str
    access: str
    values: tuple[Any, ...]
    memorized: bool = False

    @property
    def name(self) -> str:
        """The name of the attribute: unlike ones of a class must not share it."""
        memorized = "_memorized" if self.memorized else ""
        return f"{self.type}_{self.format}_{self.access}{memorized}"

    @property
    def is_writable(self) -> bool:
        return self.access != "r"

    @property
    def is_readable(self) -> bool:
        return self.access != "w"


def _all() -> list[Kind]:
    formats = (("scalar", SCALARS), ("spectrum", SPECTRA), ("image", IMAGES))
    kinds = [
        Kind(type_, format_, access, values)
        for format_, types in formats
        for type_, values in types.items()
        for access in ("r", "rw")
    ]
    doubles, texts = SCALARS["DevDouble"], SCALARS["DevString"]
    return [
        *kinds,
        Kind("DevDouble", "scalar", "w", doubles),
        Kind("DevString", "scalar", "w", texts),
        Kind("DevDouble", "scalar", "rw", doubles[:3], memorized=True),
        Kind("DevString", "scalar", "rw", texts[:1], memorized=True),
    ]


#: Every kind by its name; the simplest come first, so that examples shrink to them.
KINDS = {kind.name: kind for kind in _all()}
