"""Parses facility files into frozen objects; defines the format.

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
                                     is the number of the device, from 1; also
                                     ``sys/tg_test/1``, unless the facility uses an
                                     existing database
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
import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Callable, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from taurus_tpo.sim import values

_RANGES = tuple((f"min_{key}", f"max_{key}") for key in ("value", "alarm", "warning"))
#: The attribute keys for numeric types only.
NUMERIC = (*(key for keys in _RANGES for key in keys), "abs_change")
#: Tango's shortest polling period, ms.
_MIN_POLLING_PERIOD = 5

_NUMBERED = r"\{n(?::0?\d+)?\}"
_PART = rf"(?:[\w.+-]|{_NUMBERED})+"


def _matching(pattern: str, right: str) -> Meta:
    return Meta(pattern=rf"(?a)^{pattern}\Z", description=right)


# The types that msgspec checks. A description completes "must be"; without one, the
# message of msgspec is shown.
_GreenMode = Literal["Synchronous", "Futures", "Gevent", "Asyncio"]
_Events = Literal["change", "polled", "none"]
_Format = Literal["scalar", "spectrum", "image"]
_Count = Annotated[int, Meta(ge=1, description="a whole number from 1")]
_Seconds = Annotated[
    float, Meta(ge=0, le=3600, description="a time in seconds from 0 to 3600")
]
# Unset: the value of the device.
_OwnEvents = Union[_Events, UnsetType]
_OwnSeconds = Union[_Seconds, UnsetType]
_Milliseconds = Annotated[int, Meta(ge=0, description="a time in whole milliseconds")]
# An int is kept as int, since Tango does not accept "1.0" as the bound of an int.
_Number = Annotated[Union[int, float, None], Meta(description="a number")]
_ServerName = Annotated[str, _matching(r"TpoSim/[\w.+-]+", 'as "TpoSim/instance"')]
_DeviceName = Annotated[
    str,
    _matching(
        f"{_PART}/{_PART}/{_PART}",
        'as "domain/family/member", with {n} or {n:02} for the number',
    ),
]
_Alias = Annotated[
    str, _matching(_PART, "a name without slash, with {n} for the number")
]
_ClassName = Annotated[str, _matching(r"[A-Za-z]\w*", "the name of a Tango class")]
_AttributeName = Annotated[
    str,
    _matching(
        rf"[A-Za-z_](?:\w|{_NUMBERED})*",
        "letters, digits and _, with {n} or {n:02} for the number",
    ),
]
_TABLES = Meta(min_length=1, description="one or more tables, as in [[...]]")

GREEN_MODES: tuple[str, ...] = get_args(_GreenMode)
#: Number of dimensions by format.
FORMATS: dict[_Format, int] = {"scalar": 0, "spectrum": 1, "image": 2}


class FacilityError(Exception):
    """A facility is invalid or cannot be run; the message names the place and cause."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class _AttributeKeys(_Table, frozen=True, kw_only=True):
    name: _AttributeName
    type: values.Kind = "float"
    format: _Format = "scalar"
    shape: tuple[_Count, ...] = ()
    access: Literal["read", "read_write"] = "read"
    value: Any = None
    label: str = ""
    unit: str = ""
    description: str = ""
    display_format: str = ""
    min_value: _Number = None
    max_value: _Number = None
    min_alarm: _Number = None
    max_alarm: _Number = None
    min_warning: _Number = None
    max_warning: _Number = None
    abs_change: _Number = None
    enum_labels: tuple[str, ...] = ()
    polling_period: _Milliseconds = 0
    period: _Seconds = 0.0
    error: Annotated[float, Meta(ge=0, le=1)] = 0.0
    error_text: str = "this attribute is simulated to fail"


