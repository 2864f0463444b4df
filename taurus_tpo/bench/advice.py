"""Recommends a mode and rules from the measured figures. No Taurus, no Tango."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from taurus_tpo.bench.results import AS_SET, DISABLED, NEVER, PLUGIN, Record, Sheet
from taurus_tpo.core.settings import rules_as_ini

#: A difference larger than both is significant: relative to the better value, and in s.
BETTER_BY = 0.2
BETTER_AT_LEAST = 0.1

#: The order of preference among equally good modes: first the configured one, then
#: Taurus's default.
PREFERRED = (AS_SET, "AsyncRead", "Async", "Stateless", "SyncRead", "Sync", DISABLED)

#: An attribute is slow if its value comes more than SLOW after both the window and the
#: median value; a device is slow if reading all of it takes LONG; both in s.
SLOW, LONG = 0.5, 0.1

#: The reasons of Tango and of the plugin, as text for the user.
_NO_ANSWER, _NOT_THERE = "did not answer", "does not run"
_IN_WORDS = {
    "TPO_SilentServer": _NO_ANSWER,
    "API_DeviceTimedOut": _NO_ANSWER,
    "API_CantConnectToDevice": _NO_ANSWER,
    "API_CorbaException": _NO_ANSWER,
    "API_DeviceNotExported": _NOT_THERE,
}


@dataclass(frozen=True)
class Score:
    """How long a user waits in one mode, s; smaller is better.

    :param window: time of the window.
    :param last: time of the last value.
    :param stalled: total time for which the GUI did not respond.
    :param missing: number of attributes without a value.
    """

    mode: str
    window: float
    last: float
    stalled: float
    missing: int

    @property
    def waited(self) -> float:
        """The sum of all times, to compare modes."""
        return self.window + self.last + self.stalled

    def against(self, other: Score) -> str:
        """Return the figures as text, with the missing values relative to ``other``."""
        told = f"{self.mode}: {self.window:.2f}, {self.last:.2f} and "
        told += f"{self.stalled:.2f} s"
        more = self.missing - other.missing
        return told + (f", {more} more without a value" if more else "")


@dataclass(frozen=True)
class Recommendation:
    """The recommended mode, with the reason as text."""

    mode: str
    why: str


@dataclass(frozen=True)
class DeviceCosts:
    """The figures of one device in the recommended mode.

    :param device: its name.
    :param last: time of its last value, s; ``inf``: never.
    :param took: how long plain PyTango took to read all of it, s; 0: not known.
    :param slow: its attributes whose value came long after the window.
    :param failed: number of attributes without a value, by reason.
    :param polled: number of attributes with a value but without events.
    """

    device: str
    models: int
    last: float
    took: float
    slow: tuple[str, ...]
    failed: Mapping[str, int]
    polled: int

    @property
    def troubled(self) -> bool:
        """Whether a user may have to wait for it."""
        silent = any(_IN_WORDS.get(reason) == _NO_ANSWER for reason in self.failed)
        return silent or bool(self.slow) or self.took >= LONG

    @property
    def out_of_the_ordinary(self) -> bool:
        """Whether it should be listed in the report."""
        return self.troubled or bool(self.failed or self.polled)

    @property
    def summary(self) -> str:
        """Its figures as text."""
        told = [_in_words(*item) for item in self.failed.items()]
        if self.took >= LONG:
            told.append(f"a read of all of it takes {self.took:.2f} s")
        if self.slow:
            told.append(f"slow: {', '.join(self.slow)}")
        if self.polled:
            told.append(f"{self.polled} of {self.models} without events")
        return "; ".join(told) or "no problem found"


def _in_words(reason: str, count: int) -> str:
    word = _IN_WORDS.get(reason)
    return f"{word} ({count} x {reason})" if word else f"{count} x {reason}"


def _scores(found: Iterable[Sheet]) -> list[Score]:
    scores = []
    for sheet in found:
        if sheet.variant.who != PLUGIN or not sheet.good:
            continue
        window, last = sheet.spread("window"), sheet.spread("last")
        stalled = sheet.spread("stalled")
        if window is not None and last is not None and stalled is not None:
            medians = (window.median, last.median, stalled.median)
            scores.append(Score(sheet.variant.mode, *medians, sheet.without_value))
    return scores


def recommend(found: Iterable[Sheet]) -> Recommendation | None:
    """Return the mode with the shortest waiting time; None if nothing was measured.

    Only modes with the smallest number of missing values count. Among modes without a
    significant difference the configured one is preferred, and ``disabled`` comes last,
    since polling causes permanent load and shows changes late.
    """
    scores = _scores(found)
    if not scores:
        return None
    fewest = min(score.missing for score in scores)
    complete = [score for score in scores if score.missing == fewest]
    best = min(complete, key=lambda score: score.waited)
    as_good = [one for one in complete if not is_better(best.waited, one.waited)]
    chosen = min(as_good, key=lambda score: PREFERRED.index(score.mode))
    why = (
        f"window after {chosen.window:.2f} s, last value after {chosen.last:.2f} s, "
        f"the GUI was blocked for {chosen.stalled:.2f} s"
    )
    if len(as_good) > 1:
        names = ", ".join(one.mode for one in as_good if one is not chosen)
        why += f"; {names} about as good"
    worse = [one for one in scores if one not in as_good]
    set_now = [one for one in worse if one.mode == AS_SET]
    if worse:
        most = max(worse, key=lambda score: (score.missing, score.waited))
        why += "".join(
            f"; {s.against(chosen)}" for s in dict.fromkeys([*set_now, most])
        )
    return Recommendation(chosen.mode, why)


def is_better(one: float, other: float) -> bool:
    """Return whether ``one`` is significantly less than ``other``, both in s."""
    return other - one > max(BETTER_AT_LEAST, BETTER_BY * one)


def device_of(model: str) -> str:
    """Return the device of an attribute's model."""
    return model.rpartition("/")[0]


