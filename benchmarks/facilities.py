"""What a facility of the benchmark consists of, as data, and the TOML that makes it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taurus_tpo.sim import FacilitySpec
from taurus_tpo.sim.spec import parse


class State(enum.Enum):
    """What a group of servers does while a window is opened."""

    UP = "up"
    HUNG = "hung"  # SIGSTOP: accepts connections, answers none
    LATE = "late"  # does not run, and is started when the window is there


@dataclass(frozen=True)
class Kind:
    """One sort of attribute: as a device has it, and as an expression.

    :param toml: the keys that a facility file has for it.
    :param value: as the facility file has it; ``{k}`` is the number of the attribute.
    :param expression: what ``eval:`` makes the same of.
    """

    name: str
    toml: str
    value: str
    expression: str


_VOLT = Kind("volt", 'unit = "V"', "1{k:03}.5", 'Q("1{k:03}.5V")')
_COUNT = Kind("count", 'type = "int"', "7{k:04}", "7{k:04}")
_NOTE = Kind("note", 'type = "string"', '"note {k:04}"', '"note {k:04}"')

#: What the attributes of a device are, one after the other and again.
KINDS = (_VOLT, _VOLT, _COUNT, _VOLT, _VOLT, _NOTE, _VOLT, _VOLT, _COUNT, _VOLT)


@dataclass(frozen=True)
class Group:
    """Devices that are all alike.

    :param name: what their attributes are called in the results.
    :param devices: how many, in all.
    :param attributes: how many a device.
    :param servers: how many processes share the devices evenly.
    :param read_delay: what a read of one attribute takes, s.
    :param events: as in a facility file.
    """

    name: str
    devices: int
    attributes: int
    servers: int = 1
    state: State = State.UP
    read_delay: float = 0.0
    events: str = "change"

    @property
    def server_names(self) -> list[str]:
        """The names of its servers, as the Tango database has them."""
        return [f"TpoSim/{self.name}{number}" for number in range(self.servers)]


def spec_of(title: str, groups: Iterable[Group]) -> FacilitySpec:
    """Return the facility that consists of ``groups``."""
    return parse(toml_of(title, groups), title)


def toml_of(title: str, groups: Iterable[Group]) -> str:
    """Return the same as the text of a facility file."""
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
    return head + "".join(_attribute(k) for k in range(group.attributes))


def _attribute(k: int) -> str:
    kind = KINDS[k % len(KINDS)]
    return f"""
[[server.device.attribute]]
name = "{kind.name}{k:03}"
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
        f"{device}/{KINDS[k % len(KINDS)].name}{k:03}"
        for device in devices
        for k in range(group.attributes)
    ]


def is_of(group: str, model: str) -> bool:
    """Return whether ``model``, by its full name or not, is of the group ``group``."""
    family = model.lower().split("/")[-3]
    return family.rstrip("0123456789") == group


def eval_models(models: Sequence[str]) -> list[str]:
    """Return as many models of the same kinds that need no network."""
    kinds = {kind.name: kind for kind in KINDS}
    names = [model.rpartition("/")[2].rstrip("0123456789") for model in models]
    return [f"eval:{kinds[n].expression.format(k=k)}" for k, n in enumerate(names)]


def mixed(groups: Iterable[Group]) -> list[str]:
    """Return the attributes of all groups, those of each spread evenly.

    So that a form does not have all that is well first, or last.
    """
    placed = []
    for group in groups:
        models = models_of(group)
        placed += [((k + 0.5) / len(models), model) for k, model in enumerate(models)]
    return [model for _, model in sorted(placed, key=lambda pair: pair[0])]
