"""Somebody who follows a page of the documentation, block by block, and looks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from docs_blocks import PAGES, Block, Command, blocks, commands
from docs_tables import IN_PLACE_OF, NO_OUTPUT, NOT_RUN, STATUS, VARYING
from paths import ROOT

from taurus_tpo.core import settings
from taurus_tpo.sim import Facility
from taurus_tpo.sim.spec import parse
from taurus_tpo.sim.waiting import wait_until

HERE = Path(__file__).parent

#: How long a command may take on a busy machine, s.
LONG = 120.0

#: Commands that end when their window is closed.
_WITH_WINDOW = re.compile(r"\btaurus\b.* (form|gui)\b|\bpython \w+_window\.py\b")

#: The language of what a command writes, or of a file that is in none.
OUTPUT = "text"

#: Commands that the following ones of a block rest upon.
_KEPT = re.compile(r"^(export|cd|\.) ")

#: Numbers with a point in them, times and ports differ from one time to the next.
_DIFFERS = re.compile(
    r"\.\.\.|\d\d:\d\d:\d\d\.\d+|-?\d+(?:\.\d+)+(?:e-?\d+)?|:\d{4,5}\b"
)
_NUMBER = r"-?\d+(?:[.:]\d+)*(?:e[+-]?\d+)?"


@dataclass(frozen=True)
class Done:
    """What became of a command."""

    status: int
    stdout: str
    stderr: str


@dataclass
class Reader:
    """Somebody with a folder, a home and a control system of their own.

    :param folder: an empty one.
    """

    folder: Path
    facility: Facility
    said: list[Done] = field(default_factory=list)
    _script: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.work, self.home = self.folder / "work", self.folder / "home"
        self.work.mkdir()
        self.home.mkdir()
        # What the commands of a clone find there.
        (self.work / ".venv").symlink_to(sys.prefix)
        (self.work / "benchmarks").symlink_to(ROOT / "benchmarks")
        for block in (block for page in PAGES for block in blocks(page)):
            if block.caption and not block.caption.startswith(("~", "/")):
                self._write(block)

    def follow(self, page: Path) -> None:
        """Do what the page says, and compare what it shows.

        :raises AssertionError: with the place, where something is not as it says.
        """
        found = blocks(page)
        scripts = [b for b in found if b.language == "python" and not b.caption]
        for block in found:
            if block.caption:
                self._write(block)
            if block.language != OUTPUT:
                WAYS[block.language](self, block)
            if scripts and block is scripts[-1]:
                self._run_script(block)
        for block in found:
            if block.language == OUTPUT and not block.caption:
                WAYS[OUTPUT](self, block)

    def _write(self, block: Block) -> None:
        caption = self._here(block.caption)
        path = self.work / caption.replace("~", str(self.home))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text + "\n", encoding="utf-8")

    def _here(self, text: str) -> str:
        """Return ``text`` with the names that things have here."""
        names = {
            "127.0.0.1:22704": self.facility.tango_host,
            "host:10000": self.facility.tango_host,
            "/etc/xdg": f"{self.home}/.config",
            "/home/jane": str(self.home),
            # The database has that device, which is of a server that is not installed.
            "sys/tg_test/": "sys/tg_sim/",
        }
        for name, here in names.items():
            text = text.replace(name, here)
        return text

    # --- the ways of the languages ---

    def run_commands(self, block: Block) -> None:
        """Run a block of a shell, a command at a time."""
        kept: list[str] = []
        for command in commands(block):
            if command.line in NOT_RUN:
                continue
            line = self._here(command.line)
            done = self._stand_in(command) or self._run("\n".join([*kept, line]))
            self.said.append(done)
            self._judge(block, command, done)
            if _KEPT.match(line):
                kept.append(line)

    def keep_script(self, block: Block) -> None:
        """Take a block of Python for a part of the script of its page."""
        compile(block.text, block.place, "exec")
        if not block.caption:
            self._script.append(block.text)

    def load_settings(self, block: Block) -> None:
        """Read a settings file as the plugin does."""
        path = self.folder / "block.ini"
        path.write_text(block.text, encoding="utf-8")
        file = settings.read_file(str(path))
        assert file is not None
        problems = [*file.problems, *settings.read(file.values).problems]
        unknown = set(file.values) - set(settings.KEYS)
        assert file.values, block.place
        assert not problems, f"{block.place}: {problems}"
        assert not unknown, f"{block.place}: {unknown}"

    def load_facility(self, block: Block) -> None:
        """Read a facility file as the simulation does."""
        parse(block.text, block.place)

    def find_output(self, block: Block) -> None:
        """Look whether a command of the page has written these lines, in this order."""
        if " ".join(block.text.splitlines()[0].split()) in NO_OUTPUT:
            return
        wanted = _patterns(self._here(block.text))
        said = [_lines(f"{done.stdout}\n{done.stderr}") for done in self.said]
        assert any(_in_order(wanted, lines) for lines in said), (
            f"{block.place}: no command of this page says\n{block.text}\n"
            "but\n" + "\n".join("\n".join(lines) for lines in said)
        )

    # --- processes ---

    def _run_script(self, block: Block) -> None:
        path = self.work / "script_of_the_page.py"
        path.write_text("\n".join(self._script), encoding="utf-8")
        done = self._run(f"python {path.name}")
        self.said.append(done)
        assert done.status == 0, f"{block.place}: {done.stderr}"

    def _stand_in(self, command: Command) -> Done | None:
        """Return what became of what is run in the place of ``command``, if anything.

        That is the same on each page, so it is run once.
        """
        if command.line not in IN_PLACE_OF:
            return None
        if command.line not in _DONE:
            _DONE[command.line] = self._run(IN_PLACE_OF[command.line])
        return _DONE[command.line]

    def _run(self, line: str) -> Done:
        environment = self._environment()
        last = line.splitlines()[-1]
        if _WITH_WINDOW.search(last):
            return self._run_with_window(line, environment)
        if re.search(r"\btpo sim\b", last):
            return self._run_facility(line, environment)
        return self._start(line, environment)

    def _run_with_window(self, line: str, environment: dict[str, str]) -> Done:
        """Run a command that ends when its window is closed; it is when painted."""
        path = [str(HERE / "closing"), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        done = self._start(line, environment)
        usage = done.status == 2
        assert usage or "painted: " in done.stderr, f"no window: {line}\n{done.stderr}"
        return done

    def _run_facility(self, line: str, environment: dict[str, str]) -> Done:
        """Run a command that ends with Ctrl-C; that comes when its table is there."""

        def interrupt(process: subprocess.Popen[bytes], written: Path) -> None:
            def has_begun() -> bool:
                return process.poll() is not None or "┘" in _read(written)

            wait_until(has_begun, LONG, line)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)

        return self._start(line, environment, interrupt)

    def _start(
        self,
        line: str,
        environment: dict[str, str],
        meanwhile: Callable[[subprocess.Popen[bytes], Path], None] | None = None,
    ) -> Done:
        stdout, stderr = self.folder / "stdout", self.folder / "stderr"
        with stdout.open("wb") as out, stderr.open("wb") as err:
            process = subprocess.Popen(
                ["bash", "-c", line],
                cwd=self.work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                if meanwhile is not None:
                    meanwhile(process, stderr)
                status = process.wait(LONG)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        return Done(status, _read(stdout), _read(stderr))

    def _environment(self) -> dict[str, str]:
        environment = {**self.facility.environment(), "HOME": str(self.home)}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "TAURUS_TPO"):
            environment.pop(name, None)
        path = [str(Path(sys.executable).parent), environment["PATH"]]
        environment["PATH"] = os.pathsep.join(path)
        # Where a command crashes, its stacks are in what it says.
        crash = {"PYTHONFAULTHANDLER": "1"}
        offscreen = {"QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"}
        return {**environment, **offscreen, **crash}

    def _judge(self, block: Block, command: Command, done: Done) -> None:
        told = f"{block.place}: {command.line}\n{done.stdout}\n{done.stderr}"
        expected = STATUS.get(command.line, 0)
        assert done.status == expected, f"ended with {done.status}, {told}"
        assert "Traceback" not in done.stderr, told
        if command.output is not None:
            wanted = _patterns(self._here(command.output))
            said = (_lines(done.stdout), _lines(done.stderr))
            assert any(_together(wanted, lines) for lines in said), told


#: What became of what was run in the place of commands.
_DONE: dict[str, Done] = {}

#: What is done with a block of each language.
WAYS: dict[str, Callable[[Reader, Block], None]] = {
    "sh": Reader.run_commands,
    "python": Reader.keep_script,
    "ini": Reader.load_settings,
    "toml": Reader.load_facility,
    OUTPUT: Reader.find_output,
}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _lines(text: str) -> list[str]:
    """Return the lines that are not empty, with single spaces in between."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _patterns(text: str) -> list[re.Pattern[str]]:
    """Return what the lines of an output look like each time."""
    return [re.compile(_pattern(line)) for line in _lines(text)]


