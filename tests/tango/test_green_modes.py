"""Devices of every green mode, in every mode of subscription."""

from __future__ import annotations

import pytest
import taurus
from tango_support import Listener, eventually, model

from taurus_tpo import submode

DEVICES = ["synchronous", "futures", "gevent", "asyncio"]
NAMES = ["scalar", "moving", "rw", "without_events", "slow", "text"]


@pytest.mark.parametrize("mode", submode.MODES, ids=str)
@pytest.mark.parametrize("name", DEVICES)
def test_all_values_are_there_and_kept(green, factory, name, mode):
    factory.set_event_sub_mode(mode.name)
    listeners = {}
    attrs = {}
    for attribute in NAMES:
        attrs[attribute] = taurus.Attribute(
            model(green, attribute, f"sim/green/{name}")
        )
        listeners[attribute] = Listener()
        attrs[attribute].addListener(listeners[attribute])
    for attribute, heard in listeners.items():
        eventually(lambda heard=heard: heard.values, f"the value of {attribute}")
    assert listeners["scalar"].values[0] == 1.5
    assert listeners["without_events"].values[0] == 3.5
    assert listeners["slow"].values[0] == 4.5
    moving = listeners["moving"]
    eventually(lambda: len(set(moving.values)) > 2, "its events come")
    attrs["rw"].write(3.25)
    eventually(lambda: listeners["rw"].values[-1] == 3.25, "the write is told")
