"""Taurus's own tests of the scheme, with the plugin on in each mode and without it.

How they are run: ``taurus_suite_support``.
"""

from __future__ import annotations

import pytest
from taurus_suite_support import modules, outcomes, worse

from taurus_tpo.core.modes import MODES

PACKAGE = "taurus.core.tango.test"

#: A module that fails where others have used the factory in its process.
ALONE = "test_tangofactory"


@pytest.fixture(scope="module")
def parts() -> list[list[str]]:
    """What pytest is to run, a process for each list."""
    others = [str(module) for module in modules(PACKAGE) if module.stem != ALONE]
    alone = [str(module) for module in modules(PACKAGE) if module.stem == ALONE]
    return [others, alone]


@pytest.fixture(scope="module")
def without(shared_modes, parts, tmp_path_factory) -> dict[str, str]:
    """What the tests say of stock Taurus."""
    facility = shared_modes.facility
    found = outcomes(facility, tmp_path_factory.mktemp("stock"), parts, None)
    assert len(found) > 100
    return found


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_what_passes_without_the_plugin_passes_with_it(
    modes, parts, without, tmp_path, mode
):
    found = outcomes(modes, tmp_path, parts, mode.key)
    assert set(found) == set(without)
    assert not worse(found, without)
