"""A Tango database that takes its time over each question; run as a module.

How long it sleeps before each, s, is in the file that the environment variable
``SLOW_DATABASE`` names. The process answers all the while whether it runs, as one does
that is busy.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from databaseds import database


def _take_time(_device: object) -> None:
    file = Path(os.environ["SLOW_DATABASE"])
    time.sleep(float(file.read_text()) if file.exists() else 0.0)


if __name__ == "__main__":
    database.DataBase.always_executed_hook = _take_time
    database.main()
