"""Rebuilds widgets that were built before their device answered.

A form asks each device once for its class, to select the type of the row. A form of
commands asks once for the command list. All functions run in the GUI thread.
"""

from __future__ import annotations

import weakref
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import taurus
from taurus.core.taurusbasetypes import TaurusEventType
from taurus.core.util.log import Logger
from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.environment.loaded_widgets import COMMANDS, ROW
from taurus_tpo.environment.taurus_compat import listeners as listeners_of
from taurus_tpo.environment.taurus_compat import special_form_item
from taurus_tpo.qt.forms.form_rows import pending_rows, place_row, restore_order
from taurus_tpo.qt.forms.resize import alive, form_of, parts_of
from taurus_tpo.scheme.gui_thread import SLICE

_LOG = Logger("TaurusTPO")


class LateWidgets:
    """Rebuilds the widgets of devices that answered late."""

    def __init__(self) -> None:
        #: The forms that have replaced rows, whose order is to be restored.
        self._forms: weakref.WeakSet[Any] = weakref.WeakSet()

    def rebuild(self) -> bool:
        """Rebuild widgets for at most one time slice.

        :return: whether devices are left for a later call.
        """
        late = taurus.Factory("tango").device_access.late
        devices = late.take()
        end = SYSTEM.monotonic() + SLICE
        while devices and SYSTEM.monotonic() < end:
            device = devices.pop(0)
            for widget in _widgets_of(device):
                self._try(widget, device)
        for device in devices:
            late.add(device)
        if not devices:
            self._restore_orders()
        return bool(devices)

    def _try(self, widget: Any, device: Any) -> None:
        try:
            self._build_anew(widget, device)
        except Exception as error:  # noqa: BLE001 - a widget may raise anything
            _LOG.warning("%r could not be built again: %r", widget, error)
            _LOG.debug("details:", exc_info=error)

    def _build_anew(self, widget: Any, device: Any) -> None:
        if COMMANDS.has(widget):
            # Emitting the signal makes the form query the commands again.
            widget.modelChanged.emit(widget.getModelName())
        elif ROW.has(widget):
            form = form_of(widget)
            if form is not None and replace_row(form, widget):
                self._forms.add(form)
                return
            model = widget.getModelObj()
            if model is device:
                # The same event as after a change of the configuration.
                widget.handleEvent(model, TaurusEventType.Config, None)

    def _restore_orders(self) -> None:
        """Restore the order of rows of forms in which rows were replaced."""
        forms, self._forms = self._forms, weakref.WeakSet()
        for form in alive(forms):
            if pending_rows(form) is None:
                restore_order(form, form.getItems())


def _widgets_of(device: Any) -> list[Any]:
    """Return the widgets that listen to ``device``, or to one of its attributes."""
    attributes = taurus.Factory("tango").attributes()
    models = [one for one in attributes if one.getParentObj() is device]
    listeners = (one() for model in (device, *models) for one in listeners_of(model))
    return [one for one in listeners if isinstance(one, Qt.QWidget)]


def replace_row(form: Any, row: Any) -> bool:
    """Replace a row of a form by the special item of its model.

    The pending rows of the form stay pending.

    :return: whether there is such an item.
    """
    rows = pending_rows(form)
    with nullcontext() if rows is None else rows.partial():
        if row not in form.getItems():
            return False
        # The form has warned of factories that fail.
        made = special_form_item(form, row.getModelObj(), row.getModel(), form.debug)
        if made is None:
            return False
        if type(made) is type(row):
            made.deleteLater()
            return False
        _put_in(form, made, row)
        return True


def _put_in(form: Any, made: Any, row: Any) -> None:
    """Replace ``row`` of ``form`` by ``made``, with the steps of Taurus's own form."""
    model, frame = row.getModel(), row.parent()
    form.unregisterConfigurableItem(row)
    _take_out(row)
    with _replacing(form, made, row):
        place_row(made, model, frame, row.getRow(), form.isCompact())
    made.setModifiableByUser(form.isModifiableByUser())
    made.setFormat(form.getFormat())
    made.setObjectName(row.objectName())
    form.registerConfigDelegate(made)
    _LOG.debug("The row of %s is built again", model)


def _replacing(form: Any, made: Any, row: Any) -> AbstractContextManager[None]:
    """Put ``made`` into the form's list of rows; its widgets follow in the context."""
    rows = pending_rows(form)
    if rows is not None:
        return rows.replacing(row, made)
    items = form.getItems()
    items[items.index(row)] = made
    return nullcontext()


def _take_out(row: Any) -> None:
    """Remove ``row`` and its child widgets from the form."""
    # A row that loses its model gets other widgets.
    row.setModel(None)
    for part in parts_of(row):
        part.hide()
        part.setParent(None)
        part.deleteLater()
    row.hide()
    row.deleteLater()
