"""Devices that take their time: each attribute that answers in time gets its value."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import tango
from faults_support import Heard, in_time, name_of, volts
from paths import FACILITIES
from tango_support import Listener, calls, eventually

from taurus_tpo.sim import Facility

MANY, STUCK, STUCK_POLLED, BUSY, WELL = (
    f"sim/lazy/{name}" for name in ("many", "stuck", "stuck_polled", "busy", "well")
)
BRISK = "sim/brisk/1"

#: The most attributes of 0.2 s that may travel in one call: it is to take a second at
#: the most.
FEW = 5


@pytest.fixture(scope="module")
def lazy() -> Iterator[Facility]:
    """Devices that take their time."""
    with Facility(FACILITIES / "lazy.toml") as facility:
        yield facility


def well(facility: Facility) -> Heard:
    """Return the attributes of the neighbors, in the same server and in another."""
    return Heard(volts(facility, WELL, 1, 5) + volts(facility, BRISK, 1, 5))


def test_many_slow_attributes_are_all_shown(lazy, factory):
    """One after the other, a few in one call; and nobody else feels it."""
    lazy.device(MANY).ResetCalls()
    slow, neighbors = Heard(volts(lazy, MANY)), well(lazy)
    slow.listen()
    neighbors.listen()
    in_time(neighbors.all_values, "the neighbors' values come")
    some = [listener.values for listener in slow.listeners]
    assert not all(some)
    # Somebody else's client: the device is not taken for longer than it stands.
    other = lazy.device(MANY)
    while not slow.all_values():
        assert other.read_attribute("volt01").value == 1.5
    # They fill in while the last ones are still to come.
    assert not any(listener.errors for listener in slow.listeners)
    read = calls(lazy, MANY)
    assert max(map(len, read)) <= FEW
    assert {name for batch in read for name in batch} == {
        name.rpartition("/")[2] for name in volts(lazy, MANY)
    }
    slow.forget()
    eventually(slow.all_values, "all are refreshed", 30)
    assert not any(listener.errors for listener in slow.listeners)
    assert max(map(len, calls(lazy, MANY))) <= FEW


class Timed(Listener):
    """Takes note of when it was told first."""

    first: float | None = None

    def eventReceived(self, source, kind, value) -> None:
        super().eventReceived(source, kind, value)
        if self.values and self.first is None:
            self.first = time.monotonic()


def test_they_fill_in_one_after_the_other(lazy, factory):
    slow = Heard(volts(lazy, MANY))
    slow.listeners = [Timed() for _ in slow.listeners]
    slow.listen()
    eventually(slow.all_values, "all values come", 30)
    times = sorted(listener.first for listener in slow.listeners)
    # Twenty reads of 0.2 s; told all at once, the first would come with the last.
    assert times[-1] - times[0] > 2.0


@pytest.mark.parametrize(
    ("mode", "device"),
    [
        ("AsyncRead", STUCK),
        ("SyncRead", STUCK),
        ("Sync", STUCK),
        ("AsyncRead", STUCK_POLLED),
    ],
)
def test_one_that_times_out_costs_the_others_nothing(lazy, factory, mode, device):
    """The one that takes longer than the timeout shows its own error."""
    factory.set_event_sub_mode(mode)
    lazy.device(device).ResetCalls()
    stuck, others = Heard([name_of(lazy, device, "stuck")]), Heard(volts(lazy, device))
    neighbors = well(lazy)
    stuck.listen()
    others.listen()
    neighbors.listen()
    in_time(neighbors.all_values, "the neighbors' values come")
    eventually(others.all_values, "the others' values come", 30)
    eventually(stuck.all_errors, "its own error is shown", 30)
    assert isinstance(stuck.listeners[0].errors[0], tango.DevFailed)
    assert not stuck.all_values()
    assert all(attribute.known.value for attribute in others.attributes)
    # It stands alone in the end, and stays so.
    alone = [batch for batch in calls(lazy, device) if "stuck" in batch]
    assert alone[-1] == ["stuck"]
    if device == STUCK_POLLED:
        before = len(calls(lazy, device))
        others.forget()
        stuck.forget()
        eventually(stuck.all_errors, "it is polled again", 30)
        eventually(others.all_values, "so are the others", 30)
        read = calls(lazy, device)[before:]
        assert all(batch == ["stuck"] for batch in read if "stuck" in batch)


def test_a_device_that_is_taken_for_longer_than_the_timeout(lazy, factory):
    """Its other attributes come in between; nobody else feels anything."""
    long, others = Heard([name_of(lazy, BUSY, "long")]), Heard(volts(lazy, BUSY, 1, 5))
    neighbors = well(lazy)
    long.listen()
    others.listen()
    neighbors.listen()
    in_time(neighbors.all_values, "the neighbors' values come")
    eventually(others.all_values, "its other attributes come", 40)
    eventually(long.all_errors, "its error is shown", 40)
    assert isinstance(long.listeners[0].errors[0], tango.DevFailed)
    others.forget()
    neighbors.forget()
    polled = [one for one in neighbors.listeners[:5]]
    eventually(lambda: all(one.values for one in polled), "the neighbors go on", 10)
    eventually(others.all_values, "its other attributes are refreshed", 60)
