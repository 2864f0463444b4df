"""Many threads at once make attributes, and drop them."""

from __future__ import annotations

import gc
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import taurus
from tango_support import Listener, eventually, model

from taurus_tpo import submode

#: How many threads there are, and how often they make all attributes.
THREADS, TURNS = 16, 3

# What fails where Python collects garbage is a fault, too.
pytestmark = pytest.mark.filterwarnings(
    "error::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def hasty():
    """Let Python change threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


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
        assert str(attribute.rvalue.units) == "V"
    return made


def _made_by_all(names: list[str]) -> list[Any]:
    """Return the attributes, which all threads have made at once."""
    begin = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        each = list(pool.map(partial(_make, names), [begin] * THREADS))
    for name in names:
        assert {id(made[name]) for made in each} == {id(each[0][name])}
    return list(each[0].values())


@pytest.mark.parametrize("mode", submode.MODES, ids=str)
def test_all_get_the_same_whole_attributes(batches, factory, hasty, mode):
    factory.set_event_sub_mode(mode.name)
    for _ in range(TURNS):
        attributes = _made_by_all(_names(batches))
        listener = Listener()
        for attribute in attributes:
            attribute.addListener(listener)
        eventually(partial(_have_values, attributes), "their values")
        for attribute in attributes:
            attribute.removeListener(listener)
        del attributes, attribute
        gc.collect()


def _have_values(attributes: list[Any]) -> bool:
    return all(attribute.known.value for attribute in attributes)


def test_what_is_said_late_of_a_subscription_does_not_end_a_newer_one(modes, factory):
    attribute, listener = taurus.Attribute(model(modes, "rw")), Listener()
    attribute.addListener(listener)
    eventually(attribute.isUsingEvents, "it is subscribed to")
    old = attribute._subscription
    attribute.subscribe_again()
    eventually(attribute.isUsingEvents, "it is subscribed to anew")
    new = attribute._subscription
    assert new is not old
    attribute._turned_away(old)
    attribute._refused(old, RuntimeError("too late"))
    assert attribute._subscription is new
    assert attribute.isUsingEvents()
