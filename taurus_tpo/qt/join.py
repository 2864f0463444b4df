"""Adds the progress bar and the inspector to windows of unmodified programs.

Taurus imports this module in every program, through the entry point group
``taurus.core.schemes``, so it must not import Qt. The search for windows starts when
the first widget listens to an attribute of the plugin.
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
