"""Devices of every green mode, in every mode of subscription."""

from __future__ import annotations

import json

import pytest
import tango
import taurus
from program_support import run_program
from tango_support import UP, Listener, eventually, model

from taurus_tpo.core.modes import MODES
from taurus_tpo.tango_client import pytango_compat

DEVICES = ["synchronous", "futures", "gevent", "asyncio"]
NAMES = ["scalar", "moving", "rw", "without_events", "slow", "text"]


@pytest.mark.parametrize("mode", MODES, ids=str)
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


@pytest.mark.parametrize("mode", ["futures", "gevent", "asyncio"])
def test_a_program_in_a_green_mode_sees_what_others_see(modes, mode):
    """Stock Taurus gets no events with gevent, and futures for values with asyncio."""
    done = run_program("use_a_device", UP, facility=modes, PYTANGO_GREEN_MODE=mode)
    assert done.returncode == 0, done.stderr
    before, *told = json.loads(done.stdout)
    assert isinstance(before, float)
    assert told == [True, True, True, "Ready", "ON"]


def test_a_green_mode_is_set_without_a_call(modes):
    """PyTango's own method calls the device, which may have begun to hang."""
    name = f"tango://{modes.tango_host}/{UP}"
    proxy = tango.DeviceProxy(name, green_mode=tango.GreenMode.Futures)
    before = dict(vars(proxy))
    assert pytango_compat.GREEN_MODE in before
    assert pytango_compat.synchronous(proxy) is proxy
    assert proxy.get_green_mode() is tango.GreenMode.Synchronous
    # What such a call returns is kept there.
    assert vars(proxy).keys() == before.keys()
