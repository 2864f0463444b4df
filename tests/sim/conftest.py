"""Fixtures of the tests of the simulated facility."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from paths import ROOT


@pytest.fixture
def shell_environment(tmp_path: Path) -> dict[str, str]:
    """The environment for a Python process that imports this checkout.

    What it leaves in the way of files when it is killed, pytest removes.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)}
    environment.pop("TANGO_HOST", None)
    return environment
