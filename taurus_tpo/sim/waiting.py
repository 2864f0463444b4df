"""Waits for a condition instead of a fixed time."""

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
    """Return the first true value of ``condition()``, called every ``interval`` s.

    Blocks the calling thread. The condition is called at least once.

    :param what: the condition in the message "not within 5 s: ``what``"
    :raises TimeoutError: if it was not true within ``timeout`` s
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)
