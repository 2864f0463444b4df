"""The suites of packages that build on Taurus, with the plugin and without it.

``make test-peers`` runs the tests of taurus_pyqtgraph and of Sardana, the latter
against a real Pool and MacroServer that its fixtures start. Each file has a process and
a Tango database of its own. What passes without the plugin has to pass with it: what
fails is run again, on both sides, since the fixtures of these suites wait for fixed
times.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from benchmarks import ROOT
from benchmarks.pages import page
from taurus_tpo.bench.tables import TextTable, for_terminal
from taurus_tpo.sim.database import DatabaseProcess
from taurus_tpo.sim.process import Spawner
from tests.peers.suites import SUITES, Suite
from tests.support import suite_report
from tests.support.suite_process import run_group
from tests.support.suite_report import FAILED, PASSED, SKIPPED

PAGE = ROOT / "docs" / "reference" / "peers-results.inc"

#: How often a file is run where something fails that passes on the other side.
TRIES = 3

#: What a suite is run with: the value of ``TAURUS_TPO``.
SIDES = {"stock Taurus": "0", "the plugin": "1"}

Outcomes = dict[str, str]


@dataclass(frozen=True)
class Run:
    """One file of tests, on one side.

    :param attempt: the first is 0.
    """

    suite: Suite
    file: Path
    side: str
    folder: Path
    attempt: int

    def outcomes(self) -> Outcomes:
        """Run what has not passed, and return what became of each test so far."""
        name = f"{self.file.stem}-{SIDES[self.side]}"
        report = self.folder / f"{name}.txt"
        log = self.folder / f"{name}-{self.attempt}.log"
        with _database() as tango_host:
            # Sardana's fixtures look for Pool and MacroServer on the path.
            path = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
            environment = {
                **os.environ,
                "PATH": os.pathsep.join(path),
                "TANGO_HOST": tango_host,
                "QT_QPA_PLATFORM": "offscreen",
                "TAURUS_TPO": SIDES[self.side],
                "PYTHONPATH": str(Path(suite_report.__file__).parent),
            }
            command = [
                *(sys.executable, "-m", "pytest", str(self.file), "-q", "-rfE"),
                *("-p", "suite_report", f"--outcomes-to={report}"),
                *("-p", "no:cacheprovider", "-c", os.devnull),
                *("--rootdir", str(self.folder), "--import-mode", "importlib"),
            ]
            with log.open("w") as output:
                run_group(command, environment, self.suite.seconds, output)
        return suite_report.told(report)


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """Run a Tango database; return its ``TANGO_HOST``."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Spawner()) as spawner,
    ):
        database = DatabaseProcess(spawner, Path(folder))
        database.start()
        try:
            yield database.tango_host
        finally:
            database.terminate()


def both(suite: Suite, folder: Path, file: Path) -> dict[str, Outcomes]:
    """Return what became of each test of a file, on each side, in the best run."""
    told: dict[str, Outcomes] = {side: {} for side in SIDES}
    for attempt in range(TRIES):
        for side in SIDES:
            told[side] = Run(suite, file, side, folder, attempt).outcomes()
        if not any(one for side in SIDES for one in lost(told, side)):
            break
    return told


def lost(told: dict[str, Outcomes], side: str) -> list[str]:
    """Return what does not pass on a side, and does on the other."""
    [other] = [known for name, known in told.items() if name != side]
    passed = (name for name, outcome in other.items() if outcome == PASSED)
    return [name for name in passed if told[side].get(name) != PASSED]


def run_suite(suite: Suite, jobs: int, folder: Path) -> dict[str, Outcomes]:
    """Run the tests of a suite on both sides."""
    files = suite.modules(folder)
    with ThreadPoolExecutor(jobs) as threads:
        each = list(threads.map(partial(both, suite, folder), files))
    return {
        side: {name: one for told in each for name, one in told[side].items()}
        for side in SIDES
    }


def text_table(suite: Suite, told: dict[str, Outcomes], seconds: float) -> TextTable:
    """Return what was found as a table."""
    rows = []
    for side, known in told.items():
        count = Counter(known.values())
        missing = lost(told, side)
        outcomes = (count[PASSED], count[FAILED], count[SKIPPED], len(missing))
        rows.append((side, *map(str, outcomes)))
    title = f"{suite.name} {suite.version}, both in {seconds:.0f} s"
    head = ("with", "passed", "failed", "skipped", "passed on the other side only")
    return TextTable(title, head, tuple(rows))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--jobs", default=2, show_default=True, help="Files at a time.")
@click.option("--logs", type=click.Path(path_type=Path), help="Keep what they print.")
@click.option("--docs", is_flag=True, help="Put the results into the documentation.")
def main(names: tuple[str, ...], jobs: int, logs: Path | None, docs: bool) -> None:
    """Run the suites of others, all or those NAMES, with the plugin and without it."""
    console = Console(highlight=False)
    tables, worse = [], []
    for suite in SUITES:
        if names and suite.name not in names:
            continue
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) if logs is None else logs / suite.name
            folder.mkdir(parents=True, exist_ok=True)
            told = run_suite(suite, jobs, folder)
        table = text_table(suite, told, time.monotonic() - begun)
        console.print(for_terminal(table))
        tables.append(table)
        worse += lost(told, "the plugin")
    for name in worse:
        console.print(f"passes without the plugin only: {name}")
    if docs:
        PAGE.write_text(page("make test-peers", *tables), encoding="utf-8")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
