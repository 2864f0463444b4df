"""The layout of a form's rows while some of them are pending.

It reserves the place of a row that is pending, and shows a new row there. Qt would do a
layout of all rows whenever a widget is shown, and after each slice of new rows.

All functions run in the GUI thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.core.share_of_time import ShareOfTime
from taurus_tpo.environment.loaded_widgets import FRAME
from taurus_tpo.qt.forms.resize import FRAME as FRAME_WIDTH
from taurus_tpo.qt.forms.resize import resize_later

#: The layout of all rows takes at most this part of the time.
SHARE = 0.02


class RowsLayout:
    """The frame of a form's rows, with its layout.

    :param count: of rows.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.frame = FRAME.find()()
        self._layout = Qt.QGridLayout()
        self.frame.setLayout(self._layout)
        self._layout.addItem(_spacer())
        #: The row of the layout that has the first row of the form.
        self._first = self._layout.rowCount()
        self._layouts = ShareOfTime(SHARE)

    @property
    def is_visible(self) -> bool:
        """Whether the form is visible."""
        return bool(self.frame.isVisible())

    @property
    def height(self) -> int:
        """The height of the rows that are there, pixels."""
        return int(self._layout.sizeHint().height())

    @property
    def form_width(self) -> int:
        """The width that Taurus's form sets for its scroll area, pixels."""
        return int(self._layout.sizeHint().width()) + FRAME_WIDTH

    def index_of(self, place: int) -> int:
        """Return the row of the layout for a row of the form."""
        return self._first + place

    def reserve(self, made: int) -> None:
        """Reserve the height of all rows but the first ``made``."""
        margins = self._layout.contentsMargins()
        space = margins.top() + margins.bottom()
        height = self._layout.minimumSize().height() - space
        average = -(-height // max(made, 1))
        for place in range(made, self._count):
            self._layout.setRowMinimumHeight(self.index_of(place), average)

    @contextmanager
    def adding(self, place: int) -> Iterator[None]:
        """Show the widgets that are added within this context, which make a row.

        They are shown in the place that is reserved for that row.
        """
        before = self._layout.count()
        try:
            yield
        finally:
            if self.is_visible:
                self._show(range(before, self._layout.count()))
            self._layout.setRowMinimumHeight(self.index_of(place), 0)

    def _show(self, items: range) -> None:
        widgets = [(index, self._layout.itemAt(index).widget()) for index in items]
        hidden = [(i, w) for i, w in widgets if w and not _is_hidden_on_purpose(w)]
        # First all sizes: a label updates its text whenever it gets another one.
        for index, widget in hidden:
            widget.setGeometry(self._place_of(index))
        with _disabled(self._layout):
            for _, widget in hidden:
                widget.setVisible(True)

    def _place_of(self, index: int) -> Any:
        """Return the place of an item in its row, which is reserved."""
        row, column, _, columns = self._layout.getItemPosition(index)
        last = self._layout.cellRect(row, column + columns - 1)
        place = self._layout.cellRect(row, column).united(last)
        # The height that is reserved is that of a row and the space below it.
        place.setHeight(place.height() - max(self._layout.verticalSpacing(), 0))
        return place

    def row_at(self, y: int) -> int:
        """Return the row of the form at ``y`` pixels from the top of the frame."""
        low, high = 0, self._count - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._top_of(middle) <= y:
                low = middle
            else:
                high = middle - 1
        return low

    def _top_of(self, place: int) -> int:
        return int(self._layout.cellRect(self.index_of(place), 0).y())

    def after_slice(self, bar: Any, in_view: bool) -> None:
        """Lay out all rows after some have been made, if it is time for it.

        :param bar: the vertical scroll bar.
        :param in_view: whether some of them are in view.
        """
        if in_view or self._layouts.is_due():
            self.lay_out(bar)
        else:
            # Qt would do it after each slice.
            Qt.QApplication.removePostedEvents(self.frame, Qt.QEvent.LayoutRequest)

    def lay_out(self, bar: Any) -> None:
        """Lay out all rows, if they are visible; what is in view stays where it is."""
        if not self.is_visible:
            return
        first = self.row_at(bar.value())
        before = self._top_of(first)
        with self._layouts.doing():
            self._layout.activate()
        moved = self._top_of(first) - before
        if moved and bar.value():
            bar.setValue(bar.value() + moved)
        # A later row may be wider.
        resize_later(self.frame)

    def end(self, bar: Any) -> None:
        """Lay out the rows when all of them are there, as Taurus's form does."""
        self._layout.addItem(_spacer())
        self.lay_out(bar)


def _spacer() -> Any:
    policy = Qt.QSizePolicy
    return Qt.QSpacerItem(0, 0, policy.Minimum, policy.MinimumExpanding)


def _is_hidden_on_purpose(widget: Any) -> bool:
    """Return whether a widget that is not visible stays so when its parent is shown."""
    explicit = widget.testAttribute(Qt.Qt.WA_WState_ExplicitShowHide)
    return bool(explicit and widget.isHidden())


@contextmanager
def _disabled(layout: Any) -> Iterator[None]:
    """Disable a layout within this context."""
    watch = _RemovalFilter(layout)
    layout.parentWidget().installEventFilter(watch)
    layout.setEnabled(False)
    try:
        yield
    finally:
        layout.setEnabled(True)
        layout.parentWidget().removeEventFilter(watch)


class _RemovalFilter(Qt.QObject):
    """Tells a disabled layout of widgets that are removed.

    It does not handle that event, and would use widgets that are deleted.
    """

    def __init__(self, layout: Any) -> None:
        super().__init__()
        self._layout = layout

    def eventFilter(self, parent: Any, event: Any) -> bool:
        """Repeat the event for the layout."""
        removed = Qt.QEvent.ChildRemoved
        if event.type() == removed and not self._layout.isEnabled():
            self._layout.setEnabled(True)
            again = Qt.QChildEvent(removed, event.child())
            Qt.QApplication.sendEvent(parent, again)
            self._layout.setEnabled(False)
        return False
