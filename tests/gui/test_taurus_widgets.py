"""Taurus's own tests of its widgets, with the plugin on and without it.

How they are run: ``taurus_suite_support``. About half of them show a Tango device,
and those are run in each mode; the others only once with the plugin, which every
Taurus program loads.
"""

from __future__ import annotations

import pytest
from suite_report import PASSED
from taurus_suite_support import modules, outcomes, worse

from taurus_tpo.core.modes import DEFAULT as DEFAULT_MODE
from taurus_tpo.core.modes import MODES

PACKAGE = "taurus.qt"

#: The fixture of Taurus's that starts a device server.
SERVER = "nodb_dev"

#: The tests of the LED wait for the second value of an evaluation, which is polled:
#: 57 s of the 67 that all take with Taurus's period of 3 s.
EVALUATION_PERIOD = "--evaluation-period=200"

#: Half of the time the tests wait, for a server to start or for a period to pass.
AT_ONCE = 2


@pytest.fixture(scope="module")
def with_tango() -> list[list[str]]:
    """The modules with tests that show a device, a process for each list."""
    found = [str(m) for m in modules(PACKAGE) if SERVER in m.read_text()]
    return [found[::2], found[1::2]]


@pytest.fixture(scope="module")
def parts(with_tango) -> list[list[str]]:
    """All modules, a process for each list."""
    others = [str(m) for m in modules(PACKAGE) if SERVER not in m.read_text()]
    return [*with_tango, others]


@pytest.fixture(scope="module")
def without(shared_modes, parts, tmp_path_factory) -> dict[str, str]:
    """What the tests say of stock Taurus."""
    folder = tmp_path_factory.mktemp("stock")
    found = outcomes(
        shared_modes.facility, folder, parts, None, EVALUATION_PERIOD, at_once=AT_ONCE
    )
    assert list(found.values()).count(PASSED) > 100
    return found


def test_what_passes_without_the_plugin_passes_with_it(modes, parts, without, tmp_path):
    mode, options = DEFAULT_MODE.key, [EVALUATION_PERIOD]
    found = outcomes(modes, tmp_path, parts, mode, *options, at_once=AT_ONCE)
    assert set(found) == set(without)
    assert not worse(found, without)


@pytest.mark.parametrize(
    "mode", [mode for mode in MODES if mode is not DEFAULT_MODE], ids=str
)
def test_what_shows_a_device_passes_in_the_other_modes(
    modes, with_tango, without, tmp_path, mode
):
    options = [EVALUATION_PERIOD, f"--only-with={SERVER}"]
    found = outcomes(modes, tmp_path, with_tango, mode.key, *options, at_once=AT_ONCE)
    # A process that died each time has told nothing of its modules.
    told = {name.partition("::")[0] for name in found}
    assert len(told) == sum(map(len, with_tango))
    assert not worse(found, {name: without[name] for name in found})
