"""Results as reStructuredText, to be included in a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taurus_tpo.bench import machine
from taurus_tpo.bench.tables import TextTable, for_sphinx


def page(command: str, *tables: TextTable) -> str:
    """Return ``tables``, and what they come from.

    :param command: what has the same measured again.
    """
    lines = [f".. Written by {command}.", ""]
    lines += [f":{n}: {text}" for n, text in provenance(machine.describe(command))]
    lines += [""]
    for table in tables:
        lines += for_sphinx(table)
    return "\n".join(lines)


def provenance(head: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what results come from, as names and texts.

    :param head: as of :func:`taurus_tpo.bench.machine.describe`.
    """
    versions = ", ".join(f"{name} {text}" for name, text in head["versions"].items())
    yield "Date", head["date"]
    yield "Machine", head["machine"]
    yield "Load before", head.get("load", "not known")
    yield "Versions", versions
    yield "Command", f"``{head['command']}``"
