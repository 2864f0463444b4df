"""``%tpo watch``: a table of attributes that is kept current."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterable
from typing import Any, Protocol

import click

from taurus_tpo.cli import session
from taurus_tpo.cli.models import expand_each
from taurus_tpo.cli.read import reason
from taurus_tpo.notebook.formatters import cells_of, known_cells
from taurus_tpo.notebook.table import Cell, Table

COLUMNS = ("model", "value", "quality", "time", "status")

#: The most attributes that are watched; the table says how many are not.
MOST_MODELS = 200

#: The shortest period of the updates, s.
SHORTEST = 0.1

#: How long the devices of globs may take to tell their attributes, s.
EXPANDING = 5.0

#: How long :meth:`Watch.stop` waits for its thread, s.
STOPPING = 5.0


#: The status of a model that has not been looked up yet.
_BEGUN = "looked up"


class Output(Protocol):
    """Where a watch shows its table."""

    def show(self, table: Table) -> None:
        """Show ``table`` in the place of the one before; by one thread at a time."""

    def close(self) -> None:
        """Leave the last table as it is; called once, in the watch's thread."""


class Watch:
    """Attributes, each with a listener, so that events or polls keep it current.

    :param factory: the plugin's.
    :param models: attributes, or globs.
    :param period: how often the table is updated, if it has changed, s.
    :param output: where it is shown.
    """

    def __init__(
        self, factory: Any, models: Iterable[str], period: float, output: Output
    ) -> None:
        self._factory = factory
        self._models = list(models)
        self._period = max(SHORTEST, period)
        self._output = output
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Show the models, and run it in a thread of its own until :meth:`stop`.

        Call it once.
        """
        # In this thread: what another one shows first belongs, in ipykernel before 7,
        # to the cell that runs at that moment.
        rows = [(Cell(model), *[Cell("")] * 3, Cell(_BEGUN)) for model in self._models]
        self._output.show(Table(COLUMNS, rows[:MOST_MODELS]))
        self._thread = threading.Thread(
            target=self._run_logged, name="taurus_tpo watch", daemon=True
        )
        atexit.register(self.stop)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether its thread is running."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> bool:
        """End it, and wait for its thread; any thread but its own.

        :return: False if that has not ended in :data:`STOPPING` s: a subscription in a
            mode that waits for the device may take longer. It ends after that.
        """
        self._stopped.set()
        atexit.unregister(self.stop)
        if self._thread is not None:
            self._thread.join(STOPPING)
        return not self.is_running

    def run(self, duration: float | None = None) -> None:
        """Run it in this thread.

        :param duration: s; None: until :meth:`stop`.
        """
        end = None if duration is None else time.monotonic() + duration
        rows = _Rows(self._factory)
        last = ""
        try:
            rows.add(self._models)
            while not self._stopped.is_set():
                table = rows.table()
                if (told := table._repr_html_()) != last:
                    self._output.show(table)
                    last = told
                if end is not None and time.monotonic() >= end:
                    break
                self._stopped.wait(self._pause(end))
        finally:
            rows.close()
            self._output.close()

    def _pause(self, end: float | None) -> float:
        left = self._period if end is None else end - time.monotonic()
        return max(0.0, min(self._period, left))

    def _run_logged(self) -> None:
        try:
            self.run()
        except Exception as error:  # noqa: BLE001 - of the shell's output; it ends
            self._factory.warning("%%tpo watch has ended: %r", error)


class _Rows:
    """The attributes and the errors of a watch, in the order of its models."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        #: The attribute of each name, or why there is none, as text.
        self._rows: dict[str, Any] = {}
        self._left_out = 0

    def add(self, models: list[str]) -> None:
        """Make the attributes, and listen to them; an error becomes a row."""
        found = list(expand_each(self._factory, models, EXPANDING).items())
        self._left_out = max(0, len(found) - MOST_MODELS)
        with self._factory.hurry():
            for name, error in found[:MOST_MODELS]:
                self._rows[name] = error or self._listen(name)

    def _listen(self, name: str) -> Any:
        try:
            session.full_name(self._factory, name)
            attribute = self._factory.getAttribute(name)
            attribute.addListener(self._hear)
        except click.ClickException as error:
            return error.message
        except Exception as error:  # noqa: BLE001 - becomes the row's own error
            return reason(error)
        return attribute

    def _hear(self, *_event: Any) -> None:
        """Listen, so that the attribute is kept current; its cache is what is shown."""

    def table(self) -> Table:
        """Return the table as of now; never waits for a device."""
        rows = [_row(name, one) for name, one in self._rows.items()]
        if self._left_out:
            more = f"and {self._left_out} more, which are not watched"
            rows.append((Cell("..."), Cell(more), *[Cell("")] * 3))
        return Table(COLUMNS, rows)

    def close(self) -> None:
        """Stop listening."""
        for attribute in self._rows.values():
            if not isinstance(attribute, str):
                attribute.removeListener(self._hear)
        self._rows.clear()


def _row(name: str, one: Any) -> tuple[Cell, ...]:
    if isinstance(one, str):
        return Cell(name), *cells_of(None, one), Cell("")
    return Cell(name), *known_cells(one.known), Cell(one.status)
