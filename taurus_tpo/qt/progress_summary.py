"""Progress of the first read as a line of text: no Qt, no Tango, no threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from taurus_tpo.core.server_health import Server
from taurus_tpo.core.text import plural

#: The waiting time after which an attribute counts as slow, s.
SLOW_AFTER = 1.0

#: How many names are listed per category.
NAMES_SHOWN = 15


@dataclass(frozen=True)
class Missing:
    """An attribute with a listener that has neither a value nor an error of its own.

    :param name: its display name.
    :param waiting: how long it has been waiting, s.
    :param server: the server that it waits for, if known.
    :param refused: whether its last error was that the device is unreachable.
    """

    name: str
    waiting: float
    server: Server | None = None
    refused: bool = False

    @property
    def is_left_alone(self) -> bool:
        """Whether it is missing because its server does not answer."""
        return self.refused or (self.server is not None and self.server.silent)


@dataclass(frozen=True)
class ProgressSummary:
    """Progress of the first read of a set of attributes.

    :param wanted: number of attributes with a listener.
    :param there: how many of them have a value, or an error from the device.
    :param slow: names of attributes that are slow although their server answers.
    :param silent: names of servers that do not answer, and of devices whose server is
        not known.
    """

    wanted: int = 0
    there: int = 0
    slow: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    @classmethod
    def of(cls, wanted: int, missing: Iterable[Missing]) -> ProgressSummary:
        """Build the summary.

        :param wanted: number of attributes with a listener.
        :param missing: those that have neither a value nor an error of their own.
        """
        found = tuple(missing)
        waiting = [one for one in found if not one.is_left_alone]
        slow = sorted(one.name for one in waiting if one.waiting >= SLOW_AFTER)
        silent = {_whom(one) for one in found if one.is_left_alone}
        return cls(wanted, wanted - len(found), tuple(slow), tuple(sorted(silent)))

    @property
    def complete(self) -> bool:
        """Whether no attribute is missing."""
        return self.there >= self.wanted

    def __str__(self) -> str:
        parts = [f"{self.there} of {self.wanted}"]
        if self.slow:
            parts.append(f"{len(self.slow)} slow")
        if self.silent:
            parts.append(f"{plural(len(self.silent), 'server')} not answering")
        return " \N{MIDDLE DOT} ".join(parts)

    @property
    def details(self) -> str:
        """The names, one per line."""
        lines = [f"{self.there} of {plural(self.wanted, 'attribute')} are there"]
        lines += _listed("slow", self.slow)
        lines += _listed("not answering", self.silent)
        return "\n".join(lines)


def _whom(missing: Missing) -> str:
    if missing.server is not None:
        return str(missing.server)
    return missing.name.rpartition("/")[0]


def _listed(title: str, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    more = len(names) - NAMES_SHOWN
    rest = [f"  and {more} more"] if more > 0 else []
    return [f"{title}:", *(f"  {name}" for name in names[:NAMES_SHOWN]), *rest]
