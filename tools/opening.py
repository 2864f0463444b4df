"""Record how a form of 1,000 rows opens, with the plugin and with stock Taurus.

Runs both in a real window of an X server without a screen (Xvfb), and saves frames of
it side by side: ``python tools/opening.py docs/_static/opening.png``. The figures of
the documentation come from ``make bench``, not from here: this machine takes pictures
meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

#: When frames are taken, s after the form got its models.
FRAMES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)

#: The size of the window, and of a frame in the picture, pixels.
WINDOW, FRAME = (400, 420), (200, 210)

#: The height of the captions of the picture, and the space between frames, pixels.
CAPTION, SPACE = 20, 6

#: The case of the benchmark whose facility is used.
CASE = "thousand"

SIDES = {"with the plugin": "1", "stock Taurus": "0"}


def show_form() -> None:
    """Open the form whose models stand on the standard input; the recorded program."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.application import TaurusApplication
    from taurus.qt.qtgui.panel import TaurusForm

    models = json.load(sys.stdin)
    application = TaurusApplication(["form"], cmd_line_parser=None)
    application.setFont(Qt.QFont("DejaVu Sans", 8))
    form = TaurusForm()
    form.setWithButtons(False)
    form.setGeometry(0, 0, *WINDOW)
    print("begin", flush=True)
    form.setModel(models)
    form.show()
    application.exec_()


def record(models: list[str], side: str) -> list[Any]:
    """Return what the screen shows at each of :data:`FRAMES`."""
    from taurus.external.qt import Qt

    program = subprocess.Popen(
        [sys.executable, __file__, "--form"],
        env={**os.environ, "TAURUS_TPO": SIDES[side]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(json.dumps(models))
    program.stdin.close()
    program.stdout.readline()
    begin, found = time.monotonic(), []
    for seconds in FRAMES:
        time.sleep(max(begin + seconds - time.monotonic(), 0.0))
        found.append(Qt.QApplication.primaryScreen().grabWindow(0))
        print(f"{side}: {time.monotonic() - begin:.2f} s", flush=True)
    program.kill()
    program.wait()
    return found


def side_by_side(recorded: dict[str, list[Any]]) -> Any:
    """Return one picture: a line for each side, with its frames."""
    from taurus.external.qt import Qt

    width = len(FRAMES) * (FRAME[0] + SPACE)
    line = FRAME[1] + CAPTION
    picture = Qt.QPixmap(width, len(recorded) * line + CAPTION)
    picture.fill(Qt.QColor("white"))
    painter = Qt.QPainter(picture)
    painter.setFont(Qt.QFont("DejaVu Sans", 9))
    for column, seconds in enumerate(FRAMES):
        painter.drawText(column * (FRAME[0] + SPACE), CAPTION - 6, f"{seconds:g} s")
    for row, (side, frames) in enumerate(recorded.items()):
        top = CAPTION + row * line
        for column, frame in enumerate(frames):
            small = frame.scaled(
                *FRAME,
                Qt.Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.Qt.TransformationMode.SmoothTransformation,
            )
            painter.drawPixmap(column * (FRAME[0] + SPACE), top, small)
        painter.drawText(0, top + FRAME[1] + CAPTION - 6, side)
    painter.end()
    return picture


def take(path: Path) -> None:
    """Record both sides and save the picture."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.cases import CASES
    from benchmarks.facilities import models_of, spec_of
    from taurus_tpo.sim import Facility
    from tools.display import display

    (case,) = (one for one in CASES if one.name == CASE)
    models = [model for group in case.groups for model in models_of(group)]
    with Facility(spec_of(CASE, case.groups)) as running, display(*WINDOW) as name:
        os.environ.update(running.environment())
        os.environ.update(DISPLAY=name, QT_QPA_PLATFORM="xcb")
        from taurus.external.qt import Qt

        application = Qt.QApplication(["opening"])
        recorded = {side: record(models, side) for side in SIDES}
        saved = side_by_side(recorded).save(str(path), "PNG", 0)
        del application
    if not saved:
        raise SystemExit(f"{path} cannot be written")


def main() -> None:
    """Take the picture, or be the program that is recorded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", nargs="?", type=Path, help="where the picture is saved")
    parser.add_argument("--form", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.form:
        show_form()
    elif arguments.path is None:
        parser.error("where is the picture to be saved?")
    else:
        take(arguments.path)


if __name__ == "__main__":
    main()
