"""The mode of an attribute: the decision of the first source that has one."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from taurus_tpo.core import modes
from taurus_tpo.core.modes import SubMode
from taurus_tpo.core.rules import AttributeName, Rule, RuleSet

#: Label in place of a mode where events are disabled.
POLLING = "Polling"


@dataclass(frozen=True)
class Decision:
    """The mode of one attribute, and the source that decided it.

    :param mode: the mode; None where events are disabled and the attribute is polled.
    :param decided_by: the source, for users: ``"command line rule sys/slow/*"``,
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
    """One source of modes: its rules, then its mode for all other attributes.

    :param mode_origin: where ``mode`` was set, for users.
    :param rules_origin: where ``rules`` were set, for users.
    """

    mode_origin: str
    rules_origin: str
    mode: SubMode | None = None
    rules: RuleSet = field(default_factory=RuleSet)

    @classmethod
    def named(cls, origin: str) -> ModeSource:
        """Return an empty source."""
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
        """Return a copy of this source with one change.

        :param mode: None removes the mode or the rule.
        :param pattern: the attributes to change; None for all. The newest rule is
            applied first.
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
) -> Decision:
    """Return the decision of the first source that decides ``name``.

    :param sources: in the order of their precedence.
    :param events_disabled_by: what disabled events, which overrides every source; None
        if events are enabled.
    """
    if events_disabled_by is not None:
        return Decision(None, f"events disabled ({events_disabled_by})")
    for source in sources:
        decision = source.decide(name)
        if decision is not None:
            return decision
    return Decision(modes.DEFAULT, "default")


class ModeInputs(NamedTuple):
    """All that decides the mode of an attribute, besides its name; see :func:`decide`.

    :param sources: in the order of their precedence.
    :param events_disabled_by: what disabled events; None if they are enabled.
    """

    sources: tuple[ModeSource, ...]
    events_disabled_by: str | None = None

    def decide(self, name: AttributeName) -> Decision:
        """Return the mode of the attribute ``name``."""
        return decide(name, *self)

    def decides_like(self, other: ModeInputs) -> bool:
        """Return whether both certainly lead to the same decision.

        Sources are compared by identity: they are replaced, never changed.
        """
        return (
            self[1:] == other[1:]
            and len(self.sources) == len(other.sources)
            and all(map(operator.is_, self.sources, other.sources))
        )
