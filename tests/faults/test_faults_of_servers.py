"""A server that stops in the midst of something: nobody waits, and it comes back.

In each mode, at each stage: while attributes are made, between the answer of a device
and the subscription, while it is being read, while subscriptions are given up.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import tango
from census import plugin_threads
from faults_support import (
    BACK,
    MODES,
    ONCE,
    ONE_CALL,
    TIMEOUT,
    Heard,
    configure,
    heard,
    in_time,
    name_of,
    resume_all,
    told_by_program,
    volts,
)
from paths import FACILITIES
from snapshot import initialize
from stopwatch import Stopwatch
from tango_support import eventually, eventually_collected

from taurus_tpo.core import modes
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.sim import Facility

SERVER = "TpoSim/victim"
ONE, TWO, THREE = (f"sim/victim/{number}" for number in (1, 2, 3))
WELL = "sim/well/1"
OTHER_WELL = "sim/well/2"

#: When no thread may be there any more, after all is quiet, s; on a busy machine.
QUIET = 30.0


@pytest.fixture(scope="module")
def running() -> Iterator[Facility]:
    """A server to which things happen, and its neighbor."""
    with Facility(FACILITIES / "faults.toml") as facility:
        yield facility


@pytest.fixture
def faults(running, factory) -> Iterator[Facility]:
    """The same, healthy before and after each test."""
    yield running
    resume_all(running)
    eventually(lambda: running.device(ONE).ping() >= 0, "it answers again")
    initialize(running)


def most_of_a_caller(mode: modes.SubMode) -> float:
    """Return how long a caller may wait, s; longer would be once an attribute."""
    return ONCE if mode.raises else TIMEOUT


# --- in a program without a window ---------------------------------------------------


def of_each_mode(factory, facility: Facility, device: str) -> list[str]:
    """Return the names of some attributes of a device, four in each mode."""
    names = volts(facility, device)
    for number, mode in enumerate(modes.MODES):
        for name in names[number::5]:
            attribute = name.rpartition("/")[2]
            factory.set_event_sub_mode(mode.name, pattern=f"*/{device}/{attribute}")
    return names


def test_while_attributes_are_made(faults, factory):
    names = of_each_mode(factory, faults, ONE) + of_each_mode(factory, faults, TWO)
    first = Heard(names[:10])
    first.listen()
    faults.server(SERVER).hang()
    watch = Stopwatch()
    later = Heard(names[10:])
    well = Heard(volts(faults, WELL, 1, 5))
    later.listen()
    well.listen()
    # A script waits to know what its attributes are; once a server.
    assert watch.seconds < ONE_CALL + TIMEOUT
    eventually(well.all_values, "the neighbor's values come", ONE_CALL)
    eventually(later.all_errors, "the silence is told")
    faults.server(SERVER).resume()
    eventually(lambda: first.all_values() and later.all_values(), "values come", BACK)
    attributes = first.attributes + later.attributes
    eventually(lambda: all(a.isUsingEvents() for a in attributes), "subscribed", 60)


@MODES
def test_between_the_answer_and_the_subscription(faults, factory, mode):
    factory.set_event_sub_mode(mode.name)
    victims = Heard(volts(faults, ONE) + volts(faults, TWO))
    well = Heard(volts(faults, WELL, 1, 5))
    faults.server(SERVER).hang()
    waited = victims.listen()
    waited += well.listen()
    assert waited < most_of_a_caller(mode)
    eventually(well.all_values, "the neighbor's values come", most_of_a_caller(mode))
    faults.server(SERVER).resume()
    eventually(victims.all_values, "their values come", BACK)
    attributes = victims.attributes + well.attributes
    eventually(lambda: all(a.isUsingEvents() for a in attributes), "subscribed", 60)


def test_nobody_waits_in_stateless_mode(faults, factory):
    factory.set_event_sub_mode("Stateless")
    victims = Heard(volts(faults, ONE, 1, 3))
    faults.server(SERVER).hang()
    assert victims.listen() < TIMEOUT


@MODES
@pytest.mark.parametrize("count", [1, 10])
def test_while_it_is_read(faults, factory, mode, count):
    """A first read is under way, and others of the device are waiting."""
    factory.set_event_sub_mode(mode.name)
    configure(faults, ONE, "volt01", read_delay=1.0)
    try:
        victims = Heard(volts(faults, ONE, 1, count))
        first = victims.attributes[0]
        connection = factory.device_access.connection(first.getParentObj())
        victims.listen()
        if not mode.tries:
            schedule = factory.first_read._schedule
            eventually(first.isUsingEvents, "it is subscribed")
            eventually(
                lambda: schedule.find(connection, RequestKind.READ, "volt01") is None,
                "it is being read",
            )
        faults.server(SERVER).hang()
        well = Heard(volts(faults, OTHER_WELL, 1, 5))
        well.listen()
        in_time(well.all_values, "the neighbor's values come")
        eventually(
            lambda: all(one.values or one.errors for one in victims.listeners),
            "all are told something",
        )
        faults.server(SERVER).resume()
        attributes = victims.attributes
        eventually(lambda: all(a.known.value for a in attributes), "all is well", BACK)
    finally:
        faults.server(SERVER).resume()
        configure(faults, ONE, "volt01", read_delay=0.0)


@MODES
def test_while_subscriptions_are_given_up(faults, factory, mode):
    factory.set_event_sub_mode(mode.name)
    names = volts(faults, ONE, 1, 10) + volts(faults, TWO, 1, 10)
    victims = heard(names)
    eventually(lambda: all(a.isUsingEvents() for a in victims.attributes), "subscribed")
    faults.server(SERVER).hang()
    assert victims.leave() < TIMEOUT
    victims.forget()
    gone = [weakref.ref(attribute) for attribute in victims.attributes]
    watch = Stopwatch()
    victims.attributes.clear()
    gc.collect()
    assert watch.seconds < TIMEOUT
    well = Heard(volts(faults, OTHER_WELL, 1, 5))
    well.listen()
    in_time(well.all_values, "the neighbor's values come")
    eventually_collected(*gone)
    faults.server(SERVER).resume()
    again = heard(names, BACK)
    assert not any(listener.heard for listener in victims.listeners)
    moving = heard([name_of(faults, ONE, "moving")])
    eventually(lambda: len(moving.listeners[0].values) > 3, "events come")
    assert again.all_values()


def test_while_it_is_listened_to(faults, factory):
    """It is subscribed to and polled, and then it hangs: what is polled says so."""
    names = of_each_mode(factory, faults, ONE)
    others = [name_of(faults, ONE, name) for name in ("moving", "calm")]
    victims = heard(names + others)
    well = heard([name_of(faults, WELL, name) for name in ("moving", "calm")])
    faults.server(SERVER).hang()
    moving, calm = victims.listeners[-2:]
    eventually(lambda: calm.errors, "its silence is told")
    assert isinstance(calm.errors[0], tango.DevFailed)
    well.forget()
    eventually(well.all_values, "the neighbor moves on, and is polled")
    victims.forget()
    faults.server(SERVER).resume()
    eventually(lambda: moving.values and calm.values, "it is shown again", BACK)
    attributes = victims.attributes
    eventually(lambda: all(a.known.value for a in attributes), "no error", BACK)


def test_no_thread_is_left(faults, factory):
    victims = Heard(volts(faults, ONE))
    faults.server(SERVER).hang()
    victims.listen()
    eventually(victims.all_errors, "the silence is told")
    faults.server(SERVER).resume()
    eventually(victims.all_values, "their values come", BACK)
    victims.leave()
    eventually(lambda: not plugin_threads(), "the threads end")


@pytest.mark.parametrize("mode", modes.MODES, ids=str)
def test_no_thread_stays_where_all_is_quiet(faults, factory, mode):
    """With listeners, and nothing to do but to hear events."""
    factory.set_event_sub_mode(mode.name)
    well = heard(volts(faults, WELL))
    eventually(lambda: all(a.isUsingEvents() for a in well.attributes), "subscribed")
    eventually(lambda: not plugin_threads(), "the threads end", QUIET)
    assert well.all_values()


# --- in a window ---------------------------------------------------------------------


@MODES
@pytest.mark.parametrize(
    ("stage", "closed"), [("made", False), ("answered", True), ("shown", True)]
)
def test_a_window_goes_on(faults, mode, stage, closed):
    well = volts(faults, WELL, 1, 5)
    told = told_by_program(
        "hang_at_a_stage",
        faults,
        mode=mode.name,
        pid=faults.server(SERVER).pid,
        stage=stage,
        closed=closed,
        before=volts(faults, ONE, 1, 2) + well[:2],
        after=volts(faults, ONE, 3, 5) + volts(faults, TWO, 1, 5) + well[2:],
        well=well,
        more=volts(faults, OTHER_WELL, 1, 5),
    )
    assert told["rows"] == 15
    assert told["window"] < most_of_a_caller(mode)
    assert told["dead"] < TIMEOUT
    assert told["well"] < TIMEOUT
    assert told["more"] < TIMEOUT
    assert told.get("closing", 0.0) < TIMEOUT
    assert told["back"] < BACK


@MODES
def test_a_window_goes_on_whenever_it_hangs(faults, mode):
    well = volts(faults, WELL, 1, 8)
    victims = volts(faults, ONE, 1, 8) + volts(faults, TWO, 1, 8)
    told = told_by_program(
        "hang_at_any_time",
        faults,
        mode=mode.name,
        pid=faults.server(SERVER).pid,
        delays=[0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2],
        models=[
            name for three in zip(well, victims[:8], victims[8:]) for name in three
        ],
        well=well,
    )
    assert told["window"] < most_of_a_caller(mode)
    assert told["dead"] < TIMEOUT
    assert told["well"] < TIMEOUT
    assert told["closing"] < TIMEOUT
    assert told["back"] < BACK
