"""The facilities that are measured, and the limits of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from benchmarks.facilities import CHOICE, ENTRY, KINDS, LAMP, SWITCH, Group, State


class Figure(enum.Enum):
    """The figure that is limited: a time in s, unless :attr:`unit` says otherwise."""

    WINDOW = "window"
    HEALTHY = "healthy attributes"
    SLOW = "slow attributes"
    ALL = "all attributes"
    STALL = "longest stall"
    MEMORY = "memory"
    # Of some programs only:
    TAB = "first change to a tab"
    CPU = "CPU"
    GUI_CPU = "CPU of the GUI thread"
    LATENCY = "from time stamp to update"
    INTERVAL = "between two updates"

    @property
    def unit(self) -> str:
        """The unit of its values; that of the CPU is one processor."""
        return _UNITS.get(self, "s")

    @property
    def is_of_a_program(self) -> bool:
        """Whether only some programs measure it, as one of ``Record.more``."""
        return self in _OF_PROGRAMS


_UNITS = {Figure.MEMORY: "MB", Figure.CPU: "CPU", Figure.GUI_CPU: "CPU"}
_OF_PROGRAMS = (
    *(Figure.TAB, Figure.CPU, Figure.GUI_CPU, Figure.LATENCY, Figure.INTERVAL),
)


class Against(enum.Enum):
    """The reference of a limit."""

    NOTHING = "s"
    STOCK = "stock Taurus"
    EVAL = "the same form on eval: models"
    ALONE = "the healthy attributes alone"
    THOUSAND = "1,000 of them alone"
    PYTANGO = "plain PyTango"


#: The time after the last call to a device at which no thread of the plugin may remain,
#: s.
REST = 5.0


@dataclass(frozen=True)
class Limit:
    """At most ``factor`` times the same figure of ``against``, plus ``plus``."""

    figure: Figure
    factor: float = 0.0
    against: Against = Against.NOTHING
    plus: float = 0.0

    def __str__(self) -> str:
        times = f"{self.factor:.2f} x " if self.factor != 1 else ""
        parts = [f"{times}{self.against.value}"] if self.factor else []
        parts += [f"{self.plus:g} {self.figure.unit}"] if self.plus else []
        return " + ".join(parts)


@dataclass(frozen=True)
class Case:
    """One facility that is measured.

    :param name: its name on the command line.
    :param slow: the name of the group measured by the figure of slow attributes.
    :param window: whether a form is opened; otherwise a listener is added.
    :param stock: whether stock Taurus is measured too.
    :param far: whether the servers are at the other end of a slow link.
    :param patience: how long a run waits for failed attributes, s.
    :param program: the module of :mod:`benchmarks.programs` that is run instead of a
        form or listeners.
    :param watched: for how long a program measures its steady state, s.
    :param minutes: how long one run may take, if it is measured by its name only, and
        stock Taurus once; 0: as all others.
    """

    name: str
    title: str
    groups: tuple[Group, ...]
    limits: tuple[Limit, ...] = ()
    slow: str = ""
    window: bool = True
    stock: bool = True
    far: bool = False
    patience: float = 5.0
    program: str = ""
    watched: float = 0.0
    minutes: float = 0.0

    @property
    def is_long(self) -> bool:
        """Whether it is measured by its name only."""
        return self.minutes > 0

    @property
    def healthy(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.name == HEALTHY)

    @property
    def has_alone(self) -> bool:
        """Whether there are other groups, so that the healthy one is also run alone."""
        return bool(self.healthy) and len(self.groups) > 1

    @property
    def has_trouble(self) -> bool:
        """Whether some servers hang or start late."""
        return bool(self.state(State.HUNG) or self.state(State.LATE))

    @property
    def in_all_modes(self) -> bool:
        """Whether its limits apply in all modes."""
        return self.window and not (self.far or self.program or self.is_long)

    @property
    def becomes_quiet(self) -> bool:
        """Whether at the end no work is left and no server is waited for."""
        has_events = all(group.events != "none" for group in self.groups)
        is_form = not (self.program or self.is_long)
        has_end = has_events and not self.state(State.HUNG)
        return bool(self.limits) and is_form and has_end

    @property
    def attributes(self) -> int:
        return sum(group.devices * group.attributes for group in self.groups)

    @property
    def servers(self) -> int:
        return sum(group.servers for group in self.groups)

    def state(self, state: State) -> tuple[Group, ...]:
        """Return the groups in ``state``."""
        return tuple(group for group in self.groups if group.state is state)


#: The name of the group of healthy devices.
HEALTHY = "healthy"

_TWO_HUNDRED = Group(HEALTHY, devices=20, attributes=10, servers=2)
_STALL = Limit(Figure.STALL, plus=0.1)


#: The attributes of a box that people draw in Qt Designer.
_DESIGNER = (*KINDS, *KINDS[:5], LAMP, LAMP, LAMP, ENTRY, CHOICE, SWITCH)

#: How long a program measures its steady state: four periods of polling, s.
WATCHED = 12.0

#: The time in which updates of the same widget become one, s.
FRAME = 0.02


def _steady(cpu: float, late: float = 0.0) -> tuple[Limit, ...]:
    """Return the limits of a steady state.

    :param cpu: of all threads, as a multiple of stock Taurus.
    :param late: how much later updates may be, s.
    """
    return (
        Limit(Figure.CPU, cpu, Against.STOCK),
        Limit(Figure.LATENCY, 1.0, Against.STOCK, plus=late),
        # As many updates.
        Limit(Figure.INTERVAL, 1.05, Against.STOCK),
    )


def _beside(window: float, healthy: float) -> tuple[Limit, Limit]:
    """Return the limits of healthy attributes in a facility with other groups."""
    return (
        Limit(Figure.WINDOW, window, Against.ALONE),
        Limit(Figure.HEALTHY, healthy, Against.ALONE),
    )


CASES = (
    Case(
        "thousand",
        "1000 attributes on 40 healthy devices",
        (Group(HEALTHY, devices=40, attributes=25, servers=4),),
        (
            # The rows in view are alive then; Taurus's window has all rows.
            Limit(Figure.WINDOW, 0.08, Against.STOCK),
            Limit(Figure.HEALTHY, 0.45, Against.STOCK),
            _STALL,
        ),
    ),
    Case(
        "slow",
        "200 healthy attributes and 5 devices with 10 that take 0.2 s each",
        (_TWO_HUNDRED, Group("slow", devices=5, attributes=10, read_delay=0.2)),
        (*_beside(1.15, 1.25), Limit(Figure.SLOW, plus=2.3), _STALL),
        slow="slow",
    ),
    Case(
        "polled",
        "1 device with 20 attributes that take 0.2 s each and have no events",
        (Group("slow", devices=1, attributes=20, read_delay=0.2, events="none"),),
        (Limit(Figure.WINDOW, plus=0.3), Limit(Figure.SLOW, plus=4.8), _STALL),
        slow="slow",
    ),
    Case(
        "hung",
        "200 healthy attributes and 9 on 3 devices of one hung server",
        (_TWO_HUNDRED, Group("hung", devices=3, attributes=3, state=State.HUNG)),
        (*_beside(1.15, 1.25), _STALL),
    ),
    Case(
        "hung-servers",
        "200 healthy attributes and 100 devices on 10 hung servers, one attribute each",
        (
            _TWO_HUNDRED,
            Group("hung", devices=100, attributes=1, servers=10, state=State.HUNG),
        ),
        (*_beside(1.25, 1.5), _STALL),
    ),
    Case(
        "late",
        "200 healthy attributes and 50 on 5 devices that are down, then started",
        (_TWO_HUNDRED, Group("late", devices=5, attributes=10, state=State.LATE)),
        (*_beside(1.15, 1.25), Limit(Figure.SLOW, plus=5.0), _STALL),
        slow="late",
        # Servers need time to start; one that is down is retried after 10 s at most.
        patience=20.0,
    ),
    Case(
        "far",
        "200 attributes on 20 devices, 20 ms of delay away",
        (Group(HEALTHY, devices=20, attributes=10, servers=2),),
        (
            Limit(Figure.WINDOW, 1.25, Against.EVAL),
            Limit(Figure.WINDOW, plus=0.4),
            Limit(Figure.HEALTHY, 1.1, Against.PYTANGO),
            _STALL,
        ),
        far=True,
    ),
    Case(
        "headless",
        "10,000 attributes on 200 devices, without a window",
        (Group(HEALTHY, devices=200, attributes=50, servers=5),),
        (Limit(Figure.HEALTHY, 1.3, Against.PYTANGO),),
        window=False,
    ),
    Case(
        "designer",
        "300 labels, 60 LEDs, line edits, combo boxes, check boxes and buttons, made "
        "one by one, in five tabs",
        (Group(HEALTHY, devices=20, attributes=21, servers=2, kinds=_DESIGNER),),
        (
            Limit(Figure.WINDOW, 0.5, Against.STOCK),
            Limit(Figure.HEALTHY, 1.0, Against.STOCK),
            Limit(Figure.TAB, plus=0.1),
            _STALL,
        ),
        program="designer",
    ),
    Case(
        "synoptic",
        "a synoptic of 100 devices with 200 attributes and their states",
        (Group(HEALTHY, devices=100, attributes=2, servers=2),),
        (
            Limit(Figure.WINDOW, 0.6, Against.STOCK),
            Limit(Figure.HEALTHY, 1.0, Against.STOCK),
            _STALL,
        ),
        program="synoptic",
    ),
    Case(
        "gui",
        "a TaurusGui with four forms of 250 rows in tabs",
        (Group(HEALTHY, devices=40, attributes=25, servers=4),),
        (
            Limit(Figure.WINDOW, 0.15, Against.STOCK),
            Limit(Figure.HEALTHY, 1.0, Against.STOCK),
            _STALL,
        ),
        program="gui",
    ),
    Case(
        "start",
        "taurus form of 20 rows, with the start of its process",
        (Group(HEALTHY, devices=2, attributes=10),),
        (
            Limit(Figure.WINDOW, 1.0, Against.STOCK),
            Limit(Figure.HEALTHY, 1.0, Against.STOCK),
        ),
        program="start",
    ),
    Case(
        "steady-form",
        "a form of 200 rows that change twice a second, 35 of them in view",
        (Group(HEALTHY, devices=4, attributes=50, period=0.5),),
        _steady(cpu=0.25, late=FRAME),
        program="steady_form",
        watched=WATCHED,
    ),
    Case(
        "steady-listeners",
        "500 attributes that change twice a second, without a window",
        (Group(HEALTHY, devices=10, attributes=50, period=0.5),),
        _steady(cpu=1.0),
        window=False,
        program="steady_listeners",
        watched=WATCHED,
    ),
    Case(
        "steady-polled",
        "500 attributes without events, polled every 3 s, without a window",
        (Group(HEALTHY, devices=10, attributes=50, period=0.5, events="none"),),
        _steady(cpu=1.0),
        window=False,
        program="steady_listeners",
        watched=WATCHED,
    ),
    Case(
        "ten-thousand",
        "10,000 attributes on 200 healthy devices",
        (
            Group(HEALTHY, devices=20, attributes=50),
            Group("more", devices=180, attributes=50, servers=4),
        ),
        (
            Limit(Figure.WINDOW, 1.2, Against.THOUSAND),
            Limit(Figure.ALL, 10.5, Against.THOUSAND),
            Limit(Figure.MEMORY, 0.8, Against.STOCK),
            _STALL,
        ),
        minutes=10.0,
    ),
)


def _growing(name: str, group: Group) -> Case:
    title = f"{group.devices * group.attributes:,} attributes on {group.servers} "
    title += "server, " if group.servers == 1 else "servers, "
    return Case(name, title + "without a window", (group,), window=False, stock=False)


#: Cases with increasing numbers of attributes, and of servers.
ATTRIBUTES = tuple(
    _growing(f"{n}-attributes", Group(HEALTHY, devices=n // 50, attributes=50))
    for n in (100, 1_000, 10_000)
)
SERVERS = tuple(
    _growing(f"{n}-servers", Group(HEALTHY, devices=100, attributes=10, servers=n))
    for n in (1, 10, 100)
)

EVERYTHING = (*CASES, *ATTRIBUTES, *SERVERS)

#: The cases that are measured if none is named.
DEFAULT = tuple(case for case in EVERYTHING if not case.is_long)
