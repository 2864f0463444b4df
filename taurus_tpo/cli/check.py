"""``taurus tpo check``: checks the installation of the plugin on this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import click
from rich.table import Table

from taurus_tpo import __version__
from taurus_tpo.cli import session
from taurus_tpo.environment import activation, taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: The timeout of the database, s.
TIMEOUT = 10.0


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
    yield "Taurus", taurus_compat.taurus_version()
    yield "PyTango", str(taurus_compat.installed_pytango() or "not installed")
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
    if taurus_compat.why_pytango_is_unsupported() is not None:
        return "not asked"
    try:
        session.database_answer(_ask_database(), TIMEOUT)
    except click.ClickException as error:
        wrong.append(error.message)
        return "does not answer"
    return f"{session.database_name()} answers"


def _ask_database() -> Future[Any]:
    factory = session.tango_factory() if activation.decide().active else None
    if factory is not None and session.is_ours(factory):
        return session.ask_database(factory, "DbInfo")
    # Stock Taurus has no threads for this.
    import tango

    asked: Future[Any] = Future()
    try:
        asked.set_result(tango.Database().get_info())
    except tango.DevFailed as error:
        asked.set_exception(error)
    return asked
