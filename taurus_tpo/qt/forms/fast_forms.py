"""Methods of Taurus's form, so that the rows of a large one in view are made first.

See :mod:`taurus_tpo.qt.forms.form_rows`. ``TPO_FAST_FORMS = False`` leaves Taurus as it
is, and so does the property ``tpo_fast_forms`` of one form, if it is False.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Callable

import taurus

from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.qt.forms.form_rows import FormRows, pending_rows
from taurus_tpo.scheme.gui_thread import application_of_this_thread

#: The property of a form whose rows are all made at once: False.
PROPERTY = "tpo_fast_forms"

#: A form with fewer models is filled at once, as in stock Taurus.
MANY_ROWS = 50

Method = Callable[..., Any]


def _suits(form: Any) -> bool:
    """Return whether the rows of a form are made in slices."""
    if not CUSTOM_SETTINGS.current().fast_forms or form.property(PROPERTY) is False:
        return False
    if taurus_compat.uses_parent_model(form) or application_of_this_thread() is None:
        return False
    return sum(map(bool, form.getModel())) >= MANY_ROWS


def rows_in_view_first(stock: Method) -> Method:
    """Return ``fillWithChildren``, which makes the rows that are seen first.

    The database is asked for the devices of all rows before.
    """

    @functools.wraps(stock)
    def fill(self: Any) -> None:
        taurus.Factory("tango").look_up_devices(self.getModel())
        if _suits(self):
            FormRows(self).begin()
        else:
            stock(self)

    return fill


def without_pending_rows(stock: Method) -> Method:
    """Return ``destroyChildren``; rows that are pending are not made."""

    @functools.wraps(stock)
    def destroy(self: Any) -> None:
        rows = pending_rows(self)
        if rows is not None:
            rows.cancel()
        stock(self)

    return destroy


def of_each_row(stock: Method) -> Method:
    """Return a method that sets something of each row, with one argument.

    Of a row that is pending it is set when that is made.
    """

    @functools.wraps(stock)
    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        rows = pending_rows(self)
        if rows is None:
            stock(self, *args, **kwargs)
            return
        with rows.partial():
            stock(self, *args, **kwargs)
        (value,) = (*args, *kwargs.values())
        rows.give(stock.__name__, value)

    return method


def configured_later(stock: Method) -> Method:
    """Return ``applyConfig``; a row that is pending is configured when it is made."""

    @functools.wraps(stock)
    def apply(self: Any, configdict: dict[str, Any], depth: int | None = None) -> None:
        if depth is None:
            depth = self.defaultConfigRecursionDepth
        names = _configured_later(self, configdict, depth - 1)
        stock(self, {**configdict, "__orderedConfigNames__": names}, depth)

    return apply


def _configured_later(
    form: Any, configdict: dict[str, Any], depth: int
) -> Iterator[str]:
    """Yield the names of a configuration, in their order.

    Where Taurus comes to a row that is pending, it passes it by. That depends on the
    order, since the configuration of a form may have its models, too.
    """
    configs = configdict["__itemConfigurations__"]
    for name in configdict["__orderedConfigNames__"]:
        rows = pending_rows(form)
        if rows is not None:
            rows.configure_later(name, configs.get(name), depth)
        yield name


def all_rows(_stock: None) -> property:
    """Return the property that has the rows of a form, which all its methods read."""

    def get(self: Any) -> list[Any]:
        rows = pending_rows(self)
        return taurus_compat.form_items(self) if rows is None else rows.get()

    return property(get, taurus_compat.set_form_items)
