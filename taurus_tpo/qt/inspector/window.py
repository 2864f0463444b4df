"""The inspector widget: the table with its search, filters and export."""

from __future__ import annotations

from typing import Any

from taurus.core.util.log import Logger
from taurus.external.qt import Qt

from taurus_tpo.core.status import Condition
from taurus_tpo.core.text import plural
from taurus_tpo.environment import activation
from taurus_tpo.qt.inspector.attribute_list import NoFactory
from taurus_tpo.qt.inspector.model import InspectorModel
from taurus_tpo.qt.inspector.rows import Row, write_csv
from taurus_tpo.qt.inspector.view import InspectorView, remembered
from taurus_tpo.qt.modelless_widget import ModellessWidget

_LOG = Logger("TaurusTPO")

#: The settings key of "group by server".
_GROUPED_KEY = "grouped"

#: The open inspector of :func:`show_inspector`, if any.
_OPEN: list[Any] = []


class Inspector(ModellessWidget, Qt.QWidget):
    """A table of all attributes of this process, with actions on them.

    It shows the mode of each attribute and its mode source, its state and what it waits
    for, how long its first value took, and the state of its server. It refreshes while
    it is visible, and sends a request to a device only for an action of the user.

    Usable in any window, as a panel of a TaurusGui, and in Qt Designer. For the GUI
    thread.

    :param designMode: whether Qt Designer shows it.
    """

    DESIGNER_ICON = "table.png"
    DESIGNER_TIP = "Every attribute of this process: its mode, its state, and why"

    def __init__(self, parent: Any = None, designMode: bool = False) -> None:
        super().__init__(parent)
        self.setWindowTitle("Attribute inspector")
        self.model = InspectorModel(self, NoFactory() if designMode else None)
        self.view = InspectorView(self.model, self)
        self._buttons: dict[Condition, Any] = {}
        layout = Qt.QVBoxLayout(self)
        layout.addLayout(self._make_bar())
        layout.addLayout(self._make_conditions())
        layout.addWidget(self.view)
        self._status = Qt.QLabel(self)
        self._status.setAccessibleName("Status")
        layout.addWidget(self._status)
        why = activation.decide()
        self._told = "" if why.active else f"taurus_tpo is off: {why.reason}"
        self.model.refreshed.connect(self._count)
        self.view.told.connect(self._tell)
        grouped = str(remembered().value(_GROUPED_KEY, "false")).lower() == "true"
        self._group.setChecked(grouped)
        self.resize(1100, 600)

    # --- layout ---

    def _make_bar(self) -> Any:
        bar = Qt.QHBoxLayout()
        self.search = Qt.QLineEdit(self)
        self.search.setPlaceholderText("Find: words of names, modes, states, errors")
        self.search.setAccessibleName("Find")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        bar.addWidget(self.search, 1)
        self._group = Qt.QCheckBox("&Group by server", self)
        self._group.toggled.connect(self._on_grouped)
        bar.addWidget(self._group)
        self._add_button(bar, "&Actions", self.view.row_menu)
        self._add_button(bar, "C&olumns", self.view.columns_menu)
        export = Qt.QPushButton("&Export...", self)
        export.setToolTip("Save all rows that are shown as comma-separated values")
        export.clicked.connect(self._ask_and_export)
        bar.addWidget(export)
        find = Qt.QShortcut(Qt.QKeySequence("Ctrl+F"), self)
        context = Qt.Qt.ShortcutContext.WidgetWithChildrenShortcut
        find.setContext(context)
        find.activated.connect(self.search.setFocus)
        return bar

    def _add_button(self, bar: Any, title: str, menu: Any) -> None:
        """Add a button that opens a menu, created at each click."""
        button = Qt.QPushButton(title, self)

        def show(*_checked: Any) -> None:
            menu().popup(button.mapToGlobal(button.rect().bottomLeft()))

        button.clicked.connect(show)
        bar.addWidget(button)

    def _make_conditions(self) -> Any:
        bar = Qt.QHBoxLayout()
        bar.addWidget(Qt.QLabel("Show:", self))
        for condition in Condition:
            button = Qt.QToolButton(self)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.Qt.FocusPolicy.StrongFocus)
            button.setText(condition.value)
            button.setToolTip(f"Show only attributes that are: {condition.value}")
            button.toggled.connect(self._on_conditions)
            self._buttons[condition] = button
            bar.addWidget(button)
        bar.addStretch(1)
        return bar

    # --- filter ---

    def _on_search(self, text: str) -> None:
        self.model.want(words=tuple(text.casefold().split()))

    def _on_grouped(self, grouped: bool) -> None:
        remembered().setValue(_GROUPED_KEY, "true" if grouped else "false")
        self.model.want(grouped=grouped)

    def _on_conditions(self, *_checked: Any) -> None:
        wanted = (c for c, button in self._buttons.items() if button.isChecked())
        self.model.want(conditions=frozenset(wanted))

    def show_conditions(self, *wanted: Condition) -> None:
        """Show only attributes in these conditions; without any, show all."""
        for condition, button in self._buttons.items():
            button.setChecked(condition in wanted)

    # --- status line ---

    def _count(self) -> None:
        counted = self.model.conditions()
        for condition, button in self._buttons.items():
            button.setText(f"{condition.value} {counted[condition]}")
        shown = sum(isinstance(entry, Row) for entry in self.model.entries())
        text = plural(len(self.model.attribute_list), "attribute")
        if shown != len(self.model.attribute_list):
            text = f"{shown} of {text} shown"
        self._status.setText(" \N{MIDDLE DOT} ".join(filter(None, (text, self._told))))

    def _tell(self, text: str) -> None:
        self._told = text
        self._count()

    # --- export ---

    def _ask_and_export(self, *_checked: Any) -> None:
        ask = Qt.QFileDialog.getSaveFileName
        path, _filter = ask(self, "Export", "attributes.csv", "CSV (*.csv)")
        if path:
            self.export(path)

    def export(self, path: str) -> bool:
        """Write the rows shown as comma-separated values; return whether it succeeded.

        The result is shown in the status line.
        """
        rows = [entry for entry in self.model.entries() if isinstance(entry, Row)]
        try:
            with open(path, "w", encoding="utf-8", newline="") as file:
                count = write_csv(file, rows)
        except OSError as error:
            _LOG.warning("The inspector cannot write %s: %s", path, error)
            self._tell(f"cannot write {path}: {error.strerror}")
            return False
        self._tell(f"{plural(count, 'row')} in {path}")
        return True


