"""Take the screenshots of the documentation from the current version.

Runs the demo facility offscreen and saves pictures of the demo, the progress bar, the
inspector, the rows of a hung server, the report of a small benchmark and a large form
that opens to ``docs/_static``. Needs the extras ``demo`` and ``bench``, and Xvfb.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "_static"

#: The timeout for something to appear, s.
PATIENCE = 120.0

#: What the benchmark measures; it must take less than a minute.
MEASURED = ("sim/power/*/*", "sim/cooling/*/*", "sim/gun/*/*")
MEASURED_WITH = ("--modes", "AsyncRead,SyncRead", "--repeat", "3")

#: The first part of the report that is not in the picture.
BELOW = "What it costs"

#: The hung server of the demo, and the rows of its picture.
HUNG = "TpoSim/gun"
HUNG_ROWS = (
    *("sim/power/01/current", "sim/power/01/voltage"),
    *("sim/gun/01/heater", "sim/gun/01/high_voltage"),
    *("sim/vacuum/01/pressure", "sim/cooling/01/flow1", "sim/power/02/current"),
    *("sim/power/02/voltage", "sim/cooling/02/flow1"),
)

#: The attribute whose tooltip is shown.
TOLD = "sim/gun/01/high_voltage"

#: Variables of this machine that must not affect the pictures.
FOREIGN = ("TANGO_HOST", "TAURUS_TPO", "DISPLAY", "WAYLAND_DISPLAY")

PICTURES = (
    *("demo", "hung-rows", "progress", "inspector", "bench-report"),
    "opening",
)


class PictureError(Exception):
    """The expected contents of a picture did not appear."""


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Process Qt events until ``condition`` holds.

    :raises PictureError: if it does not hold in time.
    """
    from taurus.external.qt import Qt

    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise PictureError(f"not seen: {what}")
        Qt.QApplication.processEvents()
        Qt.QThread.msleep(10)


def save(picture: Any, name: str) -> None:
    """Write a picture to its file."""
    path = TARGET / f"{name}.png"
    if not picture.save(str(path), "PNG", 0):
        raise PictureError(f"{path} cannot be written")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB", flush=True)


# --- the demo -------------------------------------------------------------------------


def taurus(*arguments: str) -> None:
    """Run a ``taurus`` command in a process of its own."""
    program = Path(sys.executable).with_name("taurus")
    subprocess.run([str(program), *arguments], check=True)


def take_demo() -> None:
    """Take the window of ``taurus tpo demo``, which starts its own facility."""
    taurus("tpo", "demo", "--screenshot", str(TARGET / "demo.png"))


def take_opening() -> None:
    """Take frames of a form that opens, in processes and a display of its own."""
    program = Path(__file__).with_name("opening.py")
    path = TARGET / "opening.png"
    subprocess.run([sys.executable, str(program), str(path)], check=True)


# --- widgets --------------------------------------------------------------------------


@contextmanager
def main_window(models: list[str]) -> Iterator[Any]:
    """Yield a ``TaurusMainWindow`` with a form."""
    from taurus.qt.qtgui.container import TaurusMainWindow
    from taurus.qt.qtgui.panel import TaurusForm

    class Window(TaurusMainWindow):  # type: ignore[misc]
        """A main window without optional parts."""

        SPLASH_LOGO_NAME = None
        HELP_MENU_ENABLED = FULLSCREEN_TOOLBAR_ENABLED = False
        APPLETS_TOOLBAR_ENABLED = QUICK_ACCESS_TOOLBAR_ENABLED = False
        LOGGER_WIDGET_ENABLED = SAVE_SETTINGS_ON_CLOSE = False

    window = Window()
    window.setWindowTitle("Accelerator")
    form = TaurusForm()
    form.setWithButtons(False)
    form.setModel(models)
    window.setCentralWidget(form)
    window.resize(760, 430)
    window.show()
    yield window
    form.setModel([])
    window.close()


def take_progress(models: list[str]) -> None:
    """Take the progress bar that the plugin adds to the status bar."""
    from taurus_tpo.qt import FirstReadProgress

    with main_window(models) as window:

        def is_told() -> bool:
            bar = window.findChild(FirstReadProgress)
            # All attributes but those of two servers have arrived.
            return bar is not None and bar.text() == wanted(models)

        wait_until(is_told, "the progress bar: " + wanted(models))
        save(window.grab(), "progress")


def wanted(models: list[str]) -> str:
    """Return the final text of the progress bar for the demo."""
    silent = [name for name in models if name.startswith(("sim/gun/", "sim/undul"))]
    there = f"{len(models) - len(silent)} of {len(models)}"
    return f"{there} \N{MIDDLE DOT} 2 servers not answering"


def take_inspector(models: list[str]) -> None:
    """Take the inspector in its initial view, and grouped by server."""
    from taurus.external.qt import Qt

    from taurus_tpo.core.status import Condition
    from taurus_tpo.qt import show_inspector
    from taurus_tpo.qt.inspector.rows import INDEX, Group, Row

    with main_window(models):
        inspector = show_inspector()
        inspector.resize(1230, 430)
        # Errors first; columns as wide as after a double click on the header.
        inspector.view.sortByColumn(INDEX["state"], Qt.Qt.SortOrder.AscendingOrder)

        def rows() -> list[Any]:
            return [one for one in inspector.model.entries() if isinstance(one, Row)]

        def is_at_rest() -> bool:
            samples = [row.sample for row in rows()]
            moving = (Condition.CONNECTING, Condition.IDLE)
            events = sum(row.rate is not None for row in rows())
            return (
                len(samples) == len(models)
                and all(one.condition not in moving and one.status for one in samples)
                and events == len(models)
                and inspector.model.conditions()[Condition.SUBSCRIBED] > 100
            )

        wait_until(is_at_rest, "the rows of the inspector")
        for name in ("state", "decided_by", "error", "name"):
            inspector.view.resizeColumnToContents(INDEX[name])
        save(inspector.grab(), "inspector")
        inspector._group.setChecked(True)
        shown = (HUNG, "TpoSim/rf", "TpoSim/undulator")
        for entry in inspector.model.entries():
            if isinstance(entry, Group) and entry.name not in shown:
                inspector.model.fold(entry)
        wait_until(lambda: len(inspector.model.entries()) < 40, "the lines of servers")
        save(inspector.grab(), "inspector-by-server")
        inspector.close()


