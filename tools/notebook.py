"""Run the notebook of the documentation over the demo facility, and keep its outputs.

``python -m tools.notebook`` writes ``docs/tutorial/notebook.ipynb`` anew. What the log
says is left out, and so is what differs with each run and shows nothing. The tests run
the same cells and compare what they show.
"""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "docs" / "tutorial" / "notebook.ipynb"

#: How long a cell may take on a busy machine, s.
PATIENCE = 120

#: The kernel, as every Jupyter knows it.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def executed(environment: Mapping[str, str]) -> Any:
    """Return the notebook with the outputs of a run in a kernel of its own.

    :param environment: of the kernel; its ``TANGO_HOST`` is that of the facility.
    :raises nbclient.exceptions.CellExecutionError: if a cell raises.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory(prefix="taurus_tpo-notebook-") as folder:
        own = {
            name: os.path.join(folder, name.lower())
            for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")
        }
        client = NotebookClient(
            notebook,
            timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
        )
        client.execute(env={**environment, **own})
    for cell in notebook.cells:
        _strip(cell)
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def _strip(cell: Any) -> None:
    """Leave out of a cell what the documentation does not show."""
    if cell.cell_type != "code":
        return
    cell.metadata = nbformat.from_dict({})
    cell.outputs = [
        output
        for output in cell.outputs
        if not (output.output_type == "stream" and output.name == "stderr")
    ]
    for output in cell.outputs:
        if "metadata" in output:
            output.metadata = nbformat.from_dict({})


def main() -> None:
    """Run it over the demo, and write it."""
    from taurus_tpo.sim import Facility, find, load

    with Facility(load(find("demo"))) as running:
        notebook = executed(running.environment())
    nbformat.validate(notebook)
    nbformat.write(notebook, NOTEBOOK)
    print(f"notebook: {NOTEBOOK.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
