"""What the inspector can do to attributes and servers; nothing here waits for a device.

For the thread of the GUI. What has to wait is done by a thread of the factory's.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any, Callable

import taurus
from taurus.external.qt import Qt

from taurus_tpo.core.rules import AttributeName
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.settings import rules_as_ini

#: Who decided a mode that was chosen here, for people.
WHO = "inspector"

#: The panels that were opened, so that they live until they are closed.
_PANELS: set[Any] = set()


def read_now(attributes: Sequence[Any]) -> None:
    """Have attributes read once; their widgets hear what comes of it."""
    _each(attributes, lambda one: one.factory().readAttributeFirstTime(one))


def subscribe_again(attributes: Sequence[Any]) -> None:
    """Have their subscriptions given up and begun anew."""
    _each(attributes, lambda one: one.subscribe_again())


def choose_mode(attributes: Sequence[Any], mode: Any) -> None:
    """Subscribe to attributes in another mode, as long as they live.

    :param mode: the name of a mode; None: as it was decided before.
    """

    def choose(attribute: Any) -> None:
        attribute.choose_mode(mode, WHO)
        attribute.subscribe_again()

    _each(attributes, choose)


def poll(attributes: Sequence[Any], period: int) -> None:
    """Poll attributes, whether they send events or not.

    :param period: ms.
    """
    _each(attributes, lambda one: one.activatePolling(period, force=True))


def stop_polling(attributes: Sequence[Any]) -> None:
    """Poll attributes no more, not even where they send no events."""
    _each(attributes, lambda one: one.disablePolling())


def _each(attributes: Sequence[Any], do: Callable[[Any], Any]) -> None:
    """Have ``do`` done to each attribute, by a thread that may wait.

    Waiting work keeps no attribute alive.
    """
    for attribute in attributes:
        attribute.factory().background_tasks.do(
            partial(_if_there, do, weakref.ref(attribute))
        )


def _if_there(do: Callable[[Any], Any], reference: weakref.ref[Any]) -> None:
    attribute = reference()
    if attribute is not None:
        do(attribute)


def probe(server: Server) -> None:
    """Have a server asked now whether it is there."""
    taurus.Factory("tango").first_read.probe(server)


def copy_models(attributes: Sequence[Any]) -> None:
    """Put the full names of attributes into the clipboard, one a line."""
    _copy(attribute.getFullName() for attribute in attributes)


def copy_rules(attributes: Sequence[Any]) -> None:
    """Put rules that keep the modes as they are into the clipboard, for ``taurus.ini``.

    Without those attributes that are polled because events are disabled.
    """
    decided = [(_short(one), one.event_sub_decision.mode) for one in attributes]
    rules = [(name, mode.name) for name, mode in decided if mode is not None]
    _copy(rules_as_ini(rules))


def _short(attribute: Any) -> str:
    return AttributeName.of(attribute.getFullName()).short


def _copy(lines: Any) -> None:
    Qt.QApplication.clipboard().setText("\n".join(lines))


def open_device_panel(attribute: Any) -> Any:
    """Open Taurus's panel of the device; return it, None where it does not answer.

    The panel asks the device in the thread of the GUI, which nobody should wait for.
    """
    from taurus.qt.qtgui.panel import TaurusDevicePanel

    device = attribute.getParentObj()
    if device is None or attribute.server is None or attribute.server.silent:
        return None
    panel = TaurusDevicePanel()
    panel.installEventFilter(_CloseWatcher(panel))
    panel.setAttribute(Qt.Qt.WidgetAttribute.WA_DeleteOnClose)
    _PANELS.add(panel)
    panel.setModel(device.getFullName())
    panel.show()
    return panel


class _CloseWatcher(Qt.QObject):
    """Lets the attributes of a panel go when it is closed: Taurus's own keeps them."""

    def eventFilter(self, panel: Any, event: Any) -> bool:
        """Take leave of a panel that is being closed."""
        if event.type() == Qt.QEvent.Type.Close:
            panel.detach()
            # Its own setModel() goes on listening to the device.
            super(type(panel), panel).setModel(None)
            _PANELS.discard(panel)
        return False
