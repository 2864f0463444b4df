"""Measures one case on a running facility: with ``taurus tpo bench``, or a program."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import finding_us
from benchmarks.cases import REST, Case
from benchmarks.facilities import State, mixed, spec_of, toml_of
from benchmarks.far import FAR_ADDRESS, ONLY_TCP, Link
from benchmarks.trouble import END, HANG, RESUME, START, Trouble
from taurus_tpo.bench.measure import Measurement, Plan
from taurus_tpo.bench.results import PLUGIN, Record
from taurus_tpo.cli.bench import as_typed
from taurus_tpo.sim import Facility

#: The measured attributes: all attributes of a case, or only the healthy ones, with the
#: facility in the same state.
ALL, ALONE = "all", "alone"

#: The suffix of the folder with modes in which only the plugin is measured.
_MORE = "-more"

#: The files of a case.
_RAW, _OUTCOME = "results.jsonl", "outcome.json"

_OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}

_TAURUS = [sys.executable, "-c", "from taurus.cli import main; main()"]


class RunnerError(Exception):
    """The command failed; the message contains its output."""


@dataclass(frozen=True)
class Options:
    """How a case is measured.

    :param modes: modes of the plugin that are measured in turn with all other variants.
    :param more_modes: modes in which only the plugin is measured, afterwards, for cases
        whose limits apply in all modes.
    :param stock: whether stock Taurus is measured.
    :param stock_repeat: number of runs of stock Taurus and plain PyTango if servers
        hang or start late.
    """

    modes: tuple[str, ...] = ("AsyncRead",)
    repeat: int = 3
    more_modes: tuple[str, ...] = ("SyncRead", "Sync", "Async", "Stateless")
    more_repeat: int = 1
    limit: float = 100.0
    at_once: int = 8
    stock: bool = True
    stock_repeat: int = 1

    def parts(self, case: Case, what: str) -> Iterator[tuple[str, list[str]]]:
        """Yield the folder and the options of each measurement of a form."""
        if case.program:
            return
        if self.modes:
            yield what, self.words(case, what)
        more = [mode for mode in self.more_modes if mode not in self.modes]
        if more and case.in_all_modes:
            words = self._words(more, self.more_repeat, case, what)
            yield what + _MORE, [*words, "--no-bounds"]

    def words(self, case: Case, what: str) -> list[str]:
        """Return the options of ``taurus tpo bench`` for all variants in turn."""
        words = self._words(self.modes, self.repeat, case, what)
        # Stock Taurus on the healthy attributes alone is not a reference of any limit.
        has_stock = self.stock and case.stock and what == ALL
        words += ["--against", "stock"] if has_stock else []
        seldom = self.against_repeat(case) if what == ALL else None
        return words + ([] if seldom is None else ["--against-repeat", str(seldom)])

    def against_repeat(self, case: Case) -> int | None:
        """Return how often stock Taurus runs, if that is not as often as the others."""
        repeat = 1 if case.is_long else self.stock_repeat if case.has_trouble else None
        return None if repeat is None or repeat >= self.repeat else repeat

    def plan(self, case: Case) -> Plan:
        """Return what is measured of a program, in turn."""
        return Plan(
            models=tuple(mixed(case.groups)),
            modes=self.modes,
            stock=self.stock and case.stock,
            window=case.window,
            repeat=self.repeat,
            at_once=self.at_once,
            patience=case.patience,
            limit=self.limit,
            bounds=False,
            program=f"benchmarks.programs.{case.program}",
            watched=case.watched,
        )

    def _words(
        self, modes: Sequence[str], repeat: int, case: Case, what: str
    ) -> list[str]:
        words = ["--modes", as_typed(modes), "--repeat", str(repeat)]
        limit = max(self.limit, 60 * case.minutes)
        words += ["--limit", f"{limit:g}", "--at-once", str(self.at_once)]
        words += ["--no-bounds"] if case.is_long else []
        words += ["--patience", f"{case.patience:g}"]
        words += ["--rest", f"{REST:g}"] if case.becomes_quiet and what == ALL else []
        return words + ([] if case.window else ["--headless"])


@dataclass(frozen=True)
class Outcome:
    """The results of a case.

    :param records: of the runs, by the measured attributes.
    :param answered: when late servers had answered, s since the epoch.
    :param command: the command that repeats the measurement, with the models in a file.
    :param modes: the modes measured in turn with other variants; empty: all of them.
    :param again: the context of parts that were measured later.
    :param skipped: why there are no records, or empty.
    """

    case: Case
    records: Mapping[str, Sequence[Record]]
    answered: tuple[float, ...] = ()
    command: str = ""
    modes: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    skipped: str = ""

    def in_turn(self, what: str) -> list[Record]:
        """Return the records of variants that were measured in turn."""
        return [
            record
            for record in self.records.get(what, ())
            if record.variant.who != PLUGIN
            or not self.modes
            or record.variant.mode in self.modes
        ]


def carry_out(case: Case, options: Options, folder: Path, again: str = "") -> None:
    """Measure ``case``, and store all results in ``folder``.

    Existing results of variants that are not measured now are kept.

    :param again: the context of this measurement, if older results remain in the
        folder.
    :raises FacilityError: if the facility does not start.
    :raises LinkError: if this machine does not support the slow link.
    :raises RunnerError: if the command fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = outcome(case, folder)
    if before is None or before.skipped:
        before = Outcome(case, {})
    answered = list(before.answered)
    with _place(case, folder) as place:
        if case.program:
            out = folder / ALL
            with _keeping_others(out / _RAW):
                place.measure_program(options.plan(case), out)
        for what in (ALL, ALONE) if case.has_alone else (ALL,):
            for part, words in options.parts(case, what):
                with _keeping_others(folder / part / _RAW):
                    answered += place.measure(case, what, words, folder / part)
    command = shlex.join(_command(case, options))
    kept = {
        "answered": sorted(answered),
        "command": command if options.modes else before.command,
        "modes": options.modes or before.modes,
        "again": [*before.again, *filter(None, [again])],
    }
    (folder / _OUTCOME).write_text(json.dumps(kept), encoding="utf-8")


