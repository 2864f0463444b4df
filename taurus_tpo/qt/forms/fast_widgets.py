"""What the plugin overrides in Taurus's forms and labels, so that they are fast.

A form looks and behaves as in stock Taurus, and is there in less time: see
:mod:`taurus_tpo.qt.forms.held_updates`. ``TPO_FAST_WIDGETS = False`` leaves Taurus as
it is, and so does the property ``tpo_fast_widgets`` of one form, if it is False.

Checked with Taurus 5.2.4, 5.3.2 and 5.4.1, whose sources differ here in layout only.
If one of these methods has another source, Taurus is left as it is, with one log line.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import textwrap
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

from taurus.core.util.log import Logger
from taurus.external.qt import Qt

from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.environment.loaded_widgets import (
    CONTROLLER,
    FORM,
    LABEL,
    LABEL_CONTROLLER,
    ROW,
    WidgetClass,
)
from taurus_tpo.qt.forms.held_updates import HeldUpdates

_LOG = Logger("TaurusTPO")

#: The property of a form that is to be built as in stock Taurus: False.
PROPERTY = "tpo_fast_widgets"

Method = Callable[..., Any]


def _loop_level() -> int:
    return int(Qt.QThread.currentThread().loopLevel())


#: The held updates of the process.
HELD = HeldUpdates(_loop_level)


def _are_on() -> bool:
    return CUSTOM_SETTINGS.current().fast_widgets


def _held_as_a_whole(stock: Method) -> Method:
    """Return a method during which updates are held."""

    @functools.wraps(stock)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _are_on():
            return stock(self, *args, **kwargs)
        with HELD.holding():
            return stock(self, *args, **kwargs)

    return method


def _held_where_possible(stock: Method) -> Method:
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


def _formatted_before(stock: Method) -> Method:
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


def _held_row_by_row(stock: Method) -> Method:
    """Return ``fillWithChildren``; :func:`_after_each_row` is called after each row."""

    @functools.wraps(stock)
    def fill(self: Any) -> None:
        if not _are_on() or self.property(PROPERTY) is False:
            with HELD.not_holding():
                return stock(self)
        with HELD.holding():
            stock(self)
        return None

    return fill


def _after_each_row(stock: Method) -> Method:
    """Return ``registerConfigDelegate``, the last that a form does with a row."""

    @functools.wraps(stock)
    def register(self: Any, row: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            HELD.carry_out()
        except Exception as error:  # noqa: BLE001 - whatever a formatter raises
            self.warning('problem updating item "%s": %r', row, error)
        return stock(self, row, *args, **kwargs)

    return register


class Override(NamedTuple):
    """A method of Taurus that is replaced.

    :param place: the class that gets the replacement.
    :param name: the name of the method.
    :param replacement: makes the replacement of Taurus's method.
    :param sources: hashes of the sources that were checked; empty: any is right.
    """

    place: WidgetClass
    name: str
    replacement: Callable[[Method], Method]
    sources: tuple[str, ...] = ()

    def is_known(self, method: Method) -> bool:
        """Return whether ``method`` has a source that was checked."""
        return not self.sources or hash_of(method) in self.sources


OVERRIDES = (
    Override(CONTROLLER, "update", _held_where_possible, ("5c80690ef4d729c7",)),
    Override(CONTROLLER, "handleEvent", _held_as_a_whole, ("ce81ff4e12d5b741",)),
    Override(LABEL, "setModel", _held_as_a_whole, ("d245e52d0c6bbd2e",)),
    Override(LABEL, "setFgRole", _formatted_before, ("33643d3d9c8ccb5b",)),
    Override(ROW, "setModel", _held_as_a_whole, ("dce852251ec27ab3",)),
    Override(
        ROW, "setParent", _held_as_a_whole, ("86822d55007152ae", "55bafd205981828e")
    ),
    Override(ROW, "handleEvent", _held_as_a_whole, ("132d3da222c34648",)),
    Override(
        FORM,
        "fillWithChildren",
        _held_row_by_row,
        ("35914b138634a9f2", "5a854909d937a452"),
    ),
    Override(FORM, "registerConfigDelegate", _after_each_row),
)


def hash_of(method: Method) -> str:
    """Return the hash of the source of ``method``, without its indentation.

    Empty if it has none, as in a frozen program.
    """
    try:
        source = textwrap.dedent(inspect.getsource(method))
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


class Installer:
    """Replaces the methods of classes as soon as they are loaded; GUI thread."""

    def __init__(self, overrides: Iterable[Override] = OVERRIDES) -> None:
        self._left = list(overrides)

    @property
    def has_work(self) -> bool:
        """Whether a class may still be loaded whose methods are to be replaced."""
        return bool(self._left)

    def install(self) -> None:
        """Replace the methods of loaded classes; cheap if nothing is left to do."""
        for override in tuple(self._left):
            owner = override.place.find()
            if owner is None:
                continue
            stock = getattr(owner, override.name)
            if not override.is_known(stock):
                # What is replaced already does no harm: without the rest, less is held.
                self._left.clear()
                name = f"{override.place.name}.{override.name}"
                _LOG.info(
                    "labels are updated as in stock Taurus: %s is not known", name
                )
                return
            self._left.remove(override)
            setattr(owner, override.name, override.replacement(stock))


_INSTALLER = Installer()


def install() -> None:
    """Replace the methods of classes that are loaded; to be called again later."""
    if _INSTALLER.has_work:
        _INSTALLER.install()
