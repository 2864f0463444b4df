"""``taurus tpo check``: whether all is well with the plugin on this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import click
from rich.table import Table

from taurus_tpo import __version__, activation, compat
from taurus_tpo.cli import session
from taurus_tpo.customsettings import CUSTOM_SETTINGS


@click.command("check")
def check() -> None:
    """Show versions, whether the plugin is on, the settings, the database.

    Exits with 1 if something is wrong.
    """
    wrong: list[str] = []
    table = Table(show_header=False, box=None)
    for name, text in _facts(wrong):
        table.add_row(name, text)
    console = session.console()
    console.print(table)
    for line in wrong:
        console.print(f"[red]wrong[/red]: {line}", soft_wrap=True)
    raise SystemExit(1 if wrong else 0)


def _facts(wrong: list[str]) -> Iterator[tuple[str, str]]:
    yield "taurus_tpo", __version__
    yield "Taurus", compat.taurus_version()
    yield "PyTango", compat.pytango_version() or "cannot be imported"
    yield "Python", platform.python_version()
    yield "plugin", _activation(wrong)
    read = [file.path for file in CUSTOM_SETTINGS.files()]
    yield "settings files", "\n".join(read) or "none"
    wrong.extend(str(problem) for problem in CUSTOM_SETTINGS.problems())
    yield "database", _database(wrong)


def _activation(wrong: list[str]) -> str:
    decided = activation.decide()
    if decided.amiss:
        wrong.append(decided.reason)
    if not decided.active:
        return f"off: {decided.reason}"
    factory = session.tango_factory()
    if not session.is_ours(factory):
        owner = type(factory)
        wrong.append(
            f"{owner.__module__}.{owner.__name__} holds the tango scheme; is the entry "
            "point taurus.core.schemes of taurus_tpo installed?"
        )
        return "off"
    return "on"


def _database(wrong: list[str]) -> str:
    try:
        import tango
    except ImportError:
        return "not asked"
    try:
        database = tango.Database()
        database.get_info()
    except tango.DevFailed as error:
        host = tango.ApiUtil.get_env_var("TANGO_HOST") or "TANGO_HOST is not set"
        wrong.append(f"the database does not answer ({host}): {error.args[0].desc}")
        return "does not answer"
    return f"{database.get_db_host()}:{database.get_db_port()} answers"
