"""Methods of Taurus's forms and labels during which the updates of labels are held.

A form looks and behaves as in stock Taurus, and is there in less time: see
:mod:`taurus_tpo.qt.forms.held_updates`. ``TPO_FAST_WIDGETS = False`` leaves Taurus as
it is, and so does the property ``tpo_fast_widgets`` of one form, if it is False.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager
from typing import Any, Callable

from taurus.external.qt import Qt

from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.environment.loaded_widgets import LABEL, LABEL_CONTROLLER
from taurus_tpo.qt.forms.held_updates import HeldUpdates

#: The property of a form that is to be built as in stock Taurus: False.
PROPERTY = "tpo_fast_widgets"

Method = Callable[..., Any]


def _loop_level() -> int:
    return int(Qt.QThread.currentThread().loopLevel())


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


def held_where_possible(stock: Method) -> Method:
    """Return the ``update`` of controllers; that of a label is held if it may be."""

    def update_at_last(self: Any) -> None:
        label = self.widget()
        if not Qt.QLabel.text(label):
            # In stock Taurus it has had another text. One that never had is a pixel
            # narrower while it is empty (seen with Qt 5.15).
            Qt.QLabel.setText(label, " ")
        stock(self)

    @functools.wraps(stock)
    def update(self: Any) -> None:
        label = self.widget()
        is_of_label = LABEL_CONTROLLER.has(self) and LABEL.has(label)
        if is_of_label and HELD.take(self, update_at_last):
            # Qt keeps the palette that a label has when it gets a style sheet.
            taurus_compat.update_background(self, label)
        else:
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
