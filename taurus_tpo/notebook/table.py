"""Tables that a shell shows as text or as HTML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

#: The most rows that are shown; the table says how many more there are.
MOST_ROWS = 500

#: The width of a table as text, in characters.
WIDTH = 200

#: The longest text of a cell.
LONGEST = 200


@dataclass(frozen=True)
class Cell:
    """One cell.

    :param text: for a terminal; its first line is shown.
    :param more: HTML that follows the text, a picture.
    :param failed: whether it is an error.
    """

    text: str
    more: str = ""
    failed: bool = False

    @property
    def line(self) -> str:
        """The first line of the text, shortened."""
        line = self.text.strip().partition("\n")[0]
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."

    @property
    def html(self) -> str:
        """The cell as HTML."""
        style = "text-align: left" + ("; color: #b91c1c" if self.failed else "")
        return f'<td style="{style}">{escape(self.line)}{self.more}</td>'


class Table:
    """A table that IPython shows as HTML, or as text where there is no HTML.

    It is not changed; it may be shown by any thread.

    :param columns: their titles.
    :param rows: a cell for each column.
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(map(tuple, rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        file = io.StringIO()
        # Otherwise rich shows it in the notebook by itself.
        console = Console(
            file=file, width=WIDTH, color_system=None, force_jupyter=False
        )
        console.print(self.as_rich())
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines())

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th style="text-align: left">{escape(title)}</th>'
            for title in self.columns
        )
        rows = "".join(
            f"<tr>{''.join(cell.html for cell in row)}</tr>" for row in self._shown
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def as_rich(self) -> RichTable:
        """Return it for a console of rich."""
        table = RichTable(*self.columns, box=None)
        for row in self._shown:
            # Not parsed as markup.
            table.add_row(
                *(Text(cell.line, "red" if cell.failed else "") for cell in row)
            )
        return table

    @property
    def _shown(self) -> tuple[tuple[Cell, ...], ...]:
        left = len(self.rows) - MOST_ROWS
        if left <= 0:
            return self.rows
        rest = (Cell(f"... and {left} more"), *[Cell("")] * (len(self.columns) - 1))
        return (*self.rows[:MOST_ROWS], rest)
