"""Every type of attribute in every format: read, written, set and pushed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import tango
from sim_support import SOON, act_until, subscription

from taurus_tpo.sim import Facility
from taurus_tpo.sim.spec import FORMATS, FacilitySpec, parse
from taurus_tpo.sim.values import KINDS, STATES, map_leaves, step
from taurus_tpo.sim.waiting import wait_until

LABELS = ("RED", "GREEN", "BLUE")
SHAPES: dict[str, list[int]] = {"scalar": [], "spectrum": [4], "image": [4, 3]}
CASES = [(kind, format_) for kind in KINDS for format_ in FORMATS]


def facility_spec() -> FacilitySpec:
    """Return a device in Asyncio and one in Synchronous mode with all there can be."""
    text = "".join(
        f'[[server]]\nname = "TpoSim/{mode}"\ngreen_mode = "{mode}"\n'
        f'[[server.device]]\nname = "sim/types/{mode}"\n' + "".join(map(_lines, CASES))
        for mode in ("Synchronous", "Asyncio")
    )
    return parse(text, "types")


def _lines(case: tuple[str, str]) -> str:
    kind, format_ = case
    labels = f"enum_labels = {list(LABELS)}\n" if kind == "enum" else ""
    return (
        f'[[server.device.attribute]]\nname = "{kind}_{format_}"\n'
        f'access = "read_write"\ntype = "{kind}"\n'
        f'format = "{format_}"\nshape = {SHAPES[format_]}\n{labels}'
    )


@pytest.fixture(scope="module")
def facility() -> Iterator[Facility]:
    with Facility(facility_spec()) as facility:
        yield facility


@pytest.fixture(params=["Synchronous", "Asyncio"])
def device(facility: Facility, request: pytest.FixtureRequest) -> tango.DeviceProxy:
    return facility.device(f"sim/types/{request.param}")


def plain(value: Any, kind: str) -> Any:
    """Return what a client got, as the device holds it."""
    listed = value.tolist() if hasattr(value, "tolist") else value
    # PyTango gives one state as a DevState, but an array of them as numbers.
    return map_leaves(lambda v: STATES[int(v)] if kind == "state" else v, listed)


def written(value: Any, kind: str) -> Any:
    """Return what the device is to hold, as a client writes it."""
    if kind != "state":
        return value
    return map_leaves(lambda name: tango.DevState.names[name], value)


@pytest.mark.parametrize(("kind", "format_"), CASES)
def test_read_write_set_and_push(
    device: tango.DeviceProxy, kind: str, format_: str
) -> None:
    name = f"{kind}_{format_}"
    start = json.loads(device.Truth())[name]
    first, second = (step(start, kind, LABELS, count) for count in (1, 2))
    reading = device.read_attribute(name)
    assert plain(reading.value, kind) == start
    assert plain(reading.w_value, kind) == start
    with subscription(device, name) as events:
        act_until(
            lambda: device.SetValue(json.dumps({"attribute": name, "value": first})),
            lambda: first in [plain(value, kind) for value in events.values],
            "the event of SetValue",
        )
        assert plain(device.read_attribute(name).value, kind) == first
        device.write_attribute(name, written(second, kind))
        assert json.loads(device.Truth())[name] == second
        wait_until(
            lambda: plain(events.values[-1], kind) == second, SOON, "the one of a write"
        )
