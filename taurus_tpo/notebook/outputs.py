"""Where ``%tpo watch`` shows its table: in a cell, on a terminal, or as lines."""

from __future__ import annotations

import sys
from typing import Any

from IPython.display import display
from rich.live import Live

from taurus_tpo.notebook.table import Table
from taurus_tpo.notebook.watch import Output


class CellOutput:
    """The output of a cell of a kernel, which is replaced."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, table: Table) -> None:
        """Show ``table``."""
        if self._handle is None:
            self._handle = display(table, display_id=True)
        else:
            self._handle.update(table)

    def close(self) -> None:
        """Leave the last table."""


class TerminalOutput:
    """Lines of a terminal, which are replaced."""

    def __init__(self) -> None:
        self._live = Live(auto_refresh=False)

    def show(self, table: Table) -> None:
        """Show ``table``."""
        if not self._live.is_started:
            self._live.start()
        self._live.update(table.as_rich(), refresh=True)

    def close(self) -> None:
        """Leave the last table, and give the terminal back."""
        self._live.stop()


class LineOutput:
    """Lines of a file or a pipe: each table after the other."""

    def show(self, table: Table) -> None:
        """Print ``table``."""
        print(table, flush=True)

    def close(self) -> None:
        """Nothing is left to do."""


def is_kernel(shell: Any) -> bool:
    """Return whether a shell is that of a kernel, which shows outputs at any time."""
    return hasattr(shell, "kernel")


def output_of(shell: Any) -> Output:
    """Return where a shell shows a table that changes."""
    if is_kernel(shell):
        return CellOutput()
    return TerminalOutput() if sys.stdout.isatty() else LineOutput()
