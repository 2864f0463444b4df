"""The end of attributes, windows and programs, while servers hang."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faults_support import (
    MODES,
    TIMEOUT,
    finish,
    name_of,
    resume_all,
    start_job,
    told_by_program,
    volts,
)
from paths import FACILITIES
from program_support import taurus_command
from snapshot import initialize
from tango_support import calls, eventually, sleeps

from taurus_tpo.sim import Facility

SERVER = "TpoSim/victim"
ONE, TWO = "sim/victim/1", "sim/victim/2"
WELL = "sim/well/1"

#: How long a process may take to end, s: it has a second, and a call takes three.
AN_END = 1.0 + TIMEOUT

#: How much longer where it still fills its window, on a busy machine, s. Each of the
#: twenty attributes would take a timeout if they were waited for.
A_START = 10.0

#: How many programs end while events come: of those that could crash one in four did.
PROGRAMS = 6

STAGES = ("connected", "subscribed", "read", "given up")


@pytest.fixture(scope="module")
def running() -> Iterator[Facility]:
    """A server to which things happen, and its neighbor."""
    with Facility(FACILITIES / "faults.toml") as facility:
        yield facility


@pytest.fixture
def faults(running) -> Iterator[Facility]:
    """The same, healthy before and after each test."""
    yield running
    resume_all(running)
    eventually(lambda: running.device(ONE).ping() >= 0, "it answers again")
    initialize(running)


def finished(process: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    """Wait for the end of a process; return its output, and what it says of errors.

    It must have the ``status``, and say nothing of a traceback.
    """
    try:
        output, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"it has not ended:\n{output}\n{errors}") from None
    assert process.returncode == status, f"{process.returncode}: {output}\n{errors}"
    assert "Traceback" not in errors, errors
    assert "Fatal" not in errors, errors
    return output, errors


def end_of(process: subprocess.Popen[str], status: int) -> tuple[str, float]:
    """Return the same output, and when the process ended, s since the epoch."""
    output, _ = finished(process, status)
    return output, time.time()


def job_of(facility: Facility, stage: str, mode: str, **more: Any) -> dict[str, Any]:
    """Return what a program is to do until the server hangs, and how it is to end."""
    return {
        "pid": facility.server(SERVER).pid,
        "stage": stage,
        "mode": mode,
        "known": volts(facility, ONE, 1, 10),
        "unknown": volts(facility, TWO, 1, 10),
        "well": volts(facility, WELL, 1, 5),
        **more,
    }


@pytest.mark.parametrize("pause", [0.0, 0.7], ids=["at once", "later"])
@pytest.mark.parametrize("stage", STAGES)
def test_the_end_of_a_script(faults, stage, pause):
    process = start_job(
        "end_of_a_script",
        faults,
        job_of(faults, stage, "AsyncRead", how="status", pause=pause),
    )
    output, ended = end_of(process, 5)
    assert ended - float(output) < AN_END


@MODES
def test_the_end_of_a_script_in_each_mode(faults, mode):
    process = start_job(
        "end_of_a_script",
        faults,
        job_of(faults, "subscribed", mode.name, how="", pause=0.1),
    )
    output, ended = end_of(process, 0)
    assert ended - float(output) < AN_END


@pytest.mark.parametrize("stage", STAGES)
def test_the_end_of_a_script_that_lets_go_of_all(faults, stage):
    process = start_job(
        "end_of_a_script",
        faults,
        job_of(faults, stage, "AsyncRead", how="cleaned", pause=0.0),
    )
    output, ended = end_of(process, 0)
    assert ended - float(output) < AN_END


def test_a_call_may_return_while_python_ends(faults):
    """Before 3.14 Python has its thread exit there, and C++ aborts the process."""
    device, delay = faults.device(ONE), 1.5
    device.Configure(json.dumps({"attribute": "calm", "read_delay": delay}))
    job = {"slow": name_of(faults, ONE, "calm"), "delay": delay}
    try:
        output, errors = finished(start_job("end_during_a_call", faults, job))
    finally:
        device.Configure(json.dumps({"attribute": "calm", "read_delay": 0.0}))
    assert output.splitlines() == ["Python has ended"]
    assert "have not returned" in errors


def test_the_end_does_not_wait_for_all_that_may_be_left_undone(faults):
    """Such as thousands of subscriptions to give up; nothing is said to hang."""
    output, errors = finished(start_job("end_with_subscriptions_left", faults, {}))
    assert time.time() - float(output) < AN_END
    assert "have not returned" not in errors


@pytest.fixture(scope="module")
def events() -> Iterator[Facility]:
    """Devices that send events all the time."""
    with Facility(FACILITIES / "events.toml") as facility:
        yield facility


def all_volts(facility: Facility) -> list[str]:
    """Return the full names of what sends events."""
    return volts(facility, "sim/events/1", 1, 25) + volts(
        facility, "sim/events/2", 1, 25
    )


@pytest.mark.parametrize(
    ("times", "seconds"), [(1, 60.0), (1000, 0.01)], ids=["hangs", "is busy"]
)
def test_events_may_come_while_python_ends(events, times, seconds):
    """Tango's threads call Python then, and C++ aborts those that Python has exit."""
    job = {"names": all_volts(events), "times": times, "seconds": seconds}
    for process in [
        start_job("end_while_events_come", events, job) for _ in range(PROGRAMS)
    ]:
        finished(process)


