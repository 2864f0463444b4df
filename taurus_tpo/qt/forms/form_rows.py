"""Makes the rows of a large form in slices of the event loop, those in view first.

What a user waits for is the making of rows, not the network. So ``fillWithChildren``
makes the rows that the form will show, and reserves the height of the others. The
others follow while the event loop runs, the nearest to the view first. Whoever asks the
form for its rows before they are all there, by any of its methods, gets them made.

All functions run in the GUI thread.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
)
from typing import Any, Callable

import taurus
from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.pending_rows import PendingRows
from taurus_tpo.environment import taurus_compat
from taurus_tpo.qt.forms.fast_widgets import holding_for, shows_values_later
from taurus_tpo.qt.forms.resize import parts_of, resize_rarely
from taurus_tpo.qt.forms.rows_layout import RowsLayout

#: The height of a row in Taurus's forms at least, pixels.
LOWEST = 20

#: How long rows are made without a break, s: less than a user notices, and long enough
#: that few layouts and paints follow.
SLICE = 0.03

#: How many rows are made before their height is looked at.
STEP = 8

#: A scroll area proposes at most this height, in heights of its font.
MOST_FONT_HEIGHTS = 24

#: The methods of a form, and of the frame of its rows, that see the rows.
_FORM_METHODS = ("findChild", "findChildren", "createConfig")
_FRAME_METHODS = ("findChild", "findChildren", "children")

#: The attribute of a form that has its :class:`FormRows`, while rows are pending.
_ROWS = "_taurus_tpo_rows"

#: The attribute of the application that has its :class:`_Scheduler`.
_SCHEDULER = "_taurus_tpo_form_rows"


def pending_rows(form: Any) -> FormRows | None:
    """Return the rows of a form that has some pending, or None."""
    return vars(form).get(_ROWS)


class FormRows:
    """The rows of one form, as long as some are pending.

    :param form: a ``TaurusForm``, with all its models set.
    """

    def __init__(self, form: Any) -> None:
        #: Returns the form; asked after :meth:`_exists`.
        self._form: Callable[[], Any] = weakref.ref(form)
        #: The index and the name of each model that gets a row.
        self._models = [(i, name) for i, name in enumerate(form.getModel()) if name]
        self._pending = PendingRows(len(self._models))
        #: The rows that have been made, by their place; in the order of their making.
        self._made: dict[int, Any] = {}
        #: What is done with each row once it has a model, by a name.
        self._settings: dict[str, Callable[[Any, Any], Any]] = {}
        #: The configurations of rows, by object name, and how deep they go.
        self._configs: dict[str, tuple[Any, int]] = {}
        self.give("setModifiableByUser", form.isModifiableByUser())
        self.give("setFormat", form.getFormat())
        self._is_compact = form.isCompact()
        #: Whether those who ask for rows get those that have been made.
        self._is_partial = False
        #: Whether the row that is made is one that nobody has asked for.
        self._is_unasked = False
        self._layout = RowsLayout(len(self._models))
        self._frame = self._layout.frame

    def begin(self) -> None:
        """Make the rows that the form will show; the others follow.

        :raises Exception: what a form item raises that Taurus's form does not catch.
        """
        form = self._form()
        area = form.scrollArea
        taurus_compat.set_form_items(form, [])
        setattr(form, _ROWS, self)
        self._make_first(_height_of(form))
        area.setWidget(self._frame)
        area.setMinimumWidth(self._layout.form_width)
        if not self._pending:
            self._finish()
            return
        self._watch(form, _FORM_METHODS)
        self._watch(self._frame, _FRAME_METHODS)
        _Scheduler.of_the_application().add(self)

    @property
    def is_pending(self) -> bool:
        """Whether rows are to be made."""
        return bool(self._pending)

    @property
    def is_busy(self) -> bool:
        """Whether a row is being made."""
        return self._is_partial

    @property
    def is_visible(self) -> bool:
        """Whether its form is visible."""
        return self._layout.is_visible

    def get(self) -> list[Any]:
        """Return the rows: all of them, which may have to be made first.

        Within :meth:`partial`, and for who is called while a row is made: those that
        have been made, in their order.
        """
        if not self._is_partial:
            self.complete()
            return taurus_compat.form_items(self._form())
        return [self._made[place] for place in sorted(self._made)]

    @contextmanager
    def partial(self) -> Iterator[None]:
        """Have :meth:`get` return the rows that have been made, within this context."""
        outer, self._is_partial = self._is_partial, True
        try:
            yield
        finally:
            self._is_partial = outer

    @contextmanager
    def replacing(self, row: Any, made: Any) -> Iterator[None]:
        """Replace a row that has been made; ``made`` gets its widgets in this context.

        :raises StopIteration: ``row`` is none of them.
        """
        place = next(place for place, one in self._made.items() if one is row)
        # It is registered last.
        del self._made[place]
        self._made[place] = made
        with self.partial(), self._layout.adding(place):
            yield

    def give(self, method: str, value: Any) -> None:
        """Call a method of each row that is made later, with ``value``."""
        self.set_later(method, lambda _form, row: getattr(row, method)(value))

    def set_later(self, name: str, setting: Callable[[Any, Any], Any]) -> None:
        """Call ``setting(form, row)`` for each row that is made later.

        After all settings of other names; it replaces one of the same name.
        """
        self._settings.pop(name, None)
        self._settings[name] = setting

    def configure_later(self, name: str, config: Any, depth: int) -> None:
        """Configure the row with this object name when it has been made."""
        self._configs[name] = config, depth
        self.set_later("applyConfig", functools.partial(_configure, self._configs))

    def complete(self) -> None:
        """Make all rows that are pending."""
        if not self._exists():
            self.cancel()
            return
        while self._pending:
            self._make_later(self._pending.take(0, 0))
        self._finish()

    def cancel(self) -> None:
        """Make no more rows; those that have been made are the form's."""
        self._pending = PendingRows(0)
        form = self._form()
        if form is None:
            return
        with self.partial():
            taurus_compat.set_form_items(form, self.get())
        self._leave(form)

    def build(self, seconds: float) -> None:
        """Make rows for a slice of time."""
        if not self._exists():
            self.cancel()
            return
        self._is_unasked = True
        try:
            in_view = self._make_for(seconds)
        finally:
            self._is_unasked = False
        if not self._pending:
            self._finish()
        else:
            self._layout.after_slice(self._bar, in_view)

    def _make_for(self, seconds: float) -> bool:
        """Make rows for this time; return whether one of them is in view."""
        end = SYSTEM.monotonic() + seconds
        in_view = False
        while self._pending and SYSTEM.monotonic() < end:
            first, last = self._view()
            place = self._pending.take(first, last)
            in_view |= first <= place <= last
            self._make_later(place)
        return in_view

    @property
    def _bar(self) -> Any:
        return self._form().scrollArea.verticalScrollBar()

    # --- a row ------------------------------------------------------------------------

    def _make_first(self, height: int) -> None:
        """Make rows until they take ``height`` pixels; reserve what the others take."""
        made = 0
        while self._pending and self._layout.height < height:
            for _ in range(min(STEP, len(self._pending))):
                self._make(self._pending.take(0, 0))
                made += 1
        self._layout.reserve(made)

    def _make_later(self, place: int) -> None:
        """Make a row that its caller does not wait for."""
        try:
            self._make(place)
        except Exception as error:  # noqa: BLE001 - whatever a form item raises
            form = self._form()
            form.error('no row for "%s": %r', self._models[place][1], error)
            form.traceback(level=taurus.Debug)

    @taurus_compat.filling_a_form
    def _make(self, place: int) -> None:
        """Make a row, as ``fillWithChildren`` does."""
        form = self._form()
        number, name = self._models[place]
        with (
            ExitStack() as stack,
            self.partial(),
            holding_for(form),
            self._layout.adding(place),
        ):
            # The object is kept until the row has it: it would be made twice.
            model = _object_of(form, name)
            if model is None:
                return
            made = taurus_compat.new_form_item(form, model, name, taurus.warning)
            # Until its labels are updated, at the end.
            stack.enter_context(self._waiting_for_values(made))
            self._fill(made, form, name, place)
            made.setObjectName(f"__item{number}")
            self._set(made, form, name)
            self._made[place] = made
            form.registerConfigDelegate(made)

    def _fill(self, made: Any, form: Any, name: str, place: int) -> None:
        """Give a row its model and its place in the layout."""
        index = self._layout.index_of(place)
        try:
            place_row(made, name, self._frame, index, self._is_compact)
        except Exception:  # noqa: BLE001 - as the form
            _complain(form, name)

    def _waiting_for_values(self, made: Any) -> AbstractContextManager[None]:
        """Return a context in which a row waits for its first value, if it needs to."""
        if self._is_unasked and shows_values_later(made):
            return taurus.Factory("tango").wait_policy.values_later()
        return nullcontext()

    def _set(self, made: Any, form: Any, name: str) -> None:
        """Do with a row what its form, or a program, has done with all others."""
        for setting, do in self._settings.items():
            try:
                do(form, made)
            except Exception as error:  # noqa: BLE001 - as the form
                form.debug("%s of %s: %r", setting, name, error)

    def _view(self) -> tuple[int, int]:
        """Return the first and the last row in view; the first ones if none is."""
        if not self.is_visible:
            return 0, 0
        area = self._form().scrollArea
        top, row_at = area.verticalScrollBar().value(), self._layout.row_at
        return row_at(top), row_at(top + area.viewport().height())

    # --- the end ----------------------------------------------------------------------

    def _finish(self) -> None:
        form = self._form()
        if pending_rows(form) is not self:
            # A form item has set other models.
            return
        with self.partial():
            rows = self.get()
        taurus_compat.set_form_items(form, rows)
        self._leave(form)
        if list(self._made) != sorted(self._made):
            restore_order(form, rows)
        self._layout.end(self._bar)
        form.scrollArea.setMinimumWidth(self._layout.form_width)

    def _exists(self) -> bool:
        """Return whether Qt has the form and the frame of these rows still."""
        form = self._form()
        try:
            return form is not None and form.isAncestorOf(self._frame)
        except RuntimeError:
            return False

    def _watch(self, widget: Any, methods: tuple[str, ...]) -> None:
        """Have all rows made when one of these methods of ``widget`` is called."""
        for name in methods:
            watched = functools.partial(
                _complete_before, weakref.ref(self), getattr(type(widget), name)
            )
            setattr(widget, name, functools.partial(watched, weakref.ref(widget)))

    def _leave(self, form: Any) -> None:
        """Leave the form as Taurus knows it."""
        vars(form).pop(_ROWS, None)
        watched = ((form, _FORM_METHODS), (self._frame, _FRAME_METHODS))
        for widget, methods in watched:
            for name in methods:
                vars(widget).pop(name, None)


