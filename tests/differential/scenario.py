"""A scenario as data: attributes, and steps of server, database and client.

Pure, and JSON: a scenario that differs is a file that can be run again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from tests.differential.kinds import KINDS, Kind

#: Who does a step.
CLIENT, SERVER, PROCESS, DATABASE = "client", "server", "process", "database"

#: The step with which a GUI's window opens, and its event loop begins.
SHOW = "show"


@dataclass(frozen=True)
class Pairing:
    """Which mode of the plugin is compared with which one of stock Taurus.

    :param plugin: ``TANGO_EVENT_SUB_MODE`` there; empty for the default.
    :param disabled: whether events are disabled in both.
    :param settings: settings of Taurus's that differ from their defaults in both.
    """

    name: str
    plugin: str = ""
    stock: str = ""
    disabled: bool = False
    settings: tuple[tuple[str, Any], ...] = ()

    @property
    def has_events(self) -> bool:
        """Whether anybody subscribes to change events."""
        return not self.disabled and ("TANGO_EVENTS_TO_SUBSCRIBE", ()) not in (
            self.settings
        )


#: Whether stock Taurus has the modes; before, it subscribes as in SyncRead.
_HAS_MODES = Version(version("taurus")) >= Version("5.4")

PAIRINGS = {
    one.name: one
    for one in (
        Pairing("default"),
        Pairing("default-SyncRead", stock="SYNCREAD"),
        Pairing("SyncRead", "SYNCREAD", "SYNCREAD"),
        Pairing("Sync", "SYNC", "SYNC"),
        Pairing("Async", "ASYNC", "ASYNC"),
        Pairing("Stateless", "STATELESS", "STATELESS"),
        Pairing("disabled", disabled=True),
        Pairing("unfiltered", settings=(("FILTER_OLD_TANGO_EVENTS", False),)),
        Pairing("no-change-events", settings=(("TANGO_EVENTS_TO_SUBSCRIBE", ()),)),
    )
    if _HAS_MODES or one.stock in ("", "SYNCREAD")
}

#: Where client steps run: in a script, or in a GUI whose window opens at step "show".
VENUES = ("script", "gui")


@dataclass(frozen=True)
class AttributeSpec:
    """One attribute of the device of a scenario.

    :param kind: a key of :data:`~tests.differential.kinds.KINDS`.
    :param events: whether the server pushes change events.
    :param stamps: ``held``, a value keeps the time at which it came to be; ``now``, a
        read gives the time of the read.
    :param config: Tango's own configuration, such as its unit.
    :param device: which of the devices of the scenario has it.
    """

    kind: str = "DevDouble_scalar_r"
    events: bool = True
    stamps: str = "held"
    config: dict[str, str] = field(default_factory=dict)
    device: int = 0

    @property
    def of_kind(self) -> Kind:
        return KINDS[self.kind]


@dataclass(frozen=True)
class Step:
    """One step.

    :param who: client, server, process (of the server) or database.
    :param do: what it does; the words are those of ``client.py`` and ``server.py``.
    :param on: the index of the attribute.
    :param args: what else there is to say.
    :param where: the thread of a client's step: ``main``, or ``thread`` for another.
    """

    who: str
    do: str
    on: int = 0
    args: dict[str, Any] = field(default_factory=dict)
    where: str = "main"

    def __str__(self) -> str:
        more = "".join(f" {key}={value!r}" for key, value in self.args.items())
        where = "" if self.where == "main" else f" ({self.where})"
        return f"{self.who}: {self.do} [{self.on}]{more}{where}"


@dataclass(frozen=True)
class Scenario:
    """What happens to one device, and what a program does with it."""

    attributes: tuple[AttributeSpec, ...] = (AttributeSpec(),)
    steps: tuple[Step, ...] = ()
    pairing: str = "default"
    venue: str = "script"

    def of(self, on: int, who: str, *does: str) -> list[Step]:
        """Return the steps of somebody about an attribute that do one of these.

        By whatever index: an attribute may be there twice.
        """
        return [
            step
            for step in self.steps
            if step.who == who and step.do in does and self.is_about(step, on)
        ]

    def is_about(self, step: Step, on: int) -> bool:
        """Return whether ``step`` does something to an attribute, or its device."""
        meant, asked = self.attributes[step.on], self.attributes[on]
        same = step.do == "dev_restart" or meant.kind == asked.kind
        return meant.device == asked.device and same

    @property
    def devices(self) -> int:
        """How many devices it takes."""
        return 1 + max(spec.device for spec in self.attributes)

    @property
    def needs_own_processes(self) -> bool:
        """Whether it stops what other scenarios need, or has a window."""
        return self.stops_processes or self.venue != "script"

    @property
    def stops_processes(self) -> bool:
        """Whether a server or the database is stopped, or slow."""
        return any(step.who in (PROCESS, DATABASE) for step in self.steps)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        raw = json.loads(text)
        attributes = tuple(AttributeSpec(**one) for one in raw.pop("attributes"))
        steps = tuple(Step(**one) for one in raw.pop("steps"))
        return cls(attributes, steps, **raw)

    @classmethod
    def load(cls, path: Path) -> Scenario:
        return cls.from_json(path.read_text(encoding="utf-8"))

    def paired(self, pairing: str) -> Scenario:
        """Return the same in another pairing."""
        return replace(self, pairing=pairing)

    def told(self) -> str:
        """Return it for people."""
        lines = [f"pairing {self.pairing}, venue {self.venue}"]
        for index, spec in enumerate(self.attributes):
            events = "events" if spec.events else "no events"
            config = f", {spec.config}" if spec.config else ""
            device = f", device {spec.device}" if spec.device else ""
            told = f"[{index}] {spec.kind}, {events}, {spec.stamps}{config}{device}"
            lines.append(told)
        return "\n".join([*lines, *map(str, self.steps)])
