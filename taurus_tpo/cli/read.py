"""``taurus tpo read``: reads attributes once through the plugin and prints them."""

from __future__ import annotations

import datetime
import json
import math
import time
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, wait
from dataclasses import asdict, dataclass, replace
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from taurus_tpo.cli import session
from taurus_tpo.cli.models import expand
from taurus_tpo.core.errors import no_answer_within

#: How often the progress bar is updated, s.
_TICK = 0.1

#: The text for infinite numbers, which JSON does not have.
_NO_JSON = {math.inf: "Infinity", -math.inf: "-Infinity"}


@dataclass(frozen=True)
class ReadRow:
    """One printed row; ``time`` in ISO 8601, ``error`` as text for the user."""

    model: str
    value: Any = None
    unit: str | None = None
    quality: str | None = None
    time: str | None = None
    error: str | None = None


@click.command("read")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@session.json_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for all of them together.",
)
def read(models: tuple[str, ...], as_json: bool, timeout: float) -> None:
    """Read attributes through the plugin: few calls a device, devices in parallel.

    MODEL is an attribute, or a glob such as 'sim/*/*/volt*', which is looked up in the
    database. Exits with 1 if one of them failed.
    """
    end = time.monotonic() + timeout
    factory = session.plugin_factory()
    reads = ReadRequests(factory, expand(factory, models, timeout), end)
    _wait(reads, end)
    rows = [_row(answer) for answer in reads.answers(timeout)]
    if as_json:
        told = [asdict(replace(row, value=_as_json(row.value))) for row in rows]
        click.echo(json.dumps(told, indent=2, default=str, allow_nan=False))
    else:
        _print(rows)
    raise SystemExit(1 if any(row.error for row in rows) else 0)


@dataclass(frozen=True)
class ReadAnswer:
    """What became of the read of one attribute.

    :param value: the ``TangoAttrValue``; None if the read failed.
    :param error: why, for users; empty if it did not.
    """

    model: str
    value: Any = None
    error: str = ""


class ReadRequests:
    """Reads of some attributes by the pool; they begin at once.

    :param factory: the plugin's.
    :param names: attributes. One that cannot be made fails by itself.
    :param end: no attribute is made after this time of ``time.monotonic()``.
    """

    def __init__(self, factory: Any, names: Iterable[str], end: float) -> None:
        with factory.hurry():
            # Kept: a read does not keep its attribute alive.
            self._made = {name: _make(factory, name, end) for name in names}
        self._futures = {name: _ask(factory, one) for name, one in self._made.items()}

    def __len__(self) -> int:
        return len(self._futures)

    def pending(self, timeout: float) -> int:
        """Wait until none is pending; return how many are after ``timeout`` s."""
        return len(wait(self._futures.values(), max(0.0, timeout)).not_done)

    def answers(self, timeout: float) -> list[ReadAnswer]:
        """Return the answer of each; one that is pending is late.

        :param timeout: what was waited, s; for its error.
        """
        return [_answer(*one, timeout) for one in self._futures.items()]


def _make(factory: Any, name: str, end: float) -> Any:
    """Return the attribute; the error if it cannot be made; None after ``end``."""
    if time.monotonic() > end:
        return None
    try:
        session.full_name(factory, name)
        return factory.getAttribute(name)
    except Exception as error:  # noqa: BLE001 - becomes the row's own error
        return error


def _ask(factory: Any, made: Any) -> Future[Any]:
    """Return the future of the value of ``made``, a result of :func:`_make`."""
    if made is None:
        return Future()
    if not isinstance(made, Exception):
        return factory.readAttributeFirstTime(made)
    return session.failed(made)


def _wait(reads: ReadRequests, end: float) -> None:
    console = Console(stderr=True)
    with Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=len(reads))
        left = len(reads)
        while left and time.monotonic() < end:
            left = reads.pending(min(_TICK, end - time.monotonic()))
            bar.update(task, completed=len(reads) - left)


def _answer(name: str, future: Future[Any], timeout: float) -> ReadAnswer:
    if not future.done():
        return ReadAnswer(name, error=str(no_answer_within(timeout)))
    try:
        return ReadAnswer(name, future.result())
    except CancelledError:
        return ReadAnswer(name, error="the read was given up")
    except Exception as error:  # noqa: BLE001 - becomes the row's own error
        return ReadAnswer(name, error=reason(error))


def _row(answer: ReadAnswer) -> ReadRow:
    value = answer.value
    if value is None:
        return ReadRow(answer.model, error=answer.error)
    stamp = value.time.totime()
    return ReadRow(
        model=answer.model,
        value=_plain(value.rvalue),
        unit=unit_of(value.rvalue),
        quality=value.quality.name.replace("ATTR_", ""),
        time=datetime.datetime.fromtimestamp(stamp).astimezone().isoformat(),
    )


def reason(error: Exception) -> str:
    """Return Tango's reason and description, or the text of a Python error."""
    stack = [entry for entry in error.args if hasattr(entry, "desc")]
    if not stack:
        return str(error) or repr(error)
    return f"{stack[0].reason}: {stack[0].desc.strip()}"


def _plain(value: Any) -> Any:
    """Return a number, a text, or lists of them."""
    value = getattr(value, "magnitude", value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return getattr(value, "name", value)


def _as_json(value: Any) -> Any:
    """Return ``value`` for JSON, with NaN and infinite numbers as texts."""
    if isinstance(value, (list, tuple)):
        return [_as_json(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _NO_JSON.get(value, "NaN")
    return value


def unit_of(value: Any) -> str | None:
    """Return the unit of a quantity as text; None for other values."""
    units = getattr(value, "units", None)
    return None if units is None else f"{units:~}"


def _print(rows: Iterable[ReadRow]) -> None:
    table = Table("model", "value", "quality", "time", box=None)
    for row in rows:
        if row.error:
            table.add_row(row.model, f"[red]{_cell(row.error)}[/red]", "FAILED", "")
            continue
        shown = " ".join(filter(None, (str(row.value), row.unit)))
        clock = str(row.time).partition("T")[2][:12]
        table.add_row(row.model, _cell(shown), row.quality, clock)
    session.console().print(table)


def _cell(text: str) -> str:
    """Return the first line of ``text``, truncated, with rich's markup escaped."""
    line = text.splitlines()[0] if text else ""
    return escape(line if len(line) <= 100 else f"{line[:97]}...")
