"""The command line of the benchmark."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks import ROOT, report
from benchmarks.cases import CASES, DEFAULT, EVERYTHING, Case
from benchmarks.far import LinkError
from benchmarks.runner import Options, Outcome, RunnerError, carry_out, outcome, skip
from taurus_tpo.bench import machine
from taurus_tpo.bench.measure import Plan
from taurus_tpo.bench.results import PLUGIN
from taurus_tpo.bench.tables import for_terminal
from taurus_tpo.cli.bench import ModesType, as_typed
from taurus_tpo.sim import FacilityError

#: The generated files: the page, and its summary in the README.
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"

#: The file with the context of all results in a folder.
_HEAD = "head.json"


@click.command()
@click.argument(
    "facilities",
    nargs=-1,
    type=click.Choice([case.name for case in EVERYTHING]),
    metavar="[FACILITY]...",
)
@click.option(
    "--repeat",
    default=Options.repeat,
    type=click.IntRange(min=1),
    show_default=True,
    help="Number of runs of each.",
)
@click.option(
    "--modes",
    default=",".join(Options.modes),
    show_default=True,
    type=ModesType(),
    help="Modes of the plugin that take turns with stock Taurus, plain PyTango and "
    "eval: models; '' for none.",
)
@click.option(
    "--more-modes",
    default=",".join(Options.more_modes),
    show_default=True,
    type=ModesType(),
    help="Modes in which only the plugin is measured, after that, on the facilities "
    "whose limits are about all modes; '' for none.",
)
@click.option(
    "--more-repeat",
    default=Options.more_repeat,
    type=click.IntRange(min=1),
    show_default=True,
    help="Number of runs of each of those.",
)
@click.option(
    "--stock/--no-stock",
    default=True,
    help="Whether stock Taurus takes its turns: long ones, where servers hang.",
)
@click.option(
    "--stock-repeat",
    default=Options.stock_repeat,
    type=click.IntRange(min=1),
    show_default=True,
    help="How often stock Taurus and plain PyTango take their turn where servers hang "
    "or are late, at most: a turn takes minutes there.",
)
@click.option(
    "--limit",
    default=Options.limit,
    show_default=True,
    metavar="SECONDS",
    help="After how long a run is given up.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build", "benchmark"),
    show_default=True,
    help="Folder for all that was measured: a folder for each time.",
)
@click.option(
    "--docs/--no-docs",
    default=None,
    help="Whether docs/performance.md and the results are written, and the summary in "
    "README.md. "
    "[default: if nothing was left out]",
)
@click.option(
    "--again",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure nothing, and show the results in such a folder again.",
)
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure into such a folder: what is measured now takes the place of what is "
    "there of it, and all else stays.",
)
def main(
    facilities: Sequence[str],
    repeat: int,
    modes: tuple[str, ...],
    more_modes: tuple[str, ...],
    more_repeat: int,
    stock: bool,
    stock_repeat: int,
    limit: float,
    out: Path,
    docs: bool | None,
    again: Path | None,
    into: Path | None,
) -> None:
    """Measure how long a Taurus window waits for the network.

    One facility is measured after the other. Without a FACILITY, all are measured but
    those that take long (ten-thousand). Ctrl-C keeps what was measured so far, and
    --again shows it.
    """
    console = Console(highlight=False)
    if again is not None and into is not None:
        raise click.UsageError("--again measures nothing, --into does: say one of them")
    folder = again or into or out / time.strftime("%Y%m%d-%H%M%S")
    finished = True
    if again is None:
        cases = [c for c in EVERYTHING if c.name in facilities] or list(DEFAULT)
        options = Options(
            modes=modes,
            repeat=repeat,
            more_modes=more_modes,
            more_repeat=more_repeat,
            limit=limit,
            stock=stock,
            stock_repeat=stock_repeat,
        )
        # Read the load of the machine before the benchmark adds its own.
        head = _head(facilities, options)
        told = "" if into is None else _told(head)
        if into is None:
            folder.mkdir(parents=True)
            (folder / _HEAD).write_text(json.dumps(head), encoding="utf-8")
        finished = _measure(cases, options, folder, console, told)
    head = json.loads((folder / _HEAD).read_text(encoding="utf-8"))
    found = {c.name: one for c in EVERYTHING if (one := outcome(c, folder / c.name))}
    _show(head, found, console)
    console.print(f"all of it: {folder}", soft_wrap=True)
    nothing_left_out = stock or into is not None
    has_all = all(case.name in found for case in DEFAULT)
    complete = finished and has_all and nothing_left_out
    if complete if docs is None else docs:
        report.write_page(head, found, PAGE)
        shown = (path.read_text(encoding="utf-8") for path in (README, PAGE))
        README.write_text(report.with_summary(*shown), encoding="utf-8")
        console.print(f"documented in {PAGE.relative_to(ROOT)}", soft_wrap=True)
    if not finished or _has_failed(found):
        raise SystemExit(1)


def _head(facilities: Sequence[str], options: Options) -> dict[str, Any]:
    """Return the context of all results."""
    words = ["python", "-m", "benchmarks", *facilities]
    words += ["--modes", as_typed(options.modes), "--repeat", str(options.repeat)]
    words += ["--more-modes", as_typed(options.more_modes)]
    words += ["--more-repeat", str(options.more_repeat)] if options.more_modes else []
    stock = ["--stock-repeat", str(options.stock_repeat)]
    words += stock if options.stock else ["--no-stock"]
    words += ["--limit", f"{options.limit:g}"]
    plan = Plan((), (), at_once=options.at_once)
    return machine.describe(shlex.join(words)) | {"workers": plan.readers}


def _told(head: dict[str, Any]) -> str:
    """Return the context of a measurement that replaces a part of another."""
    version = head["versions"].get("taurus_tpo", "")
    return f"{head['date']}, taurus_tpo {version}: `{head['command']}`"


def _measure(
    cases: Sequence[Case], options: Options, folder: Path, console: Console, told: str
) -> bool:
    """Measure, and return whether it was completed without an interrupt.

    :param told: the context of this measurement if it replaces a part of another; else
        empty.
    """
    for case in cases:
        console.print(f"{case.name}: {case.title}", soft_wrap=True)
        try:
            carry_out(case, options, folder / case.name, told)
        except LinkError as error:
            console.print(f"  skipped: {error}", soft_wrap=True)
            skip(str(error), folder / case.name)
        except (FacilityError, RunnerError) as error:
            raise click.ClickException(f"{case.name}: {error}") from error
        except KeyboardInterrupt:
            console.print("interrupted: this is what was measured so far")
            return False
    return True


def _show(head: dict[str, Any], found: dict[str, Outcome], console: Console) -> None:
    for case in CASES:
        if case.name in found and not found[case.name].skipped:
            for text_table in report.tables(found[case.name], head["workers"]):
                console.print(for_terminal(text_table))
    if found:
        console.print(for_terminal(report.all_modes(found, head["workers"])))
    for cases in report.GROWTH.values():
        for text_table in report.growth(found, cases):
            console.print(for_terminal(text_table))


def _has_failed(found: dict[str, Outcome]) -> bool:
    records = [
        r for one in found.values() for some in one.records.values() for r in some
    ]
    crashed = any(record.crash and record.variant.who == PLUGIN for record in records)
    return crashed or any(record.failure for record in records)
