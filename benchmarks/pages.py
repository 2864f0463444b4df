"""Results as pages of the documentation, from the templates of this package."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from taurus_tpo.bench import machine
from taurus_tpo.bench.tables import NOT_MET, TextTable, is_missed


def page(command: str, *tables: TextTable) -> str:
    """Return ``tables`` and their context as reStructuredText, to be included.

    :param command: the command that repeats the measurement.
    """
    return render("results.rst.j2", head=machine.describe(command), tables=tables)


def render(template: str, **data: Any) -> str:
    """Return the text of a template with ``data``."""
    return _TEMPLATES.get_template(template).render(data)


def _marked(cell: str) -> str:
    """Return a cell of Markdown or reStructuredText, in bold if a limit is not met."""
    if not is_missed(cell):
        return cell
    return f"**{cell[: -len(NOT_MET)]}{NOT_MET.lower()}**"


_TEMPLATES = Environment(
    loader=PackageLoader("benchmarks"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["marked"] = _marked
