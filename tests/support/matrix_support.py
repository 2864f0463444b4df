"""The fault matrix: what is shown after each fault, in each mode.

A fault happens once, to panels in all modes at the same time, each in a process of its
own. What each of them shows afterwards is an :class:`Outcome`.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from paths import FACILITIES, ROOT, SUPPORT
from tango_support import command, eventually

from taurus_tpo.core.modes import MODES as TANGO_MODES
from taurus_tpo.sim import Facility

#: The columns of the matrix: each mode, and events disabled.
MODES: tuple[str, ...] = (*map(str, TANGO_MODES), "disabled")

VICTIM = "TpoSim/victim"
ONE, TWO = "sim/victim/1", "sim/victim/2"
WELL, STORM = "sim/well/1", "sim/storm/1"

#: How long after a fault has healed what is shown must be true, s. Tango's keep-alive
#: thread looks every 10 s, and finds a server lost whose last heartbeat is 10 s old: up
#: to 20 s after it. How long it takes depends on when a panel was opened (2 to 15 s
#: seen); stock Taurus and the plugin wait for the same thread.
HEALED = 25.0

#: How long after a later change it must be shown, s.
FOLLOWED = 15.0

#: How often what is shown is compared with the devices, ms.
CHECKED = 8000

#: How long an attribute may be looked after that was subscribed to anew, s.
VERIFIED = 60.0

#: How often a panel is asked what it shows, s.
OFTEN = 0.2

#: How much longer than it may take a test waits, to tell the late from the lost, s.
PATIENCE = 45.0


def _nothing(_scene: Scene) -> None:
    """Do nothing: the panels open while all is well."""


@dataclass(frozen=True)
class Fault:
    """One row of the matrix.

    :param happen: lets the fault happen, and heal; returns as soon as it has.
    :param before: what is done before the panels open.
    :param devices: whose attributes are shown.
    :param within: how long it may take until what is shown is true again, s.
    :param note: why that is longer than usual.
    :param quick: whether ``make test`` tries it.
    :param checks: whether what is shown is compared with the devices at regular times.
    :param twice: whether another form and another program use the same attributes.
    """

    name: str
    happen: Callable[[Scene], None]
    before: Callable[[Scene], None] = _nothing
    devices: tuple[str, ...] = (ONE, TWO, WELL)
    within: float = HEALED
    note: str = ""
    quick: bool = False
    checks: bool = False
    twice: bool = False


@dataclass
class Outcome:
    """What became of one panel.

    :param healed: after how long all it showed was true, s; None: not in time.
    :param follows: the same for the next change of each value.
    :param stays: the same for one that comes when nothing is looked after any more.
    :param wrong: what was not true when the time was over.
    :param left: the plugin's threads that did not end.
    :param problems: what went wrong in its threads.
    :param code: what its process ended with.
    """

    healed: float | None = None
    follows: float | None = None
    stays: float | None = None
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    code: int | None = None

    def is_late(self, within: float) -> bool:
        """Return whether something took longer than it may."""
        times = (
            (self.healed, within),
            (self.follows, FOLLOWED),
            (self.stays, FOLLOWED),
        )
        return any(took is None or took > limit for took, limit in times)


@dataclass(frozen=True)
class Truth:
    """What a device says of one of its attributes."""

    value: Any
    label: str
    unit: str


def _unit(unit: str) -> str:
    return "" if unit == "No unit" else unit


class PanelProcess:
    """A panel in a process of its own."""

    def __init__(self, scene: Scene, mode: str) -> None:
        facility, fault = scene.facility, scene.fault
        job = {
            "mode": None if mode == "disabled" else mode,
            "names": scene.names(),
            "twice": fault.twice,
            "check": CHECKED if fault.checks else 0,
        }
        path = os.pathsep.join([str(ROOT), str(SUPPORT)])
        program = [
            "-m",
            "taurus_tpo.concurrency.child_process",
            str(os.getpid()),
            "matrix_panel",
        ]
        self.mode = mode
        self._child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", *program, json.dumps(job)],
            env={
                **facility.environment(),
                "QT_QPA_PLATFORM": "offscreen",
                "PYTHONPATH": path,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self._threads = [
            threading.Thread(target=_drain, args=drained, name=f"panel {mode}")
            for drained in (
                (self._child.stdout, self._answers.put),
                (self._child.stderr, self.said.append),
            )
        ]
        for thread in self._threads:
            thread.start()

    def answer(self, timeout: float = 60.0) -> Any:
        """Return the next thing that it says.

        :raises AssertionError: with the end of what it said, if it says nothing.
        """
        try:
            return json.loads(self._answers.get(timeout=timeout))["answer"]
        except queue.Empty:
            said = "".join(self.said[-40:])
            raise AssertionError(f"the {self.mode} panel is silent:\n{said}") from None

    def order(self, do: str, **more: Any) -> None:
        """Give it an order, which it will answer."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._child.stdin.flush()

    def wait(self) -> int:
        """Return what the process ended with."""
        return self._child.wait(30)

    def close(self) -> None:
        """Let nothing of it be left."""
        self._child.kill()
        self._child.wait()
        for thread in self._threads:
            thread.join()


