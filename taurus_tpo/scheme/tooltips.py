"""Keeps the tooltip current while an attribute waits for a server.

Taurus updates a tooltip at each event. While a server does not answer there are none,
and "next try in 4 s" is wrong a second later.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from taurus_tpo.scheme.gui_thread import widgets_of_qt


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
        """Update its tooltip now, if Taurus writes one."""
        # Not all receivers are widgets with a tooltip.
        has_one = hasattr(widget, "setToolTip")
        if has_one and getattr(widget, "getAutoTooltip", bool)():
            widget.setToolTip(widget.getFormatedToolTip())

    def forget(self, widget: Any) -> None:
        """Stop watching ``widget``."""
        if self._filter is not None:
            widget.removeEventFilter(self._filter)


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
