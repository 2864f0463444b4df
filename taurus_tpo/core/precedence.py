"""Who decides the mode of an attribute: the first source that says anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode
from taurus_tpo.core.rules import AttributeName, Rule, RuleSet

#: What people read in the place of a mode where events are disabled.
POLLING = "Polling"


@dataclass(frozen=True)
class Decision:
    """The mode of one attribute, and what decided it.

    :param mode: the mode; None where events are disabled and the attribute is polled.
    :param decided_by: for people: ``"command line rule sys/slow/*"``,
        ``"/etc/xdg/taurus/taurus.ini"``, ``"default"``...
    """

    mode: SubMode | None
    decided_by: str

    @property
    def label(self) -> str:
        """The mode's name, or ``"Polling"``."""
        return self.mode.name if self.mode else POLLING


@dataclass(frozen=True)
class ModeSource:
    """What one source says: its rules first, then its mode for all the rest.

    :param mode_origin: where ``mode`` was said, for people.
    :param rules_origin: where ``rules`` were said.
    """

    mode_origin: str
    rules_origin: str
    mode: SubMode | None = None
    rules: RuleSet = field(default_factory=RuleSet)

    @classmethod
    def named(cls, origin: str) -> ModeSource:
        """Return a source that has said nothing yet."""
        return cls(mode_origin=origin, rules_origin=origin)

    def decide(self, name: AttributeName) -> Decision | None:
        """Return this source's decision for ``name``, or None if it has none."""
        rule = self.rules.first_match(name)
        if rule is not None:
            return Decision(rule.mode, f"{self.rules_origin} rule {rule.pattern}")
        if self.mode is not None:
            return Decision(self.mode, self.mode_origin)
        return None

    def saying(self, mode: SubMode | None, pattern: str | None = None) -> ModeSource:
        """Return this source after it has said one thing more.

        :param mode: None takes back what was said.
        :param pattern: the attributes that it is about; None for all. The rule said
            last is asked first.
        """
        if pattern is None:
            return replace(self, mode=mode)
        others = tuple(rule for rule in self.rules.rules if not rule.is_for(pattern))
        said = (Rule(pattern, mode),) if mode is not None else ()
        return replace(self, rules=RuleSet(said + others))


def decide(
    name: AttributeName,
    sources: Iterable[ModeSource],
    events_disabled_by: str | None = None,
    default: SubMode = modes.DEFAULT,
) -> Decision:
    """Return the decision of the first source that speaks of ``name``.

    :param sources: in the order of their precedence.
    :param events_disabled_by: who disabled events altogether, which outranks every
        source; None if nobody did.
    :param default: the mode where no source speaks.
    """
    if events_disabled_by is not None:
        return Decision(None, f"events disabled ({events_disabled_by})")
    for source in sources:
        decision = source.decide(name)
        if decision is not None:
            return decision
    return Decision(default, "default")
