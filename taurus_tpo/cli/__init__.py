"""The command line: ``taurus tpo ...`` and the options of ``taurus`` itself.

Taurus imports this module at each start of ``taurus``. To keep that fast, each command
is imported when it is run.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from taurus_tpo import __version__
from taurus_tpo.cli import designer, options
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: The location of each command.
_COMMANDS = {
    "bench": "taurus_tpo.cli.bench:bench",
    "check": "taurus_tpo.cli.check:check",
    "demo": "taurus_tpo.cli.demo:demo",
    "explain": "taurus_tpo.cli.explain:explain",
    "inspect": "taurus_tpo.cli.inspect:inspect",
    "read": "taurus_tpo.cli.read:read",
    "sim": "taurus_tpo.sim.command:sim",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError as error:
            return _missing(cmd_name, error)


def _missing(name: str, error: ImportError) -> click.Command:
    """Return a command that fails with the name of the missing extra."""
    extra = name if name in ("bench", "demo") else "sim"
    help_text = f"Needs more: pip install 'taurus_tpo[{extra}]'"

    @click.command(
        name, help=help_text, context_settings={"ignore_unknown_options": True}
    )
    @click.argument("arguments", nargs=-1)
    def command(arguments: tuple[str, ...]) -> None:  # noqa: ARG001
        raise click.ClickException(f"{error}. {help_text}")

    return command


@click.group("tpo", cls=_LazyGroup)
@click.version_option(__version__, prog_name="taurus_tpo")
def tpo() -> None:
    """Event subscription modes and first reads of Tango attributes."""


def _join_taurus() -> None:
    from taurus.cli.cli import taurus_cmd

    CUSTOM_SETTINGS.watch()
    options.install(taurus_cmd)
    designer.join(taurus_cmd)


_join_taurus()
