"""Tells listeners what is new, and keeps the GUI alive while it does.

A widget that is told emits a Qt signal. In the thread of the GUI it is handled at once;
from another thread it waits in Qt's queue, which is worked off without a break: a
thousand values would freeze the window. So widgets are told in the thread of the GUI,
a slice at a time. All other listeners are told in the thread that brings the news: they
may block, or wait for the GUI.
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

#: How long widgets are told at the most when one more begins to listen, s.
PASSING = 0.01

#: How many may wait then: those are told soon after the window is painted, or before.
BACKLOG = 250


#: How many values and errors wait for one widget at the most, or until another thread
#: has told the listeners of an attribute the one before: where that is slower than the
#: events, the oldest is dropped for the newest.
WAITING = 1000

#: The same for values larger than so many bytes: images come faster than they are seen.
WAITING_IF_LARGE = 2
LARGE = 65_536


#: Who wants to know which widgets are told of their attribute.
_WATCHERS: list[Callable[[Any], Any]] = []


def when_first_told(watch: Callable[[Any], Any]) -> None:
    """Have ``watch`` called with each widget that is told something for the first time.

    Of the attribute that it listens to; and again when that is its first value. In the
    thread of the GUI, while widgets are being told: it must not do much, nor raise.
    """
    _WATCHERS.append(watch)


#: In the place of an event type: only the tooltip is to be written anew.
TOOLTIP = "tooltip"


@dataclass
class _Heard:
    """What a widget has heard of the attribute that it listens to."""

    attribute: weakref.ref[Any]
    anything: bool = False
    configuration: bool = False
    value: bool = False


@dataclass(frozen=True)
class _Notification:
    """What one widget is to be told; keeps neither attribute nor widget alive.

    :param event_type: None: what has waited longest for this widget.
    """

    attribute: weakref.ref[Any]
    event_type: Any
    value: Any
    listener: weakref.ref[Any]


class _Waiting:
    """The values and errors that wait for each widget: some at the most; any thread."""

    def __init__(self) -> None:
        # Python collects garbage at any time, and with it who tells somebody something.
        self._lock = threading.RLock()
        #: By the identity of the registration: a notification for each keeps it alive.
        self._news: dict[int, deque[tuple[Any, Any]]] = {}

    def add(self, listener: weakref.ref[Any], event_type: Any, value: Any) -> bool:
        """Append what ``listener`` is to be told; drop the oldest where many wait.

        :return: whether one more waits than before, and needs a notification.
        """
        most = most_waiting(value)
        dropped = []
        with self._lock:
            news = self._news.setdefault(id(listener), deque())
            while len(news) >= most:
                # Kept for now: what goes with it need not go with the lock held.
                dropped.append(news.popleft())
            news.append((event_type, value))
        return not dropped

    def take(self, listener: weakref.ref[Any]) -> tuple[Any, Any] | None:
        """Return what has waited longest for ``listener``; it waits no more.

        None where several have made room for a large one.
        """
        with self._lock:
            news = self._news.get(id(listener))
            oldest = news.popleft() if news else None
            if not news:
                self._news.pop(id(listener), None)
        return oldest


def most_waiting(value: Any) -> int:
    """Return how many values like this one wait for somebody at the most."""
    return WAITING_IF_LARGE if _size_of(value) > LARGE else WAITING


def _size_of(value: Any) -> int:
    """Return how many bytes an array takes that is in ``value``; 0: it is none."""
    rvalue = getattr(value, "rvalue", None)
    return int(getattr(getattr(rvalue, "magnitude", rvalue), "nbytes", 0))


class EventDispatcher:
    """Tells the listeners of all attributes, with no lock held."""

    def __init__(self) -> None:
        self.restart_in_child()
        #: Of which attribute each widget has heard last; of the thread of the GUI.
        self._heard_of: weakref.WeakKeyDictionary[Any, _Heard]
        self._heard_of = weakref.WeakKeyDictionary()
        self._tips = Tooltips()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: another thread may have a lock."""
        self._gui_thread: GuiThread | None = None
        #: Whether Python is ending, and with it the widgets.
        self._ending = False
        self._waiting = _Waiting()

    def __len__(self) -> int:
        """Return how often widgets are still to be told; from any thread."""
        return 0 if self._gui_thread is None else len(self._gui_thread.queue)

    def tell(
        self, attribute: Any, event_type: Any, value: Any, listeners: tuple[Any, ...]
    ) -> None:
        """Tell ``listeners``; may be called from any thread.

        Widgets hear it in the thread of the GUI, in the order of these calls: at once
        if this is that thread and nobody waits, else when it is their turn. One that is
        slower than its events does not hear the oldest values that wait. Those that
        have been removed or deleted by then hear nothing, nor do those of an attribute
        that is gone or was cleaned up. All others hear it now, in this thread.

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
        """Have widgets write their tooltips anew, when it is their turn; any thread.

        For what has changed of an attribute and is no news for them otherwise.

        :param listeners: as for :meth:`tell`; those that are no widgets have none.
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
        """Tell widgets what has piled up while more of them are made.

        May be called from any thread; does something in that of the GUI alone, and only
        while no widget is being told there.

        :param attribute: what is being given a listener. The listeners that it has may
            be a row that is half built: what is for them, and what comes after it,
            waits.
        """
        gui_thread = self._gui_thread
        if gui_thread is None or not gui_thread.on_duty:
            gui_thread = GuiThread.of_this_thread(self._deliver)
            if gui_thread is not None:
                # What waits for an application that is gone waits for nobody.
                self._waiting = _Waiting()
                # Before what PyQt has registered, which deletes the widgets: another
                # thread that tells one then crashes the process.
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
        """Tell widgets nothing any more."""
        self._ending = True

    def work(self, seconds: float) -> None:
        """Tell widgets for so long; does nothing but in the thread of the GUI."""
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
        # The very registration: who left and came back has been told what is known.
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
        is_value = notification.event_type in _VALUES
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
        """Return what ``widget`` has heard so far of the attribute."""
        heard = self._heard_of.get(widget)
        if heard is None or heard.attribute != notification.attribute:
            heard = self._heard_of[widget] = _Heard(notification.attribute)
            # One that was asked for its text before there was a value has chosen a
            # format for None, and would keep it.
            taurus_compat.forget_format(widget)
        return heard

    def _tell_configuration(self, attribute: Any, value: Any, widget: Any) -> None:
        """Tell a first value as a configuration, too, where Taurus does so.

        All but the first listener are told both, where the value is there when they
        come: some widgets react to the one, some to the other.
        """
        if not taurus_compat.takes_value_for_configuration(widget):
            self._tell(attribute, TaurusEventType.Config, value, widget)

    def _tell(self, attribute: Any, event_type: Any, value: Any, widget: Any) -> None:
        self._call(attribute, attribute.fireEvent, event_type, value, (widget,))

    def _call(self, attribute: Any, tell: Callable[..., Any], *what: Any) -> None:
        """Call a listener, or one who watches; what that raises is its own."""
        try:
            tell(*what)
        except Exception as error:  # noqa: BLE001 - a listener may raise anything
            attribute.error("%s: %r", attribute.getFullName(), error)
            attribute.debug("details:", exc_info=error)


#: The events that bring a value.
_VALUES = (TaurusEventType.Change, TaurusEventType.Periodic)

#: The events of which the newest counts.
_REPLACED = (*_VALUES, TaurusEventType.Error)

#: The one of the process: widgets of all attributes share the thread of the GUI.
EVENT_DISPATCHER = EventDispatcher()