def test_events_may_come_while_widgets_are_deleted(events):
    job = {"names": all_volts(events)}
    for process in [
        start_job("end_of_a_window_while_events_come", events, job)
        for _ in range(PROGRAMS)
    ]:
        finished(process)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("mode", ["AsyncRead", "Stateless"])
def test_closing_the_last_window(faults, stage, mode):
    process = start_job(
        "close_the_last_window",
        faults,
        job_of(faults, stage, mode, pause=0.1, status=7),
    )
    output, ended = end_of(process, 7)
    assert ended - float(output) < AN_END


@pytest.fixture
def form(faults) -> Iterator[Callable[[list[str]], subprocess.Popen[str]]]:
    """Start ``taurus form``, as a user does; it is killed if it does not end."""
    begun: list[subprocess.Popen[str]] = []

    def begin(names: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            taurus_command("form", *names),
            env={**faults.environment(), "QT_QPA_PLATFORM": "offscreen"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("when", ["starting", "idle"])
@pytest.mark.parametrize("condition", ["hung", "hangs", "healthy"])
def test_ctrl_c_ends_a_form(faults, form, condition, when):
    """As a user has it: taurus form, and Ctrl-C in its terminal."""
    if condition == "hung":
        faults.server(SERVER).hang()
    faults.device(WELL).ResetCalls()
    process = form(volts(faults, ONE, 1, 10) + volts(faults, WELL, 1, 10))
    read = {f"volt{number:02}" for number in range(1, 11)}
    eventually(lambda: read <= {n for b in calls(faults, WELL) for n in b}, "it reads")
    if when == "idle":
        eventually(lambda: sleeps(process), "its window waits")
    if condition == "hangs":
        faults.server(SERVER).hang()
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    most = AN_END + (A_START if when == "starting" else 0.0)
    eventually(lambda: process.poll() is not None, "it ends", most)
    assert time.monotonic() - begun < most
    errors = process.stderr.read()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize("whose", ["ours", "others"])
def test_a_ctrl_c_before_the_event_loop_is_not_lost(faults, whose, events):
    """Taurus's handler would end one that has not begun."""
    models = volts(faults, WELL, 1, 2) if whose == "ours" else ["eval:1"]
    finish(
        start_job(
            "interrupt_before_the_event_loop",
            faults,
            {"models": models, "events": events},
        )
    )


def test_who_listens_to_signals_goes_on(faults):
    well = volts(faults, WELL, 1, 2)
    assert (
        finish(start_job("own_wakeup_of_signals", faults, {"mode": None, "well": well}))
        == "True"
    )


# --- attributes ----------------------------------------------------------------------


def test_a_thousand_attributes_are_dropped_while_they_wait():
    with Facility(FACILITIES / "thousand.toml") as thousand:
        pairs = [
            (name_of(thousand, f"sim/victim/{device}", volt), volt, device)
            for device in range(1, 11)
            for volt in (f"volt{number:02}" for number in range(1, 51))
        ]
        names = []
        for victim, volt, device in pairs:
            names += [victim, name_of(thousand, f"sim/well/{device}", volt)]
        told = told_by_program(
            "drop_a_thousand_attributes",
            thousand,
            mode="AsyncRead",
            pid=thousand.server(SERVER).pid,
            names=names,
            rounds=4,
            hang_after=[0, 100, 500, 1000],
        )
        resume_all(thousand)
    assert told["rounds"] == 4
    assert told["waited"] > 0
