"""A call of a bound method that does not keep its object alive."""

from __future__ import annotations

import weakref
from typing import Any, Callable


class WeakCallback:
    """Calls a bound method as long as its object lives, then does nothing.

    For whoever holds on to callbacks: Tango until the subscription is given up, Taurus
    until a job of its thread pool has run. An attribute has some of them, so it is made
    of as few objects as can be (a ``weakref.WeakMethod`` is made of six): Python's
    garbage collector looks at each again and again.

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
