"""The configurations that one device has returned, and which to request again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

C = TypeVar("C")

#: A program that has made that many attributes since the last answer is expected to
#: make more.
MANY = 4


class ConfigurationCache(Generic[C]):
    """Configurations by attribute, each with the time of its request.

    Methods may be called from any thread: each replaces or reads one object.
    """

    def __init__(self) -> None:
        #: By name in lower case: time of the request, monotonic clock, s, and what the
        #: device has returned.
        self._known: dict[str, tuple[float, C]] = {}
        self._wanted: set[str] = set()
        #: How many attributes are wanted since the last answer, and whether there are
        #: many and the answer is too old for the last one.
        self._new = 0
        self._needs_all = False
        #: All attributes of the device, when all were requested last.
        self.attributes: tuple[str, ...] = ()

    def take_all(self, infos: Iterable[tuple[str, C]], requested: float) -> None:
        """Take the configurations of all attributes of the device.

        :param requested: when they were requested, monotonic clock, s.
        """
        found = list(infos)
        self.attributes = tuple(name for name, _ in found)
        self._replace({name.lower(): (requested, info) for name, info in found})

    def take(self, infos: Iterable[tuple[str, C]], requested: float) -> None:
        """Take some configurations; the others stay as they are."""
        news = {name.lower(): (requested, info) for name, info in infos}
        self._replace({**self._known, **news})

    def _replace(self, known: dict[str, tuple[float, C]]) -> None:
        self._known = known
        self._new, self._needs_all = 0, False

    def get(self, attribute: str, after: float) -> C | None:
        """Return a configuration that was requested at ``after`` or later, else None.

        The attribute is wanted from now on.
        """
        name = attribute.lower()
        is_new = name not in self._wanted
        if is_new:
            self._wanted.add(name)
            self._new += 1
        requested, info = self._known.get(name, (float("-inf"), None))
        if requested >= after:
            return info
        self._needs_all |= is_new and self._new > MANY
        return None

    def to_request(self) -> list[str]:
        """Return the attributes to request again; empty: all of the device.

        Those that somebody wants, if they are fewer than all, and the device had each
        of them. All while a program makes many attributes: each new one would otherwise
        request those of all before it.
        """
        if self._needs_all:
            return []
        wanted = self._wanted.copy()
        there = {name.lower() for name in self.attributes}
        return sorted(wanted) if wanted < there else []

    def forget(self) -> None:
        """Forget all configurations: one has changed."""
        self._known = {}
