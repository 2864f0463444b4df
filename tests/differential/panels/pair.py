"""Two programs that do the same, one with the plugin and one without it.

Each has a facility of its own, so that what one does to a device the other does not
see. What they show is compared when both are quiet.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from taurus_tpo.sim import Facility
from tests.differential.differences import TABLE
from tests.support.paths import FACILITIES, ROOT

#: How long an order may take, s: stock Taurus waits 9 s for one read of a hung server.
ANSWER = 120.0

#: How long what is shown may take to be what it is to be, on a busy machine, s.
QUIET = 30.0

#: How long two programs that differ may take until they do not, s.
AGREED = 10.0

#: How long what an ended program said may take to be read, s.
ENDED = 5.0

#: How often they are asked, s.
OFTEN = 0.1


@dataclass(frozen=True)
class Seen:
    """Where a difference is seen that is meant.

    :param path: the end of a path of keys.
    :param key: the difference, in the table of ``differences.py``.
    """

    path: str
    key: str

    def covers(self, path: str) -> bool:
        """Return whether a difference at ``path`` is this one."""
        assert self.key in {one.key for one in TABLE}
        return path.endswith(self.path)


#: What may differ in each window.
MEANT = (Seen("/tooltip/Mode", "tooltips"), Seen("/tooltip/State", "tooltips"))


class Program:
    """One of the two."""

    def __init__(
        self, facility: Facility, plugin: bool, arguments: tuple[str, ...] = ()
    ) -> None:
        self.facility, self.plugin = facility, plugin
        self._home = tempfile.TemporaryDirectory(prefix="panels")
        environment = {
            **facility.environment(),
            # What a user has chosen before is no matter here.
            "HOME": self._home.name,
            "XDG_CONFIG_HOME": self._home.name,
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(ROOT),
            "TAURUS_TPO": str(int(plugin)),
        }
        program = "tests.differential.panels.program"
        command = [
            "taurus_tpo.concurrency.child_process",
            str(os.getpid()),
            program,
            *arguments,
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        for stream, put in (
            (self._process.stdout, self._answers.put),
            (self._process.stderr, self.said.append),
        ):
            self._reader = threading.Thread(
                target=_drain, args=(stream, put), daemon=True
            )
            self._reader.start()

    def order(self, do: str, *args: Any, **more: Any) -> None:
        """Have it do something."""
        assert self._process.stdin is not None
        order = {"do": do, "args": args, **more}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Return what it says to the oldest order that it has not answered.

        :raises AssertionError: with the end of what it said, if it says nothing.
        """
        try:
            answer = json.loads(self._answers.get(timeout=ANSWER))
        except queue.Empty:
            self._tell_stacks()
            said = "".join(self.said[-200:])
            raise AssertionError(f"{self} is silent:\n{said}") from None
        return answer

    def _tell_stacks(self) -> None:
        """End it, and have it say first where each of its threads is."""
        self._process.send_signal(signal.SIGABRT)
        self._await_end(ENDED)
        self._reader.join(ENDED)

    def _await_end(self, seconds: float) -> None:
        """Wait until it ends; kill it after so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(seconds)

    def ask(self, do: str, *args: Any, **more: Any) -> Any:
        """Have it do something, and return what it says."""
        self.order(do, *args, **more)
        return self.answer()

    def until(
        self, condition: Callable[[Any], Any], do: str, *args: Any, **more: Any
    ) -> Any:
        """Ask until the answer is one for which ``condition`` is true; return it."""
        end = time.monotonic() + QUIET
        while True:
            answer = self.ask(do, *args, **more)
            if condition(answer):
                return answer
            if time.monotonic() > end:
                raise AssertionError(f"{self}, after {QUIET} s: {_brief(answer)}")
            time.sleep(OFTEN)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._await_end(10.0)
        self._home.cleanup()

    def __str__(self) -> str:
        return "the program with the plugin" if self.plugin else "the one without it"


def _drain(stream: Any, put: Callable[[str], Any]) -> None:
    with stream:
        for line in stream:
            put(line)


class Pair:
    """Both programs: whatever is ordered, both do."""

    def __init__(self, facility: str, *arguments: str) -> None:
        self._stack = ExitStack()
        self.programs: list[Program] = []
        try:
            for plugin in (True, False):
                running = Facility(FACILITIES / f"{facility}.toml")
                self._stack.enter_context(running)
                program = Program(running, plugin, arguments)
                self._stack.callback(program.close)
                self.programs.append(program)
        except BaseException:
            self.close()
            raise

    def ask(self, do: str, *args: Any, **more: Any) -> list[Any]:
        """Have both do something at the same time, and return what they say.

        What an order raises is an answer, too: ``raised KeyError: ...``.
        """
        for program in self.programs:
            program.order(do, *args, **more)
        return [program.answer() for program in self.programs]

    def until(
        self, condition: Callable[[Any], Any], do: str, *args: Any, **more: Any
    ) -> list[Any]:
        """Ask until each has given an answer for which ``condition`` is true."""
        return [
            program.until(condition, do, *args, **more) for program in self.programs
        ]

    def differences(
        self,
        do: str,
        *args: Any,
        when: Callable[[Any], Any] = lambda _: True,
        meant: tuple[Seen, ...] = (),
        **more: Any,
    ) -> list[str]:
        """Return how the answers differ, once ``when`` is true of both.

        Whoever differs is asked again for a while: it may be on its way.
        """
        self.until(when, do, *args, **more)
        end = time.monotonic() + AGREED
        while True:
            found = self._compare(self.ask(do, *args, **more), (*MEANT, *meant))
            if not found or time.monotonic() > end:
                return found
            time.sleep(OFTEN)

    def _compare(self, answers: list[Any], meant: tuple[Seen, ...]) -> list[str]:
        return [
            f"{path}: plugin {plugin!r}, stock {stock!r}"
            for path, plugin, stock in compare(*answers)
            if not any(one.covers(path) for one in meant)
        ]

    def servers(self, do: str, name: str) -> None:
        """Start or stop a server of both facilities."""
        for program in self.programs:
            getattr(program.facility.server(name), do)()

    def pictures(self, name: str, folder: Path, title: str) -> None:
        """Save what a window looks like in both."""
        for program in self.programs:
            who = "plugin" if program.plugin else "stock"
            program.ask("picture", name, str(folder / f"{title}-{who}.png"))

    def close(self) -> None:
        """End both, and their facilities."""
        self._stack.close()


def _brief(answer: Any) -> str:
    """Return what a program shows, short enough to be read."""
    told = json.dumps(answer)
    texts = re.findall(r'"text": "(.*?)"', told)
    return json.dumps(texts)[:3000] if texts else told[:3000]


def compare(plugin: Any, stock: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Return where two answers differ: the path of keys, and both values."""
    if isinstance(plugin, dict) and isinstance(stock, dict):
        keys = {**plugin, **stock}
        found = ((key, plugin.get(key), stock.get(key)) for key in keys)
    elif _alike(plugin, stock):
        found = ((str(key), *both) for key, both in enumerate(zip(plugin, stock)))
    else:
        return [] if plugin == stock else [(path, plugin, stock)]
    return [
        one
        for key, left, right in found
        for one in compare(left, right, f"{path}/{key}")
    ]


def _alike(plugin: Any, stock: Any) -> bool:
    both_lists = isinstance(plugin, list) and isinstance(stock, list)
    return both_lists and len(plugin) == len(stock)
