"""A TaurusGui whose configuration has forms in tabs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from taurus.qt.qtgui.panel import TaurusForm
from taurus.qt.qtgui.taurusgui import TaurusGui

from taurus_tpo.bench.window import Panel, measure_panel, rows_of

FORMS = 4

_HEAD = """
from taurus.qt.qtgui.taurusgui.utils import PanelDescription

GUI_NAME = "bench"
"""

_FORM = """
form{number} = PanelDescription(
    "Form {number}",
    classname="taurus.qt.qtgui.panel:TaurusForm",
    model={models!r},
)
"""


class Gui(Panel):
    """The TaurusGui."""

    def prepare(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="taurus_tpo_gui_")
        self._path = Path(self._folder.name, "bench_conf.py")
        models = list(self.order.models)
        size = -(-len(models) // FORMS)
        parts = [models[first : first + size] for first in range(0, len(models), size)]
        forms = (_FORM.format(number=n, models=part) for n, part in enumerate(parts))
        self._path.write_text("".join([_HEAD, *forms]), encoding="ascii")

    def open(self) -> Any:
        self.gui = TaurusGui(confname=str(self._path), configRecursionDepth=0)
        # Otherwise it asks when it is closed.
        self.gui.SAVE_SETTINGS_ON_CLOSE = False
        self.gui.resize(900, 900)
        return self.gui

    def rows(self) -> int:
        panels = map(self.gui.getPanel, self.gui.getPanelNames())
        widgets = [panel.widget() for panel in panels]
        # A TaurusGui has other panels, too.
        return rows_of([one for one in widgets if isinstance(one, TaurusForm)])


if __name__ == "__main__":
    measure_panel(Gui)