def show_inspector(parent: Any = None) -> Inspector:
    """Show the inspector in a window of its own, or raise the one that is open.

    If the active window contains a visible inspector, such as a panel of a TaurusGui,
    that one gets the focus instead. For the GUI thread.

    :param parent: its parent window; the inspector is closed with it.
    """
    seen = _seen_in(Qt.QApplication.activeWindow())
    if seen is not None:
        # The panel may be floating.
        seen.window().raise_()
        seen.window().activateWindow()
        seen.view.setFocus()
        return seen
    if not _OPEN:
        inspector = Inspector(parent)
        inspector.setWindowFlag(Qt.Qt.WindowType.Window)
        inspector.setAttribute(Qt.Qt.WidgetAttribute.WA_DeleteOnClose)
        # An open inspector must not keep the program running.
        inspector.setAttribute(Qt.Qt.WidgetAttribute.WA_QuitOnClose, False)
        inspector.destroyed.connect(_OPEN.clear)
        _OPEN.append(inspector)
    inspector = _OPEN[0]
    inspector.show()
    inspector.raise_()
    inspector.activateWindow()
    return inspector


def _seen_in(window: Any) -> Inspector | None:
    """Return the inspector that is visible inside ``window``, or None."""
    if window is None:
        return None
        # Qt reports a widget in a background tab as visible.
    seen = (one for one in window.findChildren(Inspector) if _is_seen(one))
    return next(seen, None)


def _is_seen(inspector: Inspector) -> bool:
    if inspector.isWindow() or not inspector.isVisible():
        return False
    return not inspector.visibleRegion().isEmpty()
