"""Once in a real window: under Xvfb, and xdotool does the clicking.

Of the program only what it shows is looked at, from another process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from paths import FACILITIES, ROOT, SUPPORT
from program_support import run
from tango_support import SOON, UP, eventually, model

from taurus_tpo.sim import Facility

TOOLS = ROOT / "tools"


def load_tool(name: str) -> Any:
    """Return a module of the folder ``tools``, which is no package."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def missing() -> str:
    """Return what this system lacks, and the line to type; empty if nothing."""
    # It knows what a real window needs.
    bootstrap = load_tool("bootstrap")
    lacks = [tool for tool in bootstrap.DISPLAY_TOOLS if shutil.which(tool) is None]
    probe = run([sys.executable, str(TOOLS / "qt_probe.py"), "offscreen", "xcb"])
    if probe.returncode == bootstrap.PROBE_MISSING:
        lacks += probe.stdout.split()
    if not lacks:
        return ""
    manager = bootstrap.package_manager()
    line = "install that"
    if manager is not None:
        packages = [*manager.window.split(), *manager.display.split()]
        line = f"type: {bootstrap.line_to_type(manager, packages)}"
    return f"this system lacks {' '.join(lacks)}; {line}"


NAMES = ("with_events", "rw", "text", "choice")
VICTIM = "sim/victim/1"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen that nobody sees."""
    lacks = missing()
    if lacks:
        pytest.skip(lacks)
    with load_tool("display").display(1400, 1000) as name:
        yield name


@pytest.fixture
def hung() -> Iterator[Facility]:
    """A server that hangs."""
    with Facility(FACILITIES / "faults.toml") as facility:
        facility.server("TpoSim/victim").hang()
        yield facility


class Program:
    """The program on the screen, and the user in front of it."""

    def __init__(
        self, process: subprocess.Popen[str], environment: dict[str, str]
    ) -> None:
        self._process = process
        self._environment = environment

    def state(self) -> Any:
        """Return what it shows."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "it has ended"
        return json.loads(line)

    def shows(self, condition: Callable[[Any], Any], what: str) -> Any:
        """Wait until it shows something; return what it shows then."""

        def shown() -> Any:
            state = self.state()
            return state if condition(state) else None

        return eventually(shown, what)

    def do(self, *words: Any) -> None:
        """Move the mouse, or press keys."""
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=self._environment, check=True, timeout=SOON)

    def click(self, place: list[int], button: int = 1) -> None:
        """Click somewhere on the screen."""
        self.do("mousemove", "--sync", *place, "click", button)


@pytest.fixture
def program(display, modes, hung, tmp_path) -> Iterator[Program]:
    """It runs on the screen, and its user's choices are forgotten."""
    environment = {
        **modes.environment(),
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "XDG_CONFIG_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, SUPPORT))),
    }
    models = [model(modes, name) for name in NAMES]
    models.append(model(hung, "volt01", VICTIM))
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "shown_window", *models],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    yield Program(process, environment)
    try:
        process.communicate(timeout=SOON)
    finally:
        process.kill()
        log.close()
    assert process.returncode == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def names(state: Any) -> list[str]:
    return [name for name, _story, _reads in state["inspector"]["rows"]]


def test_a_user_finds_out_why_a_row_is_empty(program):
    """The bar, the inspector, a header, the search, the menu: by mouse and keyboard."""
    told = "4 of 5 \N{MIDDLE DOT} 1 server not answering"
    seen = program.shows(lambda now: now["bar"] == told, told)
    assert seen["inspector"] is None

    program.click(seen["bar_at"])
    seen = program.shows(
        lambda now: now["inspector"] and len(now["inspector"]["rows"]) == 5,
        "the inspector",
    )
    (why,) = [
        status for name, status, _reads in seen["inspector"]["rows"] if VICTIM in name
    ]
    assert "does not answer" in why

    in_order = sorted(names(seen), key=str.casefold)
    assert names(seen) == in_order
    program.click(seen["inspector"]["header_at"])
    seen = program.shows(
        lambda now: names(now) == in_order[::-1], "sorted the other way"
    )

    # Without a window manager nobody else gives the keyboard to a window.
    program.do("windowfocus", "--sync", seen["inspector"]["id"])
    program.click(seen["inspector"]["search_at"])
    program.shows(lambda now: now["inspector"]["focus"] == "QLineEdit", "the search")
    program.do("type", "with_ev")
    seen = program.shows(
        lambda now: names(now) == [f"{UP}/with_events"], "what was found"
    )

    program.click(seen["inspector"]["row_at"])
    seen = program.shows(
        lambda now: now["inspector"]["selected"], "the row is selected"
    )
    reads = seen["inspector"]["rows"][0][2]
    for key in ("shift+F10", "Menu"):
        program.do("key", key)
        seen = program.shows(lambda now: now["menu"], f"the menu by {key}")
        assert seen["menu"][0] == "&Read now"
        program.do("key", "Escape")
        program.shows(lambda now: not now["menu"], "no menu any more")
    program.do("key", "Menu")
    program.shows(lambda now: now["menu"], "the menu")
    program.do("key", "r")
    program.shows(
        lambda now: now["inspector"]["rows"][0][2] > reads, "it was read once more"
    )
    program.do("key", "ctrl+c")
    program.shows(
        lambda now: now["clipboard"].endswith(f"/{UP}/with_events"),
        "the model is copied",
    )
