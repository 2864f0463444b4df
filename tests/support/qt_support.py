"""What the tests of the plugin's own widgets share."""

from __future__ import annotations

from typing import Any

from taurus_tpo.qt.inspector.rows import INDEX, Row
from taurus_tpo.sim import Facility

#: How long anything that should be seen may take on a busy machine, ms.
SEEN = 60_000


def row_of(inspector: Any, model: str) -> Row | None:
    """Return the row of an attribute in what is shown, None if it is not shown."""
    entries = inspector.model.entries()
    rows = (entry for entry in entries if isinstance(entry, Row))
    return next((row for row in rows if row.model == model.lower()), None)


def text_of(inspector: Any, model: str, column: str) -> str:
    """Return what the table shows of an attribute; empty where it is not shown."""
    for number, entry in enumerate(inspector.model.entries()):
        if isinstance(entry, Row) and entry.model == model.lower():
            return str(inspector.model.index(number, INDEX[column]).data())
    return ""


def select(inspector: Any, *models: str) -> None:
    """Select the rows of attributes, the first one current, as a user does."""
    from taurus.external.qt import Qt

    view = inspector.view
    view.clearSelection()
    flags = Qt.QItemSelectionModel.SelectionFlag
    for number, entry in reversed(list(enumerate(inspector.model.entries()))):
        if isinstance(entry, Row) and entry.model in [m.lower() for m in models]:
            index = inspector.model.index(number, 0)
            how = flags.Select | flags.Rows
            view.selectionModel().select(index, how)
            view.selectionModel().setCurrentIndex(index, flags.NoUpdate)


def action(menu: Any, *path: str) -> Any:
    """Return the entry of a menu, by the texts that lead to it, without ``&``."""
    for title in path[:-1]:
        menu = action(menu, title).menu()
    titles = [one.text().replace("&", "") for one in menu.actions()]
    assert path[-1] in titles, titles
    return menu.actions()[titles.index(path[-1])]


def authority(facility: Facility) -> str:
    """Return the beginning of the full names of a facility's attributes."""
    return f"tango://{facility.tango_host}/"