def place_row(made: Any, model: str, frame: Any, index: int, is_compact: bool) -> None:
    """Give a new row its model and its place, with the steps of Taurus's form.

    :param frame: the frame of the form's rows.
    :param index: the row of its layout.
    :raises Exception: what the widgets of the row raise.
    """
    made.setMinimumHeight(LOWEST)
    made.setCompact(is_compact)
    made.setModel(model)
    with _preferred(made, index):
        made.setParent(frame)


def _complete_before(rows: Any, method: Any, widget: Any, *args: Any, **kw: Any) -> Any:
    """Call a method of ``widget`` when all rows have been made."""
    pending = rows()
    if pending is not None:
        pending.get()
    return method(widget(), *args, **kw)


def _configure(configs: dict[str, tuple[Any, int]], form: Any, row: Any) -> None:
    """Apply the configuration of a row, if there is one."""
    name = row.objectName()
    config, depth = configs.get(name, (None, 0))
    if config is None:
        return
    try:
        row.applyConfig(config, depth=depth)
    except Exception as error:  # noqa: BLE001 - as the form
        form.warning("can not apply configuration of %s: %r", name, error)


def _height_of(form: Any) -> int:
    """Return the height of the rows that a form will show first, pixels.

    It may be enlarged when it is shown: rows that come into view are the next.
    """
    if form.isVisible():
        return int(form.scrollArea.viewport().height())
    proposed = MOST_FONT_HEIGHTS * form.fontMetrics().height()
    return int(max(form.height(), proposed))


