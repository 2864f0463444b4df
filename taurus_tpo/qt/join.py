"""Adds to programs with Taurus widgets what they do not ask for.

The progress bar and the inspector in each window, forms that are built fast and grow
with their values, garbage collection in the GUI thread, and an end without a crash.

Taurus imports this module in every program, through the entry point group
``taurus.core.schemes``, so it must not import Qt. The search for windows starts when
the first widget listens to an attribute of the plugin.
"""

from __future__ import annotations

from typing import Any

from taurus_tpo.environment import activation
from taurus_tpo.environment.loaded_widgets import COMPONENT
from taurus_tpo.scheme.event_dispatch import when_first_told
from taurus_tpo.scheme.gui_thread import when_widgets_listen


def _begin() -> None:
    from taurus_tpo.qt.forms import overrides
    from taurus_tpo.qt.garbage_collection import collect_here
    from taurus_tpo.qt.main_window import watch_windows
    from taurus_tpo.qt.windows_at_exit import hide_windows_at_exit

    overrides.install()
    collect_here()
    watch_windows()
    hide_windows_at_exit()


def _fit(widget: Any) -> None:
    from taurus_tpo.qt.forms import overrides
    from taurus_tpo.qt.forms.resize import resize_later
    from taurus_tpo.qt.garbage_collection import COLLECTOR, MANY

    # Forms may be loaded late.
    overrides.install()
    resize_later(widget)
    # While a window is being built, its event loop does not run.
    COLLECTOR.look(MANY)


def _join() -> None:
    if COMPONENT.find() is not None:
        # The first form may be filled before a widget listens.
        from taurus_tpo.qt.forms import overrides

        overrides.install_with_each_widget()
    when_widgets_listen(_begin)
    when_first_told(_fit)


# Taurus imports this module where the plugin is turned off, too.
if activation.decide().active:
    _join()