def _command(case: Case, options: Options) -> list[str]:
    """Return the command that repeats the measurement."""
    if not case.program:
        return ["taurus", "tpo", "bench", "models.txt", *options.words(case, ALL)]
    words = [
        "python",
        "-m",
        "benchmarks",
        case.name,
        "--modes",
        as_typed(options.modes),
    ]
    words += ["--repeat", str(options.repeat), "--limit", f"{options.limit:g}"]
    return words + ([] if options.stock else ["--no-stock"])


@contextlib.contextmanager
def _keeping_others(raw: Path) -> Iterator[None]:
    """Keep the records in ``raw`` of variants that are not measured in the block."""
    before = _records(raw)
    try:
        yield
    finally:
        after = _records(raw)
        run = {record.variant for record in after}
        kept = [record for record in before if record.variant not in run]
        if kept:
            lines = [record.to_json() + "\n" for record in [*kept, *after]]
            raw.write_text("".join(lines), encoding="utf-8")


def _records(raw: Path) -> list[Record]:
    if not raw.exists():
        return []
    lines = raw.read_text(encoding="utf-8").splitlines()
    return [Record.from_json(line) for line in lines]


def skip(why: str, folder: Path) -> None:
    """Store in the folder of a case that it was not measured, with the reason."""
    target = folder / _OUTCOME
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"skipped": why}), encoding="utf-8")


