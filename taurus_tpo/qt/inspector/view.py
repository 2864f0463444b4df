"""The inspector's table view: selectable columns, context menu, keyboard."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

from taurus.external.qt import Qt

from taurus_tpo.core import modes
from taurus_tpo.qt.inspector import actions
from taurus_tpo.qt.inspector.model import InspectorModel
from taurus_tpo.qt.inspector.rows import COLUMNS, HIDDEN, Group, Row

#: The polling periods in the menu, ms.
PERIODS = (250, 500, 1000, 3000, 10_000)

#: Factor on the average width of a character, for texts with wider characters.
ROOMY = 1.2

#: The settings key of the columns; a changed number discards stored columns.
_COLUMNS_KEY = "columns-1"

#: The actions on the selected attributes: title, shortcut, function.
_ROW_ACTIONS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("&Read now", "F5", actions.read_now),
    ("&Subscribe again", "Ctrl+R", actions.subscribe_again),
    ("&Copy model", "Ctrl+C", actions.copy_models),
    ("Copy rule for taurus.&ini", "Ctrl+Shift+C", actions.copy_rules),
)


def remembered() -> Any:
    """Return the ``QSettings`` with the user's choices."""
    return Qt.QSettings("taurus_tpo", "inspector")


class InspectorView(Qt.QTableView):
    """Shows an :class:`~taurus_tpo.qt.inspector.model.InspectorModel`.

    All rows have the same height, so the cost does not depend on their number. Columns
    can be moved, resized, shown and hidden at the header; the layout is stored between
    sessions. The context menu acts on the whole selection.

    For the GUI thread.
    """

    #: Emitted with a one-line message for the user.
    told = Qt.pyqtSignal(str)

    def __init__(self, model: InspectorModel, parent: Any = None) -> None:
        super().__init__(parent)
        self._spans: set[int] = set()
        self.setModel(model)
        self.setAccessibleName("Attributes")
        self.setSelectionBehavior(Qt.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(Qt.QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setVerticalScrollMode(Qt.QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._set_headers_up()
        self._make_actions()
        self.verticalScrollBar().valueChanged.connect(self._tell_seen)
        model.layoutChanged.connect(self._span)
        self.activated.connect(self._on_activated)
        self.clicked.connect(self._on_clicked)

    # --- columns ---

    def _set_headers_up(self) -> None:
        fixed = Qt.QHeaderView.ResizeMode.Fixed
        height = self.fontMetrics().height() + 6
        rows = self.verticalHeader()
        rows.setSectionResizeMode(fixed)
        rows.setDefaultSectionSize(height)
        rows.hide()
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setContextMenuPolicy(Qt.Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._show_columns_menu)
        self.reset_columns()
        state = remembered().value(_COLUMNS_KEY)
        if state:
            header.restoreState(state)
        order = header.sortIndicatorOrder()
        self.setSortingEnabled(True)
        self.sortByColumn(header.sortIndicatorSection(), order)
        header.sectionMoved.connect(self.remember)
        header.sectionResized.connect(self.remember)
        header.sortIndicatorChanged.connect(self.remember)

    def reset_columns(self) -> None:
        """Restore the initial columns."""
        header, width = self.horizontalHeader(), self.fontMetrics().averageCharWidth()
        for number, column in enumerate(COLUMNS):
            header.moveSection(header.visualIndex(number), number)
            header.resizeSection(number, int(column.width * width * ROOMY))
            header.setSectionHidden(number, column.name in HIDDEN)
        header.setSortIndicator(0, Qt.Qt.SortOrder.AscendingOrder)

    def show_column(self, number: int, shown: bool) -> None:
        """Show or hide a column."""
        self.horizontalHeader().setSectionHidden(number, not shown)
        self.remember()

    def remember(self, *_what: Any) -> None:
        """Store the layout of the columns for the next session."""
        remembered().setValue(_COLUMNS_KEY, self.horizontalHeader().saveState())

    def _passing_menu(self) -> Any:
        """Return a menu that is deleted when it is closed."""
        menu = Qt.QMenu(self)
        menu.setAttribute(Qt.Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def columns_menu(self) -> Any:
        """Return the menu to show and hide columns."""
        menu, header = self._passing_menu(), self.horizontalHeader()
        for number, column in enumerate(COLUMNS):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not header.isSectionHidden(number))
            # Rows cannot be identified without the name.
            action.setEnabled(column.name != "name")
            action.toggled.connect(partial(self.show_column, number))
        menu.addSeparator()
        menu.addAction("As at first").triggered.connect(self._forget_columns)
        return menu

    def _forget_columns(self, *_checked: Any) -> None:
        self.reset_columns()
        self.remember()

    def _show_columns_menu(self, where: Any) -> None:
        self.columns_menu().popup(self.horizontalHeader().mapToGlobal(where))

    # --- visible rows ---

    def resizeEvent(self, event: Any) -> None:
        """Update the range of visible rows."""
        super().resizeEvent(event)
        self._tell_seen()

    def showEvent(self, event: Any) -> None:
        """Refresh the model while the table is visible."""
        super().showEvent(event)
        self._tell_seen()
        self.model().start()

    def hideEvent(self, event: Any) -> None:
        """Stop refreshing the model while the table is hidden."""
        super().hideEvent(event)
        self.model().stop()

    def _tell_seen(self, *_value: Any) -> None:
        height = max(1, self.verticalHeader().defaultSectionSize())
        first = self.verticalScrollBar().value() // height
        self.model().see(first, first + self.viewport().height() // height + 1)

    def _span(self, *_what: Any) -> None:
        """Let the lines of servers span all columns."""
        entries = self.model().entries()
        lines = {n for n, entry in enumerate(entries) if isinstance(entry, Group)}
        if lines != self._spans:
            self.clearSpans()
            for number in lines:
                self.setSpan(number, 0, 1, len(COLUMNS))
            self._spans = lines

    # --- the menu ---

    def _make_actions(self) -> None:
        self._row_actions = [self._action(*row_action) for row_action in _ROW_ACTIONS]
        self._panel = self._action("Open &device panel", "Ctrl+D", self._open_panel)

    def _action(self, title: str, keys: str, do: Callable[[Any], Any]) -> Any:
        action = Qt.QAction(title, self)
        action.setShortcut(Qt.QKeySequence(keys))
        context = Qt.Qt.ShortcutContext.WidgetWithChildrenShortcut
        action.setShortcutContext(context)
        action.triggered.connect(lambda *_checked: self._act(do))
        self.addAction(action)
        return action

    def selected(self) -> list[Any]:
        """Return the selected attributes; for a server, all of it."""
        return self.model().attributes_at(self.selectionModel().selectedRows())

    def _act(self, do: Callable[[Any], Any]) -> None:
        attributes = self.selected()
        if attributes:
            do(attributes)
        else:
            self.told.emit("Select an attribute first")

    def _open_panel(self, attributes: list[Any]) -> None:
        if actions.open_device_panel(attributes[0]) is None:
            self.told.emit("Its server does not answer: the panel would wait for it")

    def _server(self) -> Any:
        """Return the server of the current row, None if not known."""
        entry = self.model().entry(self.currentIndex())
        if isinstance(entry, Row):
            return entry.sample.server
        return None if entry is None else entry.server

    def row_menu(self) -> Any:
        """Return the menu for the selection."""
        menu = self._passing_menu()
        menu.addActions(self._row_actions[:2])
        menu.addMenu(self._modes_menu(menu))
        menu.addMenu(self._polling_menu(menu))
        menu.addSeparator()
        menu.addActions(self._row_actions[2:])
        menu.addAction(self._panel)
        server = self._server()
        if server is not None:
            menu.addSeparator()
            action = menu.addAction(f"&Probe {server} now")
            action.triggered.connect(partial(self._probe, server))
        return menu

    def _probe(self, server: Any, *_checked: Any) -> None:
        actions.probe(server)
        self.told.emit(f"{server} is being asked")

    def _modes_menu(self, parent: Any) -> Any:
        menu = Qt.QMenu("In another &mode", parent)
        choices = [(mode.name, mode.name) for mode in modes.MODES]
        for title, mode in (*choices, ("As decided before", None)):
            do = partial(actions.choose_mode, mode=mode)
            action = menu.addAction(title)
            action.triggered.connect(lambda *_c, do=do: self._act(do))
        return menu

    def _polling_menu(self, parent: Any) -> Any:
        menu = Qt.QMenu("P&olling", parent)
        for period in PERIODS:
            do = partial(actions.poll, period=period)
            action = menu.addAction(f"Every {period} ms")
            action.triggered.connect(lambda *_c, do=do: self._act(do))
        action = menu.addAction("Stop")
        action.triggered.connect(lambda *_checked: self._act(actions.stop_polling))
        return menu

    def contextMenuEvent(self, event: Any) -> None:
        """Show the menu for the selection, also with the menu key."""
        if self.currentIndex().isValid():
            self.row_menu().popup(event.globalPos())

    def _menu_below(self, index: Any) -> None:
        """Show the menu below the current row."""
        if index.isValid():
            corner = self.visualRect(index).bottomLeft()
            self.row_menu().popup(self.viewport().mapToGlobal(corner))

    # --- lines of servers ---

    def _on_activated(self, index: Any) -> None:
        entry = self.model().entry(index)
        if isinstance(entry, Group):
            self.model().fold(entry)

    def _on_clicked(self, index: Any) -> None:
        """Collapse or expand a server when its triangle is clicked."""
        at = self.viewport().mapFromGlobal(Qt.QCursor.pos()).x()
        if 0 <= at <= 2 * self.fontMetrics().averageCharWidth():
            self._on_activated(index)

    def keyPressEvent(self, event: Any) -> None:
        """Collapse with Left, expand with Right, toggle with Return, as trees do.

        Shift+F10 shows the menu; Qt on X11 handles only the menu key.
        """
        shift = Qt.Qt.KeyboardModifier.ShiftModifier
        if event.key() == Qt.Qt.Key.Key_F10 and event.modifiers() == shift:
            self._menu_below(self.currentIndex())
            return
        keys, entry = Qt.Qt.Key, self.model().entry(self.currentIndex())
        folded = (
            isinstance(entry, Group) and entry.name in self.model().row_filter.closed
        )
        wanted = {keys.Key_Left: True, keys.Key_Right: False}.get(event.key())
        if event.key() in (keys.Key_Return, keys.Key_Enter):
            wanted = not folded
        if isinstance(entry, Group) and wanted is not None:
            if wanted != folded:
                self.model().fold(entry)
            return
        super().keyPressEvent(event)
