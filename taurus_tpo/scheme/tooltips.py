"""Keeps the tooltip current while an attribute waits for a server.

Taurus updates a tooltip at each event. While a server does not answer there are none,
and "next try in 4 s" is wrong a second later.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, Callable

from taurus_tpo.environment.loaded_widgets import WRITABLE
from taurus_tpo.scheme.gui_thread import widgets_of_qt

_LOG = logging.getLogger(__name__)


class Tooltips:
    """Updates tooltips when they are about to be shown; in the GUI thread.

    Only of watched widgets, since an event filter gets all events of a widget.
    """

    def __init__(self) -> None:
        self._filter: Any = None

    def watch(self, widget: Any) -> None:
        """Update its tooltip each time before it is shown."""
        if self._filter is None:
            self._filter = _filter_class()(self.write)
        # A second time, Qt only moves it to the front.
        widget.installEventFilter(self._filter)

    @staticmethod
    def write(widget: Any) -> None:
        """Update its tooltip now, if Taurus writes one; log what the widget raises."""
        try:
            _write(widget)
        except Exception as error:  # noqa: BLE001 - a widget may raise anything
            kind = type(widget).__name__
            _LOG.warning("the tooltip of a %s was not updated: %r", kind, error)
            _LOG.debug("details:", exc_info=error)

    def forget(self, widget: Any) -> None:
        """Stop watching ``widget``."""
        if self._filter is not None:
            widget.removeEventFilter(self._filter)


def _write(widget: Any) -> None:
    # Not all receivers are widgets with a tooltip.
    has_one = hasattr(widget, "setToolTip")
    if not has_one or not getattr(widget, "getAutoTooltip", bool)():
        return
    if WRITABLE.has(widget):
        # Its tooltip also tells whether its value is applied.
        widget.updateStyle()
    else:
        widget.setToolTip(widget.getFormatedToolTip())


@functools.cache
def _filter_class() -> Any:
    qt = widgets_of_qt()
    base: Any = qt.QObject
    tooltip = qt.QEvent.ToolTip

    class Filter(base):
        """Event filter of the watched widgets.

        :param write: updates the tooltip of a widget.
        """

        def __init__(self, write: Callable[[Any], None]) -> None:
            super().__init__()
            self._write = write

        def eventFilter(self, widget: Any, event: Any) -> bool:
            """Update a tooltip before it is shown."""
            if event.type() == tooltip:
                self._write(widget)
            return False

    return Filter
