"""Event loops beside windows: qasync, and a device server that has a loop."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import tango
from faults_support import told_by_program
from paths import DOCS, FACILITIES
from program_support import environment_of
from tango_support import eventually, model

from taurus_tpo.sim import Facility

#: Longest gap between two ticks of the loop, s: a call to a device that hangs takes a
#: second at least.
GAP = 0.8

#: How long a window may not react, s: it takes two to measure the field.
DEAD = 1.5

#: The colors of Taurus for STANDBY, MOVING, ON and ALARM.
STATES = ["yellow", "blue", "green", "orange"]


@pytest.fixture(scope="module")
def loops() -> Iterator[Facility]:
    """Servers that are well, slow, hung and down."""
    with Facility(FACILITIES / "aio.toml") as facility:
        yield facility


def test_a_loop_of_qasync_beside_a_form(loops):
    names = [f"volt{number:02}" for number in range(1, 21)]
    told = told_by_program(
        "loop_beside_a_form",
        loops,
        well=[model(loops, name, "sim/aio/healthy") for name in names],
        hung=[model(loops, name, "sim/aio/hung") for name in names],
        rw=model(loops, "rw", "sim/aio/healthy"),
    )
    print(f"the longest gap: {1000 * told['gap']:.1f} ms")
    assert (told["values"], told["errors"], told["heard"]) == (20, 20, 20)
    assert told["written"] == 4.5
    assert told["shown"]
    assert told["tasks"] == 0
    assert told["gap"] < GAP


@pytest.fixture
def supply() -> Iterator[dict[str, str]]:
    """The names of the device of the documentation's asyncio server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["-nodb", "-host", "127.0.0.1", "-port", str(port)]
    device = f"tango://127.0.0.1:{port}/lab/supply/1#dbase=no"
    program = str(DOCS / "examples" / "ramping_supply.py")
    process = subprocess.Popen(
        [sys.executable, program, "lab", *where, "-dlist", "lab/supply/1"],
        env=environment_of(),
    )

    def answers() -> bool:
        try:
            return bool(tango.DeviceProxy(device).ping() >= 0)
        except tango.DevFailed:
            return False

    try:
        eventually(answers, "the server starts")
        yield {
            "device": device,
            "model": f"tango-nodb://127.0.0.1:{port}/lab/supply/1",
        }
    finally:
        process.kill()
        process.wait()


def test_each_state_of_an_asyncio_device_is_shown(supply, modes):
    told = told_by_program("form_of_a_ramping_supply", modes, **supply)
    print(json.dumps(told, indent=1))
    assert told["state"][-4:] == STATES
    # On the way to 60 A.
    assert len(told["current"]) > 3
    assert len(told["temperature"]) > 3
    assert told["dead"] < DEAD
    assert told["window"] < DEAD