def outcome(case: Case, folder: Path) -> Outcome | None:
    """Return the results of ``case`` from its folder; None if there are none."""
    if not (folder / _OUTCOME).exists():
        return None
    kept = json.loads((folder / _OUTCOME).read_text(encoding="utf-8"))
    records = {
        what: [
            *_records(folder / what / _RAW),
            *_records(folder / (what + _MORE) / _RAW),
        ]
        for what in (ALL, ALONE)
    }
    return Outcome(
        case,
        {what: some for what, some in records.items() if some},
        answered=tuple(kept.get("answered", ())),
        command=kept.get("command", ""),
        modes=tuple(kept.get("modes", ())),
        again=tuple(kept.get("again", ())),
        skipped=kept.get("skipped", ""),
    )


@contextlib.contextmanager
def _place(case: Case, folder: Path) -> Iterator[_Place]:
    """Yield the place where the command is run, while the facility is running."""
    if case.far:
        with Link() as link, _far_facility(case, link, folder) as tango_host:
            yield _Place(tango_host, link)
        return
    with Facility(spec_of(case.title, case.groups)) as facility:
        yield _Place(facility.tango_host, None, facility)


@contextlib.contextmanager
def _far_facility(case: Case, link: Link, folder: Path) -> Iterator[str]:
    """Yield the ``HOST:PORT`` of a facility at the other end of ``link``."""
    path = folder.resolve() / "facility.toml"
    path.write_text(toml_of(case.title, case.groups), encoding="utf-8")
    sim = [*_TAURUS, "tpo", "sim", str(path), "--host", FAR_ADDRESS]
    with subprocess.Popen(
        link.inside(link.far, sim), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name, _, tango_host = process.stdout.readline().strip().partition("=")
        if name != "TANGO_HOST":
            raise RunnerError("the facility at the other end of the link has failed")
        try:
            yield tango_host
        finally:
            process.send_signal(signal.SIGINT)


@dataclass(frozen=True)
class _Place:
    """Where the command is run.

    :param link: run it at the near end of this link; None: without a link.
    :param facility: the facility whose servers may hang or start late.
    """

    tango_host: str
    link: Link | None
    facility: Facility | None = None

    def measure(
        self, case: Case, what: str, options: Sequence[str], out: Path
    ) -> list[float]:
        """Run the command; return when late servers had answered."""
        models = mixed(case.groups if what == ALL else case.healthy)
        path = out.with_suffix(".txt")
        path.write_text("\n".join(models) + "\n", encoding="utf-8")
        words = [str(path), *options, "--out", str(out)]
        if self.facility is None or not case.has_trouble:
            self._bench(words)
            return []
        with Trouble(self.facility, case.groups) as trouble:
            self._bench([*words, *_hooks(case, trouble)])
        return trouble.answered

    def measure_program(self, plan: Plan, out: Path) -> None:
        """Run a program as planned, and store the record of each run when it ends."""
        out.mkdir(parents=True, exist_ok=True)
        raw = out / _RAW
        raw.write_text("", encoding="utf-8")
        measurement = Measurement(plan, self.environment)
        for variant in plan.turns:
            record = measurement.run(variant)
            with raw.open("a", encoding="utf-8") as stream:
                stream.write(record.to_json() + "\n")

    @property
    def environment(self) -> dict[str, str]:
        """That of the measured processes."""
        network = {} if self.link is None else ONLY_TCP
        more = {**_OFFSCREEN, **network, "TANGO_HOST": self.tango_host}
        return finding_us({**os.environ, **more})

    def _bench(self, words: Sequence[str]) -> None:
        command = [*_TAURUS, "tpo", "bench", *words]
        if self.link is not None:
            command = self.link.inside(self.link.near, command)
        environment = self.environment
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=environment
        )
        if done.returncode != 0:
            raise RunnerError(f"{shlex.join(command)} failed:\n{done.stdout}")


def _hooks(case: Case, trouble: Trouble) -> list[str]:
    """Return the options that make servers hang or start, and undo it."""
    if case.state(State.HUNG):
        hooks = {"--prepare": HANG, "--cleanup": RESUME}
    else:
        hooks = {"--at-window": START, "--cleanup": END}
    pairs = ((option, trouble.asking(word)) for option, word in hooks.items())
    return [word for pair in pairs for word in pair]
