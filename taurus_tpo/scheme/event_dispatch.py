"""Dispatches events to listeners and keeps the GUI responsive.

A widget reacts to an event with a Qt signal. In the GUI thread the signal is handled at
once. From another thread it is queued by Qt, which handles its queue without a break: a
thousand values would freeze the window. So events are dispatched to widgets in the GUI
thread, in slices. All other listeners are called in the thread that received the event:
they may block, or wait for the GUI.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Callable

from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.gui_thread import GuiThread, is_of_taurus
from taurus_tpo.scheme.tooltips import Tooltips

#: Longest dispatch to widgets when a listener is added, s.
PASSING = 0.01

#: How many notifications may stay pending then: they are dispatched soon after the
#: window is painted, or before.
BACKLOG = 250


#: How many values and errors may be pending for one widget, or for an attribute while
#: another thread dispatches to its listeners. If the dispatch is slower than the
#: events, the oldest is dropped for the newest.
WAITING = 1000

#: The same for values larger than :data:`LARGE` bytes: images arrive faster than a user
#: can see them.
WAITING_IF_LARGE = 2
LARGE = 65_536


#: Functions that are called with widgets, see :func:`when_first_told`.
_WATCHERS: list[Callable[[Any], Any]] = []


def when_first_told(watch: Callable[[Any], Any]) -> None:
    """Have ``watch`` called with each widget after its first event.

    That is the first event of the attribute that it listens to; and again after the
    first value. Called in the GUI thread, during the dispatch: it must be fast and must
    not raise.
    """
    _WATCHERS.append(watch)


#: Instead of an event type: only the tooltip has to be updated.
TOOLTIP = "tooltip"


@dataclass
class _Heard:
    """What was dispatched to a widget of the attribute that it listens to."""

    attribute: weakref.ref[Any]
    anything: bool = False
    configuration: bool = False
    value: bool = False


@dataclass(frozen=True)
class _Notification:
    """An event for one widget; keeps neither attribute nor widget alive.

    :param event_type: None: the oldest pending value or error of this widget.
    """

    attribute: weakref.ref[Any]
    event_type: Any
    value: Any
    listener: weakref.ref[Any]


class _Waiting:
    """The pending values and errors of each widget, limited; any thread."""

    def __init__(self) -> None:
        # A garbage collection may dispatch an event in any code of this thread.
        self._lock = threading.RLock()
        #: By the identity of the registration, which its notifications keep alive.
        self._news: dict[int, deque[tuple[Any, Any]]] = {}

    def add(self, listener: weakref.ref[Any], event_type: Any, value: Any) -> bool:
        """Append a value or error for ``listener``; drop the oldest at the limit.

        :return: whether the number has grown, so that a notification is needed.
        """
        most = most_waiting(value)
        dropped = []
        with self._lock:
            news = self._news.setdefault(id(listener), deque())
            while len(news) >= most:
                # Destroyed later, not with the lock held.
                dropped.append(news.popleft())
            news.append((event_type, value))
        return not dropped

    def take(self, listener: weakref.ref[Any]) -> tuple[Any, Any] | None:
        """Remove and return the oldest value or error for ``listener``.

        None if several were dropped for a large one.
        """
        with self._lock:
            news = self._news.get(id(listener))
            oldest = news.popleft() if news else None
            if not news:
                self._news.pop(id(listener), None)
        return oldest


def most_waiting(value: Any) -> int:
    """Return how many values of this size may be pending for one receiver."""
    return WAITING_IF_LARGE if _size_of(value) > LARGE else WAITING


def _size_of(value: Any) -> int:
    """Return the size of the array in ``value`` in bytes; 0 without an array."""
    rvalue = getattr(value, "rvalue", None)
    return int(getattr(getattr(rvalue, "magnitude", rvalue), "nbytes", 0))


class EventDispatcher:
    """Dispatches the events of all attributes, with no lock held."""

    def __init__(self) -> None:
        self.restart_in_child()
        #: The last attribute of each widget; only used in the GUI thread.
        self._heard_of: weakref.WeakKeyDictionary[Any, _Heard]
        self._heard_of = weakref.WeakKeyDictionary()
        self._tips = Tooltips()

    def restart_in_child(self) -> None:
        """Reset in a forked child process: another thread may hold a lock."""
        self._gui_thread: GuiThread | None = None
        #: Whether Python is ending, which destroys the widgets.
        self._ending = False
        self._waiting = _Waiting()

    def __len__(self) -> int:
        """Return the number of pending notifications of widgets; any thread."""
        return 0 if self._gui_thread is None else len(self._gui_thread.queue)

    def tell(
        self, attribute: Any, event_type: Any, value: Any, listeners: tuple[Any, ...]
    ) -> None:
        """Dispatch an event to ``listeners``; any thread.

        Widgets are called in the GUI thread, in the order of these calls: at once if
        this is that thread and nothing is pending, else later. For a widget that is
        slower than its events, the oldest pending values are dropped. Nothing is
        dispatched to widgets that have been removed or deleted by then, nor for an
        attribute that no longer exists or was cleaned up. All other listeners are
        called now, in this thread.

        :param listeners: the references to them that ``TaurusModel`` keeps.
        """
        if self._ending:
            others = [one for one in listeners if not is_of_taurus(one())]
            attribute.fireEvent(event_type, value, others)
            return
        gui_thread = self._gui_thread
        if gui_thread is None or not gui_thread.on_duty:
            attribute.fireEvent(event_type, value, listeners)
            return
        reference = weakref.ref(attribute)
        put = gui_thread.queue.now if gui_thread.here else gui_thread.queue.put
        others = []
        for listener in listeners:
            if not gui_thread.may_tell(listener()):
                others.append(listener)
            elif event_type not in _REPLACED:
                put(_Notification(reference, event_type, value, listener))
            elif self._waiting.add(listener, event_type, value):
                put(_Notification(reference, None, None, listener))
        if others:
            attribute.fireEvent(event_type, value, others)

    def refresh_tooltips(self, attribute: Any, listeners: tuple[Any, ...]) -> None:
        """Have widgets update their tooltips later; any thread.

        For changes of an attribute without an event for its widgets.

        :param listeners: as for :meth:`tell`; only widgets have tooltips.
        """
        gui_thread = self._gui_thread
        if gui_thread is None or not gui_thread.on_duty or self._ending:
            return
        for listener in listeners:
            if gui_thread.may_tell(listener()):
                notification = _Notification(
                    weakref.ref(attribute), TOOLTIP, None, listener
                )
                gui_thread.queue.put(notification)

    def pass_by(self, attribute: Any) -> None:
        """Dispatch pending events to widgets while more widgets are made.

        May be called from any thread. Only does something in the GUI thread, and only
        while no event is being dispatched there.

        :param attribute: is about to get a listener. A listener that it has may be a
            row that is half built: its events, and all later ones, stay pending.
        """
        gui_thread = self._gui_thread
        if gui_thread is None or not gui_thread.on_duty:
            gui_thread = GuiThread.of_this_thread(self._deliver)
            if gui_thread is not None:
                # Events that are pending for an earlier application are dropped.
                self._waiting = _Waiting()
                # Before the exit handler of PyQt, which deletes the widgets: a dispatch
                # in another thread would then crash the process.
                atexit.unregister(self._end)
                atexit.register(self._end)
            self._gui_thread = gui_thread
        if gui_thread is None or not gui_thread.here:
            return
        queue = gui_thread.queue

        def enough(next_one: _Notification) -> bool:
            return len(queue) <= BACKLOG or next_one.attribute() is attribute

        queue.pass_by(PASSING, enough)

    def _end(self) -> None:
        """Stop dispatching to widgets."""
        self._ending = True

    def work(self, seconds: float) -> None:
        """Dispatch to widgets for up to ``seconds``; only in the GUI thread."""
        gui_thread = self._gui_thread
        if gui_thread is not None and gui_thread.here:
            gui_thread.queue.pass_by(seconds)

    def _deliver(self, notification: _Notification) -> None:
        if notification.event_type is None:
            news = self._waiting.take(notification.listener)
            if news is None:
                return
            notification = replace(notification, event_type=news[0], value=news[1])
        attribute, widget = notification.attribute(), notification.listener()
        if attribute is None or attribute.closed or widget is None:
            return
        listeners = taurus_compat.listeners(attribute)
        # The same registration: a listener that was removed and added again has got the
        # cached value.
        listening = any(one is notification.listener for one in listeners)
        gui_thread = self._gui_thread
        if not listening or gui_thread is None or not gui_thread.can_reach(widget):
            return
        if notification.event_type is TOOLTIP:
            self._tips.write(widget)
        else:
            self._deliver_news(notification, attribute, widget, listeners)

    def _deliver_news(
        self,
        notification: _Notification,
        attribute: Any,
        widget: Any,
        listeners: tuple[Any, ...],
    ) -> None:
        heard = self._heard(notification, widget)
        is_value = notification.event_type in VALUES
        first = is_value and not heard.value
        if (
            first
            and not heard.configuration
            and listeners[0] is not notification.listener
        ):
            self._tell_configuration(attribute, notification.value, widget)
        watchers = _WATCHERS if first or not heard.anything else ()
        heard.anything = True
        heard.value |= is_value
        heard.configuration |= notification.event_type is TaurusEventType.Config
        self._tell(attribute, notification.event_type, notification.value, widget)
        for watch in watchers:
            self._call(attribute, watch, widget)
        if notification.event_type is TaurusEventType.Error:
            self._tips.watch(widget)
        elif notification.event_type is not TaurusEventType.Config:
            self._tips.forget(widget)

    def _heard(self, notification: _Notification, widget: Any) -> _Heard:
        """Return what was dispatched to ``widget`` of the attribute so far."""
        heard = self._heard_of.get(widget)
        if heard is None or heard.attribute != notification.attribute:
            heard = self._heard_of[widget] = _Heard(notification.attribute)
            # A widget whose text was requested before the first value has chosen a
            # format for None, and would keep it.
            taurus_compat.forget_format(widget)
        return heard

    def _tell_configuration(self, attribute: Any, value: Any, widget: Any) -> None:
        """Dispatch a first value as a configuration, too, if Taurus does.

        Taurus dispatches both to all but the first listener if there is a value when
        they are added: some widgets react to the one, some to the other.
        """
        if not taurus_compat.takes_value_for_configuration(widget):
            self._tell(attribute, TaurusEventType.Config, value, widget)

    def _tell(self, attribute: Any, event_type: Any, value: Any, widget: Any) -> None:
        self._call(attribute, attribute.fireEvent, event_type, value, (widget,))

    def _call(self, attribute: Any, tell: Callable[..., Any], *what: Any) -> None:
        """Call a listener or an observer; log an exception."""
        try:
            tell(*what)
        except Exception as error:  # noqa: BLE001 - a listener may raise anything
            attribute.error("%s: %r", attribute.getFullName(), error)
            attribute.debug("details:", exc_info=error)


#: Event types with a value.
VALUES = (TaurusEventType.Change, TaurusEventType.Periodic)

#: Event types of which old ones may be dropped.
_REPLACED = (*VALUES, TaurusEventType.Error)

#: The dispatcher of the process: widgets of all attributes share the GUI thread.
EVENT_DISPATCHER = EventDispatcher()
