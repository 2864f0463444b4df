"""Makes ``taurus designer`` offer the plugin's widgets."""

from __future__ import annotations

import functools
from typing import Any

import click

#: Taurus's command, and the attribute that marks a patched group.
_COMMAND, _MARK = "designer", "taurus_tpo_designer"


def join(group: click.Group) -> None:
    """Add the plugin's folder to the environment when ``taurus designer`` is run.

    Repeated calls have no effect.

    :param group: Taurus's own ``taurus`` command.
    """
    stock: Any = group.callback
    if getattr(stock, _MARK, False):
        return

    @functools.wraps(stock)
    def callback(*args: Any, **kwargs: Any) -> Any:
        result = stock(*args, **kwargs)
        if click.get_current_context().invoked_subcommand == _COMMAND:
            _prepare()
        return result

    vars(callback)[_MARK] = True
    group.callback = callback


def _prepare() -> None:
    from taurus_tpo.environment import taurus_compat
    from taurus_tpo.qt import designer

    designer.offer()
    taurus_compat.keep_designer_path(designer.with_folder)
