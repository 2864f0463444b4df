"""Joins the windows of programs that know nothing of this package.

Taurus imports this module beside its schemes (it is a name in the entry point group
``taurus.core.schemes``), in every program: nothing of Qt is loaded here. When the first
widget of a program listens to an attribute of ours, it begins to look for windows.
"""

from __future__ import annotations

from typing import Any

from taurus_tpo.scheme.event_dispatch import when_first_told
from taurus_tpo.scheme.gui_thread import when_widgets_listen


def _begin() -> None:
    from taurus_tpo.qt.main_window import watch_windows

    watch_windows()


def _fit(widget: Any) -> None:
    from taurus_tpo.qt.forms.resize import resize_later

    resize_later(widget)


when_widgets_listen(_begin)
when_first_told(_fit)