def _pattern(line: str) -> str:
    parts, end = [], 0
    differs = re.compile("|".join([*map(re.escape, VARYING), _DIFFERS.pattern]))
    for found in differs.finditer(line):
        parts.append(re.escape(line[end : found.start()]))
        parts.append(_pattern_of(found.group()))
        end = found.end()
    return "".join([*parts, re.escape(line[end:])])


def _pattern_of(text: str) -> str:
    if text == "...":
        return ".*"
    if text in VARYING:
        return re.sub(r"\d+", r"\\d+", text)
    return f":{_NUMBER}" if text.startswith(":") else _NUMBER


def says(wanted: str, text: str) -> bool:
    """Return whether ``text`` has the lines of ``wanted``, one after the other.

    Numbers with a point in them, times and ports may differ.
    """
    return _together(_patterns(wanted), _lines(text))


def _in_order(wanted: list[re.Pattern[str]], lines: list[str]) -> bool:
    left = iter(lines)
    return all(any(one.search(line) for line in left) for one in wanted)


def _together(wanted: list[re.Pattern[str]], lines: list[str]) -> bool:
    count = len(wanted)
    return any(
        all(one.fullmatch(line) for one, line in zip(wanted, lines[begin:]))
        for begin in range(len(lines) - count + 1)
    )
