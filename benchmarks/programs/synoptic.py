"""A synoptic: a file of JDraw with the state and the values of each device."""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.graphic import TaurusJDrawSynopticsView
from taurus.qt.qtgui.graphic.jdraw.jdraw_parser import new_parser
from taurus.qt.qtgui.graphic.taurusgraphic import TaurusGraphicsItem

from taurus_tpo.bench.window import Panel, measure_panel

#: The number of columns of devices, and the size of the place of each.
COLUMNS = 10
WIDTH, HEIGHT = 160, 80

_STATE = """
  JDEllipse {{
    summit:{x},{y},{x1},{y1}
    origin:{x},{y}
    fillStyle:1
    name:"tango:{model}"
  }}"""

_VALUE = """
  JDSwingObject {{
    summit:{x},{y},{x1},{y1}
    origin:{x},{y}
    fillStyle:1
    lineWidth:0
    name:"tango:{model}"
    extensions:{{
      unitVisible:"true"
      userFormat:""
      alarmEnabled:"true"
      validBackground:"0,255,0"
      invalidText:"-----"
    }}
    className:"fr.esrf.tangoatk.widget.attribute.SimpleScalarViewer"
    font:"Dialog",0,12
  }}"""


def jdraw_of(models: Sequence[str]) -> str:
    """Return the text of a JDraw file with these attributes and their devices."""
    groups = itertools.groupby(models, lambda model: model.rpartition("/")[0])
    devices = (_device(n, device, of) for n, (device, of) in enumerate(groups))
    return "JDFile v11 {\n  Global {\n  }" + "".join(devices) + "\n}\n"


def _device(number: int, device: str, models: Iterable[str]) -> str:
    row, column = divmod(number, COLUMNS)
    x, y = column * WIDTH, row * HEIGHT
    return "".join(
        [
            _STATE.format(model=device, x=x, y=y, x1=x + 18, y1=y + 18),
            *(
                _VALUE.format(
                    model=model,
                    x=x + 20,
                    y=y + 22 * line,
                    x1=x + WIDTH - 10,
                    y1=y + 22 * line + 18,
                )
                for line, model in enumerate(models)
            ),
        ]
    )


class Synoptic(Panel):
    """The synoptic in a window."""

    def prepare(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="taurus_tpo_synoptic_")
        self._path = Path(self._folder.name, "synoptic.jdw")
        self._path.write_text(jdraw_of(self.order.models), encoding="ascii")
        # The first parser of a user writes its tables to a file.
        new_parser()
        self._watch_items()

    def _watch_items(self) -> None:
        """Record the events of the items: they are no widgets."""
        handle, hear = TaurusGraphicsItem.fireEvent, self.looking.values.hear

        @functools.wraps(handle)
        def fire_event(
            item: Any, source: Any = None, kind: Any = None, value: Any = None
        ) -> None:
            try:
                handle(item, source, kind, value)
            finally:
                hear(source, value)

        TaurusGraphicsItem.fireEvent = fire_event

    def open(self) -> Any:
        window = Qt.QWidget()
        layout = Qt.QVBoxLayout(window)
        self.view = TaurusJDrawSynopticsView(window)
        layout.addWidget(self.view)
        self.view.setModel(str(self._path))
        window.resize(1200, 900)
        return window

    def rows(self) -> int:
        models = {model.lower() for model in self.order.models}
        return len(models & {name.lower() for name in self._names()})

    def _names(self) -> Iterator[str]:
        """Yield the names of the items that show an attribute."""
        for item in self.view.scene().items():
            if getattr(item, "getModelObj", lambda: None)() is not None:
                yield item.getName()


if __name__ == "__main__":
    measure_panel(Synoptic)
