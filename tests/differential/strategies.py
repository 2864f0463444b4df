"""Makes scenarios, with Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.differential.kinds import KINDS
from tests.differential.scenario import (
    CLIENT,
    DATABASE,
    PROCESS,
    SERVER,
    SHOW,
    AttributeSpec,
    Scenario,
    Step,
)

#: How many steps a scenario has at the most, and attributes.
STEPS, ATTRIBUTES = 7, 2

_ON = st.integers(0, ATTRIBUTES - 1)
_VALUE = st.integers(0, 5)
_YES = st.sampled_from([True, True, True, False])

#: The types of Tango with which an event of an empty array may end a process.
_EMPTY_CRASHES = (
    *("DevFloat", "DevDouble", "DevShort", "DevLong64", "DevULong64"),
    "DevEnum",
)

#: Units as they are, those that pint does not know, and one that is no UTF-8.
_UNITS = st.sampled_from(["mm", "V", "furlongs per fnord", "µm", "°C", "%", ""])
_LABELS = st.sampled_from(["a label", "Überhöhe", ""])
_CACHE = st.sampled_from([True, False, 100, 100000])

_CONFIGS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries({"unit": st.sampled_from(["mm", "fnord", "µm", "°C"])}),
    st.fixed_dictionaries({"label": st.just("a label")}),
)


def _step(who: str, do: str, **args: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    where = st.sampled_from(["main", "main", "thread"] if who == CLIENT else ["main"])
    return st.builds(
        Step,
        st.just(who),
        st.just(do),
        _ON,
        st.fixed_dictionaries(args),
        where,
    )


_SET = _step(
    SERVER,
    "set",
    value=_VALUE,
    quality=st.sampled_from(
        ["VALID", "VALID", "VALID", "INVALID", "ALARM", "CHANGING", "WARNING"]
    ),
    shift=st.sampled_from([0.001, 0.001, 0.001, 0.0, -5.0]),
    event=_YES,
)

_SERVER_STEPS = (
    _SET,
    _SET,
    _step(SERVER, "push"),
    _step(SERVER, "fail", failing=st.booleans(), event=st.booleans()),
    _step(SERVER, "refuse"),
    _step(SERVER, "slow", seconds=st.just(0.2)),
    _step(SERVER, "busy", seconds=st.just(0.2)),
    _step(SERVER, "configure", label=_LABELS),
    _step(SERVER, "configure", unit=_UNITS),
    _step(SERVER, "configure", format=st.sampled_from(["%8.3f", "%d", "%s"])),
    _step(SERVER, "state", value=st.sampled_from(["OFF", "FAULT", "ON"])),
    _step(SERVER, "dev_restart"),
)

_NAMES = st.sampled_from(["A", "A", "B"])
_CLIENT_STEPS = (
    _step(CLIENT, "listen", name=_NAMES),
    _step(CLIENT, "listen", name=_NAMES),
    _step(CLIENT, "make"),
    _step(CLIENT, "read", cache=_CACHE),
    _step(CLIENT, "read", cache=_CACHE),
    _step(
        CLIENT,
        "get",
        what=st.sampled_from(["rvalue", "wvalue", "quality"]),
    ),
    _step(CLIENT, "value_obj", cache=_CACHE),
    _step(CLIENT, "write", value=_VALUE, with_read=_YES),
    _step(CLIENT, "unlisten", name=_NAMES),
    _step(CLIENT, "drop"),
    _step(CLIENT, "poll", period=st.sampled_from([300, 1000])),
    _step(CLIENT, "enable_polling", force=st.booleans()),
    _step(CLIENT, "disable_polling"),
    _step(CLIENT, "info", cache=st.booleans()),
    _step(CLIENT, "set_label", label=st.just("another label")),
    _step(CLIENT, "set_range", low=st.just(-10.0), high=st.just(10.0)),
    _step(CLIENT, "device"),
    _step(CLIENT, "proxy"),
    _step(CLIENT, "state"),
    _step(CLIENT, "state_obj", cache=_CACHE),
    _step(
        CLIENT,
        "command",
        name=st.sampled_from(["Echo", "Refuse", "NoSuchCommand"]),
        argument=st.just("text"),
    ),
    _step(
        CLIENT,
        "call",
        name=st.sampled_from(["name", "status", "get_attribute_list", "adm_name"]),
    ),
    _step(CLIENT, "listen_device"),
    _step(CLIENT, "unlisten_device"),
)


def _listen(on: int, name: str = "A") -> Step:
    return Step(CLIENT, "listen", on, {"name": name})


#: What most programs begin with.
_FIRST: tuple[tuple[Step, ...], ...] = (
    (_listen(0),),
    (_listen(0), _listen(1)),
    (_listen(0), _listen(0, "B")),
    (Step(CLIENT, "poll", 0, {"period": 300}), _listen(0)),
    (Step(CLIENT, "read"),),
    (),
)


@st.composite
def _attributes(draw: st.DrawFn) -> tuple[AttributeSpec, ...]:
    kinds = draw(
        st.lists(
            st.sampled_from(list(KINDS)), min_size=1, max_size=ATTRIBUTES, unique=True
        )
    )
    return tuple(
        AttributeSpec(
            kind,
            draw(_YES),
            draw(st.sampled_from(["held", "held", "now"])),
            draw(_CONFIGS),
        )
        for kind in kinds
    )


_SHARED = st.one_of(st.one_of(*_CLIENT_STEPS), st.one_of(*_SERVER_STEPS))

#: What happens to a server, each with how it ends.
_OF_PROCESS: tuple[tuple[str, ...], ...] = (
    ("restart",),
    ("kill", "start"),
    ("terminate", "start"),
    ("hang", "resume"),
    ("busy",),
)


@st.composite
def scenarios(draw: st.DrawFn, pairings: tuple[str, ...] = ("default",)) -> Scenario:
    """Return a scenario of any sort; most of them share processes."""
    pairing = draw(st.sampled_from(pairings))
    make = draw(st.sampled_from([*[_in_a_script] * 24, *[_in_a_gui] * 4, _faulty]))
    attributes = draw(_attributes())
    return tidy(draw(make(attributes, pairing)))


@st.composite
def _in_a_script(
    draw: st.DrawFn, attributes: tuple[AttributeSpec, ...], pairing: str
) -> Scenario:
    first = draw(st.sampled_from(_FIRST))
    more = draw(st.lists(_SHARED, min_size=2, max_size=STEPS))
    return Scenario(attributes, (*first, *more), pairing)


@st.composite
def _in_a_gui(
    draw: st.DrawFn, attributes: tuple[AttributeSpec, ...], pairing: str
) -> Scenario:
    client = st.one_of(*_CLIENT_STEPS)
    before = draw(st.lists(client, min_size=0, max_size=3))
    after = draw(st.lists(_SHARED, min_size=2, max_size=STEPS))
    steps = (*before, Step(CLIENT, SHOW), *after)
    return Scenario(attributes, steps, pairing, "gui")


@st.composite
def _faulty(
    draw: st.DrawFn, attributes: tuple[AttributeSpec, ...], pairing: str
) -> Scenario:
    """Return one in which a server or the database goes, and comes again."""
    who = draw(st.sampled_from([PROCESS, PROCESS, DATABASE]))
    fault = draw(st.sampled_from(_OF_PROCESS))
    before = draw(st.lists(_SHARED, max_size=2))
    meanwhile = draw(st.lists(st.one_of(*_CLIENT_STEPS), min_size=1, max_size=3))
    after = draw(st.lists(_SHARED, max_size=3))
    steps = [*before, Step(who, fault[0]), *meanwhile]
    steps += [Step(who, one) for one in fault[1:]]
    if draw(st.sampled_from([False, False, False, True])):
        kind = draw(st.sampled_from(list(KINDS)))
        steps = [*before, Step(PROCESS, "retype", 0, {"kind": kind})]
        after = [step for step in after if step.do not in ("set", "write")]
    return Scenario(attributes, (*steps, *after), pairing)


def tidy(scenario: Scenario) -> Scenario:
    """Return it with indices that exist."""
    specs = scenario.attributes
    steps = tuple(_tidied(step, specs) for step in scenario.steps)
    return Scenario(specs, steps, scenario.pairing, scenario.venue)


def _tidied(step: Step, specs: tuple[AttributeSpec, ...]) -> Step:
    on = step.on % len(specs)
    args = dict(step.args)
    if "value" in args and isinstance(args["value"], int):
        values = specs[on].of_kind.values
        args["value"] %= len(values)
        if specs[on].events and _crashes_tango(specs[on], values[args["value"]]):
            args["value"] = 0
    return Step(step.who, step.do, on, args, step.where)


def _crashes_tango(spec: AttributeSpec, value: Any) -> bool:
    """Return whether the process that gets an event with this value may end.

    Where an array is empty, cppTango 10.3.3 ends it in
    ``EventConsumer::attr_to_device``, or tells of an ``API_WrongEventData``; 10.1 ends
    it where PyTango copies the event. With stock Taurus, too.
    """
    return spec.of_kind.type in _EMPTY_CRASHES and value == []
