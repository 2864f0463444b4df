"""Runs Taurus's own tests, with the plugin on in a mode and without it.

They come with Taurus. What passes without the plugin must pass with it. They fork
device servers, which a process that has spoken Tango before does not survive for sure:
each part runs in a process of its own. Even so some fail now and then in stock Taurus
(5.4.1 with PyTango 10.3.1): what fails is tried again, with the plugin and without it,
and a real failure fails each time.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import taurus

from taurus_tpo.sim import Facility

#: How often a part is tried.
TRIES = 6

#: How long one try may take, s.
TIMEOUT = 120.0

PASSED, SKIPPED = "passed", "skipped"
FAILED = ("failure", "error")


def modules(package: str) -> list[Path]:
    """Return the test modules of a package of Taurus's, however deep, sorted."""
    folder = Path(str(importlib.resources.files(package)))
    return sorted(folder.rglob("test_*.py"))


def outcomes(
    facility: Facility,
    folder: Path,
    parts: Sequence[Sequence[str]],
    mode: str | None,
    *options: str,
    at_once: int = 1,
) -> dict[str, str]:
    """Run the parts and return the best outcome of each test.

    :param folder: an empty one, for the reports.
    :param parts: what pytest is to run, a process each.
    :param mode: the key of a mode; None: without the plugin.
    :param options: more options for pytest; see ``taurus_suite_mode``.
    :param at_once: how many parts may run at the same time.
    """

    def try_part(number: int) -> dict[str, str]:
        found: dict[str, str] = {}
        for attempt in range(TRIES):
            report = folder / f"{number}-{attempt}.xml"
            told = _run(facility, parts[number], report, mode, options)
            passed = {name for name in found if found[name] == PASSED}
            found = {**found, **told, **dict.fromkeys(passed, PASSED)}
            if told and not set(told.values()) & set(FAILED):
                break
        return found

    with ThreadPoolExecutor(at_once) as threads:
        found = list(threads.map(try_part, range(len(parts))))
    return {name: outcome for part in found for name, outcome in part.items()}


def worse(found: dict[str, str], without: dict[str, str]) -> dict[str, str]:
    """Return what does not pass with the plugin but does without it."""
    return {
        name: found.get(name, "not run")
        for name, outcome in without.items()
        if outcome == PASSED and found.get(name) != PASSED
    }


def _run(
    facility: Facility,
    part: Sequence[str],
    report: Path,
    mode: str | None,
    options: Sequence[str],
) -> dict[str, str]:
    """Run one part in a process of its own; nothing is told if that dies."""
    command = [
        *(sys.executable, "-m", "pytest", *part, "-q", f"--junitxml={report}"),
        # Names in the report are as unique as the modules' if they start at the root.
        *("-c", "/dev/null", "--rootdir", str(Path(taurus.__file__).parents[1])),
        *("-p", "taurus_suite_mode", "-p", "no:cacheprovider", "-p", "no:randomly"),
        # With it (1.7) no test that is marked `forked` passes under pytest 9; without
        # it, the mark means nothing. It may be installed or not.
        *("-p", "no:pytest_forked", *options),
    ]
    environment = {
        **facility.environment(),
        "QT_QPA_PLATFORM": "offscreen",
        "TAURUS_TPO": "1" if mode else "0",
        "TPO_TEST_MODE": mode or "",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    run_group(command, environment, TIMEOUT)
    if not report.exists():
        return {}
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {f"{c.get('classname')}::{c.get('name')}": outcome(c) for c in cases}


def run_group(
    command: list[str],
    environment: dict[str, str],
    seconds: float,
    output: IO[str] | int = subprocess.DEVNULL,
) -> None:
    """Run a command and end all that it leaves: one that dies leaves its servers.

    :param seconds: how long at the most.
    :param output: takes what it prints.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def outcome(case: ElementTree.Element) -> str:
    """Return what a report says of one test."""
    tags = {child.tag for child in case}
    return next((tag for tag in (*FAILED, SKIPPED) if tag in tags), PASSED)
