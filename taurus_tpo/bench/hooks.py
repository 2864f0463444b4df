"""What people have run around each run: to stop a server, and to start it again."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Callable

#: How much of what a command has written is shown, lines.
TAIL = 10


class HookError(Exception):
    """A command has failed; the message holds what it wrote."""


@dataclass(frozen=True)
class Hooks:
    """Command lines for a shell; an empty one is nothing.

    :param prepare: is run before each run, which begins when it has ended.
    :param at_window: is started when the window is there.
    :param cleanup: is run after each run.
    """

    prepare: str = ""
    at_window: str = ""
    cleanup: str = ""


@contextlib.contextmanager
def around(
    hooks: Hooks, environment: Mapping[str, str], limit: float
) -> Iterator[Callable[[], None]]:
    """Prepare a run, and clean up behind it.

    :param limit: how long each command may take, s.
    :return: what is to be called when the window is there; any thread, once.
    :raises HookError: if a command fails. What is to clean up is run nevertheless.
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
            # Ctrl-C in the terminal is for us alone: what cleans up is to be finished.
            start_new_session=True,
        )

    def wait(self, limit: float) -> None:
        """Return when it has ended well.

        :raises HookError: if it does not, or not within ``limit`` s.
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
        """End it if it has not ended."""
        self._process.kill()
        self._process.communicate()
