"""``factory.prefetch``: configurations are there before their attributes are made."""

from __future__ import annotations

import gc

import pytest
import taurus
from stopwatch import Stopwatch
from tango_support import DOWN, UP, eventually, model
from taurus.core.taurusexception import TaurusException

from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.scheme import factory as factory_module
from taurus_tpo.scheme.device_access import JUST_TOLD

DEVICES = ("sim/batch/1", "sim/batch/2", "sim/batch2/1", "sim/batch2/2")
NAMES = [f"volt{number:02}" for number in range(1, 26)]


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left():
    """Wait until the devices are gone that are kept for some time."""
    yield
    devices = taurus.Factory("tango").tango_devs

    def are_gone() -> bool:
        gc.collect()
        return not any("sim/batch" in name for name in devices)

    eventually(are_gone, "no device is kept", 30.0)


def models_of(facility) -> list[str]:
    return [model(facility, name, device) for device in DEVICES for name in NAMES]


def requests(factory) -> int:
    """Return how often devices were asked for configurations so far."""
    return factory.first_read.stats(RequestKind.CONNECT).asked


def known(factory, facility, name: str):
    """Return the connection of a device that has answered, else None."""
    device = factory.tango_devs.get(f"tango://{facility.tango_host}/{name}")
    connection = device and factory.device_access.connection(device)
    return connection if connection and connection.configured else None


def prefetched(factory, facility) -> list:
    """Prefetch from all devices; return their connections once all have answered."""
    gc.collect()
    factory.prefetch(models_of(facility))
    connections = [
        eventually(lambda name=name: known(factory, facility, name), f"{name} answers")
        for name in DEVICES
    ]
    assert factory.background_tasks.wait()
    return connections


def test_attributes_use_what_was_prefetched(batches, factory):
    connections = prefetched(factory, batches)
    before = requests(factory)
    # An attribute that was not prefetched would request it anew.
    eventually(
        lambda: (
            not any(
                connection.fresh_configuration(NAMES[0], JUST_TOLD[False])
                for connection in connections
            )
        ),
        "the answers are some time old",
    )
    attributes = [taurus.Attribute(name) for name in models_of(batches)]
    # On a busy machine the setup of an attribute may begin before the next is made.
    assert requests(factory) - before < len(DEVICES)
    assert {str(one.getMinRange().units) for one in attributes} == {"V"}
    assert all(one.getParentObj().getDeviceProxy() is not None for one in attributes)


def test_a_device_that_is_in_use_is_asked_again(batches, factory):
    name, *others = (model(batches, name, DEVICES[0]) for name in NAMES[:3])
    first = taurus.Attribute(name)
    before = requests(factory)
    factory.prefetch([name, *others])
    eventually(lambda: requests(factory) > before, "it is asked")
    assert factory.background_tasks.wait()
    attributes = [taurus.Attribute(other) for other in others]
    assert all(one.getParentObj() is first.getParentObj() for one in attributes)
    assert all(one.configuration.is_known for one in attributes)


def test_names_that_are_not_valid_raise_when_the_attribute_is_made(modes, factory):
    wrong = [f"tango://{modes.tango_host}/{UP}/a/b", "tango:no/such"]
    unknown = model(modes, "rw", "sim/no/such")
    down = model(modes, "rw", DOWN)
    factory.prefetch([*wrong, unknown, down, "eval:1", "", "/", "a:b:c", None, 1])
    assert factory.background_tasks.wait()
    for name in wrong:
        with pytest.raises(TaurusException):
            taurus.Attribute(name)
    for name in (unknown, down):
        assert not taurus.Attribute(name).configuration.is_known


def test_nobody_waits_for_a_server_that_hangs(own_modes, batches, factory):
    own_modes.server("TpoSim/modes").hang()
    stopwatch = Stopwatch()
    factory.prefetch([model(own_modes, "rw"), *models_of(batches)])
    assert stopwatch.seconds < 1.0
    assert len(prefetched(factory, batches)) == len(DEVICES)


def test_a_device_is_kept_for_some_time_only(batches, factory, monkeypatch):
    gc.collect()
    monkeypatch.setattr(factory_module, "PREFETCHED", 0.5)
    # Not one that another test has prefetched.
    name = f"tango://{batches.tango_host}/sim/batch/failing"
    factory.prefetch([f"{name}/good1"])
    assert factory.background_tasks.wait()

    def is_gone() -> bool:
        gc.collect()
        return name not in factory.tango_devs

    eventually(is_gone, "it is collected")
