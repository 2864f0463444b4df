"""Parses facility files into frozen dataclasses; defines the format.

A facility is a TOML file of servers, their devices and their attributes::

    [facility]
    title = "A power supply"

    [[server]]
    name = "TpoSim/power"

    [[server.device]]
    name = "sim/power/{n:02}"
    count = 10

    [[server.device.attribute]]
    name = "current"
    type = "float"
    unit = "A"
    value = 12.5

Unknown keys are errors, so that a misspelled key is noticed. Times in s are from 0 to
3600.

``[facility]``

=============== ======= ============ ==============================================
key             type    default      meaning
=============== ======= ============ ==============================================
title           text    ""           title for display
description     text    ""           description for display
=============== ======= ============ ==============================================

``[[server]]``: one process

=============== ======= ============ ==============================================
name            text    (required)   ``TpoSim/instance``
green_mode      text    Synchronous  of all its devices: Synchronous, Futures,
                                     Gevent, Asyncio
condition       text    up           up; down: registered, not started; hung:
                                     stopped (SIGSTOP) as soon as it serves
=============== ======= ============ ==============================================

``[[server.device]]``

=============== ======= ============ ==============================================
name            text    (required)   ``domain/family/member``; ``{n}`` or ``{n:02}``
                                     is the number of the device, from 1
count           int     1            how many devices
alias           text    ""           with ``{n}``, too
class           text    TpoSim       Tango class, one per entry of a server; the
                                     second entry's is TpoSim2 and so on
state           text    ON           of the device; never derived from its alarms
read_delay      s       0            default of its attributes
events          text    change       default of its attributes
=============== ======= ============ ==============================================

``[[server.device.attribute]]``

=============== ======= ============ ==============================================
name            text    (required)   with ``{n}``: the number of the attribute
count           int     1            how many attributes
type            text    float        float (DevDouble), int (DevLong64), bool,
                                     string, enum, state
format          text    scalar       scalar, spectrum, image
shape           list    []           largest size: [x] or [x, y] (y rows of x)
access          text    read         read, read_write
value                   (by type)    start value; for an array also one element,
                                     which fills it; an enum's is a label, a
                                     state's its name; a float array's default is
                                     one turn of a sine
label           text    (the name)   with ``{n}``, too
unit            text    ""
description     text    ""
display_format  text    ""           as in ``%6.2f``
min_value       number               these are for float and int; min_value and
max_value                            max_value bound what may be written
min_alarm
max_alarm
min_warning
max_warning
abs_change      number               change at which Tango's polling sends an event
enum_labels     list    []           the labels of an enum
events          text    (device's)   change: the server pushes them; polled: Tango's
                                     polling sends them (needs polling_period, and
                                     abs_change for float and int); none: a
                                     subscription is refused
polling_period  ms      0            Tango's own polling, at least 5; 0: none
period          s       0            period at which the value changes by itself; 0:
                                     only when it is written or set
read_delay      s       (device's)   duration of a read
error           0 to 1  0            probability that a read fails; 1: always
error_text      text                 description of that error
=============== ======= ============ ==============================================

Apart from the file access of :func:`load`, everything here is pure and thread-safe.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Callable, TypeVar

from taurus_tpo.sim import values

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

GREEN_MODES = ("Synchronous", "Futures", "Gevent", "Asyncio")
CONDITIONS = ("up", "down", "hung")
EVENTS = ("change", "polled", "none")
#: Number of dimensions by format.
FORMATS = {"scalar": 0, "spectrum": 1, "image": 2}
ACCESS = ("read", "read_write")

#: The attribute keys for numeric types only.
NUMERIC = (
    "min_value",
    "max_value",
    "min_alarm",
    "max_alarm",
    "min_warning",
    "max_warning",
    "abs_change",
)
_RANGES = (
    ("min_value", "max_value"),
    ("min_alarm", "max_alarm"),
    ("min_warning", "max_warning"),
)
#: The attribute keys that default to the value of the device.
_INHERITED = ("read_delay", "events")
#: The attribute keys that JSON converts to lists.
_TUPLES = ("shape", "enum_labels")
#: Tango's shortest polling period, ms.
_MIN_POLLING_PERIOD = 5

T = TypeVar("T")


class FacilityError(Exception):
    """A facility is invalid or cannot be run; the message names the place and cause."""


@dataclass(frozen=True)
class AttributeSpec:
    """One attribute: the keys of the file, with ``value`` in the form that is held."""

    name: str
    type: str
    format: str
    shape: tuple[int, ...]
    access: str
    value: Any
    label: str
    unit: str
    description: str
    display_format: str
    min_value: float | None
    max_value: float | None
    min_alarm: float | None
    max_alarm: float | None
    min_warning: float | None
    max_warning: float | None
    abs_change: float | None
    enum_labels: tuple[str, ...]
    events: str
    polling_period: int
    period: float
    read_delay: float
    error: float
    error_text: str

    @property
    def is_numeric(self) -> bool:
        """Whether ranges, alarms and ``abs_change`` apply."""
        return self.type in ("float", "int")

    def to_json(self) -> str:
        """Return the attribute as one line, for a device property."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> AttributeSpec:
        """Return the attribute from the output of :meth:`to_json`."""
        data: dict[str, Any] = json.loads(text)
        data.update({key: tuple(data[key]) for key in _TUPLES})
        return cls(**data)


