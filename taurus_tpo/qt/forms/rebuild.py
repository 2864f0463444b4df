"""Rebuilds widgets that were built before their device answered.

A form asks each device once for its class, to select the type of the row. A form of
commands asks once for the command list. All functions run in the GUI thread.
"""

from __future__ import annotations

from typing import Any

import taurus
from taurus.core.taurusbasetypes import TaurusEventType
from taurus.core.util.log import Logger
from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.environment.loaded_widgets import COMMANDS, ROW
from taurus_tpo.environment.taurus_compat import listeners as listeners_of
from taurus_tpo.environment.taurus_compat import special_form_item
from taurus_tpo.qt.forms.resize import form_of, parts_of
from taurus_tpo.scheme.gui_thread import SLICE

_LOG = Logger("TaurusTPO")


def build_anew() -> bool:
    """Rebuild the widgets of devices that answered late, for at most one time slice.

    :return: whether devices are left for a later call.
    """
    late = taurus.Factory("tango").device_access.late
    devices = late.take()
    end = SYSTEM.monotonic() + SLICE
    while devices and SYSTEM.monotonic() < end:
        device = devices.pop(0)
        for widget in _widgets_of(device):
            try:
                _build_anew(widget, device)
            except Exception as error:  # noqa: BLE001 - a widget may raise anything
                _LOG.warning("%r could not be built again: %r", widget, error)
                _LOG.debug("details:", exc_info=error)
    for device in devices:
        late.add(device)
    return bool(devices)


def _widgets_of(device: Any) -> list[Any]:
    """Return the widgets that listen to ``device``, or to one of its attributes."""
    attributes = taurus.Factory("tango").attributes()
    models = [one for one in attributes if one.getParentObj() is device]
    listeners = (one() for model in (device, *models) for one in listeners_of(model))
    return [one for one in listeners if isinstance(one, Qt.QWidget)]


def _build_anew(widget: Any, device: Any) -> None:
    if COMMANDS.has(widget):
        # Emitting the signal makes the form query the commands again.
        widget.modelChanged.emit(widget.getModelName())
    elif ROW.has(widget) and not _replaced(widget):
        model = widget.getModelObj()
        if model is device:
            # The same event as after a change of the configuration.
            widget.handleEvent(model, TaurusEventType.Config, None)


def _replaced(row: Any) -> bool:
    """Replace ``row`` by the special item of its model; return whether it was."""
    form = form_of(row)
    if form is None or row not in form.getItems():
        return False
    # The form has warned of factories that fail.
    model = row.getModelObj()
    made = special_form_item(form, model, row.getModel(), form.debug)
    if made is not None and type(made) is not type(row):
        _put_in(form, made, row)
        return True
    if made is not None:
        made.deleteLater()
    return False


def _put_in(form: Any, made: Any, row: Any) -> None:
    """Replace ``row`` of ``form`` by ``made``, with the steps of Taurus's own form."""
    model, frame = row.getModel(), row.parent()
    form.unregisterConfigurableItem(row)
    _take_out(row)
    form.getItems()[form.getItems().index(row)] = made
    made.setMinimumHeight(row.minimumHeight())
    if hasattr(made, "setPreferredRow"):
        made.setPreferredRow(row.getRow())
    made.setCompact(form.isCompact())
    made.setModel(model)
    made.setParent(frame)
    made.setModifiableByUser(form.isModifiableByUser())
    made.setFormat(form.getFormat())
    made.setObjectName(row.objectName())
    form.registerConfigDelegate(made)
    _LOG.debug("The row of %s is built again", model)


def _take_out(row: Any) -> None:
    """Remove ``row`` and its child widgets from the form."""
    for part in parts_of(row):
        part.hide()
        part.setParent(None)
        part.deleteLater()
    row.setModel(None)
    row.hide()
    row.deleteLater()
