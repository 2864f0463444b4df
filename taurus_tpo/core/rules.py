"""Rules that give attributes a mode by name: shell globs, the first match wins."""

from __future__ import annotations

import enum
import fnmatch
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from taurus_tpo.core.modes import SubMode

#: How many answers a rule set remembers.
_REMEMBERED = 16384


def compile_glob(glob: str) -> re.Pattern[str]:
    """Return what matches the names, in lower case, that the shell glob ``glob`` means.

    Tango names are case-insensitive.
    """
    try:
        return re.compile(fnmatch.translate(glob.lower()))
    except re.error:
        # Pythons before 3.10.5 make no regular expression of "[z-a]".
        return re.compile(re.escape(glob.lower()) + r"\Z")


@dataclass(frozen=True)
class AttributeName:
    """The two names that a rule may speak of.

    :param full: with scheme and authority,
        ``tango://host:10000/sys/tg_test/1/ampli``.
    :param short: ``domain/family/member/attribute``.
    """

    full: str
    short: str

    @classmethod
    def of(cls, full: str) -> AttributeName:
        """Split Taurus's full name of a Tango attribute."""
        return cls(full, "/".join(full.rsplit("/", 4)[-4:]))

    @classmethod
    def of_device(cls, full: str) -> AttributeName:
        """Split that of a Tango device; the short name ends with the member."""
        return cls(full, "/".join(full.rsplit("/", 3)[-3:]))


@dataclass(frozen=True)
class NamePattern:
    """A shell glob (:mod:`fnmatch`), case-insensitive as Tango names are.

    One that holds ``//`` is matched against the full name, with its scheme or, when it
    begins with ``//``, without; any other against the short name:
    ``domain/family/member/attribute``, or ``domain/family/member`` of a device.
    """

    pattern: str

    def matches(self, name: AttributeName) -> bool:
        """Return whether ``name`` is one of those that it means."""
        return self.matcher().match(self.part.of(name)) is not None

    def matcher(self) -> re.Pattern[str]:
        """Compile the pattern."""
        return compile_glob(self.pattern)

    @property
    def beginning(self) -> str:
        """What each name begins with, in lower case, that the pattern matches."""
        return _WILD.split(self.pattern.lower(), maxsplit=1)[0]

    @property
    def part(self) -> Part:
        """The part of a name that the pattern is about."""
        if self.pattern.startswith("//"):
            return Part.WITHOUT_SCHEME
        return Part.FULL if "//" in self.pattern else Part.SHORT


@dataclass(frozen=True)
class Rule(NamePattern):
    """Attributes that match ``pattern`` get ``mode``."""

    mode: SubMode

    def is_for(self, pattern: str) -> bool:
        """Return whether this is the rule of ``pattern``."""
        return self.pattern.lower() == pattern.lower()


class Part(enum.Enum):
    """A part of a name that a pattern may be about."""

    FULL = "with scheme and authority"
    WITHOUT_SCHEME = "with authority, from // on"
    SHORT = "domain/family/member/attribute"

    def of(self, name: AttributeName) -> str:
        """Return this part of ``name``, in lower case."""
        if self is Part.SHORT:
            return name.short.lower()
        full = name.full.lower()
        return full if self is Part.FULL else full.partition(":")[2]


#: What ends the beginning of a glob that stands for itself.
_WILD = re.compile(r"[*?[]")


class _Index:
    """The rules about one part of a name, by what their patterns begin with.

    An administrator may have a rule for each of a thousand families: of those, only
    the few can match that begin as the name does.
    """

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        self._by_beginning: dict[str, list[tuple[int, Rule, re.Pattern[str]]]] = {}
        for number, rule in rules:
            entry = number, rule, rule.matcher()
            self._by_beginning.setdefault(rule.beginning, []).append(entry)
        self._lengths = sorted(set(map(len, self._by_beginning)))

    def matches(self, text: str) -> Iterator[tuple[int, Rule]]:
        """Return the first rule that matches, of each beginning."""
        for length in self._lengths:
            for number, rule, matcher in self._by_beginning.get(text[:length], ()):
                if matcher.match(text):
                    yield number, rule
                    break


class RuleSet:
    """An ordered set of rules, compiled once.

    Immutable; may be asked from any thread.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        by_part: dict[Part, list[tuple[int, Rule]]] = {}
        for numbered in enumerate(self.rules):
            by_part.setdefault(numbered[1].part, []).append(numbered)
        self._indexes = {part: _Index(some) for part, some in by_part.items()}
        # A GUI asks for the same attributes again and again.
        self._answer = functools.lru_cache(maxsize=_REMEMBERED)(self._search)

    def first_match(self, name: AttributeName) -> Rule | None:
        """Return the first rule whose pattern matches ``name``, or None."""
        return self._answer(name) if self.rules else None

    def _search(self, name: AttributeName) -> Rule | None:
        found = [
            match
            for part, index in self._indexes.items()
            for match in index.matches(part.of(name))
        ]
        # Numbers differ, so that no two rules are compared.
        return min(found)[1] if found else None

    def __len__(self) -> int:
        return len(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def __repr__(self) -> str:
        return f"RuleSet({list(self.rules)!r})"
