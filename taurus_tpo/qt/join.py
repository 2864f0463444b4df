"""Joins the windows of programs that know nothing of this package.

Taurus imports this module beside its schemes (it is a name in the entry point group
``taurus.core.schemes``), in every program: nothing of Qt is loaded here. When the first
widget of a program listens to an attribute of ours, it begins to look for windows.
"""

from __future__ import annotations

from taurus_tpo.scheme.courier import when_widgets_listen


def _begin() -> None:
    from taurus_tpo.qt.windows import watch_windows

    watch_windows()


when_widgets_listen(_begin)
