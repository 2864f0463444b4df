"""Taurus's own tests of the scheme, with the plugin on in each mode and without it.

They come with Taurus. What passes without the plugin must pass with it. They fork
device servers, which a process that has spoken Tango before does not survive for sure:
each module runs in a process of its own, and each test of those modules that start
several servers. Even so a server that was forked may not start or not end (stock
Taurus 5.4.1 with PyTango 10.3.1: 4 of 12 runs of ``test_tangodevice``): what fails is
tried again, with the plugin and without it, and a real failure fails each time.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.resources
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from tango_support import run

from taurus_tpo import submode

PACKAGE = "taurus.core.tango.test"

#: The modules whose tests start a server each.
ONE_BY_ONE = ("test_modelequality", "test_tangodevice")


@functools.cache
def parts() -> tuple[str, ...]:
    """Return what pytest is to run, a process each."""
    folder = Path(str(importlib.resources.files(PACKAGE)))
    found: list[str] = []
    for file in sorted(folder.glob("test_*.py")):
        names = [""]
        if file.stem in ONE_BY_ONE:
            tests = re.findall(r"^def (test\w*)", file.read_text(), re.MULTILINE)
            names = [f"::{name}" for name in tests]
        found.extend(f"{file}{name}" for name in names)
    return tuple(found)


#: How often a part is tried.
TRIES = 4


def outcomes(facility, folder: Path, mode: str | None) -> dict[str, str]:
    """Run all parts and return the outcome of each test."""
    found: dict[str, str] = {}
    for number, part in enumerate(parts()):
        for attempt in range(TRIES):
            report = folder / f"{number}-{attempt}.xml"
            told = _run(facility, part, report, mode)
            passed = {name: "ok" for name in found if found[name] == "ok"}
            found = {**found, **told, **passed}
            if told and all(outcome == "ok" for outcome in told.values()):
                break
    return found


def _run(facility, part: str, report: Path, mode: str | None) -> dict[str, str]:
    """Run one part in a process of its own; nothing is told if that dies."""
    command = [
        *(sys.executable, "-m", "pytest", part, "-q", f"--junitxml={report}"),
        *("-p", "taurus_suite_mode", "-p", "no:cacheprovider"),
        *("-c", "/dev/null", "--rootdir", str(report.parent)),
    ]
    environment = {"TAURUS_TPO": "1" if mode else "0", "TPO_TEST_MODE": mode or ""}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run(command, facility, **environment)
    if not report.exists():
        return {}
    told = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        bad = [child.tag for child in case if child.tag in ("failure", "error")]
        told[f"{case.get('classname')}::{case.get('name')}"] = bad[0] if bad else "ok"
    return told


@pytest.fixture(scope="module")
def without(modes, tmp_path_factory) -> dict[str, str]:
    """What the tests say of stock Taurus."""
    found = outcomes(modes, tmp_path_factory.mktemp("stock"), None)
    assert len(found) > 100
    return found


@pytest.mark.parametrize("mode", submode.MODES, ids=str)
def test_what_passes_without_the_plugin_passes_with_it(modes, without, tmp_path, mode):
    found = outcomes(modes, tmp_path, mode.key)
    assert set(found) == set(without)
    worse = {name for name in found if found[name] != "ok" and without[name] == "ok"}
    assert not worse
