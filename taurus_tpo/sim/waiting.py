"""Wait for a condition rather than for a time."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None],
    timeout: float,
    what: str,
    interval: float = 0.02,
) -> T:
    """Return the first true value of ``condition()``, asked every ``interval`` s.

    :param what: names the condition in the message, as in "not within 5 s: ``what``"
    :raises TimeoutError: if it was not true within ``timeout`` s; asked once at least

    May be called from any thread; blocks that one.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)
