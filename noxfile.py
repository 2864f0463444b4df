"""The cells of the matrix of versions, a session each: see ``tools/matrix.py``.

``make matrix`` runs all of them, ``make test-cells`` a part of two: those with the tag
``tested``, with the argument ``quick``.
"""

from __future__ import annotations

import functools
import pathlib
import sys

import nox

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "tools"))

import matrix
import pythons

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True

prepare = functools.cache(matrix.prepare)
find = functools.cache(pythons.find)


def _run(session: nox.Session, cell: matrix.Cell) -> None:
    """Install the wheel with the versions of a cell, and run its steps."""
    wheel = f"{prepare()}[{cell.extras}]"
    session.install("--quiet", "--prefer-binary", wheel, *cell.requirements)
    # That of an earlier run may have the same version.
    session.install("--quiet", "--no-deps", "--force-reinstall", str(prepare()))
    python = str(pathlib.Path(session.bin) / "python")
    steps = matrix.TESTED[cell] if "quick" in session.posargs else matrix.STEPS
    if not matrix.run(cell, python, steps):
        session.error(f"see {matrix.BUILD}")


def _register(cell: matrix.Cell) -> None:
    """Make the session of a cell; without its Python, one that is skipped."""
    found = find(cell.python)

    @nox.session(
        name=str(cell),
        python=False if found is None else str(found.path),
        tags=["tested"] if cell in matrix.TESTED else [],
    )
    def run(session: nox.Session) -> None:
        if found is None:
            session.skip(f"there is no Python {cell.python}")
        _run(session, cell)


for _cell in matrix.cells():
    _register(_cell)
