"""The matrix of versions: its cells, what each runs, and the table of the results.

``noxfile.py`` makes an environment for each cell, from the wheel, and runs it there;
``python tools/matrix.py`` lists the cells. Needs only Python's standard library.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "matrix"
#: A copy of what the tests need, without the package: the wheel is tested.
TREE = BUILD / "tree"
WHEELS = BUILD / "wheels"
#: The results of all runs, and the table that is made from them.
RESULTS = ROOT / "docs" / "reference" / "versions-results.json"
PAGE = RESULTS.with_suffix(".inc")

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
TAURUS = ("5.2.4", "5.3.2", "5.4.1")
#: Each PyTango, with the Pythons that it has wheels for.
PYTANGO = {
    "9.5.1": PYTHONS[:4],
    "10.0.4": PYTHONS,
    "10.1.6": PYTHONS[1:],
    "10.3.1": PYTHONS[1:],
}
#: Each binding of Qt, with the extra that installs it, and the Taurus that takes it.
QT = {
    "PyQt5": ("qt", TAURUS),
    "PyQt6": ("pyqt6", TAURUS[2:]),
    "PySide6": ("pyside6", TAURUS[2:]),
}

_COPIED = ("tests", "benchmarks", "conf", "tools", "pyproject.toml")
_TOOLS = ("pytest>=8", "pytest-qt>=4.4", "pytest-timeout>=2.3", "hypothesis>=6")

#: How long one step may take, s: one that hangs is a failure.
TIMEOUT = 1800.0

#: What a cell runs: the title of its column, and the arguments of pytest.
STEPS: dict[str, tuple[str, ...]] = {
    "modes, precedence": (
        "tests/integration/test_mode_table.py",
        "tests/integration/test_precedence.py",
        "tests/integration/test_subscription_queue.py",
        "tests/unit/test_compat.py",
    ),
    "first read": ("tests/integration/test_first_read.py",),
    "hung, down, slow": ("tests/faults/test_silent_devices.py",),
    "after a restart": ("tests/faults/test_fault_matrix.py", "-k", "DevRestart"),
    "widgets": ("tests/gui/test_inspector.py", "tests/gui/test_progress.py"),
    "Taurus's suite": ("tests/integration/test_taurus_suite.py", "-k", "AsyncRead"),
}
DIFFERENTIAL = "beside stock"
SCENARIOS = 20


@dataclasses.dataclass(frozen=True)
class Cell:
    """One combination of versions."""

    python: str
    taurus: str
    pytango: str
    qt: str

    def __str__(self) -> str:
        return f"py{self.python}-taurus{self.taurus}-pytango{self.pytango}-{self.qt}"

    @property
    def requirements(self) -> list[str]:
        """What pip installs, besides the wheel of the project."""
        pinned = [f"taurus=={self.taurus}", f"pytango=={self.pytango}"]
        if self.pytango.startswith("9."):
            pinned.append("numpy<2")
        if self.taurus != TAURUS[-1]:
            # They import pkg_resources, which later ones do not have.
            pinned.append("setuptools<81")
        return [*pinned, *_TOOLS, "jinja2>=3", "packaging"]

    @property
    def extras(self) -> str:
        """The extras of the wheel."""
        return f"{QT[self.qt][0]},sim"


def cells() -> Iterator[Cell]:
    """Return all combinations that have wheels, the oldest first."""
    for python, taurus, pytango, qt in itertools.product(PYTHONS, TAURUS, PYTANGO, QT):
        if python in PYTANGO[pytango] and taurus in QT[qt][1]:
            yield Cell(python, taurus, pytango, qt)


#: What ``make test`` runs: a part of the oldest cell, and of one of another Qt.
TESTED: dict[Cell, dict[str, tuple[str, ...]]] = {
    Cell("3.9", "5.2.4", "9.5.1", "PyQt5"): {
        "modes, precedence": (
            *("tests/integration/test_mode_table.py", "-k"),
            "AsyncRead or SyncRead or when_the_server_comes",
        )
    },
    Cell("3.12", "5.4.1", "10.1.6", "PyQt6"): {
        "widgets": ("tests/gui/test_deferred_updates.py",)
    },
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a step said.

    :param failed: the names of what failed.
    """

    passed: int
    skipped: int
    failed: tuple[str, ...]
    seconds: float

    @property
    def text(self) -> str:
        """The cell of the table."""
        if not self.failed:
            return str(self.passed)
        return f"**{len(self.failed)} of {self.passed + len(self.failed)} failed**"


# --- to run a cell ---


def prepare() -> pathlib.Path:
    """Build the wheel, copy the tests, and return the wheel."""
    for folder in (TREE, WHEELS):
        shutil.rmtree(folder, ignore_errors=True)
    TREE.mkdir(parents=True)
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, TREE / name, ignore=ignored)
        else:
            shutil.copy2(source, TREE / name)
    # What setuptools has left of an earlier build would be in the wheel.
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(WHEELS), str(ROOT)], check=True)
    return next(WHEELS.glob("*.whl"))


