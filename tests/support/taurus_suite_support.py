"""Runs Taurus's own tests, with the plugin on in a mode and without it.

They come with Taurus. What passes without the plugin must pass with it. Stock Taurus
5.4.1 with PyTango 10.3.1 does not pass them for sure: cppTango 10.3.3 may crash in the
thread that begins subscriptions (6 of 12 runs of ``test_tangoattribute`` beside three
busy loops). Each part runs in a process of its own; what is left when that dies, and
what has failed, runs again in another one. A real failure fails each time.
"""

from __future__ import annotations

import importlib.resources
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import taurus
from suite_process import run_group
from suite_report import PASSED, told

from taurus_tpo.sim import Facility

#: How many processes a part gets that tell nothing new.
TRIES = 6

#: What pytest returns where nothing has failed: all passed, or nothing was left.
DONE = (0, 5)

#: How long one process may take, s.
TIMEOUT = 120.0


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

    def run_part(number: int) -> dict[str, str]:
        report, in_vain = folder / f"{number}.txt", 0
        while in_vain < TRIES:
            known = told(report)
            status = _run(facility, parts[number], report, mode, options)
            if status in DONE:
                break
            in_vain += told(report) == known
        return told(report)

    with ThreadPoolExecutor(at_once) as threads:
        found = list(threads.map(run_part, range(len(parts))))
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
) -> int:
    """Run what is left of a part in a process of its own; return pytest's status."""
    command = [
        *(sys.executable, "-m", "pytest", *part, "-q", f"--outcomes-to={report}"),
        # Names in the report are as unique as the modules' if they start at the root.
        *("-c", "/dev/null", "--rootdir", str(Path(taurus.__file__).parents[1])),
        *("-p", "taurus_suite_mode", "-p", "suite_report"),
        *("-p", "no:cacheprovider", "-p", "no:randomly"),
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
    return run_group(command, environment, TIMEOUT)
