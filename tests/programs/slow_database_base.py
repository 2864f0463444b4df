"""What makes the database of the test take its time over each question."""

from __future__ import annotations

import os
from pathlib import Path


def take_time(seconds: float) -> None:
    """Have it take as long, s: see ``tests/support/slow_database.py``."""
    Path(os.environ["SLOW_DATABASE"]).write_text(str(seconds))
