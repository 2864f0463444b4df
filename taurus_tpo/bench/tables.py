"""Tables of texts and their output formats."""

from __future__ import annotations

from collections.abc import Iterator
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


def _is_missed(cell: str) -> bool:
    return cell == NOT_MET or cell.endswith(f": {NOT_MET}")


def _marked(cell: str) -> str:
    return f"**{cell[: -len(NOT_MET)]}{NOT_MET.lower()}**"


def for_terminal(text_table: TextTable) -> Table:
    """Return a table for rich."""
    table = Table(title=text_table.title, title_justify="left")
    for heading in text_table.head:
        table.add_column(heading, overflow="fold")
    for row in text_table.rows:
        table.add_row(*row, style="bold red" if any(map(_is_missed, row)) else "")
    return table


def for_markdown(text_table: TextTable) -> Iterator[str]:
    """Yield the lines of a Markdown table, preceded by its title."""
    yield f"**{text_table.title}**"
    yield ""
    for row in (text_table.head, ("---",) * len(text_table.head), *text_table.rows):
        cells = (_marked(c) if _is_missed(c) else c for c in row)
        yield "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
    yield ""


def for_sphinx(text_table: TextTable) -> Iterator[str]:
    """Yield the lines of a reStructuredText table."""
    yield f".. list-table:: {text_table.title}"
    yield "   :header-rows: 1"
    yield ""
    for row in (text_table.head, *text_table.rows):
        for index, cell in enumerate(row):
            shown = _marked(cell) if _is_missed(cell) else cell
            yield f"   {'  ' if index else '* '}- {shown}".rstrip()
    yield ""
