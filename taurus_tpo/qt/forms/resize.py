"""Resizes a window to its contents when values arrive after it was shown.

A window takes its size from its contents at the time it is shown. In stock Taurus the
values are present by then. With the plugin they may arrive later; without a resize the
window would stay too narrow and its labels would keep showing ``...``.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from taurus.external.qt import Qt

from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.share_of_time import ShareOfTime
from taurus_tpo.environment.loaded_widgets import FORM, LABEL
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER

#: How often pending events are checked before windows are resized, ms.
RESIZE_PERIOD = 20

#: The longest delay of a resize by pending events, s: events may arrive continuously.
RESIZE_WAIT = 0.5

#: While rows of a form are being made, resizes take at most this part of the time: each
#: one lays out whole forms.
RESIZE_SHARE = 0.02

#: The width that Taurus's form adds to its rows for its frame, pixels.
FRAME = 20

#: The widest text that widens its window, pixels: the width of a QLabel before its
#: first layout. Stock Taurus cuts a wider text.
WIDEST = 640

#: How many sizes set by the program are remembered per window: the window system may
#: report an earlier size after a later one was set.
SIZES = 8

#: The window properties "event filter is installed" and "resized by the user".
_WATCHED, _RESIZED = "taurus_tpo_watched", "taurus_tpo_resized"

#: The attribute of the application that has its :class:`WindowResizer`.
_RESIZER = "_taurus_tpo_resizer"


def is_resize_pending() -> bool:
    """Return whether a window is to be resized to its contents. For the GUI thread."""
    resizer = getattr(Qt.QApplication.instance(), _RESIZER, None)
    return resizer is not None and resizer.is_pending


def resize_rarely(rarely: bool) -> None:
    """Say whether rows of a form are being made. For the GUI thread."""
    _resizer_of(Qt.QApplication.instance()).is_rare = rarely


def resize_later(widget: Any) -> None:
    """Schedule a resize of the window of ``widget``, which received an event.

    Resizes are combined. From the first call on, resizes by the user are detected; such
    a window is not resized. Listeners that are no widgets, such as plot items, are
    ignored. For the GUI thread.
    """
    app = Qt.QApplication.instance()
    if app is None or not isinstance(widget, Qt.QWidget):
        return
    _resizer_of(app).add(widget)


def _resizer_of(app: Any) -> WindowResizer:
    # Not found by Qt each time: each row of a form gets here several times.
    found: WindowResizer | None = getattr(app, _RESIZER, None)
    if found is None:
        found = WindowResizer(app)
        setattr(app, _RESIZER, found)
    return found


class WindowResizer(Qt.QObject):
    """Resizes windows, once for all events of a burst; for the GUI thread."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        #: The widgets that received an event since the last check.
        self._widgets: weakref.WeakSet[Any] = weakref.WeakSet()
        #: The widgets that are checked once more.
        self._again: weakref.WeakSet[Any] = weakref.WeakSet()
        self._since = 0.0
        #: Whether rows of a form are being made.
        self.is_rare = False
        self._rate = ShareOfTime(RESIZE_SHARE)
        self._timer = Qt.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        #: The last sizes that the program gave each window.
        self._windows: weakref.WeakKeyDictionary[Any, deque[Any]]
        self._windows = weakref.WeakKeyDictionary()
        # At interpreter shutdown Qt must not call our filter for windows it closes.
        app.aboutToQuit.connect(self._leave)

    def _leave(self) -> None:
        """Stop all work: the application ends."""
        self._timer.stop()
        for window in alive(self._windows):
            window.removeEventFilter(self)

    @property
    def is_pending(self) -> bool:
        """Whether windows are to be resized."""
        return bool(self._timer.isActive())

    def add(self, widget: Any) -> None:
        """Schedule a resize of the window of ``widget``."""
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
        """Mark a window that its user has resized."""
        if event.type() == Qt.QEvent.Resize:
            given = self._windows.setdefault(window, deque(maxlen=SIZES))
            if not event.spontaneous():
                given.append(event.size())
            elif event.size() not in given:
                window.setProperty(_RESIZED, True)
        return False

    def _look(self) -> None:
        """Resize the windows, unless more events are pending."""
        if len(EVENT_DISPATCHER) and SYSTEM.monotonic() - self._since < RESIZE_WAIT:
            self._timer.start(RESIZE_PERIOD)
            return
        if self.is_rare and not self._rate.is_due():
            self._timer.start(RESIZE_PERIOD)
            return
        told, self._widgets = self._widgets, weakref.WeakSet()
        with self._rate.doing():
            grown = self._fit(told | self._again)
        # Qt shows the parts of a rebuilt row some time after they were created.
        self._again = told | grown
        if self._again:
            self._timer.start(RESIZE_PERIOD)

    def _fit(self, told: weakref.WeakSet[Any]) -> weakref.WeakSet[Any]:
        """Resize the windows of these widgets; return those whose window grew."""
        windows: dict[Any, list[Any]] = {}
        for widget in alive(told):
            windows.setdefault(widget.window(), []).append(widget)
        grown: weakref.WeakSet[Any] = weakref.WeakSet()
        for window, widgets in windows.items():
            if not window.property(_RESIZED) and fit(window, widgets):
                grown.update(widgets)
        return grown


def fit(window: Any, widgets: list[Any]) -> bool:
    """Enlarge ``window`` to fit the contents of ``widgets``; never shrink it.

    :param widgets: the widgets that received a value.
    :return: whether the window, or a form in it, was enlarged.
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
    """Set the width of a form as Taurus does for one that has its values.

    :return: whether it was too narrow.
    """
    layout = form.scrollArea.widget().layout()
    width: int = layout.sizeHint().width() + FRAME
    too_narrow: bool = width > form.scrollArea.minimumWidth()
    if too_narrow:
        form.scrollArea.setMinimumWidth(width)
    return too_narrow


def _grow(window: Any) -> bool:
    """Enlarge ``window`` to its size hint, unless its size was set explicitly.

    :return: whether it was too small.
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
        # This size was not set explicitly: later contents may change it again.
        window.setAttribute(Qt.Qt.WA_Resized, False)
    return too_small


def _is_cut(widget: Any) -> bool:
    """Return whether ``widget`` is a label that shows ``...`` instead of its text."""
    is_label = LABEL.has(widget) and widget.getAutoTrim()
    # An update that is deferred is not carried out for this.
    return is_label and Qt.QLabel.text(widget) == "<a href='...'>...</a>"


def form_of(widget: Any) -> Any:
    """Return the form that contains ``widget``, or None."""
    while widget is not None and not FORM.has(widget):
        widget = widget.parent()
    return widget


def parts_of(row: Any) -> list[Any]:
    """Return the widgets of a row of a form, in the order of their making."""
    names = ("labelWidget", "readWidget", "writeWidget", "unitsWidget", "extraWidget")
    parts = [getattr(row, name)() for name in names if hasattr(row, name)]
    return [part for part in parts if part is not None]


def alive(widgets: Iterable[Any]) -> Iterator[Any]:
    """Yield the widgets that Qt has not deleted."""
    for widget in list(widgets):
        try:
            widget.window()
        except RuntimeError:
            continue
        yield widget
