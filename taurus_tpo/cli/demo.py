"""``taurus tpo demo``: a Taurus form over a simulated facility, with its timing."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from taurus_tpo.bench.watching import first_paint
from taurus_tpo.cli import window
from taurus_tpo.core.errors import reason_of
from taurus_tpo.sim import Facility, FacilityError, find, load

#: How often new values are checked for, s.
_TICK = 0.02


@dataclass
class Progress:
    """The timing of the demo, in seconds from the start of the form.

    :param window: time of the first paint; 0 before it.
    :param at_window: number of attributes with a value at that time.
    :param first: time of the first value of each attribute.
    """

    models: Sequence[str]
    rows: int = 0
    window: float = 0.0
    at_window: int = 0
    first: dict[str, float] = field(default_factory=dict)
    modes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def silent(self) -> list[str]:
        """The attributes that have neither a value nor an error yet."""
        heard = {*self.first, *self.failures}
        return [model for model in self.models if model not in heard]


@click.command("demo")
@click.argument("facility", default="demo")
@window.options
def demo(facility: str, screenshot: Path | None, duration: float | None) -> None:
    """Open a Taurus form over a simulated facility, and print what happened.

    FACILITY is a facility file, or the name of one that is installed [default: demo]:
    healthy, slow, event-less, down and hung devices, as real device servers with a real
    Tango database on this machine.
    """
    console = Console(highlight=False)
    try:
        spec = load(find(facility))
        console.print(f"starting the facility {spec.title!r} ...")
        with Facility(spec) as running:
            os.environ["TANGO_HOST"] = running.tango_host
            console.print(f"TANGO_HOST={running.tango_host}")
            show = _Show(by_turns(spec.models()), duration)
            show.run()
            _report(show.progress, console)
            if screenshot is not None:
                window.save(show.form, screenshot)
                console.print(f"screenshot: {screenshot}")
    except (FacilityError, window.ScreenshotError) as error:
        # Not a ClickException: click cannot write to the stderr of a TaurusApplication.
        raise SystemExit(f"Error: {error}") from error


def by_turns(models: Sequence[str]) -> list[str]:
    """Return ``models`` ordered so that devices of different families alternate.

    The visible part of the form then shows devices of each family.
    """
    devices: dict[str, list[str]] = {}
    for model in models:
        devices.setdefault(model.rpartition("/")[0], []).append(model)
    families: dict[str, list[list[str]]] = {}
    for name, attributes in devices.items():
        families.setdefault(name.rpartition("/")[0], []).append(attributes)
    turns = itertools.zip_longest(*families.values(), fillvalue=[])
    return [model for turn in turns for attributes in turn for model in attributes]


class _Show:
    """The form. It is measured by reading the caches of its attributes."""

    def __init__(self, models: Sequence[str], duration: float | None) -> None:
        self._stage = window.Stage("tpo demo", duration)
        self.progress = Progress(models)
        self.form: Any = None
        self._attributes: dict[str, Any] = {}
        self._painted = first_paint(self._note_window)
        self._begun = 0.0

    def run(self) -> None:
        """Build the form, show it, and watch it until it is closed."""
        self._begun = time.monotonic()
        self._build()
        self._stage.run(self._look, _TICK)

    def _build(self) -> None:
        import taurus
        from taurus.qt.qtgui.panel import TaurusForm

        self.form = TaurusForm()
        self.form.setWindowTitle("taurus_tpo demo")
        self.form.setWithButtons(False)
        self.form.setModel(list(self.progress.models))
        self.form.resize(760, 900)
        self.progress.rows = len(self.form.getItems())
        self._attributes = {
            name: taurus.Attribute(name) for name in self.progress.models
        }
        self.form.installEventFilter(self._painted)
        self.form.show()

    def _note_window(self) -> None:
        """Record the time of the first paint and the values known by then."""
        self.form.removeEventFilter(self._painted)
        self.progress.window = time.monotonic() - self._begun
        self._look()
        self.progress.at_window = len(self.progress.first)
        for attribute in self._attributes.values():
            decision = attribute.event_sub_decision
            self.progress.modes[decision.label, decision.decided_by] += 1

    def _look(self) -> bool:
        now = time.monotonic() - self._begun
        for name, attribute in self._attributes.items():
            if name not in self.progress.first:
                self._note(name, attribute.known, now)
        return not self.progress.silent

    def _note(self, name: str, known: Any, now: float) -> None:
        if known.value is not None:
            self.progress.first[name] = now
            self.progress.failures.pop(name, None)
        elif known.error is not None:
            self.progress.failures[name] = reason_of(known.error)


def _report(progress: Progress, console: Console) -> None:
    table = Table(show_header=False, box=None)
    devices = {model.rpartition("/")[0] for model in progress.models}
    table.add_row("attributes", f"{len(progress.models)} on {len(devices)} devices")
    table.add_row("rows in the form", str(progress.rows))
    for (mode, decided_by), count in progress.modes.most_common():
        table.add_row("mode", f"{mode}: {count} attributes (decided by: {decided_by})")
    window = f"after {progress.window:.2f} s" if progress.window else "not shown"
    table.add_row("window", window)
    table.add_row(
        "values at the window", f"{progress.at_window} of {len(progress.models)}"
    )
    last = max(progress.first.values(), default=0.0)
    table.add_row("last value", f"after {last:.2f} s ({len(progress.first)} values)")
    silent = progress.silent
    table.add_row("failures", _summary(progress.failures))
    table.add_row("no answer yet", f"{len(silent)} {escape(', '.join(silent[:4]))}")
    console.print(table)


def _summary(failures: dict[str, str]) -> str:
    counted = Counter(failures.values()).most_common()
    return ", ".join(f"{count} {reason}" for reason, count in counted) or "none"
