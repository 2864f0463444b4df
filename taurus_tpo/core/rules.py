"""Rules that set the modes of attributes by name: shell globs, the first match wins."""

from __future__ import annotations

import enum
import fnmatch
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from taurus_tpo.core.modes import SubMode

#: Number of lookups that a rule set caches.
_REMEMBERED = 16384


def compile_glob(glob: str) -> re.Pattern[str]:
    """Compile the shell glob ``glob``, to be matched against names in lower case.

    Tango names are case-insensitive.
    """
    try:
        return re.compile(fnmatch.translate(glob.lower()))
    except re.error:
        # Before Python 3.10.5, "[z-a]" does not give a valid regular expression.
        return re.compile(re.escape(glob.lower()) + r"\Z")


@dataclass(frozen=True)
class AttributeName:
    """The two names that a rule is matched against.

    :param full: with scheme and authority, ``tango://host:10000/sys/tg_test/1/ampli``.
    :param short: ``domain/family/member/attribute``.
    """

    full: str
    short: str

    @classmethod
    def of(cls, full: str) -> AttributeName:
        """Return the names of a Tango attribute, from Taurus's full name."""
        return cls(full, "/".join(full.rsplit("/", 4)[-4:]))

    @classmethod
    def of_device(cls, full: str) -> AttributeName:
        """Return those of a Tango device; the short one is ``domain/family/member``."""
        return cls(full, "/".join(full.rsplit("/", 3)[-3:]))


@dataclass(frozen=True)
class NamePattern:
    """A shell glob (:mod:`fnmatch`), case-insensitive as Tango names are.

    A pattern with ``//`` is matched against the full name; if it begins with ``//``,
    without the scheme. Any other pattern is matched against the short name:
    ``domain/family/member/attribute``, or ``domain/family/member`` of a device.
    """

    pattern: str

    def matches(self, name: AttributeName) -> bool:
        """Return whether the pattern matches ``name``."""
        return self.matcher().match(self.part.of(name)) is not None

    def matcher(self) -> re.Pattern[str]:
        """Compile the pattern."""
        return compile_glob(self.pattern)

    @property
    def beginning(self) -> str:
        """Literal prefix of all matching names, in lower case."""
        return _WILD.split(self.pattern.lower(), maxsplit=1)[0]

    @property
    def part(self) -> Part:
        """The part of a name that the pattern is matched against."""
        if self.pattern.startswith("//"):
            return Part.WITHOUT_SCHEME
        return Part.FULL if "//" in self.pattern else Part.SHORT


@dataclass(frozen=True)
class Rule(NamePattern):
    """Attributes that match ``pattern`` get ``mode``."""

    mode: SubMode

    def is_for(self, pattern: str) -> bool:
        """Return whether this rule has the pattern ``pattern``."""
        return self.pattern.lower() == pattern.lower()


class Part(enum.Enum):
    """Part of a name that a pattern is matched against."""

    FULL = "with scheme and authority"
    WITHOUT_SCHEME = "with authority, from // on"
    SHORT = "domain/family/member/attribute"

    def of(self, name: AttributeName) -> str:
        """Return this part of ``name``, in lower case."""
        if self is Part.SHORT:
            return name.short.lower()
        full = name.full.lower()
        return full if self is Part.FULL else full.partition(":")[2]


#: End of the literal prefix of a glob.
_WILD = re.compile(r"[*?[]")


class _Index:
    """Rules for one part of a name, by the literal prefixes of their patterns.

    With one rule for each of a thousand families, only the rules with a matching prefix
    are tried.
    """

    def __init__(self, rules: Iterable[tuple[int, Rule]]) -> None:
        self._by_beginning: dict[str, list[tuple[int, Rule, re.Pattern[str]]]] = {}
        for number, rule in rules:
            entry = number, rule, rule.matcher()
            self._by_beginning.setdefault(rule.beginning, []).append(entry)
        self._lengths = sorted(set(map(len, self._by_beginning)))

    def matches(self, text: str) -> Iterator[tuple[int, Rule]]:
        """Yield the first matching rule of each prefix."""
        for length in self._lengths:
            for number, rule, matcher in self._by_beginning.get(text[:length], ()):
                if matcher.match(text):
                    yield number, rule
                    break


class RuleSet:
    """An ordered set of rules, compiled once.

    Immutable; may be used from any thread.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        by_part: dict[Part, list[tuple[int, Rule]]] = {}
        for numbered in enumerate(self.rules):
            by_part.setdefault(numbered[1].part, []).append(numbered)
        self._indexes = {part: _Index(some) for part, some in by_part.items()}
        # GUIs look up the same attributes repeatedly.
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
        # Numbers are unique, so that rules are never compared.
        return min(found)[1] if found else None

    def __len__(self) -> int:
        return len(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def __repr__(self) -> str:
        return f"RuleSet({list(self.rules)!r})"