class AttributeSpec(_AttributeKeys, frozen=True, kw_only=True):
    """One attribute: the keys of the file, with ``value`` in the form that is held."""

    events: _Events = "change"
    read_delay: _Seconds = 0.0

    @property
    def is_numeric(self) -> bool:
        """Whether ranges, alarms and ``abs_change`` apply."""
        return self.type in ("float", "int")

    def to_json(self) -> str:
        """Return the attribute as one line, for a device property."""
        # The JSON of msgspec has no infinity.
        return json.dumps(structs.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> AttributeSpec:
        """Return the attribute from the output of :meth:`to_json`."""
        return msgspec.convert(json.loads(text), cls)


class _Attribute(_AttributeKeys, frozen=True, kw_only=True):
    count: _Count = 1
    events: _OwnEvents = UNSET
    read_delay: _OwnSeconds = UNSET


class _Device(_Table, frozen=True, kw_only=True, rename={"tango_class": "class"}):
    name: _DeviceName
    count: _Count = 1
    alias: _Alias = ""
    tango_class: _ClassName = ""
    state: values.State = "ON"
    read_delay: _Seconds = 0.0
    events: _Events = "change"
    attribute: Annotated[tuple[_Attribute, ...], _TABLES]


class _Server(_Table, frozen=True, kw_only=True):
    name: _ServerName
    green_mode: _GreenMode = "Synchronous"
    condition: Literal["up", "down", "hung"] = "up"
    device: Annotated[tuple[_Device, ...], _TABLES]


class _Facility(_Table, frozen=True, kw_only=True):
    title: str = ""
    description: str = ""


class _File(_Table, frozen=True, kw_only=True):
    facility: _Facility = _Facility()
    server: Annotated[tuple[_Server, ...], _TABLES]


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


def _bad(place: str, value: Any, right: str) -> FacilityError:
    shown = list(value) if isinstance(value, tuple) else value
    return FacilityError(f"{place} = {shown!r}: must be {right}")


def _keys(table: type[_Table]) -> dict[str, Any]:
    """Return the keys of a table, with their types."""
    return {field.encode_name: field.type for field in structs.fields(table)}


def _plain(hint: Any) -> tuple[Any, str]:
    """Return a type without Annotated and Union, and the description in it."""
    right = ""
    while get_origin(hint) in (Annotated, Union):
        for meta in getattr(hint, "__metadata__", ()):
            right = right or meta.description or ""
        hint = get_args(hint)[0]
    return hint, right


def _rejected(message: str, data: Any, where: str) -> FacilityError:
    """Return the error that msgspec reports, with names instead of indices.

    :param message: as ``Expected `str`, got `int` - at `$.server[0].name```
    """
    text, path, *_ = [*re.split(r" - at `\$([\w.\[\]]*)`\Z", message), ""]
    steps: list[str] = []
    hint, right = _plain(_File)
    for key, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        data = data[key or int(index)]
        hint, right = _plain(_keys(hint)[key] if key else get_args(hint)[0])
        if key:
            steps.append(key)
        else:
            name = data.get("name") if isinstance(data, dict) else None
            steps[-1] += f"[{name!r}]" if isinstance(name, str) else f"[{index}]"
    field = re.match(r"Object (missing|contains) .* field `(.*)`", text, re.DOTALL)
    if field:
        steps.append(field[2])
    place = f"{where}: {'.'.join(steps)}"
    if field and field[1] == "missing":
        return FacilityError(f"{place}: is missing")
    if field:
        known = values.nearest(field[2], _keys(hint))
        return FacilityError(f"{place}: unknown key, must be {known}")
    if get_origin(hint) is Literal:
        right = values.nearest(data, get_args(hint))
    if right:
        return _bad(place, data, right)
    # TOML has no objects.
    return FacilityError(f"{place} = {data!r}: {text.replace('object', 'table')}")


def _numbered(template: str, number: int) -> str:
    """Replace ``{n}`` and ``{n:02}``; other braces are kept."""
    return re.sub(_NUMBERED, lambda match: match.group().format(n=number), template)


def _check_numbered(name: str, count: int, place: str) -> None:
    if name and count > 1 and _numbered(name, 1) == _numbered(name, 2):
        raise _bad(place, name, f"a name with {{n}}, since count = {count}")


def _check_new(seen: set[str], name: str, place: str, what: str) -> None:
    """Raise if ``name`` is in ``seen``, ignoring case as Tango does, or add it."""
    if name.lower() in seen:
        raise _bad(place, name, f"another name: this is {what} already")
    seen.add(name.lower())


def _check_attribute(spec: AttributeSpec, place: str) -> None:
    """Raise if the combination of keys is invalid."""
    for key in NUMERIC:
        bound = getattr(spec, key)
        if bound is not None and not spec.is_numeric:
            right = f"left out, since the type is {spec.type}"
            raise _bad(f"{place}.{key}", bound, right)
        if isinstance(bound, float) and (spec.type == "int" or math.isnan(bound)):
            whole = "whole " if spec.type == "int" else ""
            right = f"a {whole}number, since the type is {spec.type}"
            raise _bad(f"{place}.{key}", bound, right)
    for low, high in _RANGES:
        bounds = getattr(spec, low), getattr(spec, high)
        if None not in bounds and bounds[0] >= bounds[1]:
            raise _bad(f"{place}.{low}", bounds[0], f"less than {high} = {bounds[1]}")
    for is_broken, key, right in _RULES:
        if is_broken(spec):
            raise _bad(f"{place}.{key}", getattr(spec, key), right)


def _attributes(entry: _Attribute, device: _Device, place: str) -> list[AttributeSpec]:
    """Return the attributes of one ``[[server.device.attribute]]``."""
    _check_numbered(entry.name, entry.count, f"{place}.name")
    keys = structs.asdict(entry)
    count = keys.pop("count")
    for key in ("read_delay", "events"):
        if keys[key] is UNSET:
            keys[key] = getattr(device, key)
    spec = AttributeSpec(**keys)
    _check_attribute(spec, place)
    try:
        held = values.check(spec.value, spec.type, spec.shape, spec.enum_labels)
    except ValueError as error:
        raise _bad(f"{place}.value", spec.value, str(error)) from None
    return [
        structs.replace(
            spec,
            name=_numbered(spec.name, n),
            label=_numbered(spec.label, n),
            value=held,
        )
        for n in range(1, count + 1)
    ]


def _devices(entry: _Device, index: int, place: str) -> list[DeviceSpec]:
    """Return the devices of one ``[[server.device]]``, the ``index``-th of a server."""
    _check_numbered(entry.name, entry.count, f"{place}.name")
    _check_numbered(entry.alias, entry.count, f"{place}.alias")
    attributes: list[AttributeSpec] = []
    names: set[str] = set()
    for each in entry.attribute:
        at = f"{place}.attribute[{each.name!r}]"
        for attribute in _attributes(each, entry, at):
            what = "an attribute of the device"
            _check_new(names, attribute.name, f"{at}.name", what)
            attributes.append(attribute)
    return [
        DeviceSpec(
            name=_numbered(entry.name, n),
            alias=_numbered(entry.alias, n),
            tango_class=entry.tango_class or f"TpoSim{index + 1 if index else ''}",
            state=entry.state,
            attributes=tuple(attributes),
        )
        for n in range(1, entry.count + 1)
    ]


def _facility(file: _File, where: str) -> FacilitySpec:
    servers: list[ServerSpec] = []
    names: set[str] = set()
    device_names: set[str] = set()
    aliases: set[str] = set()
    for server in file.server:
        place = f"{where}: server[{server.name!r}]"
        _check_new(names, server.name, f"{place}.name", "a server")
        classes: set[str] = set()
        devices: list[DeviceSpec] = []
        for index, entry in enumerate(server.device):
            at = f"{place}.device[{entry.name!r}]"
            found = _devices(entry, index, at)
            what = "the class of another entry of this server"
            _check_new(classes, found[0].tango_class, f"{at}.class", what)
            for device in found:
                _check_new(device_names, device.name, f"{at}.name", "a device")
                if device.alias:
                    _check_new(aliases, device.alias, f"{at}.alias", "an alias")
            devices += found
        servers.append(
            ServerSpec(server.name, server.green_mode, server.condition, tuple(devices))
        )
    return FacilitySpec(file.facility.title, file.facility.description, tuple(servers))


def parse(text: str, where: str) -> FacilitySpec:
    """Parse the text of a facility file.

    :param text: the TOML
    :param where: the name of the file in messages
    :raises FacilityError: if it is invalid; the message has the file, the place (by
        names, or counted from 0), the value, and a description of valid values
    """
    try:
        data = msgspec.toml.decode(text)
    except msgspec.DecodeError as error:
        raise FacilityError(f"{where}: not TOML: {error}") from None
    try:
        file = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        raise _rejected(str(error), data, where) from None
    return _facility(file, where)


def load(path: str | Path) -> FacilitySpec:
    """Parse the facility file at ``path``.

    :raises FacilityError: as :func:`parse`, and if the file cannot be read
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FacilityError(f"{path}: cannot be read: {error}") from None
    return parse(text, str(path))
