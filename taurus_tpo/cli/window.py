"""Shared by the commands with a window: their options, and how the window ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable, TypeVar

import click

#: How long an offscreen window waits for the last value, s: the timeouts of a device
#: that does not answer, and a margin.
REPORT_AFTER = 15.0


class ScreenshotError(Exception):
    """The screenshot cannot be saved."""


_Command = TypeVar("_Command", bound=Callable[..., Any])

_screenshot = click.option(
    "--screenshot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save what the window shows in the end as a PNG.",
)

_duration = click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long. Without a display it ends by itself.",
)


def options(command: _Command) -> _Command:
    """Give a command the options ``--screenshot`` and ``--duration``."""
    return _screenshot(_duration(command))


class Stage:
    """Runs the window of a command until it ends.

    For the main thread, which becomes the GUI thread.

    :param name: of the command, for the window manager.
    :param duration: how long the window is shown, s; None: until it is closed or, when
        offscreen, until all values are present or :data:`REPORT_AFTER` has passed.
    """

    def __init__(self, name: str, duration: float | None) -> None:
        headless = _go_offscreen_without_display()
        from taurus.external.qt import Qt
        from taurus.qt.qtgui.application import TaurusApplication

        self._application = Qt.QApplication.instance() or TaurusApplication(
            [f"taurus {name}"], cmd_line_parser=None, app_name=f"taurus_{name}"
        )
        self._timer = Qt.QTimer()
        self._timer.timeout.connect(self._tick)
        self._duration = duration
        self._ends_by_itself = headless and duration is None
        self._begun = 0.0
        self._look: Callable[[], bool] = bool
        self._interrupted = False
        # Taurus's own handler only ends a running event loop.
        signal.signal(signal.SIGINT, self._interrupt)

    def run(self, look: Callable[[], bool], tick: float) -> None:
        """Run the event loop until the window ends.

        :param look: called at each tick; returns whether all values are present.
        :param tick: the period of the calls, s.
        """
        from taurus.external.qt import Qt

        self._look, self._begun = look, time.monotonic()
        if self._interrupted:
            return
        if self._duration is not None:
            Qt.QTimer.singleShot(int(self._duration * 1000), self._application.quit)
        # Python handles signals only between its own bytecode instructions. The timer
        # runs some, also if no attribute has a listener.
        self._timer.start(int(tick * 1000))
        self._application.exec_()
        self._timer.stop()

    def _interrupt(self, *_signal: Any) -> None:
        """End at Ctrl-C, also if it was pressed while the window was being built."""
        self._interrupted = True
        self._application.quit()

    def _tick(self) -> None:
        if self._interrupted:
            self._application.quit()
        complete = self._look()
        late = time.monotonic() - self._begun > REPORT_AFTER
        if self._ends_by_itself and (complete or late):
            self._application.quit()


def save(widget: Any, path: Path) -> None:
    """Save a screenshot of ``widget``.

    :raises ScreenshotError: if the file cannot be written.
    """
    if not widget.grab().save(str(path), "PNG"):
        raise ScreenshotError(f"the screenshot cannot be saved as {path}")


def _go_offscreen_without_display() -> bool:
    """Select Qt's offscreen platform if there is no display; return whether it is."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, displays)):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return os.environ.get("QT_QPA_PLATFORM") == "offscreen"
