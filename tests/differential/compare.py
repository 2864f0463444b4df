"""Compares what two programs observed of a scenario. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.differential.scenario import CLIENT, PAIRINGS, Scenario

#: What a part of an observation is, where a program has none.
MISSING = "(nothing)"

#: What becomes of a program that neither hangs nor crashes.
ENDED = "ended"


@dataclass(frozen=True)
class Difference:
    """A part of what was observed that is not the same.

    :param part: ``step``, ``told``, ``repeats``, ``end``, ``log`` or ``fate``.
    :param name: which one: the step, the listener, the property, the line.
    :param on: the index of the attribute; None where there is none.
    """

    part: str
    name: str
    stock: Any
    plugin: Any
    on: int | None = None

    @property
    def signature(self) -> tuple[str, ...]:
        """What it looks like: the same for another scenario with the same cause."""
        if self.part == "told":
            return ("told", _kinds(self.stock), _kinds(self.plugin))
        name = self.name.partition(": ")[2] if self.part == "step" else self.name
        words = name.split("[")[0] if self.part == "step" else name.split("] ")[-1]
        return (self.part, words.strip(), _shape(self.stock), _shape(self.plugin))

    def __str__(self) -> str:
        stock, plugin = _short(self.stock), _short(self.plugin)
        return f"{self.part} {self.name}\n  stock:  {stock}\n  plugin: {plugin}"


def _kinds(told: Any) -> str:
    """Return the kinds of what a listener was told, repetitions once."""
    if not isinstance(told, list):
        return str(told)
    kinds = [record[0] for segment in told for record in segment]
    return " ".join(
        kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind
    )


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("raised") or sorted(value))
    return type(value).__name__


def _short(value: Any) -> str:
    """Return a part for people."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return " | ".join(", ".join(map(_record, segment)) for segment in value)
    return json.dumps(value, ensure_ascii=False)


def _record(record: Any) -> str:
    """Return what a listener was told: as short as it differs from the usual."""
    kind, value = record
    if not isinstance(value, dict) or "rvalue" not in value:
        return f"{kind} {json.dumps(value, ensure_ascii=False)}"
    rest = [
        f"{key}={json.dumps(one, ensure_ascii=False)}"
        for key, one in value.items()
        if one not in (None, "AttrQuality.ATTR_VALID") and key != "rvalue"
    ]
    rvalue = json.dumps(value["rvalue"], ensure_ascii=False)
    return " ".join([kind, rvalue, *rest])


#: Tango's reasons that a server which serves gives to nobody, but on a busy machine.
_UNHEALTHY = (
    "API_CorbaException",
    "API_CantConnectToDevice",
    "API_DeviceTimedOut",
    "API_EventTimeout",
    "API_CommandTimedOut",
)


def is_void(scenario: Scenario, observed: dict[str, Any]) -> bool:
    """Return whether something failed that nobody told to fail: try again."""
    if scenario.stops_processes:
        return False
    text = json.dumps(observed)
    return any(reason in text for reason in _UNHEALTHY)


def has_events(scenario: Scenario, on: int) -> bool:
    """Return whether values come by events."""
    return scenario.attributes[on].events and PAIRINGS[scenario.pairing].has_events


def is_polled(scenario: Scenario, on: int) -> bool:
    """Return whether values come by polling: how many is a matter of time."""
    if not has_events(scenario, on):
        return True
    return any(
        step.who == CLIENT and step.do == "enable_polling" and step.on == on
        for step in scenario.steps
    )


def parts(observed: dict[str, Any], scenario: Scenario) -> dict[tuple[str, str], Any]:
    """Return what was observed by part and name, such that equals are equal."""
    found: dict[tuple[str, str], Any] = {}
    for step in observed["steps"]:
        found["step", f"{step['at']}: {step['step']}"] = step["result"]
    for key, segments in observed["told"].items():
        on = attribute_of(key)
        # A device listens to its state, and Tango polls that.
        polled = on is None or is_polled(scenario, on)
        if polled or scenario.stops_processes:
            both = on is not None and has_events(scenario, on)
            found["told", key] = (
                _collapsed_beside_events(segments)
                if both
                else _after_polls(_collapsed(segments))
            )
            found["repeats", key] = _repeats(segments, "Change", "Config")
        else:
            found["told", key] = [_with_configurations_once(one) for one in segments]
            found["repeats", key] = _repeats(segments, "Config")
    for on, facts in (observed.get("end") or {}).items():
        # Or what it raised to look at them.
        for name, value in facts.items() if isinstance(facts, dict) else ():
            found["end", f"[{on}] {name}"] = value
    for line in sorted(set(observed["log"])):
        found["log", line] = observed["log"].count(line)
    found["fate", ""] = observed.get("fate", ENDED)
    return found


