"""What the commands share: the plugin's factory, and the names of attributes."""

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
    """Return where tables go: wide enough for names where no terminal sets a width."""
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = 200
    return made


def tango_factory() -> Any:
    """Return the factory that holds the ``tango`` scheme, whoever's it is."""
    import taurus

    return taurus.Factory("tango")


def is_ours(factory: Any) -> bool:
    """Return whether ``factory`` is the plugin's."""
    return hasattr(factory, "first_read")


def plugin_factory() -> Any:
    """Return the plugin's factory of the ``tango`` scheme.

    :raises click.ClickException: where the plugin is off, with the reason.
    """
    decided = activation.decide()
    # Without PyTango there is no factory at all.
    factory = tango_factory() if decided.active else None
    if factory is None or not is_ours(factory):
        raise click.ClickException(f"taurus_tpo is off: {decided.reason}")
    return factory


def full_name(factory: Any, model: str) -> str:
    """Return Taurus's full name of the attribute ``model``.

    :raises click.ClickException: for a name that no attribute of this scheme can have.
    """
    names = factory.getAttributeNameValidator().getNames(model, factory=factory)
    if not names or names[0] is None:
        example = "for example sys/tg_test/1/ampli"
        raise click.ClickException(f"{model!r} is no Tango attribute ({example})")
    return str(names[0])


def ask_database(factory: Any, *question: str) -> Future[Any]:
    """Have the default database asked by the pool, so that Ctrl-C is heard meanwhile.

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
    """Return the future of what has failed already."""
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def database_answer(asked: Future[Any], timeout: float) -> Any:
    """Return what the database says.

    :param timeout: how long it may take, s.
    :raises click.ClickException: where it does not answer.
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
    """Return which database is meant where nobody names one."""
    import tango

    return tango.ApiUtil.get_env_var("TANGO_HOST") or "TANGO_HOST is not set"


def explained(error: BaseException) -> str:
    """Return what Tango says of an error, or Python."""
    stack = [entry for entry in error.args if hasattr(entry, "desc")]
    return str(stack[0].desc).strip() if stack else str(error) or repr(error)
