"""Starts what tests run in processes of their own: programs, commands, a few lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from paths import ROOT

if TYPE_CHECKING:
    from taurus_tpo.sim import Facility

#: The programs, each a file.
PROGRAMS = ROOT / "tests" / "programs"


def path_of(name: str) -> Path:
    """Return the file of a program, for those that are given its path."""
    return PROGRAMS / f"{name}.py"


def program(name: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
    """Return the command line of a program of ``tests/programs``.

    :param options: of Python.
    """
    return [sys.executable, *options, "-m", f"tests.programs.{name}", *arguments]


def environment_of(facility: Facility | None = None, **more: str) -> dict[str, str]:
    """Return the environment of a process that imports this checkout.

    :param facility: the one that it is to use; None: that of this process.
    :param more: variables that are added, or replace what is there.
    """
    base = os.environ if facility is None else facility.environment()
    path = filter(None, [str(ROOT), base.get("PYTHONPATH")])
    own = {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.pathsep.join(path)}
    return {**base, **own, **more}


def run_program(
    name: str, *arguments: str, facility: Facility | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of ``tests/programs``, with the fault handler of Python.

    Return what it said.
    """
    command = program(name, *arguments, options=("-X", "faulthandler"))
    return run(command, facility, **environment)


def start_program(
    name: str,
    *arguments: str,
    facility: Facility,
    stdin: int = subprocess.DEVNULL,
    **environment: str,
) -> subprocess.Popen[str]:
    """Start a program of ``tests/programs``, with the fault handler of Python."""
    return subprocess.Popen(
        program(name, *arguments, options=("-X", "faulthandler")),
        env=environment_of(facility, **environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_python(
    code: str, facility: Facility | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a few lines in a fresh process; more than that are a program."""
    return run([sys.executable, "-c", code], facility, **environment)


def run(
    command: list[str], facility: Facility | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a fresh process and return what it said."""
    return subprocess.run(
        command,
        env=environment_of(facility, **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def taurus_command(*arguments: str) -> list[str]:
    """Return the command line of ``taurus ...`` of this environment."""
    return [sys.executable, "-c", "from taurus.cli import main; main()", *arguments]