def _drain(pipe: Any, take: Callable[[str], Any]) -> None:
    with pipe:
        for line in pipe:
            take(line)


class Scene:
    """The facility of a fault, and the panels that look at it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.panels: dict[str, PanelProcess] = {}
        self._exit = ExitStack()
        self.facility = Facility(FACILITIES / "matrix.toml")

    def __enter__(self) -> Scene:
        self._exit.enter_context(self.facility)
        return self

    def __exit__(self, *_error: object) -> None:
        self._exit.close()

    @property
    def server(self) -> Any:
        """The server to which things happen."""
        return self.facility.server(VICTIM)

    # --- the facility ---

    def names(self) -> list[str]:
        """Return the full names of what is shown."""
        return [
            f"tango://{self.facility.tango_host}/{name}"
            for name in self.facility.spec.models()
            if name.rpartition("/")[0] in self.fault.devices
            and not name.endswith("/storm")
        ]

    def command(self, device: str, name: str, *argument: str) -> Any:
        """Let a device do something, also one that is being read for long."""
        return command(self.facility, device, name, *argument)

    def set(self, device: str, attribute: str, value: Any) -> None:
        """Let a device hold a value, and tell whoever is subscribed."""
        request = json.dumps({"attribute": attribute, "value": value})
        self.command(device, "SetValue", request)

    def configure(self, device: str, attribute: str, **changes: Any) -> None:
        """Let the reads of an attribute take time, or fail."""
        request = json.dumps({"attribute": attribute, **changes})
        self.command(device, "Configure", request)

    def change(self, number: int) -> None:
        """Let each attribute hold another value, which tells its number."""
        for device in self.fault.devices:
            for name, value in self.truth(device).items():
                self.set(device, name, _another(value, number))

    def truth(self, device: str) -> dict[str, Any]:
        """Return what a device holds, of what is shown."""
        held: dict[str, Any] = json.loads(self.command(device, "Truth"))
        held.pop("storm", None)
        return held

    def look(self, device: str) -> dict[str, Truth]:
        """Return what is true of each attribute that a device has."""
        held = self.truth(device)
        infos = self.facility.device(device).get_attribute_config_ex(list(held))
        return {
            info.name: Truth(held[info.name], info.label, _unit(info.unit))
            for info in infos
        }

    # --- the panels ---

    def open(self) -> None:
        """Open a panel in each mode, and return when all are there."""
        for mode in MODES:
            panel = PanelProcess(self, mode)
            self.panels[mode] = panel
            self._exit.callback(panel.close)
        for panel in self.panels.values():
            assert panel.answer() == len(self.names())

    def wait_true(self, timeout: float) -> dict[str, tuple[float | None, list[str]]]:
        """Wait until what each panel shows is true.

        :return: for each mode, after how long, s (None: not within ``timeout``), and
            what was wrong the last time.
        """
        begun = time.monotonic()
        found: dict[str, tuple[float | None, list[str]]] = {}
        while len(found) < len(self.panels):
            late = time.monotonic() - begun > timeout
            for mode, wrong in self.wrong(set(self.panels) - set(found)).items():
                if not wrong or late:
                    passed = time.monotonic() - begun
                    found[mode] = (None if wrong else passed, wrong)
            time.sleep(OFTEN)
        return found

    def wrong(self, modes: Iterable[str]) -> dict[str, list[str]]:
        """Return for each of these modes what its panel shows that is not true."""
        truths = {device: self.look(device) for device in self.fault.devices}
        asked = list(modes)
        for mode in asked:
            self.panels[mode].order("show")
        return {
            mode: list(_wrong(truths, self.panels[mode].answer(), mode))
            for mode in asked
        }

    def wait_settled(self) -> None:
        """Wait until no panel looks at what it may have missed; some never do."""
        eventually(lambda: not self._verification(), "all is settled", VERIFIED)

    def _verification(self) -> list[str]:
        for panel in self.panels.values():
            panel.order("show")
        shown = {mode: panel.answer() for mode, panel in self.panels.items()}
        return [
            f"{mode} {name}"
            for mode, rows in shown.items()
            for name, copies in rows.items()
            if any(row["settles"] for row in copies)
        ]

    def end(self) -> dict[str, dict[str, list[str]]]:
        """Close the panels; return what is left of each."""
        for panel in self.panels.values():
            panel.order("end")
        return {mode: panel.answer() for mode, panel in self.panels.items()}


def _another(value: Any, number: int) -> Any:
    """Return another value of the same type and shape."""
    if isinstance(value, list):
        return [_another(each, number) for each in value]
    return f"text {number}" if isinstance(value, str) else type(value)(number + 0.25)


def _wrong(
    truths: dict[str, dict[str, Truth]], shown: dict[str, Any], mode: str
) -> Iterator[str]:
    for name, rows in shown.items():
        device, _, attribute = name.split("/", 3)[-1].rpartition("/")
        truth = truths[device][attribute]
        for row in rows:
            for what in (*_wrong_in(row, truth), *_wrong_events(row, mode)):
                yield f"{device}/{attribute}: {what}"


def _wrong_in(row: dict[str, Any], truth: Truth) -> Iterator[str]:
    if row["value"] != truth.value:
        yield f"{row['value']} ({row['error']}) instead of {truth.value}"
    elif not _is_shown(truth.value, row["text"]):
        yield f"shows {row['text']!r} instead of {truth.value}"
    if row["label"] != truth.label:
        yield f"is called {row['label']!r} instead of {truth.label!r}"
    if row["units"] != truth.unit:
        yield f"is in {row['units']!r} instead of {truth.unit!r}"


def _wrong_events(row: dict[str, Any], mode: str) -> Iterator[str]:
    if row["events"] == row["polled"]:
        yield "events and polling" if row["polled"] else "neither events nor polling"
    if mode == "disabled" and row["events"]:
        yield "events, though they are disabled"


def _is_shown(truth: Any, text: str | None) -> bool:
    """Return whether a text says what the truth is; an array is not told by a text."""
    if isinstance(truth, list):
        return True
    if isinstance(truth, str):
        return text == truth
    try:
        return text is not None and float(text) == truth
    except ValueError:
        return False


def outcomes(fault: Fault) -> dict[str, Outcome]:
    """Let a fault happen, and return what became of each panel."""
    with Scene(fault) as scene:
        fault.before(scene)
        scene.open()
        if fault.before is _nothing:
            scene.change(1)
            found = scene.wait_true(PATIENCE)
            assert all(not wrong for _, wrong in found.values()), found
        fault.happen(scene)
        healed = scene.wait_true(fault.within + PATIENCE)
        scene.change(7)
        followed = scene.wait_true(FOLLOWED + PATIENCE)
        scene.wait_settled()
        scene.change(8)
        stayed = scene.wait_true(FOLLOWED + PATIENCE)
        left = scene.end()
        return {
            mode: Outcome(
                healed=healed[mode][0],
                follows=followed[mode][0],
                stays=stayed[mode][0],
                wrong=healed[mode][1] + followed[mode][1] + stayed[mode][1],
                left=left[mode]["threads"],
                problems=left[mode]["problems"] + _traces(panel.said),
                code=panel.wait(),
            )
            for mode, panel in scene.panels.items()
        }


def _traces(said: list[str]) -> list[str]:
    return ["".join(said[-40:])] if any("Traceback" in line for line in said) else []
