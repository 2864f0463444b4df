"""Instrumentation of a run, outside the code that is measured.

It wraps the method through which Taurus passes events to widgets (time of the first
value), uses a Qt timer (stalls of the GUI thread), and wraps the methods of PyTango
that use the network (number of calls). It uses no API of the plugin, so that stock
Taurus is measured in the same way.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Callable

from taurus_tpo.core.errors import reason_of

#: The shortest stall of the GUI thread that a user notices, s.
NOTICED = 0.05

#: The methods of PyTango's ``DeviceProxy`` that use the network.
CALLS = (
    *("read_attribute", "read_attributes", "write_attribute", "write_attributes"),
    *("get_attribute_config", "get_attribute_config_ex", "attribute_query"),
    *("attribute_list_query", "attribute_list_query_ex", "get_attribute_list"),
    *("subscribe_event", "unsubscribe_event", "command_inout", "command_query"),
    *("state", "status", "ping", "info", "import_info", "read_attributes_asynch"),
)

#: The name under which new proxies are counted; each queries the database.
CONNECT = "connect"


def count_calls() -> Counter[str]:
    """Count calls of PyTango from now on; call it once per process.

    :return: the counter; any thread may update it.
    """
    import tango

    counted: Counter[str] = Counter()
    lock = threading.Lock()

    def counting(method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with lock:
                counted[name] += 1
            return method(*args, **kwargs)

        return call

    for name in CALLS:
        method = getattr(tango.DeviceProxy, name, None)
        if method is not None:
            setattr(tango.DeviceProxy, name, counting(method, name))
    make = tango.DeviceProxy.__init__
    tango.DeviceProxy.__init__ = counting(make, CONNECT)
    return counted


class FirstValues:
    """The time of the first value of each attribute; thread-safe.

    :param names: full names as in Taurus, in any case.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._waiting = {name.lower() for name in names}
        self._lock = threading.Lock()
        self._came: list[tuple[str, float]] = []
        #: The time of the last first value or first error.
        self.last = time.monotonic()
        #: The errors of attributes without a value.
        self.errors: dict[str, str] = {}
        #: Called with the full name and the value of each event, in any thread.
        self.also: list[Callable[[str, Any], None]] = []

    def hear(self, source: Any, value: Any) -> None:
        """Record an event of ``source``."""
        name = getattr(source, "getFullName", str)().lower()
        for hear in self.also:
            hear(name, value)
        if name not in self._waiting:
            return
        now = time.monotonic()
        if getattr(value, "rvalue", None) is not None:
            with self._lock:
                self.errors.pop(name, None)
                self._waiting.discard(name)
                self._came.append((name, now))
                self.last = now
        elif isinstance(value, Exception):
            with self._lock:
                self.last = self.last if name in self.errors else now
                self.errors[name] = reason_of(value)

    def take(self) -> list[tuple[str, float]]:
        """Return the attributes with a value since the last call, and its time."""
        with self._lock:
            came, self._came = self._came, []
            return came

    @property
    def all_here(self) -> bool:
        """Whether every attribute has a value."""
        return not self._waiting

    @property
    def all_answered(self) -> bool:
        """Whether every attribute has a value or an error."""
        with self._lock:
            return self._waiting <= self.errors.keys()

    def watch_widgets(self) -> None:
        """Record the events that Taurus passes to widgets from now on."""
        from taurus.qt.qtgui.base import TaurusBaseComponent

        told = TaurusBaseComponent.filterEvent
        hear = self.hear

        @functools.wraps(told)
        def filter_event(
            widget: Any, source: Any = -1, kind: Any = -1, value: Any = -1
        ) -> Any:
            try:
                return told(widget, source, kind, value)
            finally:
                # After the widget has handled it: the time of display is measured.
                hear(source, value)

        TaurusBaseComponent.filterEvent = filter_event


class Stalls:
    """Measures stalls of the GUI thread; for use in that thread."""

    def __init__(self) -> None:
        #: The noticeable stalls: the end and the length of each, s.
        self.noticed: list[tuple[float, float]] = []
        self._last = 0.0

    def begin(self) -> float:
        """Start measuring; return the time."""
        self._last = time.monotonic()
        return self._last

    def tick(self) -> float:
        """Record that the thread is responsive; return the time."""
        now = time.monotonic()
        pause = now - self._last
        if pause >= NOTICED:
            self.noticed.append((now, pause))
        self._last = now
        return now


def first_paint(then: Callable[[], None]) -> Any:
    """Return a Qt event filter that calls ``then`` when its widget is painted."""
    from taurus.external.qt import Qt

    class Filter(Qt.QObject):
        def eventFilter(self, _widget: Any, event: Any) -> bool:
            if event.type() == Qt.QEvent.Paint:
                then()
            return False

    return Filter()
