"""What the plugin overrides in Taurus's widgets, so that they are fast.

Forms, labels and synoptics look and behave as in stock Taurus, and are there in less
time: see :mod:`taurus_tpo.qt.forms.fast_widgets`,
:mod:`taurus_tpo.qt.forms.fast_forms` and :mod:`taurus_tpo.qt.synoptics`.

Checked with Taurus 5.2.4, 5.3.2 and 5.4.1, whose sources differ here in layout only.
If one of these methods has another source, Taurus is left as it is, with one log line.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

from taurus.core.util.log import Logger

from taurus_tpo.environment.loaded_widgets import (
    COMPONENT,
    CONTROLLER,
    FORM,
    LABEL,
    LABEL_CONTROLLER,
    ROW,
    SYNOPTIC,
    WidgetClass,
)
from taurus_tpo.environment.taurus_compat import FORM_ITEMS
from taurus_tpo.environment.unknown_versions import hash_of
from taurus_tpo.qt.forms.deferred_updates import (
    after_its_tooltip,
    after_its_update,
    tooltip_at_last,
    up_to_date_when_entered,
    up_to_date_when_painted,
    with_own_tooltip,
)
from taurus_tpo.qt.forms.fast_forms import (
    all_rows,
    configured_later,
    of_each_row,
    rows_in_view_first,
    without_pending_rows,
)
from taurus_tpo.qt.forms.fast_widgets import (
    after_each_row,
    deferred_where_possible,
    formatted_before,
    handled_without_waiting,
    held_as_a_whole,
    held_row_by_row,
    held_where_possible,
    moved_without_search,
    resized_without_waiting,
)
from taurus_tpo.qt.synoptics import looked_up_before

_LOG = Logger("TaurusTPO")

Method = Callable[..., Any]

#: ``TaurusForm.fillWithChildren``, of Taurus 5.3.2 and later, and of 5.2.4.
_FILL = ("35914b138634a9f2", "5a854909d937a452")


class Override(NamedTuple):
    """A method of Taurus that is replaced.

    :param place: the class that gets the replacement.
    :param name: the name of the method.
    :param replacement: makes the replacement of Taurus's method.
    :param sources: hashes of the sources that were checked; empty: any is right.
    """

    place: WidgetClass
    name: str
    replacement: Callable[[Any], Any]
    sources: tuple[str, ...] = ()

    @property
    def stock(self) -> Any:
        """The present method; None if the class has none, and gets one."""
        return getattr(self.place.find(), self.name, None)

    def is_known(self, method: Method) -> bool:
        """Return whether ``method`` has a source that was checked."""
        return not self.sources or hash_of(method) in self.sources


#: So that labels are updated once, and when they are seen.
LABELS = (
    Override(CONTROLLER, "update", held_where_possible, ("5c80690ef4d729c7",)),
    Override(CONTROLLER, "handleEvent", deferred_where_possible, ("ce81ff4e12d5b741",)),
    Override(LABEL, "setModel", held_as_a_whole, ("d245e52d0c6bbd2e",)),
    Override(LABEL, "setFgRole", formatted_before, ("33643d3d9c8ccb5b",)),
    Override(LABEL, "resizeEvent", resized_without_waiting),
    Override(ROW, "setModel", held_as_a_whole, ("dce852251ec27ab3",)),
    Override(
        ROW, "setParent", held_as_a_whole, ("86822d55007152ae", "55bafd205981828e")
    ),
    Override(ROW, "handleEvent", handled_without_waiting, ("132d3da222c34648",)),
    Override(ROW, "addReadWidgetToLayout", moved_without_search, ("e9dabe5b2b98dbb3",)),
    Override(FORM, "fillWithChildren", held_row_by_row, _FILL),
    Override(FORM, "registerConfigDelegate", after_each_row),
    Override(LABEL, "paintEvent", up_to_date_when_painted),
    Override(LABEL, "enterEvent", up_to_date_when_entered),
    Override(
        LABEL_CONTROLLER, "_updateToolTip", tooltip_at_last, ("439af11bc084fa8c",)
    ),
    Override(LABEL, "setToolTip", with_own_tooltip),
    Override(LABEL, "toolTip", after_its_tooltip),
    Override(LABEL, "setAutoTooltip", after_its_tooltip),
    *(
        Override(LABEL, name, after_its_update)
        for name in ("text", "setText", "palette", "setPalette", "setStyleSheet")
    ),
)

#: So that rows in view are made first.
FORMS = (
    Override(FORM, "fillWithChildren", rows_in_view_first, _FILL),
    Override(FORM, "destroyChildren", without_pending_rows, ("62731adbdd966ce0",)),
    Override(FORM, "setCompact", of_each_row, ("782ad45027b47d70",)),
    Override(FORM, "setFormat", of_each_row, ("ea9277000d250ac5",)),
    Override(FORM, "setModifiableByUser", of_each_row, ("aa3f27c502c3b065",)),
    Override(FORM, "applyConfig", configured_later, ("b902ec3bbc1af71e",)),
    Override(FORM, FORM_ITEMS, all_rows),
)


#: So that a synoptic asks the database for all its devices at once.
SYNOPTICS = (Override(SYNOPTIC, "setModel", looked_up_before),)


class Installer:
    """Replaces the methods of classes as soon as they are loaded; GUI thread.

    :param overrides: of which all or none are to be in force, by class.
    :param as_in_stock: what is as in stock Taurus without them, for the log.
    """

    def __init__(self, overrides: Iterable[Override], as_in_stock: str) -> None:
        self._left = list(overrides)
        self._as_in_stock = as_in_stock

    @property
    def has_work(self) -> bool:
        """Whether a class may still be loaded whose methods are to be replaced."""
        return bool(self._left)

    def install(self) -> None:
        """Replace the methods of loaded classes; cheap if nothing is left to do."""
        loaded = [one for one in self._left if one.place.find() is not None]
        for override in loaded:
            if not override.is_known(override.stock):
                # What is replaced already does no harm: without the rest, less is held.
                self._left.clear()
                name = f"{override.place.name}.{override.name}"
                text = "%s as in stock Taurus: %s is not known"
                _LOG.info(text, self._as_in_stock, name)
                return
        for override in loaded:
            self._left.remove(override)
            owner = override.place.find()
            setattr(owner, override.name, override.replacement(override.stock))


_INSTALLERS = (
    Installer(LABELS, "labels are updated"),
    Installer(FORMS, "all rows of a form are made at once,"),
    Installer(SYNOPTICS, "synoptics are filled"),
)


def install() -> None:
    """Replace the methods of classes that are loaded; to be called again later."""
    for installer in _INSTALLERS:
        if installer.has_work:
            installer.install()


def install_with_each_widget() -> None:
    """Replace the methods of loaded classes, now and whenever a widget is made.

    A program may load its forms later than the plugin. Once all methods are replaced,
    widgets are made as before.
    """
    component = COMPONENT.find()
    stock = component.__init__

    @functools.wraps(stock)
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        install()
        is_done = not any(installer.has_work for installer in _INSTALLERS)
        # Unless somebody else has replaced it since.
        if is_done and component.__init__ is make:
            component.__init__ = stock
        stock(self, *args, **kwargs)

    install()
    component.__init__ = make
