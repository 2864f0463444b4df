"""Servers that hang leave those that do not alone, and are there again when they are.

Ten servers of three devices each hang from the beginning; one is well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import tango
import taurus
from census import Census, plugin_threads
from faults_support import (
    BACK,
    MODES,
    MOST_THREADS,
    TIMEOUT,
    Heard,
    heard,
    in_time,
    name_of,
    resume_all,
    told_by_program,
    volts,
)
from paths import FACILITIES
from stopwatch import Stopwatch
from tango_support import Listener, eventually, facility_of
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.sim import Facility

WELL = "sim/well/1"
OTHER_WELL = "sim/well/2"

HUNG = [f"sim/hung{server}/{device}" for server in range(10) for device in (1, 2, 3)]


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Facility]:
    """Ten servers that hang, and one that is well."""
    well = (FACILITIES / "bulkheads.toml").read_text()
    hung = (FACILITIES / "bulkheads_hung.toml").read_text()
    servers = [hung.replace("hung0", f"hung{number}") for number in range(10)]
    with facility_of(tmp_path_factory, "\n".join([well, *servers])) as facility:
        yield facility


@pytest.fixture
def facility(running, factory) -> Iterator[Facility]:
    """The same; the ten hang at the beginning of each test, and nobody after it."""
    for server in running.servers.values():
        if "hung" in server.name:
            server.hang()
    yield running
    resume_all(running)


@MODES
def test_a_window_of_ten_servers_that_hang(facility, mode):
    well = [*volts(facility, WELL, 1, 10), name_of(facility, OTHER_WELL, "calm")]
    hung = [name_of(facility, device, "volt01") for device in HUNG]
    told = told_by_program(
        "form_of_hung_servers",
        facility,
        mode=mode.name,
        models=[*hung[:15], *well, *hung[15:]],
        well=well,
        hung=hung,
        pids=[s.pid for s in facility.servers.values() if "hung" in s.name],
    )
    assert told["rows"] == 41
    # The modes that wait do so once a server.
    assert told["window"] < (10 * TIMEOUT if mode.raises else TIMEOUT)
    assert told["well"] < TIMEOUT
    assert told["dead"] < TIMEOUT
    assert told["closing"] < TIMEOUT
    for number, error in enumerate(told["errors"]):
        assert f"TpoSim/hung{number // 3} " in error
    assert told["back"] < BACK
    assert told["most"] <= MOST_THREADS


def test_a_program_without_a_window(facility, factory):
    """In a hurry, as one with a window is; with polled ones among them."""
    names = [name_of(facility, d, a) for d in HUNG for a in ("volt01", "calm")]
    with Census() as census, factory.hurry():
        watch = Stopwatch()
        hung = Heard(names)
        hung.listen()
        well = Heard(volts(facility, WELL, 1, 10))
        well.listen()
        assert watch.seconds < TIMEOUT
        in_time(well.all_values, "those that are well have values")
        eventually(hung.all_errors, "the silence is told")
        late = Heard([name_of(facility, OTHER_WELL, "calm")])
        late.listen()
        in_time(late.all_values, "so has one that comes later")
        resume_all(facility)
        eventually(hung.all_values, "all values come", BACK)
    assert census.most <= MOST_THREADS
    for found in (hung, well, late):
        found.leave()
    eventually(lambda: not plugin_threads(), "the threads end")


class Punctual(Listener):
    """Takes note of when it is told a value."""

    def __init__(self) -> None:
        super().__init__()
        self.times = [time.monotonic()]

    def eventReceived(self, source, kind, value) -> None:
        super().eventReceived(source, kind, value)
        if kind == TaurusEventType.Periodic:
            self.times.append(time.monotonic())

    @property
    def longest_pause(self) -> float:
        times = [*self.times, time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))


@MODES
def test_servers_that_hang_later(facility, factory, mode):
    """The polling of the one that is well goes on, and so do first reads."""
    factory.set_event_sub_mode(mode.name)
    resume_all(facility)
    names = [name_of(facility, d, a) for d in HUNG for a in ("volt01", "calm")]
    hung = heard(names)
    calm, punctual = taurus.Attribute(name_of(facility, WELL, "calm")), Punctual()
    calm.changePollingPeriod(100)
    calm.addListener(punctual)
    eventually(calm.isPollingActive, "it is polled")
    eventually(lambda: punctual.values, "it is polled")
    polled = [a for a in hung.attributes if a.getSimpleName() == "calm"]
    listeners = hung.listeners[1::2]
    for number, attribute in enumerate(polled):
        attribute.changePollingPeriod((200, 1500, 3000)[number % 3])
    with Census() as census:
        for number in range(10):
            facility.server(f"TpoSim/hung{number}").hang()
        eventually(lambda: all(one.errors for one in listeners), "the silence is told")
        late = Heard(volts(facility, OTHER_WELL, 1, 5))
        late.listen()
        in_time(late.all_values, "first reads go on")
        assert punctual.longest_pause < TIMEOUT
        for one in listeners:
            assert isinstance(one.errors[0], tango.DevFailed)
        hung.forget()
        resume_all(facility)
        eventually(lambda: all(one.values for one in listeners), "all is back", BACK)
    assert census.most <= MOST_THREADS
    assert punctual.longest_pause < TIMEOUT


class Blocker(Listener):
    """A listener that blocks with the first value, until it is let go."""

    def __init__(self, go: threading.Event) -> None:
        super().__init__()
        self._go = go

    def eventReceived(self, source, kind, value) -> None:
        super().eventReceived(source, kind, value)
        if kind == TaurusEventType.Periodic:
            self._go.wait(BACK)


@pytest.mark.parametrize("count", [1, 8, 16, 30])
def test_listeners_that_block_hold_up_nobody_else(facility, factory, count):
    """Not even where they are more than the pool has threads. In stock they do."""
    resume_all(facility)
    calm, punctual = taurus.Attribute(name_of(facility, WELL, "calm")), Punctual()
    calm.changePollingPeriod(100)
    calm.addListener(punctual)
    eventually(lambda: punctual.values, "it is polled")
    go = threading.Event()
    blocked = [taurus.Attribute(name_of(facility, d, "calm")) for d in HUNG[:count]]
    blockers = [Blocker(go) for _ in blocked]
    for attribute, blocker in zip(blocked, blockers):
        attribute.addListener(blocker)
    try:
        eventually(lambda: all(one.values for one in blockers), "all block")
        late = Heard(volts(facility, OTHER_WELL, 1, 5))
        late.listen()
        in_time(late.all_values, "first reads go on")
        # Blocked threads are replaced every second: 30 take more than 3 s.
        assert punctual.longest_pause < BACK / 2
    finally:
        go.set()
    late.leave()
    for attribute, listener in zip([*blocked, calm], [*blockers, punctual]):
        attribute.removeListener(listener)


def test_the_error_says_which_server_does_not_answer(facility, factory):
    """One that nobody has called for a while is asked whether it is there first."""
    resume_all(facility)
    (attribute,) = heard([name_of(facility, HUNG[0], "volt01")]).attributes
    server = factory.device_access.connection(attribute.getParentObj()).server
    facility.server("TpoSim/hung0").hang()
    now = time.monotonic
    eventually(lambda: not server.answers_lately(now()), "it has not answered lately")
    calm, listener = taurus.Attribute(name_of(facility, HUNG[0], "calm")), Listener()
    calm.addListener(listener)
    in_time(lambda: listener.errors, "the silence is told")
    error = listener.errors[0]
    assert isinstance(error, tango.DevFailed)
    assert "TpoSim/hung0 " in error.args[0].desc