def _object_of(form: Any, name: str) -> Any:
    """Return the object of a model; None if there is none, which is logged."""
    try:
        return taurus.Object(name)
    except Exception:  # noqa: BLE001 - as the form
        _complain(form, name)
        return None


def _complain(form: Any, name: str) -> None:
    """Log the exception that is handled, as Taurus's form does."""
    form.warning('problem adding item "%s"', name)
    form.traceback(level=taurus.Debug)


@contextmanager
def _preferred(made: Any, index: int) -> Iterator[None]:
    """Have a row take the row ``index`` of the layout, as it does in stock Taurus."""
    if not hasattr(made, "setPreferredRow"):
        yield
        return
    before = made.getPreferredRow()
    if before < 0:
        made.setPreferredRow(index)
    try:
        yield
    finally:
        made.setPreferredRow(before)


def restore_order(form: Any, rows: list[Any]) -> None:
    """Register rows that were not made in order again, and set their tab order."""
    for row in rows:
        form.unregisterConfigurableItem(row)
    before = None
    for row in rows:
        form.registerConfigDelegate(row)
        for widget in _focus_widgets(row):
            if before is not None:
                Qt.QWidget.setTabOrder(before, widget)
            before = widget


def _focus_widgets(row: Any) -> list[Any]:
    """Return the widgets of a row that may get the focus, in the order of its parts."""
    found = [
        widget
        for part in parts_of(row)
        for widget in (part, *part.findChildren(Qt.QWidget))
    ]
    return [widget for widget in found if widget.focusPolicy() != Qt.Qt.NoFocus]


class _Scheduler(Qt.QObject):
    """Makes the pending rows of all forms, of those that are visible first."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._forms: list[weakref.ref[FormRows]] = []
        self._timer = Qt.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._build)

    @classmethod
    def of_the_application(cls) -> _Scheduler:
        app = Qt.QApplication.instance()
        found = getattr(app, _SCHEDULER, None)
        if found is None:
            found = cls(app)
            setattr(app, _SCHEDULER, found)
        return found

    def add(self, rows: FormRows) -> None:
        self._forms.append(weakref.ref(rows))
        resize_rarely(True)
        self._timer.start(0)

    def _build(self) -> None:
        forms = [rows for rows in (one() for one in self._forms) if rows is not None]
        pending = [rows for rows in forms if rows.is_pending]
        self._forms = [weakref.ref(rows) for rows in pending]
        resize_rarely(bool(pending))
        # The event loop may run while a row is made, as for a dialog.
        free = [rows for rows in pending if not rows.is_busy]
        if free:
            taurus.Factory("tango").postponed_collections.postpone()
            max(free, key=_is_seen).build(SLICE)
            self._timer.start(0)


def _is_seen(rows: FormRows) -> bool:
    try:
        return rows.is_visible
    except RuntimeError:
        # Qt has deleted the form; building it finds that out.
        return True
