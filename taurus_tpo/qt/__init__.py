"""Qt widgets: the progress of the first read, and the attribute inspector.

They work with every Qt binding that Taurus supports. Qt is imported when one of them is
first accessed, because programs without a window import this package too.

=========================== ========================================================
:class:`FirstReadProgress`  a progress bar with the attributes that are still missing
:class:`Inspector`          every attribute of the process: mode, state, mode source
:class:`InspectorModel`     the table model of the inspector
:func:`show_inspector`      opens the inspector in a window of its own
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
    """Include the widgets: the panel wizard of a TaurusGui lists a module with this."""
    return sorted({*globals(), *__all__})
