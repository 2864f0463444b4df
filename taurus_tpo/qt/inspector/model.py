"""The inspector's table model: rows, sorted, filtered and refreshed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.status import Condition
from taurus_tpo.qt.inspector.attribute_list import AttributeList, plugin_factory
from taurus_tpo.qt.inspector.rows import COLUMNS, INDEX, Group, Row, RowFilter

#: How often the table is refreshed, ms.
REFRESH_PERIOD = 250

#: The time budget for rows that are not visible, per refresh, s.
BUDGET = 0.01

#: The shortest time between two sorts, s: rows must stay in place long enough to read.
ORDERED_FOR = 1.0

_ALIGNMENT = Qt.Qt.AlignmentFlag
_RIGHT = _ALIGNMENT.AlignRight | _ALIGNMENT.AlignVCenter
#: As a number: PyQt5 accepts nothing else, and PyQt6 has its own flag type.
_NUMBERS = getattr(_RIGHT, "value", None) or int(_RIGHT)
_ROLE = Qt.Qt.ItemDataRole

#: The conditions that are shown in the warning color.
_WRONG = (Condition.ERROR, Condition.SILENT)


class InspectorModel(Qt.QAbstractTableModel):
    """A table of all attributes of the process, one row each, optionally by server.

    For the GUI thread. It reads what the attributes hold and sends no request to a
    device. Each refresh updates the visible rows and some of the others.

    The columns are :data:`taurus_tpo.qt.inspector.rows.COLUMNS`. Sorting and filtering
    are done here: a proxy model would call Python for each comparison.

    :param factory: the plugin's; None looks it up.
    """

    #: Emitted after rows were added, removed or changed.
    refreshed = Qt.pyqtSignal()

    def __init__(
        self, parent: Any = None, factory: Any = None, clock: Clock = SYSTEM
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self.attribute_list = AttributeList(factory or plugin_factory(), clock)
        self._row_filter = RowFilter()
        self._shown: list[Row | Group] = []
        self._places: dict[Any, int] = {}
        self._seen: tuple[int, int] = (0, 50)
        self._ordered = float("-inf")
        self._stale = False
        self._timer = Qt.QTimer(self)
        self._timer.setInterval(REFRESH_PERIOD)
        self._timer.timeout.connect(self.refresh)

    # --- refresh ---

    def start(self) -> None:
        """Refresh now, and periodically from now on."""
        self._timer.start()
        self.refresh()

    def stop(self) -> None:
        """Stop refreshing."""
        self._timer.stop()

    def see(self, first: int, last: int) -> None:
        """Set the range of visible rows, which are refreshed first."""
        self._seen = (first, last)

    def refresh(self) -> None:
        """Update the visible rows, and some of the others."""
        first, last = self._seen
        seen = [one for one in self._shown[first : last + 1] if isinstance(one, Row)]
        due = self._clock.monotonic() - self._ordered >= ORDERED_FOR
        # Do not combine both: sorting ten thousand rows uses up the time by itself.
        change = self.attribute_list.look(0.0 if self._stale and due else BUDGET, seen)
        if change.others or (self._stale and due):
            self._order()
        self._stale |= bool(change.rows)
        self._tell_changed(change.rows)
        self.refreshed.emit()

    def _tell_changed(self, rows: Iterable[Row]) -> None:
        """Emit ``dataChanged`` for those of ``rows`` that are visible."""
        first, last = self._seen
        places = [self._places.get(row, -1) for row in rows]
        places = [place for place in places if first <= place <= last]
        # The state of a server changes without a change of its attributes.
        some = self._shown[first : last + 1] if self._row_filter.grouped else ()
        places += [first + n for n, one in enumerate(some) if isinstance(one, Group)]
        if places:
            top, bottom = self.index(min(places), 0), max(places)
            self.dataChanged.emit(top, self.index(bottom, len(COLUMNS) - 1))

    # --- order ---

    @property
    def row_filter(self) -> RowFilter:
        """The current filter and order."""
        return self._row_filter

    def want(self, **more: Any) -> None:
        """Change fields of the :class:`.rows.RowFilter`, and sort again."""
        self._row_filter = replace(self._row_filter, **more)
        self._order()
        self.refreshed.emit()

    def sort(self, column: int, order: Any = Qt.Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; a negative number restores the order of creation."""
        descending = order == Qt.Qt.SortOrder.DescendingOrder
        self.want(column=column if column >= 0 else None, descending=descending)

    def _order(self) -> None:
        self._ordered, self._stale = self._clock.monotonic(), False
        shown = self._row_filter.order(self.attribute_list.rows)
        places = {_key(one): place for place, one in enumerate(shown)}
        before = len(self._shown)
        if len(shown) > before:
            self.beginInsertRows(Qt.QModelIndex(), before, len(shown) - 1)
            # _permute() moves them to their places.
            new = [one for one in shown if _key(one) not in self._places]
            self._shown += new[: len(shown) - before]
            self.endInsertRows()
        self._permute(shown, places)
        if len(shown) < before:
            self.beginRemoveRows(Qt.QModelIndex(), len(shown), before - 1)
            self._shown = shown
            self.endRemoveRows()

    def _permute(self, shown: list[Row | Group], places: dict[Any, int]) -> None:
        """Apply the new order; entries that are no longer shown go to the end."""
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        keys = [_key(self._shown[index.row()]) for index in old]
        gone = [one for one in self._shown if _key(one) not in places]
        self._shown = shown + gone[: max(0, len(self._shown) - len(shown))]
        self._places = places
        new = [
            self.index(places[key], index.column())
            if key in places
            else Qt.QModelIndex()
            for key, index in zip(keys, old)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    # --- entries ---

    def entry(self, index: Any) -> Row | Group | None:
        """Return the entry at ``index``, or None."""
        place = index.row()
        there = index.isValid() and 0 <= place < len(self._shown)
        return self._shown[place] if there else None

    def entries(self) -> tuple[Row | Group, ...]:
        """Return the entries shown, from top to bottom."""
        return tuple(self._shown)

    def attributes_at(self, indexes: Iterable[Any]) -> list[Any]:
        """Return the attributes at ``indexes``, each once; for a server, all of it."""
        rows: dict[Row, None] = {}
        for index in indexes:
            entry = self.entry(index)
            if isinstance(entry, Row):
                rows[entry] = None
            elif entry is not None:
                rows.update(dict.fromkeys(entry.rows))
        found = (self.attribute_list.attribute(row) for row in rows)
        return [attribute for attribute in found if attribute is not None]

    def conditions(self) -> Counter[Condition]:
        """Return the number of attributes in each condition, hidden ones included."""
        return Counter(row.sample.condition for row in self.attribute_list.rows)

    def fold(self, group: Group) -> None:
        """Collapse or expand the rows of a server."""
        self.want(closed=self._row_filter.closed ^ {group.name})

    # --- QAbstractTableModel ---

    def rowCount(self, parent: Any = None) -> int:
        """Return how many rows are shown, including server lines."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: Any = None) -> int:
        """Return the number of columns, including hidden ones."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Any, role: int = _ROLE.DisplayRole
    ) -> Any:
        """Return the title or the tooltip of a column."""
        if orientation != Qt.Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == _ROLE.DisplayRole:
            return column.title
        return column.hint if role == _ROLE.ToolTipRole else None

    def data(self, index: Any, role: int = _ROLE.DisplayRole) -> Any:
        """Return the data of a cell for ``role``."""
        entry = self.entry(index)
        if isinstance(entry, Row):
            return self._of_row(entry, index.column(), role)
        return None if entry is None else self._of_group(entry, index.column(), role)

    def _of_row(self, row: Row, number: int, role: int) -> Any:
        column = COLUMNS[number]
        if role == _ROLE.DisplayRole:
            return column.text(row)
        if role == _ROLE.TextAlignmentRole:
            return _NUMBERS if column.numeric else None
        if role == _ROLE.ToolTipRole:
            return column.text(row) or column.hint
        if role == _ROLE.ForegroundRole and number == INDEX["state"]:
            return warning_color() if row.sample.condition in _WRONG else None
        return None

    def _of_group(self, group: Group, number: int, role: int) -> Any:
        if role == _ROLE.FontRole:
            font = Qt.QFont()
            font.setBold(True)
            return font
        if role == _ROLE.BackgroundRole:
            return Qt.QApplication.palette().alternateBase()
        if role not in (_ROLE.DisplayRole, _ROLE.AccessibleTextRole) or number:
            return None
        folded = group.name in self._row_filter.closed
        sign = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
        if not folded:
            sign = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"
        return f"{sign} {group.text(self._clock.monotonic())}"


def warning_color() -> Any:
    """Return a warning color with enough contrast in light and dark themes."""
    base = Qt.QApplication.palette().base().color()
    return Qt.QColor("#ff8a80" if base.lightness() < 128 else "#b00020")


def _key(entry: Row | Group) -> Any:
    """Return the identity of an entry: groups are created again at each sort."""
    return entry if isinstance(entry, Row) else entry.name
