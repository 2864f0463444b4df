"""``taurus tpo explain``: the mode of each attribute and its mode source."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table

from taurus_tpo.cli import session
from taurus_tpo.cli.models import expand

#: The timeout for the devices of all globs together, s.
TIMEOUT = 10.0


@click.command("explain")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@session.json_option
def explain(models: tuple[str, ...], as_json: bool) -> None:
    """Say which mode each attribute gets, and what decided it.

    MODEL is an attribute, or a glob such as 'sim/*/*/volt*', which is looked up in the
    database.
    """
    factory = session.plugin_factory()
    rows = [explained(factory, model) for model in expand(factory, models, TIMEOUT)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("model", "mode", "decided by", box=None)
    for row in rows:
        table.add_row(*row.values())
    session.console().print(table)


def explained(factory: Any, model: str) -> dict[str, str]:
    """Return the mode of the attribute ``model``, and what decided it; never waits.

    :param factory: the plugin's.
    :raises click.ClickException: if the name is not valid.
    """
    decision = factory.decide_event_sub_mode(session.full_name(factory, model))
    return {"model": model, "mode": decision.label, "decided_by": decision.decided_by}
