"""The fault matrix as a table for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matrix_support import MODES, Fault, Outcome

from benchmarks.pages import page
from taurus_tpo.bench.tables import NOT_MET, TextTable

COMMAND = "make test-faults"


def as_page(outcomes: Mapping[Fault, Mapping[str, Outcome]]) -> str:
    """Return what became of each fault, as reStructuredText."""
    rows = [
        (fault.name, f"{fault.within:g}", *(_cell(fault, found[m]) for m in MODES))
        for fault, found in outcomes.items()
    ]
    head = ("fault", "allowed, s", *MODES)
    table = TextTable("Until all that is shown is true, s", head, tuple(rows))
    return "\n".join([page(COMMAND, table), *_notes(outcomes)])


def _cell(fault: Fault, outcome: Outcome) -> str:
    unfit = outcome.wrong or outcome.left or outcome.problems or outcome.code
    late = outcome.is_late(fault.within)
    if unfit or outcome.healed is None or None in (outcome.follows, outcome.stays):
        return NOT_MET
    return f"{outcome.healed:.1f}" + (" (late)" if late else "")


def _notes(outcomes: Mapping[Fault, Mapping[str, Outcome]]) -> Iterator[str]:
    for fault in outcomes:
        if fault.note:
            yield f"{fault.name}: {fault.note}"
            yield ""
