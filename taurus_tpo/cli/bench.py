"""``taurus tpo bench``: measures the start of a panel and recommends a mode."""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from taurus_tpo.bench import report
from taurus_tpo.bench.child import RunError
from taurus_tpo.bench.hooks import Hooks
from taurus_tpo.bench.machine import describe
from taurus_tpo.bench.measure import (
    CALLERS,
    Measurement,
    Plan,
    Said,
    discover,
    measure,
)
from taurus_tpo.bench.results import AS_SET, DISABLED, Record
from taurus_tpo.bench.tables import for_terminal
from taurus_tpo.cli import session
from taurus_tpo.cli.models import expand
from taurus_tpo.core.modes import MODES, UnknownModeError
from taurus_tpo.core.modes import parse as parse_mode
from taurus_tpo.environment.command_line import COMMAND_LINE, CommandLine
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: The values that may be given instead of a mode.
WORDS = {"as-set": AS_SET, "disabled": DISABLED}

#: The modes measured by default.
MEASURED = ("as-set", *(mode.name for mode in MODES), DISABLED)

#: The timeout of the database and the devices for the expansion of globs, s.
EXPANSION = 10.0

#: The name of the file with the raw results.
RAW = "results.jsonl"


class ModesType(click.ParamType):
    """Modes, separated by commas."""

    name = "modes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Return the names of the modes, as in Tango or as in :data:`WORDS`."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in value.split(",") if name.strip()]
        try:
            return tuple(self._name(name) for name in names)
        except UnknownModeError as error:
            self.fail(f"{error} Or one of {', '.join(WORDS)}.", param, ctx)

    def _name(self, name: str) -> str:
        return WORDS.get(name.lower()) or parse_mode(name).name

    def get_metavar(self, *_args: Any, **_kwargs: Any) -> str:
        """Return the placeholder of the value in the help text."""
        return "MODE[,MODE...]"


def as_typed(modes: Iterable[str]) -> str:
    """Return ``modes`` in the syntax of :class:`ModesType`."""
    typed = {mode: word for word, mode in WORDS.items()}
    return ",".join(typed.get(mode, mode) for mode in modes)


@click.command("bench")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--modes",
    type=ModesType(),
    default=",".join(MEASURED),
    show_default=True,
    help="What is tried: 'as-set' is what the settings say, 'disabled' is polling.",
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=Plan.repeat,
    show_default=True,
    metavar="N",
    help="Number of runs of each.",
)
@click.option(
    "--against",
    type=click.Choice(["stock"]),
    help="Run stock Taurus, too.",
)
@click.option(
    "--against-repeat",
    type=click.IntRange(min=1),
    metavar="N",
    help="How often stock Taurus and plain PyTango take their turn, which wait long "
    "where servers hang. [default: as often as the others]",
)
@click.option(
    "--bounds/--no-bounds",
    default=True,
    show_default=True,
    help="Let plain PyTango, and a form on eval: models, take their turns, too.",
)
@click.option(
    "--form/--headless",
    "window",
    default=True,
    show_default=True,
    help="Open a form, or listen without a window.",
)
@click.option(
    "--at-once",
    type=click.IntRange(min=CALLERS + 1, max=256),
    default=Plan.at_once,
    show_default=True,
    metavar="N",
    help="How many calls one server may get at the same time.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=Plan.patience,
    show_default=True,
    metavar="SECONDS",
    help="How long a run waits for attributes that have failed.",
)
@click.option(
    "--limit",
    type=click.FloatRange(min=1),
    default=Plan.limit,
    show_default=True,
    metavar="SECONDS",
    help="After so long a run gives up.",
)
@click.option(
    "--rest",
    type=click.FloatRange(min=0),
    default=Plan.rest,
    show_default=True,
    metavar="SECONDS",
    help="Go on until all is quiet, and count the plugin's threads so long after it.",
)
@click.option(
    "--prepare",
    default="",
    metavar="COMMAND",
    help="Run before each run, by a shell: to stop a server, for instance.",
)
@click.option(
    "--at-window",
    default="",
    metavar="COMMAND",
    help="Started when the window of a run is there: to start a server, for instance.",
)
@click.option(
    "--cleanup", default="", metavar="COMMAND", help="Run after each run, by a shell."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to put a report: HTML, pictures, and the raw results.",
)
def bench(
    models: tuple[str, ...],
    modes: tuple[str, ...],
    repeat: int,
    against: str | None,
    against_repeat: int | None,
    bounds: bool,
    window: bool,
    at_once: int,
    patience: float,
    limit: float,
    rest: float,
    prepare: str,
    at_window: str,
    cleanup: str,
    out: Path | None,
) -> None:
    """Measure how long a form over these attributes takes to start, in each mode.

    MODEL is an attribute, a glob such as 'sim/*/*/volt*', a file with one of them a
    line, or a program to be started to see what it shows: the configuration directory
    of a TaurusGui, or a Python file.

    Each run is a process of its own, and all take turns. It only reads: nothing is ever
    written to a device, and no server gets more than --at-once calls at a time. Ctrl-C
    ends it, with a report of what was done so far.
    """
    _check_extra(out)
    console = session.console()
    plan = Plan(
        models=_names(models, limit),
        modes=modes,
        stock=bool(against),
        window=window,
        repeat=repeat,
        at_once=at_once,
        patience=patience,
        limit=limit,
        bounds=bounds,
        against_repeat=against_repeat,
        rest=rest,
        hooks=Hooks(prepare, at_window, cleanup),
        settings=CUSTOM_SETTINGS.loaded,
        said=_said(COMMAND_LINE),
    )
    console.print(
        f"{len(plan.models)} attributes are read; nothing is written. "
        f"No server gets more than {at_once} calls at a time."
    )
    raw = _raw(out)
    records = _carry_out(plan, raw)
    findings = report.Findings(records)
    for text_table in report.sheaves(findings):
        console.print(for_terminal(text_table))
    for line in report.advice_lines(findings):
        console.print(line, markup=False)
    _tell_failures(console, records)
    if out is not None:
        head = describe(_command(plan, models, out))
        console.print(f"Report: {report.write(findings, head, out)}", markup=False)
    raise SystemExit(0 if any(not record.failure for record in records) else 1)


