"""The command ``taurus`` with a form, which reports its window and its first values.

Its arguments are those of the command. It does what the command does, in the same
order; only the form is watched. No Taurus is imported before.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from taurus_tpo.bench.protocol import END, VALUE, WINDOW, Telling
from taurus_tpo.bench.watching import FirstValues, first_paint

#: The variable with the full names of the attributes, as JSON.
NAMES = "TAURUS_TPO_BENCHMARK_NAMES"

#: How often new values are looked for, ms.
_OFTEN = 5


def main() -> None:
    """Do what the command ``taurus`` does."""
    import taurus
    from taurus.cli import cli

    taurus.setLogLevel(taurus.Warning)
    cli.register_subcommands()
    # Kept until the command ends the process.
    watch = _watch()  # noqa: F841
    cli.taurus_cmd()


def _watch() -> _Watch:
    """Watch the first form that is made from now on."""
    from taurus.qt.qtgui.panel import TaurusForm

    watch = _Watch(Telling(), FirstValues(json.loads(os.environ[NAMES])))
    make = TaurusForm.__init__

    def init(form: Any, *args: Any, **kwargs: Any) -> None:
        TaurusForm.__init__ = make
        make(form, *args, **kwargs)
        watch.begin(form)

    TaurusForm.__init__ = init
    return watch


class _Watch:
    """Reports the window and the values of a form; for use in the GUI thread."""

    def __init__(self, telling: Any, values: Any) -> None:
        self._telling = telling
        self._values = values
        self._has_window = False
        self._form: Any = None

    def begin(self, form: Any) -> None:
        """Report what happens to ``form``."""
        from taurus.external.qt import Qt

        self._values.watch_widgets()
        self._form = form
        self._painted = first_paint(self._on_window)
        form.installEventFilter(self._painted)
        self._timer = Qt.QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(_OFTEN)

    def _on_window(self) -> None:
        self._form.removeEventFilter(self._painted)
        self._telling.tell(WINDOW)
        self._has_window = True

    def _tick(self) -> None:
        ahead = time.time() - time.monotonic()
        for name, when in self._values.take():
            self._telling.tell(VALUE, name=name, at=when + ahead)
        if self._has_window and self._values.all_here:
            self._timer.stop()
            rows = sum(item.readWidget() is not None for item in self._form.getItems())
            self._telling.tell(END, gave_up=False, rows=rows)


if __name__ == "__main__":
    main()
