"""Rules that give attributes a mode by name: shell globs, the first match wins.

Floor 0: no Tango, no Taurus, no threads.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from taurus_tpo.submode import SubMode

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


@dataclass(frozen=True)
class Rule:
    """Attributes that match ``pattern`` get ``mode``.

    Patterns are shell globs (:mod:`fnmatch`), case-insensitive as Tango names are.
    One that holds ``//`` is matched against the full name, with its scheme or, when it
    begins with ``//``, without; any other against
    ``domain/family/member/attribute``.
    """

    pattern: str
    mode: SubMode

    def is_for(self, pattern: str) -> bool:
        """Return whether this is the rule of ``pattern``."""
        return self.pattern.lower() == pattern.lower()

    def matcher(self) -> re.Pattern[str]:
        """Compile the pattern."""
        return compile_glob(self.pattern)

    def subject(self, name: AttributeName) -> str:
        """Return the part of ``name`` that this rule's pattern is about."""
        if self.pattern.startswith("//"):
            return name.full.partition(":")[2].lower()
        return (name.full if "//" in self.pattern else name.short).lower()


class RuleSet:
    """An ordered set of rules, compiled once.

    Immutable; may be asked from any thread.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._compiled = [(rule, rule.matcher()) for rule in self.rules]
        # A GUI asks for the same attributes again and again.
        self._answer = functools.lru_cache(maxsize=_REMEMBERED)(self._search)

    def first_match(self, name: AttributeName) -> Rule | None:
        """Return the first rule whose pattern matches ``name``, or None."""
        return self._answer(name) if self.rules else None

    def _search(self, name: AttributeName) -> Rule | None:
        for rule, matcher in self._compiled:
            if matcher.match(rule.subject(name)):
                return rule
        return None

    def __len__(self) -> int:
        return len(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def __repr__(self) -> str:
        return f"RuleSet({list(self.rules)!r})"
