"""The command line of the benchmark."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from benchmarks import machine, report, results
from benchmarks.cases import CASES, HEADLESS, Case, Headless
from benchmarks.child import ROOT
from benchmarks.facilities import spec_of
from benchmarks.runner import Runner, variants
from taurus_tpo import submode
from taurus_tpo.customsettings import CUSTOM_SETTINGS
from taurus_tpo.sim import Facility, FacilityError

#: What the page docs/reference/performance.rst includes.
PAGE = ROOT / "docs" / "reference" / "performance-results.inc"

#: How many repeats a result needs that is worth a page.
REPEATS = 5

EVERYTHING = (*CASES, HEADLESS)


@dataclass(frozen=True)
class Plan:
    """What is measured.

    :param modes: of the plugin; an empty text for the one in force.
    :param stock: whether stock Taurus takes its turns.
    :param repeat: how often each run is done.
    :param limit: after how long a run is given up, s.
    :param workers: of the plugin, and of plain PyTango.
    """

    cases: tuple[Case | Headless, ...]
    modes: tuple[str, ...] = ("",)
    stock: bool = True
    repeat: int = REPEATS
    limit: float = 150.0
    workers: int = 8

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return self.cases == EVERYTHING and self.stock and self.repeat >= REPEATS

    @property
    def command(self) -> str:
        """The command line that measures the same again."""
        default = Plan(EVERYTHING)
        words = ["python -m benchmarks"]
        words += [case.name for case in self.cases if self.cases != EVERYTHING]
        for name in ("repeat", "limit"):
            if getattr(self, name) != getattr(default, name):
                words.append(f"--{name} {getattr(self, name):g}")
        words += [f"--modes {','.join(self.modes)}"] if any(self.modes) else []
        words += [] if self.stock else ["--no-stock"]
        return " ".join(words)

    def carry_out(self, log: results.Log, console: Console) -> None:
        """Measure all of it.

        :raises FacilityError: if a facility does not start.
        """
        for case in self.cases:
            turns = variants(case, self.modes, self.stock) * self.repeat
            with _progress(console) as progress:
                task = progress.add_task(f"{case.name}: it starts", total=len(turns))
                with Facility(spec_of(case.title, case.groups)) as facility:
                    runner = Runner(facility, self.limit, self.workers)
                    for variant in turns:
                        progress.update(task, description=f"{case.name}: {variant}")
                        record = runner.run(case, variant)
                        log.add(record)
                        _say(progress.console, report.line(record))
                        progress.advance(task)


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _modes(_context: Any, _option: Any, text: str) -> tuple[str, ...]:
    """Return the modes by Tango's names; an empty text for the one in force."""
    try:
        named = tuple(submode.parse(n.strip()).name for n in text.split(",") if text)
    except submode.UnknownModeError as error:
        raise click.BadParameter(str(error)) from None
    return named or ("",)


@click.command()
@click.argument(
    "facilities",
    nargs=-1,
    type=click.Choice([case.name for case in EVERYTHING]),
    metavar="[FACILITY]...",
)
@click.option(
    "--repeat",
    default=REPEATS,
    type=click.IntRange(min=1),
    show_default=True,
    help="How often each run is done.",
)
@click.option(
    "--modes",
    default="",
    metavar="MODE,...",
    callback=_modes,
    help="Modes of the plugin, as AsyncRead,Sync, instead of the one in force.",
)
@click.option(
    "--stock/--no-stock",
    default=True,
    help="Whether stock Taurus takes its turns: long ones, where servers hang.",
)
@click.option(
    "--limit",
    default=Plan.limit,
    show_default=True,
    metavar="SECONDS",
    help="After how long a run is given up.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build", "benchmark"),
    show_default=True,
    help="Folder for a file with all that was measured, as JSON lines.",
)
@click.option(
    "--docs/--no-docs",
    default=None,
    help="Whether the results go into the documentation. [default: if nothing was "
    "left out]",
)
@click.option(
    "--again",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure nothing, and show the results of such a file again.",
)
def main(
    facilities: Sequence[str],
    repeat: int,
    modes: tuple[str, ...],
    stock: bool,
    limit: float,
    out: Path,
    docs: bool | None,
    again: Path | None,
) -> None:
    """Measure how long a Taurus window waits for the network.

    The plugin, stock Taurus, and what they are held against take turns, each time in a
    new process. Without a FACILITY, all are measured: thousand, slow, polled, hung,
    hung-servers, late and headless. Ctrl-C keeps what was measured so far.
    """
    console = Console(highlight=False)
    if again is not None:
        _show(*results.load(again), console)
        _document(bool(docs), *results.load(again), console)
        return
    cases = tuple(c for c in EVERYTHING if c.name in facilities or not facilities)
    workers = CUSTOM_SETTINGS.current().first_read_workers
    plan = Plan(cases, modes, stock, repeat, limit, workers)
    head = machine.describe(plan.command) | {"workers": workers}
    log = results.Log(out / time.strftime("%Y%m%d-%H%M%S.jsonl"), head)
    finished = _carry_out(plan, log, console)
    _show(head, log.records, console)
    _say(console, f"all of it: {log.path}")
    wanted = plan.complete if docs is None else docs
    _document(wanted and finished, head, log.records, console)
    if not finished or any(record.failure for record in log.records):
        raise SystemExit(1)


def _carry_out(plan: Plan, log: results.Log, console: Console) -> bool:
    """Measure, and return whether nobody interrupted it."""
    try:
        plan.carry_out(log, console)
    except KeyboardInterrupt:
        console.print("interrupted: this is what was measured so far")
        return False
    except FacilityError as error:
        raise click.ClickException(str(error)) from error
    return True


def _show(
    head: dict[str, Any], records: Sequence[results.Record], console: Console
) -> None:
    for case in EVERYTHING:
        for sheaf in report.sheaves(case, records, head["workers"]):
            console.print(report.for_terminal(sheaf))


def _document(
    wanted: bool,
    head: dict[str, Any],
    records: Sequence[results.Record],
    console: Console,
) -> None:
    if wanted:
        PAGE.write_text(report.for_documentation(head, records), encoding="utf-8")
        _say(console, f"documented in {PAGE.relative_to(ROOT)}")
