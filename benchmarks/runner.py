"""Measures one case with ``taurus tpo bench``, on a facility that is up meanwhile."""

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
from benchmarks.cases import Case
from benchmarks.facilities import State, mixed, spec_of, toml_of
from benchmarks.far import FAR_ADDRESS, Link
from benchmarks.trouble import END, HANG, RESUME, START, Trouble
from taurus_tpo.bench.results import Record
from taurus_tpo.cli.bench import as_typed
from taurus_tpo.sim import Facility

#: What is looked at: all attributes of a case, or the healthy ones only, in the same
#: state of the same facility.
ALL, ALONE = "all", "alone"

#: The files of a case.
_RAW, _OUTCOME = "results.jsonl", "outcome.json"

_OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}

_TAURUS = [sys.executable, "-c", "from taurus.cli import main; main()"]


class RunnerError(Exception):
    """The command has failed; the message holds what it wrote."""


@dataclass(frozen=True)
class Options:
    """How a case is measured: as the options of ``taurus tpo bench``."""

    modes: tuple[str, ...] = ("AsyncRead",)
    repeat: int = 5
    limit: float = 100.0
    at_once: int = 8
    stock: bool = True

    def words(self, case: Case, what: str) -> list[str]:
        """Return the options for ``case``."""
        words = ["--modes", as_typed(self.modes), "--repeat", str(self.repeat)]
        words += ["--limit", f"{self.limit:g}", "--at-once", str(self.at_once)]
        words += ["--patience", f"{case.patience:g}"]
        words += [] if case.window else ["--headless"]
        # What stock Taurus takes alone says nothing about the plugin.
        has_stock = self.stock and case.stock and what == ALL
        return words + (["--against", "stock"] if has_stock else [])


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    :param records: of the runs, by what they looked at.
    :param answered: when servers that were late have answered, s since the epoch.
    :param command: what measures it, where the models are in a file.
    :param skipped: why there are no records, or empty.
    """

    case: Case
    records: Mapping[str, Sequence[Record]]
    answered: tuple[float, ...] = ()
    command: str = ""
    skipped: str = ""


def carry_out(case: Case, options: Options, folder: Path) -> None:
    """Measure ``case``, and keep all that there is to it in ``folder``.

    :raises FacilityError: if the facility does not start.
    :raises LinkError: if this machine does not let us have what it takes.
    :raises RunnerError: if the command fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    answered: list[float] = []
    with _place(case, folder) as place:
        for what in (ALL, ALONE) if case.has_alone else (ALL,):
            answered += place.measure(case, options, what, folder)
    command = ["taurus", "tpo", "bench", "models.txt", *options.words(case, ALL)]
    kept = {"answered": answered, "command": shlex.join(command)}
    (folder / _OUTCOME).write_text(json.dumps(kept), encoding="utf-8")


def skip(why: str, folder: Path) -> None:
    """Keep in the folder of a case that it was not measured, and why."""
    target = folder / _OUTCOME
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"skipped": why}), encoding="utf-8")


def outcome(case: Case, folder: Path) -> Outcome | None:
    """Return what came of ``case``, from its folder; None if it was not tried."""
    if not (folder / _OUTCOME).exists():
        return None
    kept = json.loads((folder / _OUTCOME).read_text(encoding="utf-8"))
    records = {
        what: [Record.from_json(line) for line in raw.read_text("utf-8").splitlines()]
        for what in (ALL, ALONE)
        if (raw := folder / what / _RAW).exists()
    }
    answered = tuple(kept.get("answered", ()))
    command, skipped = kept.get("command", ""), kept.get("skipped", "")
    return Outcome(case, records, answered, command, skipped)


@contextlib.contextmanager
def _place(case: Case, folder: Path) -> Iterator[_Place]:
    """Return where the command is to be run, while the facility is up."""
    if case.far:
        with Link() as link, _far_facility(case, link, folder) as tango_host:
            yield _Place(tango_host, link)
        return
    with Facility(spec_of(case.title, case.groups)) as facility:
        yield _Place(facility.tango_host, None, facility)


@contextlib.contextmanager
def _far_facility(case: Case, link: Link, folder: Path) -> Iterator[str]:
    """Return the ``HOST:PORT`` of a facility at the other end of ``link``."""
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

    :param link: whose near end that is; None: on this machine as it is.
    :param facility: whose servers may have trouble.
    """

    tango_host: str
    link: Link | None
    facility: Facility | None = None

    def measure(
        self, case: Case, options: Options, what: str, folder: Path
    ) -> list[float]:
        """Run the command; return when servers that were late have answered."""
        models = mixed(case.groups if what == ALL else case.healthy)
        path = folder / f"{what}.txt"
        path.write_text("\n".join(models) + "\n", encoding="utf-8")
        words = [str(path), *options.words(case, what), "--out", str(folder / what)]
        if self.facility is None or not _has_trouble(case):
            self._bench(words)
            return []
        with Trouble(self.facility, case.groups) as trouble:
            self._bench([*words, *_hooks(case, trouble)])
        return trouble.answered

    def _bench(self, words: Sequence[str]) -> None:
        command = [*_TAURUS, "tpo", "bench", *words]
        if self.link is not None:
            command = self.link.inside(self.link.near, command)
        environment = finding_us(
            {**os.environ, **_OFFSCREEN, "TANGO_HOST": self.tango_host}
        )
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=environment
        )
        if done.returncode != 0:
            raise RunnerError(f"{shlex.join(command)} failed:\n{done.stdout}")


def _has_trouble(case: Case) -> bool:
    return bool(case.state(State.HUNG) or case.state(State.LATE))


def _hooks(case: Case, trouble: Trouble) -> list[str]:
    """Return the options that bring the servers into trouble, and out of it."""
    if case.state(State.HUNG):
        hooks = {"--prepare": HANG, "--cleanup": RESUME}
    else:
        hooks = {"--at-window": START, "--cleanup": END}
    pairs = ((option, trouble.asking(word)) for option, word in hooks.items())
    return [word for pair in pairs for word in pair]
