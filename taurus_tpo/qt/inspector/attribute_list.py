"""The rows of all attributes of the process, updated a limited number at a time.

For the GUI thread. Nothing here waits for a device, and an update stays within its time
budget. No Qt.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import taurus

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import is_unreachable, reason_of
from taurus_tpo.core.rules import AttributeName
from taurus_tpo.core.status import condition, tell
from taurus_tpo.qt.inspector.rows import UNSEEN, Row, Sample
from taurus_tpo.qt.progress_summary import Missing, ProgressSummary

#: How many rows are updated between two checks of the time budget.
_AT_ONCE = 20


class NoFactory:
    """Stand-in for the factory where the plugin is off."""

    def attributes(self) -> list[Any]:
        """Return an empty list."""
        return []


def plugin_factory() -> Any:
    """Return the plugin's factory, or a :class:`NoFactory` where the plugin is off."""
    factory = taurus.Factory("tango")
    return factory if hasattr(factory, "first_read") else NoFactory()


def sample(attribute: Any, now: float) -> Sample:
    """Return the current state of ``attribute``; never waits.

    :param attribute: a :class:`taurus_tpo.scheme.attribute.TpoTangoAttribute`.
    :param now: on the monotonic clock, s.
    """
    facts, history, known = attribute.facts, attribute.history, attribute.known
    decision = attribute.event_sub_decision
    return Sample(
        seen=now,
        mode=decision.label,
        decided_by=decision.decided_by,
        condition=condition(facts),
        status=tell(facts),
        first_value=history.first_value,
        updated=None if known.empty else known.heard,
        events=history.events,
        reads=history.reads,
        error="" if history.error is None else reason_of(history.error),
        failed=history.failed,
        server=attribute.server,
        unreachable=facts.unreachable,
    )


def summary(attributes: Iterable[Any], now: float) -> ProgressSummary:
    """Return how many of ``attributes`` are present and which are missing.

    :param now: on the monotonic clock, s.
    """
    wanted = [attribute for attribute in attributes if attribute.is_listened_to]
    return ProgressSummary.of(
        len(wanted), [_missing(a, now) for a in wanted if a.is_missing]
    )


def _missing(attribute: Any, now: float) -> Missing:
    asked, error = attribute.history.asked, attribute.known.error
    return Missing(
        name=short_name(attribute),
        waiting=0.0 if asked is None else now - asked,
        server=attribute.server,
        refused=error is not None and is_unreachable(error),
    )


def short_name(attribute: Any) -> str:
    """Return ``domain/family/member/attribute``."""
    return AttributeName.of(attribute.getFullName()).short


@dataclass(frozen=True)
class Change:
    """The result of one update.

    :param rows: the rows whose contents changed.
    :param others: whether attributes were added or removed.
    """

    rows: list[Row] = field(default_factory=list)
    others: bool = False


class AttributeList:
    """The rows of all attributes; not thread-safe.

    :param factory: the plugin's.
    """

    def __init__(self, factory: Any, clock: Clock = SYSTEM) -> None:
        self._factory = factory
        self._clock = clock
        self._rows: dict[str, Row] = {}
        self._attributes: dict[str, weakref.ref[Any]] = {}
        self._turn: Iterator[Row] = iter(())

    @property
    def rows(self) -> Iterable[Row]:
        """All rows, in the order in which they were added."""
        return self._rows.values()

    def __len__(self) -> int:
        return len(self._rows)

    def attribute(self, row: Row) -> Any:
        """Return the attribute of ``row``, or None if it was deleted."""
        reference = self._attributes.get(row.model)
        return None if reference is None else reference()

    def look(self, budget: float, first: Iterable[Row] = ()) -> Change:
        """Add and remove rows, then update some of them, round robin.

        :param budget: time for the rows other than ``first``, s.
        :param first: rows that are always updated: the visible ones.
        """
        others = self._call_roll()
        changed = [row for row in first if self._look_at(row)]
        end = self._clock.monotonic() + budget
        for _ in range(0, len(self._rows), _AT_ONCE):
            some = itertools.islice(self._by_turns(), _AT_ONCE)
            changed += [row for row in some if self._look_at(row)]
            if self._clock.monotonic() >= end:
                break
        return Change(list(dict.fromkeys(changed)), others)

    def _call_roll(self) -> bool:
        """Add and remove rows; return whether there were any changes."""
        present = {one.getFullName(): one for one in self._factory.attributes()}
        gone = self._rows.keys() - present.keys()
        for model in gone:
            del self._rows[model], self._attributes[model]
        come = [model for model in present if model not in self._rows]
        for model in come:
            self._rows[model] = Row(model, short_name(present[model]))
        for model, attribute in present.items():
            reference = self._attributes.get(model)
            if reference is None or reference() is not attribute:
                self._attributes[model] = weakref.ref(attribute)
        if gone or come:
            self._turn = iter(())
        return bool(gone or come)

    def _by_turns(self) -> Iterator[Row]:
        """Continue where the last update ended; rows without a sample come first."""
        yield from self._turn
        unseen = [row for row in self._rows.values() if row.sample is UNSEEN]
        self._turn = iter(unseen or list(self._rows.values()))
        yield from self._turn

    def _look_at(self, row: Row) -> bool:
        attribute = self.attribute(row)
        if attribute is None:
            return False
        return row.take(sample(attribute, self._clock.monotonic()))
