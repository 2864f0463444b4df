"""``%tpo read``, ``%tpo explain`` and ``%tpo watch``."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from typing import Any, Callable, NoReturn

import click
from IPython.core.error import UsageError
from IPython.utils.process import arg_split

from taurus_tpo.cli import session
from taurus_tpo.cli.explain import explained
from taurus_tpo.cli.models import expand_each, is_glob
from taurus_tpo.cli.read import ReadAnswer, ReadRequests
from taurus_tpo.notebook.formatters import cells_of
from taurus_tpo.notebook.outputs import is_kernel, output_of
from taurus_tpo.notebook.table import Cell, Table
from taurus_tpo.notebook.watch import Watch

#: How long ``%tpo read`` waits for all attributes, s.
TIMEOUT = 5.0

#: How often ``%tpo watch`` updates its table, s.
PERIOD = 1.0


class Readings(Table):
    """The table of ``%tpo read``.

    ``values`` are the ``TangoAttrValue`` of the attributes that were read, ``errors``
    the texts of the others, by model.
    """

    def __init__(self, answers: Sequence[ReadAnswer]) -> None:
        self.values = {a.model: a.value for a in answers if a.value is not None}
        self.errors = {a.model: a.error for a in answers if a.value is None}
        columns = ("model", "value", "quality", "time")
        super().__init__(
            columns, [(Cell(a.model), *cells_of(a.value, a.error)) for a in answers]
        )


class TpoMagics:
    """The commands of ``%tpo`` in one shell; they are called in its thread.

    :param shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._watch: Watch | None = None
        self._parsers = _parsers()
        self._commands: dict[str, Callable[[Any], Table | None]] = {
            "read": self._read,
            "explain": self._explain,
            "watch": self._watch_models,
        }

    @property
    def options(self) -> dict[str, list[str]]:
        """The options of each command."""
        return {
            name: sorted(parser._option_string_actions)
            for name, parser in self._parsers.items()
        }

    def tpo(self, line: str) -> Table | None:
        """Read, explain or watch Tango attributes.

        ::

            %tpo read [--timeout SECONDS] MODEL...
            %tpo explain MODEL...
            %tpo watch [--period SECONDS] [--for SECONDS] MODEL...
            %tpo watch --stop

        MODEL is an attribute, or a glob such as 'sim/*/*/volt*', which is looked up in
        the database. What is wrong with one of them is said in its row.

        ``read`` waits at most --timeout (5 s) for all together. Its result is the
        table, whose ``values`` and ``errors`` are by model.

        ``explain`` says which mode each attribute gets, and what decided it.

        ``watch`` shows a table that is updated each --period (1 s) if something has
        changed. In a notebook it goes on until ``%tpo watch --stop``, or another
        watch; with --for, and in a terminal, the command goes on, until Ctrl-C.
        """
        name, *words = arg_split(line, posix=True) or [""]
        if name not in self._commands:
            raise UsageError(f"%tpo {'|'.join(self._commands)} MODEL...")
        arguments = self._parsers[name].parse_args(words)
        if not arguments.models and not getattr(arguments, "stop", False):
            raise UsageError(f"%tpo {name}: a MODEL is missing")
        return self._commands[name](arguments)

    def close(self) -> None:
        """End the watch; the shell is left without it."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _read(self, arguments: Any) -> Readings:
        end = time.monotonic() + arguments.timeout
        factory = _factory()
        # Names are read while globs are looked up, which may take all the time.
        named = [model for model in arguments.models if not is_glob(model)]
        reads = [ReadRequests(factory, dict.fromkeys(named), end)]
        found = expand_each(factory, arguments.models, arguments.timeout)
        others = [name for name in found if not found[name] and name not in named]
        reads.append(ReadRequests(factory, others, end))
        answers: dict[str, ReadAnswer] = {}
        for some in reads:
            some.pending(end - time.monotonic())
            answers.update({a.model: a for a in some.answers(arguments.timeout)})
        return Readings(
            [
                answers.get(name) or ReadAnswer(name, error=error)
                for name, error in found.items()
            ]
        )

    def _explain(self, arguments: Any) -> Table:
        factory = _factory()
        found = expand_each(factory, arguments.models, TIMEOUT)
        rows = [_explained(factory, *one) for one in found.items()]
        return Table(("model", "mode", "decided by"), rows)

    def _watch_models(self, arguments: Any) -> None:
        if arguments.stop:
            self._stop_watch()
            return
        factory = _factory()
        self.close()
        output = output_of(self._shell)
        watch = Watch(factory, arguments.models, arguments.period, output)
        if is_kernel(self._shell) and arguments.duration is None:
            self._watch = watch
            watch.start()
            return
        try:
            watch.run(arguments.duration)
        except KeyboardInterrupt:
            # The way to end it.
            return

    def _stop_watch(self) -> None:
        if self._watch is None:
            print("no watch is running")
        self.close()


class _Parser(argparse.ArgumentParser):
    """A parser whose errors IPython shows without a traceback."""

    def error(self, message: str) -> NoReturn:
        """Raise IPython's error, and do not end the process."""
        raise UsageError(f"{self.prog}: {message}")


def _parser(name: str) -> argparse.ArgumentParser:
    parser = _Parser(f"%tpo {name}", add_help=False)
    parser.add_argument("models", nargs="*")
    return parser


def _parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    read, explain, watch = map(_parser, ("read", "explain", "watch"))
    read.add_argument("--timeout", type=_seconds, default=TIMEOUT)
    watch.add_argument("--period", type=_seconds, default=PERIOD)
    watch.add_argument("--for", type=_seconds, dest="duration")
    watch.add_argument("--stop", action="store_true")
    return {"read": read, "explain": explain, "watch": watch}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _factory() -> Any:
    """Return the plugin's factory.

    :raises UsageError: if the plugin is off, with the reason.
    """
    try:
        return session.plugin_factory()
    except click.ClickException as error:
        raise UsageError(error.message) from None


def _explained(factory: Any, name: str, error: str) -> tuple[Cell, ...]:
    """Return the row of an attribute, or of a glob with its error."""
    try:
        row = {} if error else explained(factory, name)
    except click.ClickException as invalid:
        row, error = {}, invalid.message
    if error:
        return Cell(name), Cell(error, failed=True), Cell("")
    return tuple(map(Cell, row.values()))
