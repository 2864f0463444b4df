"""What is seen of a run from outside the code that is measured.

Of Taurus: when a widget was told its first value, by the method through which Taurus
tells each of its widgets. Of Qt: how long the GUI's thread did nothing else. Of
PyTango: how often each of its methods was called that goes to the network. The plugin
is asked nothing, so that all is the same for stock Taurus.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Callable

from taurus_tpo.core.errors import reason_of

#: A pause of the GUI's thread that people notice, s.
NOTICED = 0.05

#: The methods of PyTango's ``DeviceProxy`` that go to the network.
CALLS = (
    *("read_attribute", "read_attributes", "write_attribute", "write_attributes"),
    *("get_attribute_config", "get_attribute_config_ex", "attribute_query"),
    *("attribute_list_query", "attribute_list_query_ex", "get_attribute_list"),
    *("subscribe_event", "unsubscribe_event", "command_inout", "command_query"),
    *("state", "status", "ping", "info", "import_info", "read_attributes_asynch"),
)

#: How the making of a proxy is called among the calls: it asks the database.
CONNECT = "connect"


def count_calls() -> Counter[str]:
    """Count from now on what is called of PyTango's; once a process.

    :return: the counter, which any thread adds to.
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
    """When each attribute has had its first value; any thread.

    :param names: full names as Taurus has them, in any case.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._waiting = {name.lower() for name in names}
        self._lock = threading.Lock()
        self._came: list[tuple[str, float]] = []
        #: When something was heard last that was new.
        self.last = time.monotonic()
        #: Why those have failed of which somebody was told so, until a value comes.
        self.errors: dict[str, str] = {}

    def hear(self, source: Any, value: Any) -> None:
        """Take note of what somebody was told of ``source``."""
        name = getattr(source, "getFullName", str)().lower()
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
        """Return those that have come since this was asked last, and when."""
        with self._lock:
            came, self._came = self._came, []
            return came

    @property
    def all_here(self) -> bool:
        """Whether none is waited for any more."""
        return not self._waiting

    @property
    def all_answered(self) -> bool:
        """Whether each has had a value or an error."""
        with self._lock:
            return self._waiting <= self.errors.keys()

    def watch_widgets(self) -> None:
        """Hear from now on what Taurus tells the widgets that are made."""
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
                # When it has been handled: what is asked is what is shown.
                hear(source, value)

        TaurusBaseComponent.filterEvent = filter_event


class Stalls:
    """For how long the GUI's thread did nothing else; to be used in that thread."""

    def __init__(self) -> None:
        #: The pauses that people notice: when each ended, and how long it was, s.
        self.noticed: list[tuple[float, float]] = []
        self._last = 0.0

    def begin(self) -> float:
        """Begin to look; return the time."""
        self._last = time.monotonic()
        return self._last

    def tick(self) -> float:
        """Say that the thread lives; return the time."""
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
