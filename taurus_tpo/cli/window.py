"""What the commands with a window share: their options, and how the window ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable, TypeVar

import click

#: How long a window that nobody can see waits for the last value, s: the timeouts of a
#: device that does not answer, and a little more.
REPORT_AFTER = 15.0


class ScreenshotError(Exception):
    """What the window shows cannot be saved."""


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
    """Where a command shows its window, and has it end.

    For the main thread, which becomes the thread of the GUI.

    :param name: of the command, for the window manager.
    :param duration: how long it is shown, s; None: until somebody ends it, or until
        there is nothing more to see where nobody can see it.
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
        # In the place of Taurus's, which ends an event loop, and nothing before it.
        signal.signal(signal.SIGINT, self._interrupt)

    def run(self, look: Callable[[], bool], tick: float) -> None:
        """Have the window live until it ends.

        :param look: looks at what has come; returns whether all is there.
        :param tick: how often it looks, s.
        """
        from taurus.external.qt import Qt

        self._look, self._begun = look, time.monotonic()
        if self._interrupted:
            return
        if self._duration is not None:
            Qt.QTimer.singleShot(int(self._duration * 1000), self._application.quit)
        # Python handles signals only between two of its own instructions: the timer
        # gives it one, where no attribute is listened to.
        self._timer.start(int(tick * 1000))
        self._application.exec_()
        self._timer.stop()

    def _interrupt(self, *_signal: Any) -> None:
        """End at Ctrl-C; also when it came while the window was being built."""
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
    """Save what a window shows.

    :raises ScreenshotError: where that cannot be written.
    """
    if not widget.grab().save(str(path), "PNG"):
        raise ScreenshotError(f"the screenshot cannot be saved as {path}")


def _go_offscreen_without_display() -> bool:
    """Choose Qt's offscreen platform where there is no display; return whether."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, displays)):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return os.environ.get("QT_QPA_PLATFORM") == "offscreen"
