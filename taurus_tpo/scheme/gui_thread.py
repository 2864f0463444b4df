"""Runs work in the GUI thread, in slices between which Qt handles its events.

Uses the Qt that Taurus has loaded and loads nothing itself: without Qt there are no
widgets.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from typing import Any, Callable

from taurus_tpo.concurrency.time_sliced_queue import TimeSlicedQueue
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.loaded_widgets import COMPONENT
from taurus_tpo.scheme.signal_wakeup import handle_signals

#: How long the GUI thread works without a break, s: not noticeable, and long enough
#: that few layouts and paints follow.
SLICE = 0.02

#: Functions that are called when widgets begin to listen.
_GREETERS: list[Callable[[], Any]] = []


def when_widgets_listen(greet: Callable[[], Any]) -> None:
    """Have ``greet`` called when the first widget of an application listens.

    Called in the GUI thread while that widget is being built: it must be fast and must
    not raise.
    """
    _GREETERS.append(greet)


def current_application() -> Any:
    """Return the ``QCoreApplication``; None without one, or without Qt.

    May be called from any thread.
    """
    qt = widgets_of_qt()
    return None if qt is None else qt.QCoreApplication.instance()


def application_of_this_thread() -> Any:
    """Return the application if the caller is its thread, the main one; else None.

    Threads other than the main one are not examined: Qt would adopt them.
    """
    app = current_application()
    if app is None or threading.current_thread() is not threading.main_thread():
        return None
    return app if app.thread() == widgets_of_qt().QThread.currentThread() else None


class GuiThread:
    """Works off a queue in the thread of an application.

    :param app: the ``QCoreApplication``; to be constructed in its thread.
    :param do: handles one item of the queue, in that thread; must not raise.
    """

    def __init__(self, app: Any, do: Callable[[Any], Any]) -> None:
        qt = widgets_of_qt()
        taurus_compat.quicken_widgets()
        self._app = weakref.ref(app)
        self._thread = app.thread()
        self._ident = threading.get_ident()
        self._event = qt.QEvent
        self._post = qt.QCoreApplication.postEvent
        self.queue: TimeSlicedQueue[Any] = TimeSlicedQueue(
            do, self._wake, self._wake_later
        )
        self._ear = _ear_class()(functools.partial(self.queue.turn, SLICE))

    @classmethod
    def of_this_thread(cls, do: Callable[[Any], Any]) -> GuiThread | None:
        """Return one for the application of this thread, or None without one."""
        app = application_of_this_thread()
        if app is None:
            return None
        handle_signals(app)
        made = cls(app, do)
        for greet in _GREETERS:
            greet()
        return made

    @property
    def on_duty(self) -> bool:
        """Whether its application exists; any thread."""
        app = self._app()
        return app is not None and current_application() is app

    @property
    def here(self) -> bool:
        """Whether the caller is its thread."""
        return threading.get_ident() == self._ident

    def may_tell(self, listener: Any) -> bool:
        """Return whether ``listener`` is a live widget of its thread.

        Taurus's widgets only emit a signal when they get an event. A class that
        overrides that, or has filters that Taurus promises to call outside of the GUI
        thread, may block it. Such listeners do not count. May be called from any
        thread.
        """
        if not _only_emits(listener) or listener.getEventFilters(preqt=True):
            return False
        return self.can_reach(listener)

    def can_reach(self, widget: Any) -> bool:
        """Return whether ``widget`` is alive and in its thread; any thread."""
        try:
            return bool(widget.thread() == self._thread)
        except RuntimeError:  # Qt has deleted it
            return False

    def _wake(self) -> None:
        self._post(self._ear, self._event(self._event.User))

    def _wake_later(self) -> None:
        # Not another event: Qt sends those before it paints. A new timer each time: one
        # whose time-out is being handled does not fire in the loop of a dialog.
        self._ear.startTimer(0)


def widgets_of_qt() -> Any:
    """Return Taurus's module ``Qt``; None if the program has not loaded it."""
    qt = sys.modules.get("taurus.external.qt.Qt")
    # Another thread may be loading it; the widgets are loaded last.
    return qt if hasattr(qt, "QWidget") else None


def is_of_taurus(listener: Any) -> bool:
    """Return whether ``listener`` is a widget of Taurus, or of a subclass.

    May be called from any thread.
    """
    return COMPONENT.has(listener)


def _only_emits(listener: Any) -> bool:
    """Return whether ``listener`` is a widget that handles events as Taurus's do."""
    base = COMPONENT.find()
    if base is None or not isinstance(listener, base):
        return False
    # Not cached by class: a cache would keep the class alive.
    kind = type(listener)
    own = ("eventReceived", "fireEvent")
    told_as_ever = all(getattr(kind, name) is getattr(base, name) for name in own)
    return told_as_ever and isinstance(listener, widgets_of_qt().QObject)


@functools.cache
def _ear_class() -> Any:
    base: Any = widgets_of_qt().QObject

    class Ear(base):
        """Receives wake-ups in the thread in which it was made."""

        def __init__(self, turn: Callable[[], None]) -> None:
            super().__init__()
            self._turn = turn

        def customEvent(self, _event: Any) -> None:
            self._turn()

        def timerEvent(self, event: Any) -> None:
            self.killTimer(event.timerId())
            self._turn()

    return Ear
