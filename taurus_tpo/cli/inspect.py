"""``taurus tpo inspect``: a form with the inspector of its attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from taurus_tpo.cli import session, window
from taurus_tpo.cli.models import expand, is_glob

#: The timeout for the devices of all globs together, s; it delays the window.
EXPANSION = 2.0

#: How often completeness is checked, s; it matters only without a display.
_TICK = 0.1

#: The initial widths of form and inspector, and the height, pixels.
_WIDTHS, _HEIGHT = (480, 960), 720


@click.command("inspect")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@window.options
def inspect(
    models: tuple[str, ...], screenshot: Path | None, duration: float | None
) -> None:
    """Open a form over these attributes, and the inspector beside it.

    MODEL is an attribute, or a glob such as 'sim/*/*/volt*', which is looked up in the
    database. Devices that do not answer hold nothing up: their rows come by themselves.
    """
    factory = session.plugin_factory()
    names = _told(expand(factory, models, EXPANSION))
    full = [session.full_name(factory, name) for name in names]
    stage = window.Stage("tpo inspect", duration)
    shown = open_window(full)
    stage.run(lambda: _complete(factory), _TICK)
    if screenshot is not None:
        try:
            window.save(shown, screenshot)
        except window.ScreenshotError as error:
            # Not a ClickException: click cannot write to the stderr of a
            # TaurusApplication.
            raise SystemExit(f"Error: {error}") from error
        session.console().print(f"screenshot: {screenshot}", markup=False)
    shown.close()


def _told(names: Sequence[str]) -> list[str]:
    """Return names of attributes, without globs of devices that did not answer.

    :raises click.ClickException: if none is left.
    """
    left = [name for name in names if is_glob(name)]
    for name in left:
        reason = "its device did not tell its attributes in time"
        click.echo(f"{name} is left out: {reason}", err=True)
    if len(left) == len(names):
        raise click.ClickException("no attribute is left to be shown")
    return [name for name in names if not is_glob(name)]


def open_window(models: Sequence[str]) -> Any:
    """Show a form over ``models`` with the inspector next to it; return the window."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.container import TaurusMainWindow
    from taurus.qt.qtgui.panel import TaurusForm

    from taurus_tpo.qt import Inspector

    class Window(TaurusMainWindow):
        """A main window without optional parts; the plugin adds the progress bar."""

        SPLASH_LOGO_NAME = None
        TAURUS_MENU_ENABLED = HELP_MENU_ENABLED = False
        FULLSCREEN_TOOLBAR_ENABLED = USER_PERSPECTIVES_ENABLED = False
        LOGGER_WIDGET_ENABLED = SAVE_SETTINGS_ON_CLOSE = False

    made = Window()
    made.setWindowTitle("taurus_tpo inspect")
    splitter = Qt.QSplitter(made)
    form = TaurusForm()
    form.setWithButtons(False)
    form.setModel(list(models))
    splitter.addWidget(form)
    splitter.addWidget(Inspector())
    splitter.setSizes(list(_WIDTHS))
    splitter.setStretchFactor(1, 1)
    made.setCentralWidget(splitter)
    made.resize(sum(_WIDTHS), _HEIGHT)
    made.show()
    return made


def _complete(factory: Any) -> bool:
    """Return whether each attribute shows a value, or an error of its own."""
    from taurus_tpo.core.clock import SYSTEM
    from taurus_tpo.qt.inspector.attribute_list import summary

    found = summary(factory.attributes(), SYSTEM.monotonic())
    return found.wanted > 0 and found.complete
