"""Attributes in programs with gevent; each program is a process of its own.

Whether ``gevent.monkey`` has replaced threads holds for a whole process: with it, stock
Taurus is in charge, as where the plugin is turned off.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paths import FACILITIES
from program_support import run_program, run_python

from taurus_tpo.sim import Facility

#: Longest time for which a hub stands still, s: a call to a device that hangs takes
#: more than three times as long.
GAP = 0.3

#: How long a process may take to end while a server hangs, s: stock Taurus waits for
#: Tango's timeouts.
END = 30.0

#: Whether threads are replaced, and whether the plugin may be on.
WAYS = [(False, "1"), (False, "0"), (True, "1")]
NAMES = ["plain", "stock", "patched"]

IN_ALL_WAYS = pytest.mark.parametrize(("patched", "plugin"), WAYS, ids=NAMES)


@pytest.fixture(scope="module")
def shared() -> Iterator[Facility]:
    with Facility(FACILITIES / "greenlets.toml") as running:
        yield running


@pytest.fixture
def facility(shared: Facility) -> Iterator[Facility]:
    """Servers that run, whatever the test does to them."""
    yield shared
    shared.server("TpoSim/hung").resume()


def run_green(
    name: str, facility: Facility, patched: bool, plugin: str = "1"
) -> subprocess.CompletedProcess[str]:
    job = {"patched": patched, "hung": facility.server("TpoSim/hung").pid}
    return run_program(name, json.dumps(job), facility=facility, TAURUS_TPO=plugin)


def told_by(
    name: str, facility: Facility, patched: bool, plugin: str = "1"
) -> dict[str, Any]:
    done = run_green(name, facility, patched, plugin)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@IN_ALL_WAYS
def test_the_hub_goes_on_whatever_servers_do(
    facility: Facility, patched: bool, plugin: str
) -> None:
    told = told_by("read_in_greenlets", facility, patched, plugin)
    assert told["count"] == 50
    assert told["dead"] < GAP
    assert [told[part] for part in ("healthy", "slow", "hung", "down")] == [
        20,
        10,
        0,
        0,
    ]
    # A read of the hung server takes a second at least.
    assert told["beside values"] == 20
    assert told["beside"] < 1.0
    assert told["types"][0] == "TangoAttrValue"
    assert len(told["types"]) == 1 + 2 * 20
    assert "DevFailed" in told["types"]
    if not patched and plugin == "1":
        assert set(told["types"][1:]) == {"DevFailed"}


@pytest.fixture(scope="module", params=WAYS, ids=NAMES)
def used(request: pytest.FixtureRequest, shared: Facility) -> dict[str, Any]:
    """What a program tells that uses each verb."""
    return told_by("use_greenlets", shared, *request.param)


def test_values_and_errors_have_the_order_of_the_models(used: dict[str, Any]) -> None:
    assert used["one"] == [2.5]
    assert used["none"] == []
    assert used["several"] == [2.5, "TaurusException", 3]


def test_a_read_can_be_an_async_result(used: dict[str, Any]) -> None:
    assert used["result"] == [True, False, 2.5]


def test_a_write_returns_what_is_read_back(used: dict[str, Any]) -> None:
    assert (used["written"], used["written later"]) == (3.5, 4.5)
    assert used["refused"] == ["DevFailed", "API_WAttrOutsideLimit"]
    assert used["refused later"] == "DevFailed"


def test_writes_to_a_device_have_the_order_of_the_calls(used: dict[str, Any]) -> None:
    assert used["in order"] == [float(n) for n in range(8)]


def test_events_come_until_the_end_of_the_block(used: dict[str, Any]) -> None:
    events = dict(used["events"])
    assert events["sim/greenlets/healthy/rw"] == 9.0
    assert events["sim/greenlets/healthy/volt01"] == 1.5
    assert events["sim/no/no/no"]
    assert used["after the end"] == []
    assert used["used twice"] == "a stream of events can be used once"


def test_a_stream_begins_with_what_is_known(used: dict[str, Any]) -> None:
    assert used["known"] == 1.5


def test_threads_end_when_there_is_nothing_to_do(used: dict[str, Any]) -> None:
    assert used["threads"]
    assert used["reads again"] == 1.5


def test_events_that_nobody_takes_are_limited(used: dict[str, Any]) -> None:
    assert used["latest True"]
    assert used["latest False"]


def test_another_greenlet_can_end_a_stream(used: dict[str, Any]) -> None:
    assert used["ended"]


def test_a_timeout_is_an_error_of_its_model_alone(used: dict[str, Any]) -> None:
    error = "no answer within 0.6 s"
    assert used["late"] == ["TimeoutError", error, 1.5]
    assert used["late later"] == ["TimeoutError"]
    assert used["write late"] == ["TimeoutError", error]
    assert used["timeouts"] < 3.0


def test_a_greenlet_that_waits_can_be_killed(used: dict[str, Any]) -> None:
    assert used["killed"] == ["GreenletExit"] * 3
    assert used["killing"] < 2.0
    assert used["still reads"] == 1.5
    assert used["back"]


def test_the_hub_goes_on_meanwhile(used: dict[str, Any]) -> None:
    assert used["dead"] < GAP


@IN_ALL_WAYS
def test_a_process_ends_while_a_server_hangs(
    facility: Facility, patched: bool, plugin: str
) -> None:
    done = run_green("end_while_greenlets_wait", facility, patched, plugin)
    assert done.returncode == 5, done.stderr
    assert time.time() - float(done.stdout) < END


def test_without_gevent_the_error_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "gevent.py").write_text("raise ImportError('no gevent here')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import taurus_tpo.green"
    done = run_python(code)
    assert done.returncode == 1
    message = (
        "ImportError: taurus_tpo.green needs gevent: pip install 'taurus_tpo[gevent]'"
    )
    assert message in done.stderr
