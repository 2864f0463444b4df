"""What people look at: the progress of the first read, and the inspector.

Widgets for any Qt that Taurus can use. Qt is not loaded before one of them is asked
for: programs without a window import this package too.

=========================== ========================================================
:class:`FirstReadProgress`  a bar that says what is still waited for
:class:`Inspector`          every attribute of the process: its mode, its state, why
:class:`InspectorModel`     the table behind it
:func:`show_inspector`      the inspector in a window of its own
=========================== ========================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taurus_tpo.qt.inspector.model import InspectorModel
    from taurus_tpo.qt.inspector.window import Inspector, show_inspector
    from taurus_tpo.qt.progress_bar import FirstReadProgress

__all__ = ["FirstReadProgress", "Inspector", "InspectorModel", "show_inspector"]

_HOMES = {
    "FirstReadProgress": "taurus_tpo.qt.progress_bar",
    "Inspector": "taurus_tpo.qt.inspector.window",
    "InspectorModel": "taurus_tpo.qt.inspector.model",
    "show_inspector": "taurus_tpo.qt.inspector.window",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Tell of the widgets, for the wizard of a TaurusGui, which looks for them."""
    return sorted({*globals(), *__all__})
