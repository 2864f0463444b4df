"""Updates a label when it is seen, where Taurus does it at each event.

An event computes text, palette and tooltip of each label of its attribute, also of one
that is scrolled out of view, or in a hidden tab. Here such an update is deferred until
Qt paints the label, or until a program asks the label for what it shows. The tooltip of
each label is computed when the mouse enters it. The first value of a label is shown at
once: the size of its form depends on it.

All functions run in the GUI thread.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from taurus.external.qt import Qt

Method = Callable[..., Any]

#: The attribute of a label that has its :class:`DeferredUpdates`.
_DEFERRED = "_taurus_tpo_deferred"

#: The virtual methods that tell when a label is seen.
_EVENTS = ("paintEvent", "enterEvent")


class DeferredUpdates:
    """What is to be done with one label before it is seen.

    :param label: a ``TaurusLabel``.
    """

    __slots__ = ("has_value", "is_in_fast_form", "is_possible", "tooltip", "update")

    def __init__(self, label: Any) -> None:
        #: Whether Qt tells us when the label is seen. The bindings remember of a widget
        #: that it has no method for an event: it may have been shown before ours were.
        self.is_possible = _is_new(label) and _is_told(type(label))
        #: Whether its form may do so; None if that is not known.
        self.is_in_fast_form: bool | None = None
        #: Whether it has shown a value.
        self.has_value = False
        #: ``update(controller)``, if that is deferred.
        self.update: Callable[[Any], None] | None = None
        #: ``tooltip(controller, label)``, if that is deferred.
        self.tooltip: Callable[[Any, Any], None] | None = None

    @classmethod
    def of(cls, label: Any) -> DeferredUpdates:
        """Return those of ``label``."""
        attributes = vars(label)
        found: DeferredUpdates | None = attributes.get(_DEFERRED)
        if found is None:
            found = attributes[_DEFERRED] = cls(label)
        return found


def _is_new(label: Any) -> bool:
    """Return whether a label was never shown."""
    return not label.testAttribute(Qt.Qt.WA_WState_Created)


def _is_told(label_class: Any) -> bool:
    """Return whether a class has our methods of events, not some of its own."""
    methods = (getattr(label_class, name) for name in _EVENTS)
    return all(getattr(one, "__module__", None) == __name__ for one in methods)


def is_in_view(label: Any) -> bool:
    """Return whether a user may see ``label``."""
    return bool(label.isVisible()) and not label.visibleRegion().isEmpty()


def carry_out(label: Any) -> None:
    """Do what is deferred of a label, but its tooltip."""
    deferred = vars(label).get(_DEFERRED)
    if deferred is None or deferred.update is None:
        return
    update, deferred.update = deferred.update, None
    _try(label, update, label.controller())


def carry_out_with_tooltip(label: Any) -> None:
    """Do all that is deferred of a label."""
    carry_out(label)
    deferred = vars(label).get(_DEFERRED)
    if deferred is None or deferred.tooltip is None:
        return
    tooltip, deferred.tooltip = deferred.tooltip, None
    _try(label, tooltip, label.controller(), label)


def _try(label: Any, do: Callable[..., None], controller: Any, *args: Any) -> None:
    if controller is None:
        return
    try:
        do(controller, *args)
    except Exception as error:  # noqa: BLE001 - whatever a formatter raises
        label.info("Skipping update. Reason: %r", error)


# --- methods of Taurus's labels -------------------------------------------------------


def tooltip_at_last(stock: Method) -> Method:
    """Return ``_updateToolTip``, which is done when the mouse enters the label."""

    @functools.wraps(stock)
    def update(self: Any, label: Any) -> None:
        deferred = DeferredUpdates.of(label)
        if not deferred.is_possible or label.underMouse():
            deferred.tooltip = None
            stock(self, label)
        elif label.getAutoTooltip():
            deferred.tooltip = stock

    return update


def with_own_tooltip(stock: Method) -> Method:
    """Return ``setToolTip``; what is deferred does not replace that tooltip."""

    @functools.wraps(stock)
    def set_tooltip(self: Any, *args: Any) -> Any:
        carry_out(self)
        deferred = vars(self).get(_DEFERRED)
        if deferred is not None:
            deferred.tooltip = None
        return stock(self, *args)

    return set_tooltip


def after_its_update(stock: Method) -> Method:
    """Return a method of a label that sees or changes what an update sets."""
    return _after(carry_out, stock)


def after_its_tooltip(stock: Method) -> Method:
    """Return a method of a label that sees its tooltip, or whether it gets one."""
    return _after(carry_out_with_tooltip, stock)


def _after(do: Callable[[Any], None], stock: Method) -> Method:
    @functools.wraps(stock)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        do(self)
        return stock(self, *args, **kwargs)

    return method


def _ours(stock: Method) -> Callable[[Method], Method]:
    """Return a decorator of methods that replace ``stock``, and keep their module."""
    return functools.wraps(stock, assigned=())


def up_to_date_when_painted(stock: Method) -> Method:
    """Return ``paintEvent`` of a label."""

    @_ours(stock)
    def paint(self: Any, event: Any) -> None:
        carry_out(self)
        stock(self, event)

    return paint


def up_to_date_when_entered(stock: Method) -> Method:
    """Return ``enterEvent`` of a label."""

    @_ours(stock)
    def enter(self: Any, event: Any) -> None:
        carry_out_with_tooltip(self)
        stock(self, event)

    return enter
