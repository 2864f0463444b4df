"""Tables of texts."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

#: Marks a limit that is not met: the whole cell, or its end.
NOT_MET = "NO"


@dataclass(frozen=True)
class TextTable:
    """A table of texts."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def is_missed(cell: str) -> bool:
    """Return whether a cell says that a limit is not met."""
    return cell == NOT_MET or cell.endswith(f": {NOT_MET}")


def for_terminal(text_table: TextTable) -> Table:
    """Return a table for rich."""
    table = Table(title=text_table.title, title_justify="left")
    for heading in text_table.head:
        table.add_column(heading, overflow="fold")
    for row in text_table.rows:
        table.add_row(*row, style="bold red" if any(map(is_missed, row)) else "")
    return table
