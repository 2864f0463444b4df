"""Commands that run around each run, for example to stop and restart a server."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Callable

#: How many lines of the output of a failed command are shown.
TAIL = 10


class HookError(Exception):
    """A command failed; the message contains its output."""


@dataclass(frozen=True)
class Hooks:
    """Command lines for a shell; an empty one is skipped.

    :param prepare: runs to completion before each run.
    :param at_window: is started when the window is shown.
    :param cleanup: runs after each run.
    """

    prepare: str = ""
    at_window: str = ""
    cleanup: str = ""


@contextlib.contextmanager
def around(
    hooks: Hooks, environment: Mapping[str, str], limit: float
) -> Iterator[Callable[[], None]]:
    """Run the commands before and after a run.

    :param limit: the time limit of each command, s.
    :return: a function to call once when the window is shown, in any thread.
    :raises HookError: if a command fails. ``cleanup`` runs nevertheless.
    """
    started: list[_Command] = []

    def at_window() -> None:
        if hooks.at_window:
            started.append(_Command(hooks.at_window, environment))

    try:
        if hooks.prepare:
            _Command(hooks.prepare, environment).wait(limit)
        yield at_window
        for command in started:
            command.wait(limit)
    finally:
        for command in started:
            command.kill()
        if hooks.cleanup:
            _Command(hooks.cleanup, environment).wait(limit)


class _Command:
    def __init__(self, line: str, environment: Mapping[str, str]) -> None:
        self._line = line
        self._process = subprocess.Popen(
            line,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(environment),
            # Ctrl-C in the terminal must reach this process only: cleanup must finish.
            start_new_session=True,
        )

    def wait(self, limit: float) -> None:
        """Return when it has ended with status 0.

        :raises HookError: if it fails, or does not end within ``limit`` s.
        """
        try:
            written, _ = self._process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise HookError(f"{self._line!r} did not end within {limit:g} s") from None
        if self._process.returncode != 0:
            tail = "\n".join(written.splitlines()[-TAIL:])
            code = self._process.returncode
            raise HookError(f"{self._line!r} ended with {code}:\n{tail}")

    def kill(self) -> None:
        """Kill it if it is running."""
        self._process.kill()
        self._process.communicate()