def _check_extra(out: Path | None) -> None:
    """Fail before the measurement, not after it, if an extra is missing."""
    needed = ("jinja2", "matplotlib")
    if out is not None and not all(map(importlib.util.find_spec, needed)):
        reason = "--out needs more: pip install 'taurus_tpo[bench]'"
        raise click.ClickException(reason)


def _said(line: CommandLine) -> Said:
    """Return the modes set by options of ``taurus``, by increasing precedence."""
    if line.events_disabled:
        return ((None, DISABLED),)
    mode = line.source.mode
    general = [(None, mode.name)] if mode is not None else []
    rules = [(rule.pattern, rule.mode.name) for rule in line.source.rules.rules]
    return (*general, *reversed(rules))


def _names(models: tuple[str, ...], limit: float) -> tuple[str, ...]:
    """Return full names of attributes from names, globs, files and programs."""
    wanted = [model for one in models for model in _meant_by(one, limit)]
    factory = session.plugin_factory()
    expanded = expand(factory, wanted, EXPANSION)
    return tuple(session.full_name(factory, name) for name in expanded)


def _meant_by(model: str, limit: float) -> list[str]:
    path = Path(model)
    if path.is_dir() or (path.suffix == ".py" and path.is_file()):
        return _of_program(path, limit)
    return _of_file(path) if path.is_file() else [model]


def _of_program(path: Path, limit: float) -> list[str]:
    try:
        found = discover(str(path), limit)
    except RunError as error:
        raise click.ClickException(f"{path} cannot be started: {error}") from error
    if not found:
        reason = "shows no Tango attribute when it is started"
        raise click.ClickException(f"{path} {reason}")
    return found


def _of_file(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error
    named = [line.partition("#")[0].strip() for line in lines]
    found = [name for name in named if name]
    if not found:
        raise click.ClickException(f"{path} names no attribute: one a line is expected")
    return found


def _raw(out: Path | None) -> Path | None:
    """Return the file that each record is appended to, emptied."""
    if out is None:
        return None
    out.mkdir(parents=True, exist_ok=True)
    raw = out / RAW
    raw.write_text("", encoding="utf-8")
    return raw


def _command(plan: Plan, models: tuple[str, ...], out: Path) -> str:
    """Return the command line that repeats this measurement."""
    words = ["taurus", "tpo", "bench", *models, "--modes", as_typed(plan.modes)]
    words += ["--repeat", str(plan.repeat), "--at-once", str(plan.at_once)]
    words += ["--patience", f"{plan.patience:g}", "--limit", f"{plan.limit:g}"]
    words += ["--against", "stock"] if plan.stock else []
    seldom = plan.against_repeat
    words += [] if seldom is None else ["--against-repeat", str(seldom)]
    words += [] if plan.bounds else ["--no-bounds"]
    words += ["--rest", f"{plan.rest:g}"] if plan.rest else []
    words += [] if plan.window else ["--headless"]
    for option, line in asdict(plan.hooks).items():
        words += [f"--{option.replace('_', '-')}", line] if line else []
    words += ["--out", str(out)]
    return shlex.join(words)


def _carry_out(plan: Plan, raw: Path | None) -> list[Record]:
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    total = len(list(plan.turns))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)

        def next_turns() -> Any:
            for variant in plan.turns:
                progress.update(task, description=str(variant))
                yield variant

        def tell(record: Record) -> None:
            progress.advance(task)
            if raw is not None:
                with raw.open("a", encoding="utf-8") as stream:
                    stream.write(record.to_json() + "\n")

        return measure(Measurement(plan), next_turns(), tell)


def _tell_failures(console: Console, records: list[Record]) -> None:
    for record in records:
        why = record.failure or record.crash
        if why:
            how = "failed" if record.failure else "crashed when it was closed"
            console.print(f"{record.variant} {how}: {why}", markup=False)