@dataclass(frozen=True)
class DeviceSpec:
    """One device; ``count`` is already expanded."""

    name: str
    alias: str
    tango_class: str
    state: str
    attributes: tuple[AttributeSpec, ...]


@dataclass(frozen=True)
class ServerSpec:
    """One server process."""

    name: str
    green_mode: str
    condition: str
    devices: tuple[DeviceSpec, ...]

    @property
    def instance(self) -> str:
        """The part of the name after the slash."""
        return self.name.partition("/")[2]


@dataclass(frozen=True)
class FacilitySpec:
    """The contents of a facility file."""

    title: str
    description: str
    servers: tuple[ServerSpec, ...]

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """The devices of all servers, in file order."""
        return tuple(device for server in self.servers for device in server.devices)

    def models(
        self,
        pattern: str = "*",
        where: Callable[[ServerSpec, DeviceSpec, AttributeSpec], bool] = (
            lambda _server, _device, _attribute: True
        ),
    ) -> list[str]:
        """Return the names ``domain/family/member/attribute`` in file order.

        :param pattern: shell pattern for the full name, case-insensitive
        :param where: an additional condition for each attribute
        """
        found = (
            f"{device.name}/{attribute.name}"
            for server in self.servers
            for device in server.devices
            for attribute in device.attributes
            if where(server, device, attribute)
        )
        return [name for name in found if fnmatchcase(name.lower(), pattern.lower())]


@dataclass(frozen=True)
class _Place:
    """A place in a file, for messages: ``file: server[0].device[1].name``."""

    file: str
    path: str = ""

    def __truediv__(self, key: str | int) -> _Place:
        step = f"[{key}]" if isinstance(key, int) else f".{key}"
        return _Place(self.file, (self.path + step).lstrip("."))

    def __str__(self) -> str:
        return f"{self.file}: {self.path}"

    def error(self, value: Any, right: str) -> FacilityError:
        shown = list(value) if isinstance(value, tuple) else value
        return FacilityError(f"{self} = {shown!r}: must be {right}")


@dataclass(frozen=True)
class _Key:
    """One key of a table.

    ``read`` converts a value, or raises ``ValueError`` with a description of valid
    values; a key without ``default`` is required.
    """

    read: Callable[[Any], Any]
    default: Any = ...


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _one_of(*names: str) -> _Key:
    """Return a key with one of these values, the first by default."""

    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(values.nearest(value, names))
        return str(value)

    return _Key(read, names[0])


