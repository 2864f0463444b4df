"""Methods of Taurus's forms and labels, so that labels are updated once and when seen.

A form looks and behaves as in stock Taurus, and takes less time: see
:mod:`taurus_tpo.qt.forms.held_updates` and
:mod:`taurus_tpo.qt.forms.deferred_updates`. ``TPO_FAST_WIDGETS = False`` leaves Taurus
as it is, and so does the property ``tpo_fast_widgets`` of one form, if it is False.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Callable

import taurus
from taurus.external.qt import Qt

from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.environment.loaded_widgets import LABEL, LABEL_CONTROLLER, ROW
from taurus_tpo.qt.forms.deferred_updates import DeferredUpdates, is_in_view
from taurus_tpo.qt.forms.held_updates import HeldUpdates
from taurus_tpo.qt.forms.resize import form_of
from taurus_tpo.scheme.event_dispatch import VALUES

#: The property of a form that is to be built as in stock Taurus: False.
PROPERTY = "tpo_fast_widgets"

#: What returns the classes of the widgets of a row, and the class that Taurus chooses.
_WIDGET_CLASSES = tuple(
    f"get{part}WidgetClass" for part in ("Label", "Read", "Write", "Units", "Extra")
)
_AUTO = "Auto"

Method = Callable[..., Any]


def _loop_level() -> int:
    return int(Qt.QThread.currentThread().loopLevel())


#: Whether a controller of a class, with a widget of a class, is one of a label.
_OF_LABELS: dict[tuple[type, type], bool] = {}

#: The held updates of the process.
HELD = HeldUpdates(_loop_level)


def _are_on() -> bool:
    return CUSTOM_SETTINGS.current().fast_widgets


def held_as_a_whole(stock: Method) -> Method:
    """Return a method during which updates are held."""

    @functools.wraps(stock)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _are_on():
            return stock(self, *args, **kwargs)
        with HELD.holding():
            return stock(self, *args, **kwargs)

    return method


def handled_without_waiting(stock: Method) -> Method:
    """Return ``handleEvent`` of a row, during which updates are held."""
    held = held_as_a_whole(stock)

    @functools.wraps(stock)
    def handle(self: Any, evt_src: Any, evt_type: Any, evt_value: Any) -> Any:
        if not _are_on():
            return stock(self, evt_src, evt_type, evt_value)
        with _without_waiting(self, evt_type, self.parent()):
            return held(self, evt_src, evt_type, evt_value)

    return handle


def moved_without_search(stock: Method) -> Method:
    """Return ``addReadWidgetToLayout``, which Taurus calls twice for each row.

    Qt searches the whole layout for a widget that has been in one. The second time it
    is the last widget of the layout, and is taken out before.
    """

    @functools.wraps(stock)
    def add(self: Any) -> None:
        layout = None if self.parent() is None else self.parent().layout()
        if _are_on() and layout is not None:
            _take_out_last(layout, self.readWidget())
        stock(self)

    return add


def _take_out_last(layout: Any, widget: Any) -> None:
    """Take a widget out of its layout, if it is the last one there."""
    last = layout.count() - 1
    if widget is not None and last >= 0 and layout.itemAt(last).widget() is widget:
        layout.takeAt(last)
        # Qt sets it again, and searches only for widgets that have it.
        widget.setAttribute(Qt.Qt.WA_LaidOut, False)


def deferred_where_possible(stock: Method) -> Method:
    """Return ``handleEvent`` of controllers, during which updates are held.

    That of a label which is not in view is deferred.
    """

    @functools.wraps(stock)
    def handle(self: Any, source: Any, kind: Any, value: Any) -> None:
        label = self.widget()
        if not _are_on() or not _is_of_label(self, label):
            stock(self, source, kind, value)
            return
        with _without_waiting(label, kind, label):
            HELD.begin(is_event=True)
            try:
                was_held = HELD.is_held(self)
                stock(self, source, kind, value)
                if kind in VALUES and not was_held:
                    _defer(self, label)
            finally:
                HELD.end()

    return handle


def _without_waiting(widget: Any, kind: Any, place: Any) -> AbstractContextManager[Any]:
    """Return a context in which ``widget`` is told something.

    If it is on the screen it waits for no first value: in stock Taurus it has the value
    before another configuration comes.

    :param kind: the ``TaurusEventType``. One of a value brings it.
    :param place: what is visible if the widget is on the screen; None: nothing.
    """
    if kind in VALUES or place is None or not place.isVisible():
        return nullcontext()
    if not shows_values_later(widget):
        return nullcontext()
    return taurus.Factory("tango").wait_policy.values_later()


def shows_values_later(widget: Any) -> bool:
    """Return whether a label or a row can do without its first value until it comes.

    Those of Taurus can. A class of others, or a row that gets widgets of others, may
    need it at once.
    """
    if type(widget).__module__.partition(".")[0] != taurus.__name__:
        return False
    if not ROW.has(widget):
        return True
    return all(getattr(widget, name)() == _AUTO for name in _WIDGET_CLASSES)


def _defer(controller: Any, label: Any) -> None:
    """Defer the update that is held, unless the label is in view."""
    deferred = DeferredUpdates.of(label)
    if deferred.has_value and _may_wait(controller, label, deferred):
        deferred.update = HELD.give_back(controller) or deferred.update
    deferred.has_value = True


def _may_wait(controller: Any, label: Any, deferred: DeferredUpdates) -> bool:
    if not deferred.is_possible or is_in_view(label):
        return False
    if deferred.is_in_fast_form is None:
        form = form_of(label)
        wants = form is None or form.property(PROPERTY) is not False
        deferred.is_in_fast_form = wants
    # A style sheet is not to be set while a label is painted.
    return deferred.is_in_fast_form and controller.usePalette()


def _is_of_label(controller: Any, label: Any) -> bool:
    classes = type(controller), type(label)
    found = _OF_LABELS.get(classes)
    if found is None:
        found = LABEL_CONTROLLER.has(controller) and LABEL.has(label)
        _OF_LABELS[classes] = found
    return found


def held_where_possible(stock: Method) -> Method:
    """Return the ``update`` of controllers; that of a label is held if it may be."""

    def update_at_last(self: Any) -> None:
        label = self.widget()
        DeferredUpdates.of(label).update = None
        stock(self)
        if not Qt.QLabel.text(label):
            # In stock Taurus it has had another text. One that never had is a pixel
            # narrower while it is empty (seen with Qt 5.15).
            Qt.QLabel.setText(label, " ")
            Qt.QLabel.setText(label, "")

    @functools.wraps(stock)
    def update(self: Any) -> None:
        label = self.widget()
        if not _is_of_label(self, label):
            stock(self)
        elif HELD.take(self, update_at_last):
            if HELD.is_event:
                return
            # Qt keeps the palette that a label has when it gets a style sheet.
            taurus_compat.update_background(self, label)
        else:
            deferred = DeferredUpdates.of(label)
            deferred.update = None
            # The form is built as in stock Taurus.
            deferred.is_possible &= not HELD.is_off
            stock(self)

    return update


def formatted_before(stock: Method) -> Method:
    """Return ``setFgRole`` of a label, which leaves it the format of its role before.

    Taurus chooses the format for the first value that a label shows, and keeps it: a
    label of ``#rvalue.magnitude`` has the format of a quantity.
    """

    @functools.wraps(stock)
    def set_role(self: Any, role: Any) -> None:
        before = self.getFgRole()
        if before != role and HELD.is_held(self.controller()) and _has_value(before):
            self.getDisplayValue(fragmentName=before)
        stock(self, role)

    return set_role


def resized_without_waiting(stock: Method) -> Method:
    """Return ``resizeEvent`` of a label, in which it is updated.

    It waits for no first value: nobody asks for one who resizes a window.
    """

    @functools.wraps(stock)
    def resize(self: Any, event: Any) -> None:
        if not _are_on():
            stock(self, event)
            return
        with taurus.Factory("tango").wait_policy.values_later():
            stock(self, event)

    return resize


def _has_value(role: str) -> bool:
    return role.lower() not in ("", "none", "state")


def holding_for(form: Any) -> AbstractContextManager[None]:
    """Return a context in which the updates of a form's labels are held, if at all."""
    if not _are_on() or form.property(PROPERTY) is False:
        return HELD.not_holding()
    return HELD.holding()


def held_row_by_row(stock: Method) -> Method:
    """Return ``fillWithChildren``; :func:`after_each_row` is called after each row."""

    @functools.wraps(stock)
    def fill(self: Any) -> None:
        with holding_for(self):
            stock(self)

    return fill


def after_each_row(stock: Method) -> Method:
    """Return ``registerConfigDelegate``, the last that a form does with a row."""

    @functools.wraps(stock)
    def register(self: Any, row: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            HELD.carry_out()
        except Exception as error:  # noqa: BLE001 - whatever a formatter raises
            self.warning('problem updating item "%s": %r', row, error)
        return stock(self, row, *args, **kwargs)

    return register
