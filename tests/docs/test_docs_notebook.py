"""The notebook of the tutorial, run in a kernel over the demo: what each cell shows."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from docs_reader import says
from paths import ROOT
from program_support import environment_of

from tools import notebook as runner

SAVED = nbformat.read(runner.NOTEBOOK, as_version=4)
CODE = [cell for cell in SAVED.cells if cell.cell_type == "code"]

#: What an attribute does for moments only, while it is watched.
BRIEFLY = ", and compared with the device"


#: The date of a value that was read before midnight.
DATE = re.compile(r"\b\d{4}-\d\d-\d\d (?=\d\d:)")


def texts(cell: Any) -> list[str]:
    """What a cell has written or shown, as text."""
    return [
        output.text if output.output_type == "stream" else output.data["text/plain"]
        for output in cell.outputs
    ]


def markup(cell: Any) -> list[tuple[str, list[str]]]:
    """The kinds of each output, and the elements of its HTML."""
    found = [output.get("data", {}) for output in cell.outputs]
    elements = [re.findall(r"<\w+", data.get("text/html", "")) for data in found]
    # A curve has as many lines as it has interruptions.
    return [
        (" ".join(sorted(data)), sorted(set(one))) for data, one in zip(found, elements)
    ]


@pytest.fixture(scope="module")
def executed(documented) -> list[Any]:
    """The cells of code, after a run."""
    cells = runner.executed(environment_of(documented)).cells
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("number", range(len(CODE)))
def test_a_cell_shows_what_the_documentation_shows(executed, number):
    saved, now = CODE[number], executed[number]
    assert now.source == saved.source
    assert markup(now) == markup(saved)
    for wanted, said in zip(texts(saved), texts(now)):
        as_usual = DATE.sub("", said.replace(BRIEFLY, ""))
        assert says(wanted, as_usual), f"{wanted}\n---\n{said}"


def test_the_outputs_are_there_and_of_no_machine():
    text = runner.NOTEBOOK.read_text(encoding="utf-8")
    shown = [cell.source for cell in CODE if cell.outputs]
    for part in ("read()", "%tpo read", "%tpo explain", "%tpo watch", "current"):
        assert any(part in source for source in shown)
    assert "/home/" not in text
    assert str(ROOT) not in text
    assert '"stderr"' not in text
    assert text.count("<svg") == text.count("data:image/png") == 1


def test_another_output_is_seen():
    cell = next(cell for cell in CODE if "explain" in cell.source)
    (text,) = texts(cell)
    assert says(text, text)
    assert not says(text, text.replace("AsyncRead", "Async"))
    assert not says(text, text.replace("flow5", "flow6"))