def environment(cell: Cell) -> dict[str, str | None]:
    """Return the variables of the environment of a cell; None: to be removed."""
    api = cell.qt.lower()
    return {
        "TANGO_HOST": None,
        "PYTHONPATH": None,
        "QT_QPA_PLATFORM": "offscreen",
        "QT_API": api,
        "PYTEST_QT_API": api,
        "PYTHONWARNINGS": "ignore:pkg_resources",
    }


def run(cell: Cell, python: str, steps: Mapping[str, tuple[str, ...]]) -> bool:
    """Run steps of a cell, print and keep what they say; return whether all passed.

    :param python: the interpreter of the environment of the cell.
    """
    found = {title: _run_step(cell, python, title, steps[title]) for title in steps}
    if steps is STEPS:
        found[DIFFERENTIAL] = _run_differential(cell, python)
        keep(cell, found)
    for title, outcome in found.items():
        print(f"matrix: {cell}: {title}: {outcome.text}, {outcome.seconds:.0f} s")
        for name in outcome.failed:
            print(f"matrix:     {name}")
    return not any(outcome.failed for outcome in found.values())


def _variables(cell: Cell) -> dict[str, str]:
    said = {**os.environ, **environment(cell)}
    return {name: value for name, value in said.items() if value is not None}


def _run_step(
    cell: Cell, python: str, title: str, arguments: tuple[str, ...]
) -> Outcome:
    report = BUILD / f"{cell}-{re.sub('[^a-z]+', '-', title.lower())}.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-q", "--show-capture=no", "--tb=short"]
    command += [f"--junitxml={report}", *arguments]
    begun = datetime.datetime.now()
    status = _call(command, cell, report.with_suffix(".txt"))
    seconds = (datetime.datetime.now() - begun).total_seconds()
    if not report.exists():
        return Outcome(0, 0, (f"pytest ended with {status}",), seconds)
    return outcome_of(ElementTree.parse(report).getroot(), seconds)


def outcome_of(report: ElementTree.Element, seconds: float) -> Outcome:
    """Return what a report of pytest, as JUnit has it, says."""
    cases = list(report.iter("testcase"))
    skipped = [one for one in cases if one.find("skipped") is not None]
    failed = [
        f"{one.get('classname')}::{one.get('name')}"
        for one in cases
        if one.find("failure") is not None or one.find("error") is not None
    ]
    passed = len(cases) - len(skipped) - len(failed)
    return Outcome(passed, len(skipped), tuple(dict.fromkeys(failed)), seconds)


def _run_differential(cell: Cell, python: str) -> Outcome:
    log = BUILD / f"{cell}-differential.txt"
    command = [python, "-m", "tests.differential", "--quiet", "--seed", "1"]
    begun = datetime.datetime.now()
    status = _call([*command, "--scenarios", str(SCENARIOS)], cell, log)
    seconds = (datetime.datetime.now() - begun).total_seconds()
    if status == 0:
        return Outcome(SCENARIOS, 0, (), seconds)
    said = re.findall(r"\d+ causes differ again.*", log.read_text(errors="replace"))
    return Outcome(0, 0, tuple(said) or (f"ended with {status}",), seconds)


def _call(command: list[str], cell: Cell, log: pathlib.Path) -> int | None:
    """Run a command of a cell; return its status, None if it took too long."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=TREE,
            env=_variables(cell),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            return process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None


# --- the results ---


def keep(cell: Cell, found: Mapping[str, Outcome]) -> None:
    """Add the results of a cell to those of earlier runs, and write the table."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    now = datetime.datetime.now(datetime.timezone.utc)
    known[str(cell)] = {
        **dataclasses.asdict(cell),
        "date": now.strftime("%Y-%m-%d"),
        "steps": {name: dataclasses.asdict(one) for name, one in found.items()},
    }
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(known.values()))


def page(results: Iterable[Mapping[str, Any]]) -> str:
    """Return the results as a table of reStructuredText."""
    columns = ("Python", "Taurus", "PyTango", "Qt", *STEPS, DIFFERENTIAL, "date")
    rows = [columns, *map(_row, sorted(results, key=_order))]
    lines = [".. Written by make matrix.", "", ".. list-table::", "   :header-rows: 1"]
    for row in rows:
        lines += [
            "",
            *(f"   {'* -' if not n else '  -'} {c}" for n, c in enumerate(row)),
        ]
    return "\n".join(lines) + "\n"


def _order(result: Mapping[str, Any]) -> list[Any]:
    names = ("python", "taurus", "pytango")
    return [[int(n) for n in result[name].split(".")] for name in names] + [
        [list(QT).index(result["qt"])]
    ]


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    steps = {
        name: Outcome(**{**one, "failed": tuple(one["failed"])}).text
        for name, one in result["steps"].items()
    }
    said = [steps.get(name, "not run") for name in (*STEPS, DIFFERENTIAL)]
    versions = [result[name] for name in ("python", "taurus", "pytango", "qt")]
    return (*versions, *said, result["date"])


if __name__ == "__main__":
    for one in cells():
        print(one)
