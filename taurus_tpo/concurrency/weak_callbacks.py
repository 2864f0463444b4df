"""A callback to a bound method that does not keep its object alive."""

from __future__ import annotations

import weakref
from typing import Any, Callable


class WeakCallback:
    """Calls a bound method while its object exists, then does nothing.

    For callbacks that others keep: Tango until the subscription is ended, Taurus until
    a job of its thread pool has run. Attributes have several of them, and Python's
    garbage collector visits each repeatedly, so this uses as few objects as possible (a
    ``weakref.WeakMethod`` takes six).

    :param method: of an object of a Python class.
    """

    __slots__ = ("_function", "_object")

    def __init__(self, method: Callable[..., Any]) -> None:
        bound: Any = method
        self._object = weakref.ref(bound.__self__)
        self._function = bound.__func__

    @property
    def __name__(self) -> str:
        """The name of the method."""
        return str(self._function.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        called = self._object()
        if called is not None:
            self._function(called, *args, **kwargs)
