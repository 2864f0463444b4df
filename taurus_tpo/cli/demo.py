"""``taurus tpo demo``: a Taurus form over a whole facility, and what it took."""

from __future__ import annotations

import itertools
import os
import signal
import sys
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
from taurus_tpo.sim import Facility, FacilityError, find, load

#: How often the demo looks for new values, ms.
_TICK = 20

#: How long a demo without a display waits for the last value, s: the timeouts of a
#: device that does not answer, and a little more.
_PATIENCE = 15.0


class ScreenshotError(Exception):
    """What the window shows cannot be saved."""


@dataclass
class Story:
    """What happened, in seconds after the form was begun.

    :param window: when the window had been painted for the first time; 0 until then.
    :param at_window: how many attributes had a value then.
    :param first: when each attribute had its first value.
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
@click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save what the window shows as a PNG.",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End the demo after so long. Without a display it ends by itself.",
)
def demo(facility: str, screenshot: Path | None, duration: float | None) -> None:
    """Open a Taurus form over a simulated facility, and print what happened.

    FACILITY is a facility file, or the name of one that is installed [default: demo]:
    healthy, slow, event-less, down and hung devices, as real device servers with a real
    Tango database on this machine.
    """
    headless = _go_offscreen_without_display()
    console = Console(highlight=False)
    try:
        spec = load(find(facility))
        console.print(f"starting the facility {spec.title!r} ...")
        with Facility(spec) as running:
            os.environ["TANGO_HOST"] = running.tango_host
            console.print(f"TANGO_HOST={running.tango_host}")
            show = _Show(by_turns(spec.models()))
            show.run(duration, ends_by_itself=headless)
            _report(show.story, console)
            if screenshot is not None:
                show.save(screenshot)
                console.print(f"screenshot: {screenshot}")
    except (FacilityError, ScreenshotError) as error:
        # Not click's way: it cannot write to the stderr that a TaurusApplication makes.
        raise SystemExit(f"Error: {error}") from error


def by_turns(models: Sequence[str]) -> list[str]:
    """Return ``models`` with one device of each family after the other.

    So that the part of the form that one sees first has one of each sort.
    """
    devices: dict[str, list[str]] = {}
    for model in models:
        devices.setdefault(model.rpartition("/")[0], []).append(model)
    families: dict[str, list[list[str]]] = {}
    for name, attributes in devices.items():
        families.setdefault(name.rpartition("/")[0], []).append(attributes)
    turns = itertools.zip_longest(*families.values(), fillvalue=[])
    return [model for turn in turns for attributes in turn for model in attributes]


def _go_offscreen_without_display() -> bool:
    """Choose Qt's offscreen platform where there is no display; return whether."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, displays)):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return os.environ.get("QT_QPA_PLATFORM") == "offscreen"


class _Show:
    """The form, watched from outside: by looking at what its attributes know."""

    def __init__(self, models: Sequence[str]) -> None:
        from taurus.external.qt import Qt
        from taurus.qt.qtgui.application import TaurusApplication

        self.story = Story(models)
        self._application = Qt.QApplication.instance() or TaurusApplication(
            ["taurus tpo demo"], cmd_line_parser=None, app_name="taurus_tpo demo"
        )
        self._timer = Qt.QTimer()
        self._timer.timeout.connect(self._look)
        self._attributes: dict[str, Any] = {}
        self._form: Any = None
        self._painted = first_paint(self._note_window)
        self._ends_by_itself = False
        self._interrupted = False
        self._begun = 0.0
        # From now on, and not when the event loop begins: Taurus's own handler ends a
        # loop that is not there yet.
        signal.signal(signal.SIGINT, self._interrupt)

    def run(self, duration: float | None, ends_by_itself: bool) -> None:
        """Build the form, show it, and watch it until it ends."""
        from taurus.external.qt import Qt

        self._ends_by_itself = ends_by_itself and duration is None
        self._begun = time.monotonic()
        self._build()
        if duration is not None:
            Qt.QTimer.singleShot(int(duration * 1000), self._application.quit)
        # Python handles signals only between two of its own instructions: the timer
        # gives it one.
        self._timer.start(_TICK)
        self._application.exec_()
        self._timer.stop()

    def _interrupt(self, *_signal: Any) -> None:
        self._interrupted = True

    def save(self, path: Path) -> None:
        """Save what the window shows.

        :raises ScreenshotError: where that cannot be written.
        """
        if not self._form.grab().save(str(path), "PNG"):
            raise ScreenshotError(f"the screenshot cannot be saved as {path}")

    def _build(self) -> None:
        import taurus
        from taurus.qt.qtgui.panel import TaurusForm

        self._form = TaurusForm()
        self._form.setWindowTitle("taurus_tpo demo")
        self._form.setWithButtons(False)
        self._form.setModel(list(self.story.models))
        self._form.resize(760, 900)
        self.story.rows = len(self._form.getItems())
        self._attributes = {name: taurus.Attribute(name) for name in self.story.models}
        self._form.installEventFilter(self._painted)
        self._form.show()

    def _note_window(self) -> None:
        """Take note of the first paint of the window, and of what is known by then."""
        self._form.removeEventFilter(self._painted)
        self.story.window = time.monotonic() - self._begun
        self._look()
        self.story.at_window = len(self.story.first)
        for attribute in self._attributes.values():
            decision = attribute.event_sub_decision
            self.story.modes[decision.label, decision.decided_by] += 1

    def _look(self) -> None:
        now = time.monotonic() - self._begun
        for name, attribute in self._attributes.items():
            if name not in self.story.first:
                self._note(name, attribute.known, now)
        late = now > _PATIENCE
        is_over = self._ends_by_itself and (late or not self.story.silent)
        if self._interrupted or is_over:
            self._application.quit()

    def _note(self, name: str, known: Any, now: float) -> None:
        if known.value is not None:
            self.story.first[name] = now
            self.story.failures.pop(name, None)
        elif known.error is not None:
            self.story.failures[name] = _reason(known.error)


def _reason(error: Any) -> str:
    stack = getattr(error, "args", ())
    return stack[0].reason if stack and hasattr(stack[0], "reason") else repr(error)


def _report(story: Story, console: Console) -> None:
    table = Table(show_header=False, box=None)
    devices = {model.rpartition("/")[0] for model in story.models}
    table.add_row("attributes", f"{len(story.models)} on {len(devices)} devices")
    table.add_row("rows in the form", str(story.rows))
    for (mode, decided_by), count in story.modes.most_common():
        table.add_row("mode", f"{mode}: {count} attributes (decided by: {decided_by})")
    window = f"after {story.window:.2f} s" if story.window else "not shown"
    table.add_row("window", window)
    table.add_row("values at the window", f"{story.at_window} of {len(story.models)}")
    last = max(story.first.values(), default=0.0)
    table.add_row("last value", f"after {last:.2f} s ({len(story.first)} values)")
    silent = story.silent
    table.add_row("failures", _summary(story.failures))
    table.add_row("no answer yet", f"{len(silent)} {escape(', '.join(silent[:4]))}")
    console.print(table)


def _summary(failures: dict[str, str]) -> str:
    counted = Counter(failures.values()).most_common()
    return ", ".join(f"{count} {reason}" for reason, count in counted) or "none"
