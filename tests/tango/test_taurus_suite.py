"""Taurus's own tests of the scheme, with the plugin on in each mode and without it.

How they are run: ``taurus_suite_support``. Some modules start several servers, and a
server that was forked after that may not start or not end (stock Taurus 5.4.1 with
PyTango 10.3.1: 4 of 12 runs of ``test_tangodevice``): each test of theirs has a process
of its own.
"""

from __future__ import annotations

import re

import pytest
from taurus_suite_support import modules, outcomes, worse

from taurus_tpo import submode

PACKAGE = "taurus.core.tango.test"

#: The modules whose tests start a server each.
ONE_BY_ONE = ("test_modelequality", "test_tangodevice")


@pytest.fixture(scope="module")
def parts() -> list[list[str]]:
    """What pytest is to run, a process each."""
    found: list[list[str]] = []
    for file in modules(PACKAGE):
        names = [""]
        if file.stem in ONE_BY_ONE:
            tests = re.findall(r"^def (test\w*)", file.read_text(), re.MULTILINE)
            names = [f"::{name}" for name in tests]
        found.extend([f"{file}{name}"] for name in names)
    return found


@pytest.fixture(scope="module")
def without(shared_modes, parts, tmp_path_factory) -> dict[str, str]:
    """What the tests say of stock Taurus."""
    facility = shared_modes.facility
    found = outcomes(facility, tmp_path_factory.mktemp("stock"), parts, None)
    assert len(found) > 100
    return found


@pytest.mark.parametrize("mode", submode.MODES, ids=str)
def test_what_passes_without_the_plugin_passes_with_it(
    modes, parts, without, tmp_path, mode
):
    found = outcomes(modes, tmp_path, parts, mode.key)
    assert set(found) == set(without)
    assert not worse(found, without)
