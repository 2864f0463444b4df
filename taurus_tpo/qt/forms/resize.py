"""Gives a window the size that its values need, when they come after it was shown.

A window takes its size from what it shows when it is shown. Stock Taurus has waited for
the values by then. Here they may come a moment later, or when a server is back: the
window would stay as narrow as it was, and labels would show ``...`` for good.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.environment.loaded_widgets import FORM, LABEL
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER

#: How often is looked whether all widgets have been told what has come, ms.
RESIZE_PERIOD = 20

#: For how long that is waited for, s: values may come without end.
RESIZE_WAIT = 0.5

#: What the frame of a form is wider than its rows: as Taurus's form has it.
FRAME = 20

#: How wide a text may be that makes its window wider: the width of a label of Qt's that
#: was not laid out yet. In stock Taurus, a text that does not fit in there is cut.
WIDEST = 640

#: How many sizes that a program has given a window are known: the window system may
#: still be telling of an earlier one when it has got another.
SIZES = 8

#: The property of a window to whose events is listened, and of one that its user has
#: given another size.
_WATCHED, _RESIZED = "taurus_tpo_watched", "taurus_tpo_resized"


def resize_later(widget: Any) -> None:
    """Have the window of ``widget``, which was told of its attribute, made to fit.

    Soon, together with others; called in the thread of the GUI. From the first time on
    it is noticed when the user gives the window another size. What is no widget, such
    as an item of a plot, has no window of its own.
    """
    app = Qt.QApplication.instance()
    if app is None or not isinstance(widget, Qt.QWidget):
        return
    fitting = app.findChild(WindowResizer)
    (fitting if fitting is not None else WindowResizer(app)).add(widget)


class WindowResizer(Qt.QObject):
    """Makes windows fit, once for all values of a burst; in the thread of the GUI."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        #: Those that have been told something since the last look.
        self._widgets: weakref.WeakSet[Any] = weakref.WeakSet()
        #: Those that are looked at once more.
        self._again: weakref.WeakSet[Any] = weakref.WeakSet()
        self._since = 0.0
        self._timer = Qt.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        #: The windows, and the sizes that the program gave them last.
        self._windows: weakref.WeakKeyDictionary[Any, deque[Any]]
        self._windows = weakref.WeakKeyDictionary()
        # While Python ends, Qt must call no method of ours for what it still closes.
        app.aboutToQuit.connect(self._leave)

    def _leave(self) -> None:
        """Look at no window any more: the application ends."""
        self._timer.stop()
        for window in _alive(self._windows):
            window.removeEventFilter(self)

    def add(self, widget: Any) -> None:
        """Have the window of ``widget`` made to fit."""
        window = widget.window()
        if not window.property(_WATCHED):
            window.setProperty(_WATCHED, True)
            window.installEventFilter(self)
            self._windows[window] = deque([window.size()], SIZES)
        self._widgets.add(widget)
        if not self._timer.isActive():
            self._since = SYSTEM.monotonic()
            self._timer.start(0)

    def eventFilter(self, window: Any, event: Any) -> bool:
        """Take note of a window that gets its size from its user."""
        if event.type() == Qt.QEvent.Resize:
            given = self._windows.setdefault(window, deque(maxlen=SIZES))
            if not event.spontaneous():
                given.append(event.size())
            elif event.size() not in given:
                window.setProperty(_RESIZED, True)
        return False

    def _look(self) -> None:
        """Make the windows fit, unless more values wait to be told."""
        if len(EVENT_DISPATCHER) and SYSTEM.monotonic() - self._since < RESIZE_WAIT:
            self._timer.start(RESIZE_PERIOD)
            return
        told, self._widgets = self._widgets, weakref.WeakSet()
        grown = self._fit(told | self._again)
        # Qt shows the parts of a row that is made anew a moment after they were made.
        self._again = told | grown
        if self._again:
            self._timer.start(RESIZE_PERIOD)

    def _fit(self, told: weakref.WeakSet[Any]) -> weakref.WeakSet[Any]:
        """Make the windows of these widgets fit; return those in windows that grew."""
        windows: dict[Any, list[Any]] = {}
        for widget in _alive(told):
            windows.setdefault(widget.window(), []).append(widget)
        grown: weakref.WeakSet[Any] = weakref.WeakSet()
        for window, widgets in windows.items():
            if not window.property(_RESIZED) and fit(window, widgets):
                grown.update(widgets)
        return grown


def fit(window: Any, widgets: list[Any]) -> bool:
    """Make ``window`` large enough for what some of its widgets show; never smaller.

    :param widgets: those that have been told a value.
    :return: whether it, or a form in it, is larger now.
    """
    cut = [widget for widget in widgets if _is_cut(widget)]
    for label in cut:
        label.setAutoTrim(False)
    for label in cut:
        if label.sizeHint().width() > WIDEST:
            label.setAutoTrim(True)
    forms = {form for form in map(form_of, widgets) if form is not None}
    widened = [form for form in forms if _widen(form)]
    grown = _grow(window)
    for form in forms:
        form.scrollArea.widget().layout().activate()
    for label in cut:
        label.setAutoTrim(True)
    return grown or bool(widened)


def _widen(form: Any) -> bool:
    """Let a form be as wide as Taurus makes one that has its values.

    :return: whether it was not.
    """
    layout = form.scrollArea.widget().layout()
    width: int = layout.sizeHint().width() + FRAME
    too_narrow: bool = width > form.scrollArea.minimumWidth()
    if too_narrow:
        form.scrollArea.setMinimumWidth(width)
    return too_narrow


def _grow(window: Any) -> bool:
    """Give a window that has its size from its contents that of these contents.

    :return: whether it was smaller.
    """
    layout = window.layout()
    if layout is not None:
        layout.activate()
    if not window.isVisible() or window.testAttribute(Qt.Qt.WA_Resized):
        return False
    most = window.screen().availableGeometry().size() * 2 / 3
    size = window.size().expandedTo(window.sizeHint().boundedTo(most))
    too_small: bool = size != window.size()
    if too_small:
        window.resize(size)
        # Nobody has asked for this size.
        window.setAttribute(Qt.Qt.WA_Resized, False)
    return too_small


def _is_cut(widget: Any) -> bool:
    """Return whether ``widget`` is a label that shows dots instead of its text."""
    is_label = LABEL.has(widget) and widget.getAutoTrim()
    return is_label and widget.text() == "<a href='...'>...</a>"


def form_of(widget: Any) -> Any:
    """Return the form that ``widget`` is in, None if it is in none."""
    while widget is not None and not FORM.has(widget):
        widget = widget.parent()
    return widget


def _alive(widgets: Iterable[Any]) -> Iterator[Any]:
    """Yield those that Qt has not deleted."""
    for widget in list(widgets):
        try:
            widget.window()
        except RuntimeError:
            continue
        yield widget
