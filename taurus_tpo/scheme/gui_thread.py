"""Brings work into the thread of the GUI, in slices between which the GUI lives on.

Knows Qt through what Taurus has loaded, and loads nothing itself: where there is no
widget, there is no Qt.
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
from taurus_tpo.scheme.signal_wakeup import hear_signals

#: How long the thread of the GUI works without a break, s: not to be felt, and long
#: enough that the layouts and paintings that follow are few.
SLICE = 0.02

#: Who wants to know that widgets listen.
_GREETERS: list[Callable[[], Any]] = []


def when_widgets_listen(greet: Callable[[], Any]) -> None:
    """Have ``greet`` called when the first widget of an application listens.

    In the thread of the GUI, in the midst of the building of that widget: it must not
    do much, and must not raise.
    """
    _GREETERS.append(greet)


def current_application() -> Any:
    """Return the ``QCoreApplication``; None where there is none, or no Qt.

    May be called from any thread.
    """
    qt = widgets_of_qt()
    return None if qt is None else qt.QCoreApplication.instance()


def application_of_this_thread() -> Any:
    """Return the application whose thread calls, the main one; None for any other.

    Only the main thread is looked at: Qt would adopt any other that asks for its name.
    """
    app = current_application()
    if app is None or threading.current_thread() is not threading.main_thread():
        return None
    return app if app.thread() == widgets_of_qt().QThread.currentThread() else None


class GuiThread:
    """The one who works a queue in the thread of an application.

    :param app: the ``QCoreApplication``; made in its thread.
    :param do: does one item of the queue, in that thread; must not raise.
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
        """Return one for the application of this thread, None if it has none."""
        app = application_of_this_thread()
        if app is None:
            return None
        hear_signals(app)
        made = cls(app, do)
        for greet in _GREETERS:
            greet()
        return made

    @property
    def on_duty(self) -> bool:
        """Whether its application lives; may be asked from any thread."""
        app = self._app()
        return app is not None and current_application() is app

    @property
    def here(self) -> bool:
        """Whether the caller is the thread that it works in."""
        return threading.get_ident() == self._ident

    def may_tell(self, listener: Any) -> bool:
        """Return whether ``listener`` is a live widget of its thread.

        Taurus's widgets do nothing but emit a signal when they are told. Whoever
        overrides that, or has filters that Taurus promises to call outside of the
        thread of the GUI, may do what would block it. May be called from any thread.
        """
        if not _only_emits(listener) or listener.getEventFilters(preqt=True):
            return False
        return self.can_reach(listener)

    def can_reach(self, widget: Any) -> bool:
        """Return whether ``widget`` lives, and in its thread; from any thread."""
        try:
            return bool(widget.thread() == self._thread)
        except RuntimeError:  # Qt has deleted it
            return False

    def _wake(self) -> None:
        self._post(self._ear, self._event(self._event.User))

    def _wake_later(self) -> None:
        # Not another event: Qt sends those before it paints. And a new timer each
        # time: one whose time-out is being handled is silent in the loop of a dialog.
        self._ear.startTimer(0)


def widgets_of_qt() -> Any:
    """Return Taurus's module ``Qt``; None in a program that has not loaded it."""
    qt = sys.modules.get("taurus.external.qt.Qt")
    # Another thread may be loading it; widgets come last.
    return qt if hasattr(qt, "QWidget") else None


def is_of_taurus(listener: Any) -> bool:
    """Return whether ``listener`` is a widget of Taurus's, or one that derives from it.

    May be called from any thread.
    """
    return COMPONENT.has(listener)


def _only_emits(listener: Any) -> bool:
    """Return whether ``listener`` is a widget that is told as Taurus's are."""
    base = COMPONENT.find()
    if base is None or not isinstance(listener, base):
        return False
    # Nothing is remembered of a class: it may hold what should be collected.
    kind = type(listener)
    own = ("eventReceived", "fireEvent")
    told_as_ever = all(getattr(kind, name) is getattr(base, name) for name in own)
    return told_as_ever and isinstance(listener, widgets_of_qt().QObject)


@functools.cache
def _ear_class() -> Any:
    base: Any = widgets_of_qt().QObject

    class Ear(base):
        """Hears in the thread in which it was made that there is something to do."""

        def __init__(self, turn: Callable[[], None]) -> None:
            super().__init__()
            self._turn = turn

        def customEvent(self, _event: Any) -> None:
            self._turn()

        def timerEvent(self, event: Any) -> None:
            self.killTimer(event.timerId())
            self._turn()

    return Ear
