"""A call of a bound method that does not keep its object alive. Floor 0."""

from __future__ import annotations

import weakref
from typing import Any, Callable


class WeakCall:
    """Calls a bound method as long as its object lives, then does nothing.

    For whoever holds on to callbacks: Tango until the subscription is given up, Taurus
    until a job of its thread pool has run.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = weakref.WeakMethod(method)
        self.__name__ = method.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        method = self._method()
        if method is not None:
            method(*args, **kwargs)
