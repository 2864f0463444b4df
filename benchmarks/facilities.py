"""The facilities of the benchmark as data, and their TOML."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taurus_tpo.sim import FacilitySpec
from taurus_tpo.sim.spec import parse


class State(enum.Enum):
    """The state of a group of servers while a window is opened."""

    UP = "up"
    HUNG = "hung"  # SIGSTOP: accepts connections, but does not answer
    LATE = "late"  # not running; started when the window is shown


@dataclass(frozen=True)
class Kind:
    """One kind of attribute, in a facility file and as an expression.

    :param toml: its keys in a facility file.
    :param value: its value in a facility file; ``{k}`` is the number of the attribute.
    :param expression: the equivalent ``eval:`` expression.
    """

    name: str
    toml: str
    value: str
    expression: str


_VOLT = Kind("volt", 'unit = "V"', "1{k:03}.5", 'Q("1{k:03}.5V")')
_COUNT = Kind("count", 'type = "int"', "7{k:04}", "7{k:04}")
_NOTE = Kind("note", 'type = "string"', '"note {k:04}"', '"note {k:04}"')

#: The kinds of a device's attributes, repeated in this order.
KINDS = (_VOLT, _VOLT, _COUNT, _VOLT, _VOLT, _NOTE, _VOLT, _VOLT, _COUNT, _VOLT)

#: Kinds of attributes for other widgets than labels.
_WRITTEN = 'access = "read_write"\n'
LAMP = Kind("lamp", 'type = "bool"', "true", "{k}>=0")
ENTRY = Kind("entry", f'{_WRITTEN}unit = "V"', "1{k:03}.5", 'Q("1{k:03}.5V")')
CHOICE = Kind("choice", f'{_WRITTEN}type = "int"', "1", "1+0*{k}")
SWITCH = Kind("switch", f'{_WRITTEN}type = "bool"', "true", "{k}>=0")


@dataclass(frozen=True)
class Group:
    """A set of equal devices.

    :param name: the name of their attributes in the results.
    :param devices: total number of devices.
    :param attributes: number of attributes per device.
    :param servers: number of servers, with the same number of devices each.
    :param read_delay: duration of a read of one attribute, s.
    :param events: as in a facility file.
    :param period: the period at which each value changes, s; 0: it does not.
    :param kinds: of a device's attributes, repeated in this order.
    """

    name: str
    devices: int
    attributes: int
    servers: int = 1
    state: State = State.UP
    read_delay: float = 0.0
    events: str = "change"
    period: float = 0.0
    kinds: tuple[Kind, ...] = KINDS

    @property
    def server_names(self) -> list[str]:
        """The names of its servers in the Tango database."""
        return [f"TpoSim/{self.name}{number}" for number in range(self.servers)]


def spec_of(title: str, groups: Iterable[Group]) -> FacilitySpec:
    """Return the facility with these groups."""
    return parse(toml_of(title, groups), title)


def toml_of(title: str, groups: Iterable[Group]) -> str:
    """Return the facility with these groups as the text of a facility file."""
    return f'[facility]\ntitle = "{title}"\n' + "".join(map(_toml, groups))


def _toml(group: Group) -> str:
    return "".join(_server(group, number) for number in range(group.servers))


def _server(group: Group, number: int) -> str:
    condition = "down" if group.state is State.LATE else "up"
    head = f"""
[[server]]
name = "{group.server_names[number]}"
condition = "{condition}"

[[server.device]]
name = "{_family(group, number)}/{{n:03}}"
count = {group.devices // group.servers}
read_delay = {group.read_delay}
events = "{group.events}"
"""
    return head + "".join(_attribute(group, k) for k in range(group.attributes))


def _kind(group: Group, k: int) -> Kind:
    return group.kinds[k % len(group.kinds)]


def _attribute(group: Group, k: int) -> str:
    kind = _kind(group, k)
    return f"""
[[server.device.attribute]]
name = "{kind.name}{k:03}"
period = {group.period}
value = {kind.value.format(k=k)}
{kind.toml}
"""


def _family(group: Group, number: int) -> str:
    return f"bench/{group.name}{number}"


def models_of(group: Group) -> list[str]:
    """Return all attributes of ``group``."""
    devices = [
        f"{_family(group, number)}/{n:03}"
        for number in range(group.servers)
        for n in range(1, group.devices // group.servers + 1)
    ]
    return [
        f"{device}/{_kind(group, k).name}{k:03}"
        for device in devices
        for k in range(group.attributes)
    ]


def is_of(group: str, model: str) -> bool:
    """Return whether ``model``, a full or short name, is in the group ``group``."""
    family = model.lower().split("/")[-3]
    return family.rstrip("0123456789") == group


def eval_models(models: Sequence[str]) -> list[str]:
    """Return the same number of models of the same kinds without a network."""
    kinds = {kind.name: kind for kind in KINDS}
    names = [model.rpartition("/")[2].rstrip("0123456789") for model in models]
    return [f"eval:{kinds[n].expression.format(k=k)}" for k, n in enumerate(names)]


def mixed(groups: Iterable[Group]) -> list[str]:
    """Return the attributes of all groups, those of each group spread evenly.

    A form then has attributes of each group at the top and at the bottom.
    """
    placed = []
    for group in groups:
        models = models_of(group)
        placed += [((k + 0.5) / len(models), model) for k, model in enumerate(models)]
    return [model for _, model in sorted(placed, key=lambda pair: pair[0])]
