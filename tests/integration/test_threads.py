"""Many threads at once make attributes, and drop them."""

from __future__ import annotations

import gc
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import taurus
from tango_support import Listener, eventually, facility_of, model

from taurus_tpo.core.modes import MODES
from taurus_tpo.sim import Facility

#: How many threads there are, and how often they make all attributes.
THREADS, TURNS = 16, 3

# What fails where Python collects garbage is a fault, too.
pytestmark = pytest.mark.filterwarnings(
    "error::pytest.PytestUnraisableExceptionWarning"
)


def _names(batches) -> list[str]:
    devices = [f"sim/batch{server}/{n}" for server in ("", "2") for n in (1, 2)]
    return [
        model(batches, f"volt{number:02}", device)
        for device in devices
        for number in range(1, 26)
    ]


def _make(names: list[str], begin: threading.Barrier) -> dict[str, Any]:
    """Make all, in an order of this thread's own; look at each at once."""
    begin.wait()
    made = {}
    for name in random.sample(names, len(names)):
        made[name] = attribute = taurus.Attribute(name)
        assert attribute.label == attribute.getSimpleName()
        assert attribute.getParentObj().state is not None
        # A call may time out where all threads of a busy machine call at once.
        [value] = eventually(partial(_read, attribute), f"{name} is read")
        assert str(value.units) == "V"
    return made


def _read(attribute: Any) -> list[Any]:
    """Return the value, which may be 0; empty where the read failed."""
    value = attribute.rvalue
    return [] if value is None else [value]


def _made_by_all(names: list[str]) -> list[Any]:
    """Return the attributes, which all threads have made at once."""
    begin = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        each = list(pool.map(partial(_make, names), [begin] * THREADS))
    for name in names:
        assert {id(made[name]) for made in each} == {id(each[0][name])}
    return list(each[0].values())


def _make_and_drop(names: list[str]) -> None:
    """Have all threads make all; listen to them, and drop them."""
    attributes = _made_by_all(names)
    listener = Listener()
    for attribute in attributes:
        attribute.addListener(listener)
    eventually(partial(_have_values, attributes), "their values")
    for attribute in attributes:
        attribute.removeListener(listener)
    del attributes, attribute
    gc.collect()


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_all_get_the_same_whole_attributes(batches, factory, hasty, mode):
    factory.set_event_sub_mode(mode.name)
    for _ in range(TURNS):
        _make_and_drop(_names(batches))


#: A hundred attributes each; a server each.
MANY = "".join(
    f"""
[[server]]
name = "TpoSim/many{server}"

[[server.device]]
name = "sim/many{server}/{{n}}"
count = 5

[[server.device.attribute]]
name = "volt{{n:03}}"
count = 100
value = 1.5
unit = "V"
"""
    for server in range(4)
)


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Iterator[Facility]:
    """Two thousand attributes of twenty devices."""
    text = f'[facility]\ntitle = "Many"\n{MANY}'
    with facility_of(tmp_path_factory, text) as facility:
        yield facility


@pytest.mark.faults
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_two_thousand_are_whole_ten_times(many, factory, hasty, mode):
    factory.set_event_sub_mode(mode.name)
    names = [
        f"tango://{many.tango_host}/sim/many{server}/{device}/volt{number:03}"
        for server in range(4)
        for device in range(1, 6)
        for number in range(1, 101)
    ]
    for _ in range(10):
        _make_and_drop(names)


def _have_values(attributes: list[Any]) -> bool:
    return all(attribute.known.value for attribute in attributes)


def test_what_is_said_late_of_a_subscription_does_not_end_a_newer_one(modes, factory):
    attribute, listener = taurus.Attribute(model(modes, "rw")), Listener()
    attribute.addListener(listener)
    eventually(attribute.isUsingEvents, "it is subscribed to")
    old = attribute.engine.subscription
    attribute.subscribe_again()
    eventually(attribute.isUsingEvents, "it is subscribed to anew")
    new = attribute.engine.subscription
    assert new is not old
    attribute.engine._rejected(old)
    attribute.engine._refused(old, RuntimeError("too late"))
    assert attribute.engine.subscription is new
    assert attribute.isUsingEvents()
