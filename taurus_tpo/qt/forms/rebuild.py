"""Builds those widgets anew that were built before their device was there.

A form asks each device for its class, to know which row it gets, and a form of commands
asks for the commands; each asks once. For the thread of the GUI.
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
from taurus_tpo.qt.forms.resize import form_of
from taurus_tpo.scheme.gui_thread import SLICE

_LOG = Logger("TaurusTPO")


def build_anew() -> bool:
    """Build widgets of those devices anew that have come late, for a moment.

    :return: whether there are more of them.
    """
    late = taurus.Factory("tango").late_devices
    devices = late.take()
    end = SYSTEM.monotonic() + SLICE
    while devices and SYSTEM.monotonic() < end:
        device = devices.pop(0)
        for widget in _widgets_of(device):
            try:
                _build_anew(widget, device)
            except Exception as error:  # noqa: BLE001 - a widget may raise anything
                _LOG.warning("%r cannot be built anew: %r", widget, error)
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
        # What fills it is told so.
        widget.modelChanged.emit(widget.getModelName())
    elif ROW.has(widget) and not _replaced(widget):
        model = widget.getModelObj()
        if model is device:
            # As after a change of its configuration.
            widget.handleEvent(model, TaurusEventType.Config, None)


def _replaced(row: Any) -> bool:
    """Replace ``row`` of a form by the one that somebody makes for its model, if so."""
    form = form_of(row)
    if form is None or row not in form.getItems():
        return False
    made = special_form_item(form, row.getModelObj())
    if made is not None and type(made) is not type(row):
        _put_in(form, made, row)
        return True
    if made is not None:
        made.deleteLater()
    return False


def _put_in(form: Any, made: Any, row: Any) -> None:
    """Put ``made`` into ``form`` in the place of ``row``, as the form itself would."""
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
    _LOG.debug("The row of %s is built anew", model)


def _take_out(row: Any) -> None:
    """Take ``row`` out of its form, with all that it is made of."""
    parts = ("labelWidget", "readWidget", "writeWidget", "unitsWidget", "extraWidget")
    for part in (getattr(row, name)() for name in parts):
        if part is not None:
            part.hide()
            part.setParent(None)
            part.deleteLater()
    row.setModel(None)
    row.hide()
    row.deleteLater()