def attribute_of(key: str) -> int | None:
    """Return the index of the attribute of a listener; None of a device's."""
    return int(key[-1]) if key[-1].isdecimal() else None


def as_changes(segments: list[list[Any]]) -> list[list[Any]]:
    """Return what was told as if polls brought changes.

    Where there are events, too, which of both brings a value is a matter of time.
    """
    return [
        [["Change" if kind == "Periodic" else kind, value] for kind, value in segment]
        for segment in segments
    ]


def _collapsed(segments: list[list[Any]]) -> list[list[Any]]:
    """Return one list without what is a matter of time: repetitions, and polls."""
    flat: list[Any] = []
    for record in (record for segment in segments for record in segment):
        # A first poll brings news, also after a configuration.
        has_value = any(kind != "Config" for kind, _ in flat)
        polled = record[0] == "Periodic" and has_value and flat[-1][1] == record[1]
        if not polled and (not flat or flat[-1] != record):
            flat.append(record)
    return [flat]


def _after_polls(segments: list[list[Any]]) -> list[list[Any]]:
    """Return one list in which configurations come after the polls that follow them.

    Which of both comes first is a matter of time. A configuration has the value of the
    poll before it; before the first poll, that of the first read.
    """
    [flat] = segments
    moved: list[Any] = []
    for record in flat:
        last = moved[-1] if moved else None
        before = moved[-2] if len(moved) > 1 else record
        repeats = last and last[0] == "Config" and last[1] == before[1]
        if record[0] == "Periodic" and repeats:
            moved[-1:] = [record, ["Config", record[1]]]
        else:
            moved.append(record)
    return _collapsed([moved])


def _collapsed_beside_events(segments: list[list[Any]]) -> list[list[Any]]:
    """Return the same of an attribute with events, whose polls bring changes.

    Whether a poll comes between two configurations depends on the moment.
    """
    [flat] = _collapsed(as_changes(segments))
    in_between = zip([None, *flat], flat, [*flat[1:], None])
    rest = [one for last, one, after in in_between if not _is_passing(last, one, after)]
    return _collapsed([rest])


def _is_passing(last: Any, record: Any, after: Any) -> bool:
    """Return whether a poll repeats the value between two configurations."""
    kinds = [one and one[0] for one in (last, record, after)]
    return kinds == ["Config", "Change", "Config"] and last[1] == record[1]


def _with_configurations_once(segment: list[Any]) -> list[Any]:
    """Return it without a configuration that is told again at once.

    Whether Tango sends one for a subscription and one for a change, or one for both, is
    a matter of time.
    """
    before = [None, *segment]
    return [
        one for last, one in zip(before, segment) if one[0] != "Config" or one != last
    ]


def _repeats(segments: list[list[Any]], *kinds: str) -> int:
    """Return how often the same is told again at the most, of these kinds of events."""
    most, again, last = 0, 0, None
    for record in (record for segment in segments for record in segment):
        again = again + 1 if record == last and record[0] in kinds else 0
        most, last = max(most, again), record
    return most


def compare(
    scenario: Scenario, stock: dict[str, Any], plugin: dict[str, Any]
) -> list[Difference]:
    """Return what the plugin's program observed otherwise than stock's."""
    return list(_differing(parts(stock, scenario), parts(plugin, scenario)))


def _differing(
    stock: dict[tuple[str, str], Any], plugin: dict[tuple[str, str], Any]
) -> Iterator[Difference]:
    cut_short = any(one["fate", ""] != ENDED for one in (stock, plugin))
    for key in [*stock, *(key for key in plugin if key not in stock)]:
        ours, theirs = plugin.get(key, MISSING), stock.get(key, MISSING)
        if cut_short and (key[0] not in ("step", "fate") or MISSING in (ours, theirs)):
            # Of a program that has hung or crashed only what it did before counts.
            continue
        if key[0] == "repeats" and MISSING not in (ours, theirs):
            # Whether once more or not is a matter of time.
            ours = theirs if ours <= theirs + 1 else ours
        if ours != theirs:
            yield Difference(*key, theirs, ours, _on(*key))


def _on(part: str, name: str) -> int | None:
    """Return the attribute that a part of an observation is about."""
    if part in ("told", "repeats"):
        return attribute_of(name)
    if part in ("step", "end") and "[" in name:
        return int(name.partition("[")[2].partition("]")[0])
    return None


def unsteady(
    scenario: Scenario, difference: Difference, others: list[dict[str, Any]]
) -> bool:
    """Return whether stock shows in another run what the plugin has shown.

    Then it is a matter of time in stock, too.
    """
    if difference.part == "fate":
        return False
    key = (difference.part, difference.name)
    return any(
        parts(one, scenario).get(key, MISSING) == difference.plugin for one in others
    )
