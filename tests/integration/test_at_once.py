"""A device that reads several attributes at the same time is asked for them so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

import pytest
import tango
import taurus
from paths import FACILITIES
from tango_support import Listener, eventually, model

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.sim import Facility
from taurus_tpo.tango_client.reads import Answer, Reading, read_at_once

#: How long each of them takes, and all of them one after the other, s.
EACH = 0.7
ALL = 8 * EACH

NAMES = [*(f"slow{number:02}" for number in range(1, 9)), "quick"]

UNLOCKED, LOCKED = "sim/at_once/asyncio", "sim/at_once/synchronous"


@pytest.fixture(scope="module")
def running() -> Iterator[Facility]:
    """A server with a monitor lock, and one without."""
    with Facility(FACILITIES / "at_once.toml") as facility:
        yield facility


class Polled:
    """The attributes of a device, polled as often as that can."""

    def __init__(self, facility: Facility, device: str) -> None:
        self.listeners = [Listener() for _ in NAMES]
        self.attributes = [taurus.Attribute(model(facility, n, device)) for n in NAMES]
        for attribute, listener in zip(self.attributes, self.listeners):
            attribute.changePollingPeriod(100)
            attribute.addListener(listener)
        factory = taurus.Factory("tango")
        self.at_once = factory.device_access.connection(
            self.attributes[0].getParentObj()
        ).costs.at_once

    def rounds(self) -> int:
        """How often each was told a value."""
        return min(len(listener.values) for listener in self.listeners)

    def has_no_errors(self) -> bool:
        return not any(listener.errors for listener in self.listeners)

    def forget(self) -> None:
        for attribute, listener in zip(self.attributes, self.listeners):
            attribute.removeListener(listener)


def test_a_device_without_a_monitor_lock_is_asked_for_all_at_once(running, factory):
    polled = Polled(running, UNLOCKED)
    eventually(lambda: polled.at_once.is_possible, "that is found out")
    before, begun = polled.rounds(), time.monotonic()
    eventually(lambda: polled.rounds() >= before + 4, "all are polled")
    # One after the other they would take four times as long as that for each round.
    assert time.monotonic() - begun < 4 * ALL / 2
    assert polled.at_once.is_possible
    assert polled.has_no_errors()
    polled.forget()


def test_a_device_with_one_is_not(running, factory):
    polled = Polled(running, LOCKED)
    running.device(LOCKED).set_timeout_millis(60_000)
    eventually(lambda: not polled.at_once.is_to_be_tried, "that is found out")
    assert not polled.at_once.is_possible
    before = polled.rounds()
    eventually(lambda: polled.rounds() > before, "all are polled")
    assert not polled.at_once.is_possible
    assert polled.has_no_errors()
    polled.forget()


@pytest.mark.faults
def test_what_always_takes_too_long_is_not_tried_for_ever(running, factory):
    """Each trial is one more call to a device that is kept as it is."""
    device = running.device(LOCKED)
    device.set_timeout_millis(60_000)
    _configure(device, NAMES[0], read_delay=4.0)
    attribute, listener = taurus.Attribute(model(running, NAMES[0], LOCKED)), Listener()
    try:
        attribute.changePollingPeriod(100)
        attribute.addListener(listener)
        costs = factory.device_access.connection(attribute.getParentObj()).costs
        eventually(lambda: not costs.at_once.is_to_be_tried, "that is found out")
        assert not costs.at_once.is_possible
        attribute.removeListener(listener)
    finally:
        _configure(device, NAMES[0], read_delay=EACH)


def answers(facility: Facility, device: str, names: list[str]) -> list[Answer]:
    proxy = facility.device(device)
    found = list(read_at_once(proxy, names, time.time(), SYSTEM))
    return sorted(found, key=lambda one: one.number)


def test_each_answer_comes_by_itself(running):
    found = answers(running, UNLOCKED, [*NAMES, "nothing"])
    assert [one.number for one in found] == list(range(10))
    for one in found[:9]:
        assert isinstance(one.reading, Reading)
        assert one.reading.value.value == (2.5 if one.number == 8 else 1.5)
    assert found[9].reading is None or found[9].reading.error is not None


def test_what_takes_too_long_costs_the_others_nothing(running):
    device = running.device(UNLOCKED)
    configure = partial(_configure, device, NAMES[0])
    configure(read_delay=5.0)
    try:
        late, *found = answers(running, UNLOCKED, NAMES)
    finally:
        configure(read_delay=EACH)
    assert isinstance(late.error, tango.DevFailed)
    assert late.reading is None
    assert all(one.reading is not None for one in found)


def _configure(device: tango.DeviceProxy, attribute: str, **changes: float) -> None:
    device.Configure(json.dumps({"attribute": attribute, **changes}))
