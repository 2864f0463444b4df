"""Results as reStructuredText, to be included in the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taurus_tpo.bench import machine
from taurus_tpo.bench.tables import TextTable, for_sphinx


def page(command: str, *tables: TextTable) -> str:
    """Return the text of ``tables`` and of their context.

    :param command: the command that repeats the measurement.
    """
    lines = [f".. Written by {command}.", ""]
    lines += [f":{n}: {text}" for n, text in provenance(machine.describe(command))]
    lines += [""]
    for table in tables:
        lines += for_sphinx(table)
    return "\n".join(lines)


def provenance(head: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the context of results, as names and texts.

    :param head: the result of :func:`taurus_tpo.bench.machine.describe`.
    """
    versions = ", ".join(f"{name} {text}" for name, text in head["versions"].items())
    yield "Date", head["date"]
    yield "Machine", head["machine"]
    yield "Load before", head.get("load", "not known")
    yield "Versions", versions
    yield "Command", f"``{head['command']}``"
