"""Shared by the commands: the plugin's factory, names of attributes, the database."""

from __future__ import annotations

from concurrent.futures import Future, TimeoutError
from typing import Any

import click
from rich.console import Console

from taurus_tpo.environment import activation

json_option = click.option(
    "--json", "as_json", is_flag=True, help="A list of objects, for programs."
)


def console() -> Console:
    """Return the console for tables; its width is fixed if it is not a terminal."""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = 200
    return made


def tango_factory() -> Any:
    """Return the factory that holds the ``tango`` scheme, the plugin's or another."""
    import taurus

    return taurus.Factory("tango")


def is_ours(factory: Any) -> bool:
    """Return whether ``factory`` is the plugin's."""
    return hasattr(factory, "first_read")


def plugin_factory() -> Any:
    """Return the plugin's factory of the ``tango`` scheme.

    :raises click.ClickException: if the plugin is off, with the reason.
    """
    decided = activation.decide()
    # Without PyTango there is no factory.
    factory = tango_factory() if decided.active else None
    if factory is None or not is_ours(factory):
        raise click.ClickException(f"taurus_tpo is off: {decided.reason}")
    return factory


def full_name(factory: Any, model: str) -> str:
    """Return Taurus's full name of the attribute ``model``.

    :raises click.ClickException: if the name is not valid in this scheme.
    """
    names = factory.getAttributeNameValidator().getNames(model, factory=factory)
    if not names or names[0] is None:
        example = "for example sys/tg_test/1/ampli"
        raise click.ClickException(f"{model!r} is no Tango attribute ({example})")
    return str(names[0])


def ask_database(factory: Any, *question: str) -> Future[Any]:
    """Query the default database in the pool, so that Ctrl-C is handled meanwhile.

    :param factory: the plugin's.
    :param question: a command of the database, and its argument.
    """
    try:
        with factory.hurry():
            database = factory.getAuthority()
    except Exception as error:  # noqa: BLE001 - becomes the answer
        return failed(error)
    return database.begin_to_ask(*question)


def failed(error: Exception) -> Future[Any]:
    """Return a future that has failed with ``error``."""
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def database_answer(asked: Future[Any], timeout: float) -> Any:
    """Return the answer of the database.

    :param timeout: s.
    :raises click.ClickException: if it does not answer.
    """
    try:
        return asked.result(max(0.0, timeout))
    except TimeoutError:
        reason = "no answer in time"
    except Exception as error:  # noqa: BLE001 - Tango's, or that of a name that is none
        reason = explained(error)
    who = f"the database does not answer ({database_name()})"
    raise click.ClickException(f"{who}: {reason}")


def database_name() -> str:
    """Return the name of the default database."""
    import tango

    return tango.ApiUtil.get_env_var("TANGO_HOST") or "TANGO_HOST is not set"


def explained(error: BaseException) -> str:
    """Return the description of a Tango error, or the text of a Python error."""
    stack = [entry for entry in error.args if hasattr(entry, "desc")]
    return str(stack[0].desc).strip() if stack else str(error) or repr(error)
