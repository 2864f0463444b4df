"""The actions of the inspector on attributes and servers.

Call them in the GUI thread. None waits for a device: blocking work is passed to the
factory's background threads.
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

#: The mode source shown for modes that were chosen in the inspector.
WHO = "inspector"

#: Keeps opened device panels alive until they are closed.
_PANELS: set[Any] = set()


def read_now(attributes: Sequence[Any]) -> None:
    """Read attributes once; the result is dispatched to their listeners."""
    _each(attributes, lambda one: one.factory().readAttributeFirstTime(one))


def subscribe_again(attributes: Sequence[Any]) -> None:
    """Unsubscribe from the attributes' events and subscribe again."""
    _each(attributes, lambda one: one.subscribe_again())


def choose_mode(attributes: Sequence[Any], mode: Any) -> None:
    """Set the mode of attributes for their lifetime, and subscribe again.

    :param mode: the name of a mode; None restores the mode decided before.
    """

    def choose(attribute: Any) -> None:
        attribute.choose_mode(mode, WHO)
        attribute.subscribe_again()

    _each(attributes, choose)


def poll(attributes: Sequence[Any], period: int) -> None:
    """Poll attributes, also those that send events.

    :param period: ms.
    """
    _each(attributes, lambda one: one.activatePolling(period, force=True))


def stop_polling(attributes: Sequence[Any]) -> None:
    """Stop polling attributes, also those that send no events."""
    _each(attributes, lambda one: one.disablePolling())


def _each(attributes: Sequence[Any], do: Callable[[Any], Any]) -> None:
    """Call ``do`` for each attribute in a background thread.

    Queued calls hold weak references only.
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
    """Probe a server now."""
    taurus.Factory("tango").first_read.probe(server)


def copy_models(attributes: Sequence[Any]) -> None:
    """Copy the full names of attributes to the clipboard, one per line."""
    _copy(attribute.getFullName() for attribute in attributes)


def copy_rules(attributes: Sequence[Any]) -> None:
    """Copy rules for ``taurus.ini`` that fix the current modes to the clipboard.

    Attributes that are polled because events are disabled have no rule.
    """
    decided = [(_short(one), one.event_sub_decision.mode) for one in attributes]
    rules = [(name, mode.name) for name, mode in decided if mode is not None]
    _copy(rules_as_ini(rules))


def _short(attribute: Any) -> str:
    return AttributeName.of(attribute.getFullName()).short


def _copy(lines: Any) -> None:
    Qt.QApplication.clipboard().setText("\n".join(lines))


def open_device_panel(attribute: Any) -> Any:
    """Open Taurus's device panel; return it, or None if the server does not answer.

    The panel queries the device in the GUI thread, which must not wait.
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
    """Releases the attributes of a closed panel, which Taurus's own panel keeps."""

    def eventFilter(self, panel: Any, event: Any) -> bool:
        """Detach a panel that is being closed."""
        if event.type() == Qt.QEvent.Type.Close:
            panel.detach()
            # Its own setModel() would keep listening to the device.
            super(type(panel), panel).setModel(None)
            _PANELS.discard(panel)
        return False
