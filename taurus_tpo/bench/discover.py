"""Finds the attributes that a program shows, by starting it.

``python -m taurus_tpo.bench.discover`` reads a
:class:`~taurus_tpo.bench.protocol.DiscoverOrder`: the configuration of a TaurusGui (a
directory or a module) or a Python program. The program runs offscreen until its event
loop has run for some time; then it is ended.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

from taurus_tpo.bench.census import Census
from taurus_tpo.bench.protocol import END, VALUE, DiscoverOrder, Telling

#: How long the event loop runs, ms: panels may create widgets in it.
SHOWN = 3000


def main() -> None:
    """Carry out the order from the standard input."""
    order = DiscoverOrder.from_json(sys.stdin.readline())
    telling = Telling()

    def tell() -> None:
        for name in _attributes():
            telling.tell(VALUE, model=name)
        telling.tell(END)
        sys.stderr.flush()
        # Skip the program's own cleanup.
        os._exit(0)

    Census(order.limit, tell).start()
    _end_after(SHOWN, tell)
    path = Path(order.path).resolve()
    if path.is_file():
        sys.argv = [str(path)]
        sys.path.insert(0, str(path.parent))
        runpy.run_path(str(path), run_name="__main__")
    # The file has not run an event loop: it is the configuration of a TaurusGui.
    _open_gui(path)
    tell()


def _end_after(milliseconds: int, then: Any) -> None:
    """Call ``then`` after an event loop, started by any code, has run for a while."""
    # Must come first: the two modules import each other.
    import taurus.core  # noqa: F401
    from taurus.taurusstatecontroller import application

    def begun(*_event: Any) -> None:
        from taurus.external.qt import Qt

        Qt.QTimer.singleShot(milliseconds, then)

    application.application_ready_eg.subscribeEvent(begun, with_first_event=False)
    begun_with.append(begun)


#: Keeps the callbacks alive: Taurus holds weak references to subscribers.
begun_with: list[Any] = []


def _open_gui(path: Path) -> None:
    from taurus.qt.qtgui.application import TaurusApplication
    from taurus.qt.qtgui.taurusgui import TaurusGui

    application = TaurusApplication(
        ["discover"], cmd_line_parser=None, app_name="taurus_tpo bench"
    )
    gui = TaurusGui(confname=str(path), configRecursionDepth=0)
    gui.show()
    application.exec_()


def _attributes() -> list[str]:
    """Return the full names of the Tango attributes that have listeners."""
    import taurus

    attributes = taurus.Factory("tango").tango_attrs
    return [name for name, one in list(attributes.items()) if one.hasListeners()]


if __name__ == "__main__":
    main()
