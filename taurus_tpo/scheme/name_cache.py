"""The names that Taurus has taken apart, as its validators remember them."""

from __future__ import annotations

import threading
from typing import Any


class Names(dict[str, Any]):
    """What Taurus's name validators remember, but no name that lacks an answer.

    For good they remember what a name stands for, with the alias that the database
    knows. Where the database has not answered, the next one who asks shall have another
    try.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.local()

    def doubt(self) -> None:
        """Say that the name that this thread is about is not to be remembered."""
        self._mine.doubtful = True

    def __setitem__(self, name: str, parts: Any) -> None:
        """Remember what ``name`` stands for, unless there is a doubt; any thread."""
        doubtful = getattr(self._mine, "doubtful", False)
        self._mine.doubtful = False
        if not doubtful:
            super().__setitem__(name, parts)


#: The names of this process.
NAMES = Names()