def take_hung_rows() -> None:
    """Take a form with rows of a hung server, and the tooltip of one of them."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.panel import TaurusForm

    form = TaurusForm()
    form.setWithButtons(False)
    form.setModel(list(HUNG_ROWS))
    form.resize(560, 330)
    form.show()
    attribute = form.getItemByIndex(HUNG_ROWS.index(TOLD)).getModelObj()
    label = form.getItemByIndex(HUNG_ROWS.index(TOLD)).labelWidget()

    def is_told() -> bool:
        others = (n for n, name in enumerate(HUNG_ROWS) if "/gun/" not in name)
        texts = (form.getItemByIndex(n).readWidget().text() for n in others)
        there = all(text[:1].isdigit() for text in texts)
        return there and f"{HUNG} does not answer, next try in" in attribute.status

    wait_until(is_told, "the story of a row")
    where = label.mapToGlobal(label.rect().bottomLeft())
    Qt.QToolTip.showText(where, label.getFormatedToolTip(), label)
    wait_until(lambda: tip() is not None and tip().isVisible(), "the tooltip")
    save(with_tip(form, tip(), label), "hung-rows")
    Qt.QToolTip.hideText()
    form.setModel([])
    form.close()


def tip() -> Any:
    """Return the visible tooltip; Qt has no API for it."""
    from taurus.external.qt import Qt

    windows = Qt.QApplication.topLevelWidgets()
    kind = "QTipLabel"
    found = (one for one in windows if one.metaObject().className() == kind)
    return next(found, None)


def with_tip(form: Any, shown: Any, label: Any) -> Any:
    """Return a picture of a form with the tooltip at its usual place."""
    from taurus.external.qt import Qt

    picture, over = form.grab(), shown.grab()
    at = label.mapTo(form, label.rect().bottomLeft()) + Qt.QPoint(24, 4)
    painter = Qt.QPainter(picture)
    painter.drawPixmap(at, over)
    painter.end()
    return picture


# --- the benchmark --------------------------------------------------------------------


def take_report() -> None:
    """Take the upper part of the report page of ``taurus tpo bench``."""
    from taurus.external.qt import Qt

    with tempfile.TemporaryDirectory() as folder:
        taurus("tpo", "bench", *MEASURED, *MEASURED_WITH, "--out", folder)
        html = (Path(folder) / "report.html").read_text(encoding="utf-8")
    page = Qt.QTextDocument()
    page.setDefaultFont(Qt.QFont("DejaVu Sans", 9))
    for number, data in enumerate(re.findall(r'"data:image/png;base64,([^"]+)"', html)):
        name = f"picture-{number}"
        html = html.replace(f"data:image/png;base64,{data}", name)
        raw = Qt.QByteArray.fromBase64(data.encode())
        image = Qt.QImage.fromData(raw, "PNG")
        page.addResource(
            Qt.QTextDocument.ResourceType.ImageResource, Qt.QUrl(name), image
        )
    page.setHtml(html)
    page.setTextWidth(1000)
    below = page.documentLayout().blockBoundingRect(page.find(BELOW).block())
    picture = Qt.QPixmap(1000, int(below.top()))
    picture.fill(Qt.Qt.GlobalColor.white)
    painter = Qt.QPainter(picture)
    page.drawContents(painter)
    painter.end()
    save(picture, "bench-report")


# --- all of it ------------------------------------------------------------------------


def take(chosen: list[str]) -> None:
    """Take the chosen ones of :data:`PICTURES`."""
    from taurus_tpo.cli.demo import by_turns
    from taurus_tpo.sim import Facility, find, load

    if "demo" in chosen:
        take_demo()
    if "opening" in chosen:
        take_opening()
    spec = load(find("demo"))
    models = by_turns(spec.models())
    with Facility(spec) as running:
        os.environ["TANGO_HOST"] = running.tango_host
        from taurus.external.qt import Qt
        from taurus.qt.qtgui.application import TaurusApplication

        application = TaurusApplication(["pictures"], cmd_line_parser=None)
        application.setQuitOnLastWindowClosed(False)
        # A usual font size of a desktop; offscreen, no desktop sets one.
        application.setFont(Qt.QFont("DejaVu Sans", 8))
        taken: dict[str, Callable[[], None]] = {
            "hung-rows": take_hung_rows,
            "progress": lambda: take_progress(models),
            "inspector": lambda: take_inspector(models),
            "bench-report": take_report,
        }
        for name in taken:
            if name in chosen:
                taken[name]()


def main() -> None:
    """Take the pictures named on the command line; all by default."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help=str(PICTURES))
    chosen = parser.parse_args().pictures or list(PICTURES)
    if not set(chosen) <= set(PICTURES):
        parser.error(f"there are {', '.join(PICTURES)}")
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as home:
        # Ignore the user's settings and stored columns.
        os.environ.update(HOME=home, XDG_CONFIG_HOME=home, XDG_CONFIG_DIRS=home)
        take(chosen)


if __name__ == "__main__":
    main()
