"""Where things are in the repository."""

from __future__ import annotations

from pathlib import Path

#: The checkout.
ROOT = Path(__file__).parents[2]

DOCS = ROOT / "docs"

#: What several directories of tests share; programs of tests import it, too.
SUPPORT = Path(__file__).parent

#: The facilities that tests run.
FACILITIES = ROOT / "tests" / "facilities"
