"""Keeps the tooltip true of a row that waits for a server.

Taurus writes a tooltip when an event comes. While a server does not answer none comes,
and "next try in 4 s" is wrong a second later.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from taurus_tpo.scheme.gui_thread import widgets_of_qt


class Tooltips:
    """Has tooltips written anew when somebody asks for them; in the GUI's thread.

    Only of the widgets that it is told to watch: a filter hears all events of a widget.
    """

    def __init__(self) -> None:
        self._filter: Any = None

    def watch(self, widget: Any) -> None:
        """Write its tooltip anew each time that it is about to be shown."""
        if self._filter is None:
            self._filter = _filter_class()(self.write)
        # A second time changes nothing: it is only moved to the front.
        widget.installEventFilter(self._filter)

    @staticmethod
    def write(widget: Any) -> None:
        """Write its tooltip anew now, where Taurus writes one."""
        # What is no widget may have none.
        has_one = hasattr(widget, "setToolTip")
        if has_one and getattr(widget, "getAutoTooltip", bool)():
            widget.setToolTip(widget.getFormatedToolTip())

    def forget(self, widget: Any) -> None:
        """Leave its tooltip to Taurus again."""
        if self._filter is not None:
            widget.removeEventFilter(self._filter)


@functools.cache
def _filter_class() -> Any:
    qt = widgets_of_qt()
    base: Any = qt.QObject
    tooltip = qt.QEvent.ToolTip

    class Filter(base):
        """Sees the events of the widgets that are watched.

        :param write: writes the tooltip of a widget anew.
        """

        def __init__(self, write: Callable[[Any], None]) -> None:
            super().__init__()
            self._write = write

        def eventFilter(self, widget: Any, event: Any) -> bool:
            """Have a tooltip written anew before it is shown."""
            if event.type() == tooltip:
                self._write(widget)
            return False

    return Filter