def _matching(pattern: str, right: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(right)
        return value

    return read


def _number(low: float, high: float, right: str) -> Callable[[Any], float]:
    """Keep an int as int, since Tango does not accept "1.0" as the bound of an int."""

    def read(value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            raise ValueError(right)
        return float(value) if isinstance(value, float) else int(value)

    return read


def _whole(low: int, right: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise ValueError(right)
        return value

    return read


def _list_of(read: Callable[[Any], T], right: str) -> Callable[[Any], tuple[T, ...]]:
    def read_list(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(right)
        try:
            return tuple(read(item) for item in value)
        except ValueError:
            raise ValueError(right) from None

    return read_list


def _tables(value: Any) -> list[dict[str, Any]]:
    is_tables = isinstance(value, list) and all(isinstance(t, dict) for t in value)
    if not is_tables or not value:
        raise ValueError("one or more tables, as in [[...]]")
    return list(value)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table, as in [...]")
    return value


_PART = r"[\w.+-]+"
_NUMBERED = r"\{n(?::0?\d+)?\}"
_PART_NUMBERED = rf"(?:[\w.+-]|{_NUMBERED})+"
_SECONDS = _number(0, 3600, "a time in seconds from 0 to 3600")
_ANY_NUMBER = _number(float("-inf"), float("inf"), "a number")
_COUNT = _Key(_whole(1, "a whole number from 1"), 1)

_FILE = {
    "facility": _Key(_table, {}),
    "server": _Key(_tables),
}
_FACILITY = {
    "title": _Key(_text, ""),
    "description": _Key(_text, ""),
}
_SERVER = {
    "name": _Key(_matching(f"TpoSim/{_PART}", 'as "TpoSim/instance"')),
    "green_mode": _one_of(*GREEN_MODES),
    "condition": _one_of(*CONDITIONS),
    "device": _Key(_tables),
}
_DEVICE = {
    "name": _Key(
        _matching(
            "/".join([_PART_NUMBERED] * 3),
            'as "domain/family/member", with {n} or {n:02} for the number',
        )
    ),
    "count": _COUNT,
    "alias": _Key(
        _matching(_PART_NUMBERED, "a name without slash, with {n} for the number"), ""
    ),
    "class": _Key(_matching(r"[A-Za-z]\w*", "the name of a Tango class"), ""),
    "state": _one_of(*values.STATES),
    "read_delay": _Key(_SECONDS, 0.0),
    "events": _one_of(*EVENTS),
    "attribute": _Key(_tables),
}
_ATTRIBUTE = {
    "name": _Key(
        _matching(
            rf"[A-Za-z_](?:\w|{_NUMBERED})*",
            "letters, digits and _, with {n} or {n:02} for the number",
        )
    ),
    "count": _COUNT,
    "type": _one_of(*values.KINDS),
    "format": _one_of(*FORMATS),
    "shape": _Key(
        _list_of(_whole(1, ""), "a list of whole numbers from 1, [x] or [x, y]"), ()
    ),
    "access": _one_of(*ACCESS),
    "value": _Key(lambda value: value, None),
    "label": _Key(_text, ""),
    "unit": _Key(_text, ""),
    "description": _Key(_text, ""),
    "display_format": _Key(_text, ""),
    **{key: _Key(_ANY_NUMBER, None) for key in NUMERIC},
    "enum_labels": _Key(_list_of(_text, "a list of texts"), ()),
    "events": _Key(_one_of(*EVENTS).read, None),
    "polling_period": _Key(_whole(0, "a time in whole milliseconds"), 0),
    "period": _Key(_SECONDS, 0.0),
    "read_delay": _Key(_SECONDS, None),
    "error": _Key(_number(0, 1, "a probability from 0 to 1"), 0.0),
    "error_text": _Key(_text, "this attribute is simulated to fail"),
}

#: Constraints between the keys of an attribute: whether it is violated, the key to
#: report, and a description of valid values.
_RULES: tuple[tuple[Callable[[AttributeSpec], bool], str, str], ...] = (
    (
        lambda a: a.name.lower() in ("state", "status"),
        "name",
        "another name: each device has State and Status",
    ),
    (
        lambda a: len(a.shape) != FORMATS[a.format],
        "shape",
        "[x] for a spectrum, [x, y] for an image, and left out for a scalar",
    ),
    (
        lambda a: (a.type == "enum") != bool(a.enum_labels),
        "enum_labels",
        "a list of labels for an enum, and left out for other types",
    ),
    (
        lambda a: len(set(a.enum_labels)) != len(a.enum_labels),
        "enum_labels",
        "labels that differ from each other",
    ),
    (
        lambda a: 0 < a.polling_period < _MIN_POLLING_PERIOD,
        "polling_period",
        f"0 or {_MIN_POLLING_PERIOD} at least: Tango polls no faster",
    ),
    (
        lambda a: a.events == "polled" and not a.polling_period,
        "polling_period",
        'a period in ms, since events = "polled"',
    ),
    (
        lambda a: a.events == "polled" and a.is_numeric and not a.abs_change,
        "abs_change",
        'a number over 0, since events = "polled" and the type is a number',
    ),
    (
        lambda a: a.events == "none" and bool(a.polling_period) and not a.is_numeric,
        "polling_period",
        '0, since events = "none" and Tango sends events of whatever it polls '
        "unless it is a number without abs_change",
    ),
    (
        lambda a: a.events == "none" and bool(a.polling_period and a.abs_change),
        "abs_change",
        'left out, since events = "none" and Tango sends events of a polled number '
        "with abs_change",
    ),
)


def _read_table(
    data: dict[str, Any], keys: dict[str, _Key], place: _Place
) -> dict[str, Any]:
    """Return the values of all ``keys``, validated, with defaults."""
    for name in data:
        if name not in keys:
            right = values.nearest(name, keys)
            raise FacilityError(f"{place / name}: unknown key, must be {right}")
    return {name: _read_key(data, name, key, place) for name, key in keys.items()}


def _read_key(data: dict[str, Any], name: str, key: _Key, place: _Place) -> Any:
    if name not in data:
        if key.default is ...:
            raise FacilityError(f"{place / name}: is missing")
        return key.default
    try:
        return key.read(data[name])
    except ValueError as error:
        raise (place / name).error(data[name], str(error)) from None


def _numbered(template: str, number: int) -> str:
    """Replace ``{n}`` and ``{n:02}``; other braces are kept."""
    return re.sub(_NUMBERED, lambda match: match.group().format(n=number), template)


def _check_numbered(table: dict[str, Any], key: str, place: _Place) -> None:
    name, count = table[key], table["count"]
    if name and count > 1 and _numbered(name, 1) == _numbered(name, 2):
        raise (place / key).error(name, f"a name with {{n}}, since count = {count}")


def _check_unique(names: Iterable[tuple[_Place, str]], what: str) -> None:
    """Raise unless all names differ, ignoring case as Tango does."""
    seen: set[str] = set()
    for place, name in names:
        if name.lower() in seen:
            raise place.error(name, f"another name: this is {what} already")
        seen.add(name.lower())


def _check_attribute(spec: AttributeSpec, place: _Place) -> None:
    """Raise if the combination of keys is invalid."""
    for key in NUMERIC:
        if getattr(spec, key) is not None and not spec.is_numeric:
            right = f"left out, since the type is {spec.type}"
            raise (place / key).error(getattr(spec, key), right)
        if spec.type == "int" and isinstance(getattr(spec, key), float):
            right = "a whole number, since the type is int"
            raise (place / key).error(getattr(spec, key), right)
    for low, high in _RANGES:
        bounds = getattr(spec, low), getattr(spec, high)
        if None not in bounds and bounds[0] >= bounds[1]:
            raise (place / low).error(bounds[0], f"less than {high} = {bounds[1]}")
    for is_broken, key, right in _RULES:
        if is_broken(spec):
            raise (place / key).error(getattr(spec, key), right)


def _held_value(spec: AttributeSpec, place: _Place) -> Any:
    try:
        return values.check(spec.value, spec.type, spec.shape, spec.enum_labels)
    except ValueError as error:
        raise (place / "value").error(spec.value, str(error)) from None


def _read_attributes(
    data: dict[str, Any], place: _Place, device: dict[str, Any]
) -> list[AttributeSpec]:
    """Return the attributes of one ``[[server.device.attribute]]``."""
    table = _read_table(data, _ATTRIBUTE, place)
    _check_numbered(table, "name", place)
    count = table.pop("count")
    inherited = {key: device[key] for key in _INHERITED if table[key] is None}
    spec = AttributeSpec(**{**table, **inherited})
    _check_attribute(spec, place)
    spec = replace(spec, value=_held_value(spec, place))
    return [
        replace(spec, name=_numbered(spec.name, n), label=_numbered(spec.label, n))
        for n in range(1, count + 1)
    ]


def _read_devices(data: dict[str, Any], place: _Place, index: int) -> list[DeviceSpec]:
    """Return the devices of one ``[[server.device]]``."""
    table = _read_table(data, _DEVICE, place)
    for key in ("name", "alias"):
        _check_numbered(table, key, place)
    found = [
        (place / "attribute" / k / "name", attribute)
        for k, entry in enumerate(table["attribute"])
        for attribute in _read_attributes(entry, place / "attribute" / k, table)
    ]
    _check_unique(((p, a.name) for p, a in found), "an attribute of the device")
    return [
        DeviceSpec(
            name=_numbered(table["name"], n),
            alias=_numbered(table["alias"], n),
            tango_class=table["class"] or f"TpoSim{index + 1 if index else ''}",
            state=table["state"],
            attributes=tuple(attribute for _, attribute in found),
        )
        for n in range(1, table["count"] + 1)
    ]


def _read_server(
    data: dict[str, Any], place: _Place
) -> tuple[ServerSpec, list[tuple[_Place, DeviceSpec]]]:
    """Return one server, and its devices with the place in the file of each."""
    table = _read_table(data, _SERVER, place)
    entries = [
        (place / "device" / k, _read_devices(entry, place / "device" / k, k))
        for k, entry in enumerate(table.pop("device"))
    ]
    _check_unique(
        ((p / "class", devices[0].tango_class) for p, devices in entries),
        "the class of another entry of this server",
    )
    placed = [(p, device) for p, devices in entries for device in devices]
    return ServerSpec(**table, devices=tuple(d for _, d in placed)), placed


def parse(text: str, where: str) -> FacilitySpec:
    """Parse the text of a facility file.

    :param text: the TOML
    :param where: the name of the file in messages
    :raises FacilityError: if it is invalid; the message has the file, the place
        (counted from 0), the value, and a description of valid values
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FacilityError(f"{where}: not TOML: {error}") from None
    place = _Place(where)
    table = _read_table(data, _FILE, place)
    facility = _read_table(table["facility"], _FACILITY, place / "facility")
    read = [
        _read_server(entry, place / "server" / k)
        for k, entry in enumerate(table["server"])
    ]
    servers = [server for server, _ in read]
    placed = [pair for _, pairs in read for pair in pairs]
    _check_unique(
        ((place / "server" / k / "name", s.name) for k, s in enumerate(servers)),
        "a server",
    )
    _check_unique(((p / "name", d.name) for p, d in placed), "a device")
    _check_unique(((p / "alias", d.alias) for p, d in placed if d.alias), "an alias")
    return FacilitySpec(**facility, servers=tuple(servers))


def load(path: str | Path) -> FacilitySpec:
    """Parse the facility file at ``path``.

    :raises FacilityError: as :func:`parse`, and if the file cannot be read
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FacilityError(f"{path}: cannot be read: {error}") from None
    return parse(text, str(path))
