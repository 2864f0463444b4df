"""What the commands share: the plugin's factory, and the names of attributes."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from taurus_tpo import activation

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
    factory = tango_factory()
    if not decided.active or not is_ours(factory):
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
