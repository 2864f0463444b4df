"""A server pushes for a minute, as fast as it can: no queue grows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from faults_support import name_of, told_by_program
from paths import FACILITIES

from taurus_tpo.sim import Facility

DEVICE = "sim/pushing/1"

#: For how long, s; what of that is the beginning, and how much the memory may grow from
#: its end on: less than a second of images takes.
PUSHING, BEGINNING, GROWTH = 60.0, 20.0, 60e6


@pytest.fixture(scope="module")
def facility() -> Iterator[Facility]:
    with Facility(FACILITIES / "pushing.toml") as running:
        yield running


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("program", "names", "most"),
    [
        # Two images wait for the widget; each notification of it and its configuration.
        ("show_what_is_pushed", ["image"], 10),
        (
            "show_what_is_pushed",
            [f"scalar{number:02}" for number in range(1, 4)],
            3 * 1000 + 10,
        ),
        # A thousand events for each listener, and what else is to be done.
        (
            "block_what_is_pushed",
            [f"scalar{number:02}" for number in range(1, 11)],
            10 * 1000 + 50,
        ),
        ("block_what_is_pushed", ["image"], 10),
    ],
    ids=["an image", "scalars", "scalars that block", "an image that blocks"],
)
def test_no_queue_grows(facility, program, names, most):
    models = [name_of(facility, DEVICE, name) for name in names]
    device = name_of(facility, DEVICE, "")[:-1]
    told = told_by_program(
        program,
        facility,
        models=models,
        names=names,
        device=device,
        mode="AsyncRead",
        pushing=PUSHING,
        beginning=BEGINNING,
    )
    for name in names:
        request = {"attribute": name, "period": 0.01}
        facility.device(DEVICE).Configure(json.dumps(request))
    assert told["newest"]
    assert told["told"] > 20
    assert told["waiting"] <= most
    assert told["grown"] < GROWTH