def costs(sheet: Sheet, survey: Sheet | None = None) -> list[DeviceCosts]:
    """Return the figures of each device in the last run, the slowest device first.

    :param survey: the runs with plain PyTango.
    """
    if not sheet.good:
        return []
    took = survey.good[-1].took if survey is not None and survey.good else {}
    record = sheet.good[-1]
    models: dict[str, list[str]] = defaultdict(list)
    for model in dict.fromkeys([*record.values, *record.errors]):
        models[device_of(model)].append(model)
    found = [_costs(record, device, some, took) for device, some in models.items()]
    return sorted(found, key=_expense)


def _expense(cost: DeviceCosts) -> tuple[bool, int, float, float, str]:
    last = cost.last if cost.last < NEVER else 0.0
    return not cost.troubled, -len(cost.failed), -cost.took, -last, cost.device


def _costs(
    record: Record, device: str, models: list[str], took: Mapping[str, float]
) -> DeviceCosts:
    times = {model: record.values.get(model, NEVER) for model in models}
    awaited = max(record.window or 0.0, record.share(0.5))
    slow = [m for m, t in times.items() if awaited + SLOW < t < NEVER]
    came = [time for time in times.values() if time < NEVER]
    return DeviceCosts(
        device=device,
        models=len(models),
        last=max(came, default=NEVER),
        took=took.get(device, 0.0),
        slow=tuple(model.rpartition("/")[2] for model in slow),
        failed=Counter(record.errors[m] for m in models if m in record.errors),
        polled=sum(model in record.polled for model in models if times[model] < NEVER),
    )


@dataclass(frozen=True)
class Proposal:
    """A rule that would shorten the waiting time.

    :param device: the device.
    :param mode: the better mode.
    """

    device: str
    mode: str


def proposals(found: Iterable[Sheet], mode: str) -> list[Proposal]:
    """Return rules for devices that are faster in another mode than in ``mode``.

    Modes that make the window significantly later are not proposed: some modes
    subscribe in the caller's thread, which delays the window.
    """
    sheets = {s.variant.mode: s for s in found if s.variant.who == PLUGIN and s.good}
    if mode not in sheets:
        return []
    here = _lasts(sheets[mode])
    window = _median_window(sheets[mode])
    proposed = []
    for device, last in sorted(here.items()):
        others = {
            other: _lasts(sheet).get(device, NEVER)
            for other, sheet in sheets.items()
            if other not in (mode, AS_SET, DISABLED)
            and not is_better(window, _median_window(sheet))
        }
        best = min(others, key=lambda m: others[m], default=None)
        if best is not None and is_better(others[best], last):
            proposed.append(Proposal(device, best))
    return proposed


def exceptions(
    recommended: Recommendation | None, found: Iterable[DeviceCosts]
) -> list[Proposal]:
    """Return rules for slow devices that leave the configured mode of the others.

    :param found: the figures of devices in the configured mode.
    """
    if recommended is None or recommended.mode in (AS_SET, DISABLED):
        return []
    return [Proposal(c.device, recommended.mode) for c in found if c.troubled]


def _median_window(sheet: Sheet) -> float:
    spread = sheet.spread("window")
    return NEVER if spread is None else spread.median


def _lasts(sheet: Sheet) -> dict[str, float]:
    """Return the median time of the last value of each device, s."""
    times: dict[str, list[float]] = defaultdict(list)
    for record in sheet.good:
        lasts: dict[str, float] = defaultdict(float)
        for model, time in record.values.items():
            lasts[device_of(model)] = max(lasts[device_of(model)], time)
        for device, last in lasts.items():
            times[device].append(last)
    return {device: statistics.median(some) for device, some in times.items()}


def ini_lines(
    recommended: Recommendation | None, rules: Iterable[Proposal]
) -> list[str]:
    """Return lines for ``taurus.ini``; empty if no change is recommended."""
    if recommended is None:
        return []
    lines = []
    if recommended.mode == DISABLED:
        lines.append("TANGO_EVENTS_TO_SUBSCRIBE = []")
    elif recommended.mode != AS_SET:
        lines.append(f'TANGO_EVENT_SUB_MODE = "{recommended.mode.upper()}"')
    lines += rule_lines(rules)
    return ["[taurus]", *lines] if lines else []


def rule_lines(rules: Iterable[Proposal]) -> list[str]:
    """Return ``rules`` as a setting; empty without rules."""
    return rules_as_ini((f"{_short(r.device)}/*", r.mode.upper()) for r in rules)


def _short(device: str) -> str:
    """Return the name of a device in a rule: domain/family/member."""
    return "/".join(device.rsplit("/", 3)[-3:])
