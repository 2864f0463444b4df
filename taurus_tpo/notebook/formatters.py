"""How a shell shows Taurus's values and the plugin's attributes.

The functions are registered with IPython by type. The classes have no ``_repr_html_``
of their own: ``TangoAttrValue`` looks up what it does not have in its attribute, so
that a value would be shown as the attribute. And ``repr`` stays that of Taurus.
"""

from __future__ import annotations

import time
from concurrent.futures import wait
from typing import Any, Callable

from taurus_tpo.cli.read import reason
from taurus_tpo.notebook import plots
from taurus_tpo.notebook.table import Cell, Table
from taurus_tpo.notebook.values import Shown, shown

#: Where IPython finds the classes; they need not be imported.
VALUE = "taurus.core.taurusbasetypes.TaurusAttrValue"
ATTRIBUTE = "taurus_tpo.scheme.attribute.TpoTangoAttribute"

#: How long showing an attribute waits for its value, s.
READING = 1.0

#: A value that was read or told in the last so many seconds is shown as it is: IPython
#: asks for the text and for the HTML, one after the other.
RECENT = 0.2

HTML, TEXT = "text/html", "text/plain"


def value_text(value: Any, printer: Any, cycle: bool) -> None:  # noqa: ARG001
    """Print a value; called by IPython."""
    printer.text(f"<{type(value).__name__} {shown(value)}>")


def value_html(value: Any) -> str:
    """Return a value as HTML; called by IPython."""
    told = shown(value)
    columns = ["value", "set value", "quality", "time"]
    cells = [value_cell(told), Cell(told.written), Cell(told.quality), Cell(told.clock)]
    if not told.written:
        del columns[1], cells[1]
    return Table(columns, [cells])._repr_html_()


def value_cell(told: Shown) -> Cell:
    """Return the cell of a value, with the picture of an array."""
    return Cell(told.value, "" if told.numbers is None else plots.picture(told.numbers))


def attribute_text(attribute: Any, printer: Any, cycle: bool) -> None:  # noqa: ARG001
    """Print an attribute; called by IPython.

    Reads the device if nothing keeps its value current, see :func:`known_now`, but not
    as an element of a list.
    """
    known = attribute.known if len(printer.stack) > 1 else known_now(attribute)
    value = "no value yet"
    if known.value is not None:
        value = str(shown(known.value))
    elif known.error is not None:
        value = reason(known.error)
    printer.text(f"<{attribute.getNormalName()}: {value}; {mode_of(attribute)}; ")
    printer.text(f"{attribute.status}>")


def attribute_html(attribute: Any) -> str:
    """Return an attribute as HTML; called by IPython; reads as :func:`known_now`."""
    columns = ("attribute", "value", "quality", "time", "mode", "status")
    known = known_now(attribute)
    row = (
        Cell(attribute.getNormalName()),
        *known_cells(known),
        Cell(mode_of(attribute)),
        Cell(attribute.status),
    )
    return Table(columns, [row])._repr_html_()


def known_cells(known: Any) -> tuple[Cell, Cell, Cell]:
    """Return the value, the quality and the time of what is known of an attribute.

    :param known: a :class:`~taurus_tpo.core.value_cache.Known`.
    """
    if known.value is None and known.error is None:
        return Cell("no value yet"), Cell(""), Cell("")
    return cells_of(known.value, "" if known.error is None else reason(known.error))


def cells_of(value: Any, error: str) -> tuple[Cell, Cell, Cell]:
    """Return the value, the quality and the time of a ``TangoAttrValue``.

    :param value: None: there is an ``error`` in its place.
    """
    if value is None:
        return Cell(error, failed=True), Cell("FAILED"), Cell("")
    told = shown(value)
    return value_cell(told), Cell(told.quality), Cell(told.clock)


def mode_of(attribute: Any) -> str:
    """Return the mode of an attribute, and who decided it."""
    decision = attribute.event_sub_decision
    return f"{decision.label}, decided by: {decision.decided_by}"


def known_now(attribute: Any) -> Any:
    """Return the present value or error of an attribute.

    Where neither events nor polls keep it current, the pool reads it, and this waits
    for at most :data:`READING` s; then it returns what was known before.
    """
    known = attribute.known
    is_recent = time.time() - known.heard < RECENT
    kept = attribute.is_listened_to or attribute.isPollingActive()
    if (kept and not known.empty) or is_recent or attribute.closed:
        return known
    if attribute.getParentObj() is not None:
        wait([attribute.factory().readAttributeFirstTime(attribute)], READING)
    return attribute.known


#: The functions, by IPython's kind of output and the class.
FUNCTIONS: dict[tuple[str, str], Callable[..., Any]] = {
    (TEXT, VALUE): value_text,
    (HTML, VALUE): value_html,
    (TEXT, ATTRIBUTE): attribute_text,
    (HTML, ATTRIBUTE): attribute_html,
}


class Formatters:
    """The functions in a shell, until :meth:`remove`.

    :param shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self._formatters = shell.display_formatter.formatters
        self._before = {
            (kind, name): self._formatters[kind].for_type(name, function)
            for (kind, name), function in FUNCTIONS.items()
        }

    def remove(self) -> None:
        """Take them out of the shell, and put back what was there."""
        for (kind, name), before in self._before.items():
            self._formatters[kind].pop(name, None)
            if before is not None:
                self._formatters[kind].for_type(name, before)
