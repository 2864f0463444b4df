"""The cache of Taurus's name validators."""

from __future__ import annotations

import threading
from typing import Any


class Names(dict[str, Any]):
    """Cache of Taurus's name validators without results that lack an answer.

    Validators cache for good what a name stands for, with the alias that the database
    knows. If the database has not answered, the next lookup has to retry.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.local()

    def doubt(self) -> None:
        """Keep the name that this thread is validating out of the cache."""
        self._mine.doubtful = True

    def __setitem__(self, name: str, parts: Any) -> None:
        """Cache ``parts`` of ``name``, unless :meth:`doubt` was called; any thread."""
        doubtful = getattr(self._mine, "doubtful", False)
        self._mine.doubtful = False
        if not doubtful:
            super().__setitem__(name, parts)


#: The cache of this process.
NAMES = Names()
