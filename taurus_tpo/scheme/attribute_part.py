"""Base class of the parts of one attribute's implementation."""

from __future__ import annotations

import threading
import weakref
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute

P = TypeVar("P", bound="AttributePart")


class AttributePart:
    """Part of the implementation of one attribute, which owns it.

    It holds the attribute by a weak reference: with a cycle of references, Python would
    destroy the attribute only in its next garbage collection. Methods may be called
    from any thread while the caller holds the attribute; a method that Tango or the
    pool calls is a :func:`callback`.

    :param attribute: the owner.
    :param lock: that of the part which calls this one with it held; None: its own.
    """

    # An application has thousands of them.
    __slots__ = ("__weakref__", "_lock", "_owner")

    def __init__(
        self, attribute: TpoTangoAttribute, lock: threading.Lock | None = None
    ) -> None:
        self._lock = lock or threading.Lock()
        self.belong_to(attribute)

    def belong_to(self, attribute: TpoTangoAttribute) -> None:
        """Set the owner: called again while it is cleaned up.

        Python's garbage collector clears the weak references to an object in a cycle
        before it calls the object's ``__del__``, in which Taurus cleans up.
        """
        self._owner = weakref.ref(attribute)

    def restart_in_child(self) -> None:
        """Replace the lock in a forked child process; another thread may hold it."""
        self._lock = threading.Lock()

    @property
    def _attribute(self) -> TpoTangoAttribute:
        """The owner, for a caller that holds it."""
        attribute = self._owner()
        assert attribute is not None, "a part was called without its attribute"
        return attribute


def callback(method: Callable[..., None]) -> Callable[..., None]:
    """Make a method of a part do nothing once its attribute is destroyed.

    The attribute is not destroyed during the call.
    """

    @wraps(method)
    def call(self: P, *args: Any, **kwargs: Any) -> None:
        attribute = self._owner()
        if attribute is not None:
            method(self, *args, **kwargs)

    return call
