"""What the figures say to whoever has to choose a mode. No Taurus, no Tango."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from taurus_tpo.bench.results import AS_SET, DISABLED, NEVER, PLUGIN, Record, Sheet
from taurus_tpo.core.settings import rules_as_ini

#: What is so much better is better, and no matter of chance: of 1, and s.
BETTER_BY = 0.2
BETTER_AT_LEAST = 0.1

#: Where two are as good, the one that is named first: what there is, and then what
#: Taurus does of itself.
PREFERRED = (AS_SET, "AsyncRead", "Async", "Stateless", "SyncRead", "Sync", DISABLED)

#: An attribute is slow whose value comes so long after the window and the half of all,
#: and a device whose attributes take so long to be read, s.
SLOW, LONG = 0.5, 0.1

#: Tango's reasons, and ours, in words of people's.
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
    """What somebody waits for in a mode, s; smaller is better.

    :param window: until the window is there.
    :param last: until the last value is.
    :param stalled: how long the GUI stood still.
    :param missing: how many attributes had no value.
    """

    mode: str
    window: float
    last: float
    stalled: float
    missing: int

    @property
    def waited(self) -> float:
        """One figure: the window and the values count alike, a stall as it lasts."""
        return self.window + self.last + self.stalled

    def against(self, other: Score) -> str:
        """Tell it to those who know ``other``."""
        told = f"{self.mode}: {self.window:.2f}, {self.last:.2f} and "
        told += f"{self.stalled:.2f} s"
        more = self.missing - other.missing
        return told + (f", {more} more without a value" if more else "")


@dataclass(frozen=True)
class Recommendation:
    """The mode for these models, and why."""

    mode: str
    why: str


@dataclass(frozen=True)
class DeviceCosts:
    """What one device did in the mode that is recommended.

    :param device: its name.
    :param last: when its last value came, s; ``inf``: never.
    :param took: how long plain PyTango needed to read all of it, s; 0: not known.
    :param slow: its attributes that came long after the window.
    :param failed: how many had no value, by reason.
    :param polled: how many have a value and no events.
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
        """Whether somebody may have to wait for it."""
        silent = any(_IN_WORDS.get(reason) == _NO_ANSWER for reason in self.failed)
        return silent or bool(self.slow) or self.took >= LONG

    @property
    def out_of_the_ordinary(self) -> bool:
        """Whether there is something to tell of it."""
        return self.troubled or bool(self.failed or self.polled)

    @property
    def summary(self) -> str:
        """What it did, in words."""
        told = [_in_words(*item) for item in self.failed.items()]
        if self.took >= LONG:
            told.append(f"a read of all of it takes {self.took:.2f} s")
        if self.slow:
            told.append(f"slow: {', '.join(self.slow)}")
        if self.polled:
            told.append(f"{self.polled} of {self.models} without events")
        return "; ".join(told) or "nothing out of the ordinary"


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
    """Return the mode in which people wait least, and why; None: nothing was measured.

    A mode in which values are missing that another one shows is none. What is set
    already stays where nothing is better by more than chance, and polling is
    recommended only where it is: what is polled is asked for ever, and shown late.
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
        f"the GUI stood still for {chosen.stalled:.2f} s"
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
    """Return whether ``one`` s is less than ``other``, and by more than chance."""
    return other - one > max(BETTER_AT_LEAST, BETTER_BY * one)


def device_of(model: str) -> str:
    """Return the device of an attribute's model."""
    return model.rpartition("/")[0]


def costs(sheet: Sheet, survey: Sheet | None = None) -> list[DeviceCosts]:
    """Return what each device did in the last run, the most expensive first.

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
    """A rule that would help.

    :param device: which it is about.
    :param mode: its better one.
    """

    device: str
    mode: str


def proposals(found: Iterable[Sheet], mode: str) -> list[Proposal]:
    """Return the devices that do better in another mode than in ``mode``.

    A window waits for the modes that subscribe in the caller's thread: they are not
    proposed for one device where that makes the window late.
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
    """Return rules for whoever wants to keep what is set for all other devices.

    :param found: what devices did with what is set: the recommended mode is for those
        for which somebody may have to wait.
    """
    if recommended is None or recommended.mode in (AS_SET, DISABLED):
        return []
    return [Proposal(c.device, recommended.mode) for c in found if c.troubled]


def _median_window(sheet: Sheet) -> float:
    spread = sheet.spread("window")
    return NEVER if spread is None else spread.median


def _lasts(sheet: Sheet) -> dict[str, float]:
    """Return the median of when each device had its last value, s."""
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
    """Return what to paste into ``taurus.ini``; nothing where all is well."""
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
    """Return ``rules`` as a setting; nothing where there are none."""
    return rules_as_ini((f"{_short(r.device)}/*", r.mode.upper()) for r in rules)


def _short(device: str) -> str:
    """Return what a rule calls a device: domain/family/member."""
    return "/".join(device.rsplit("/", 3)[-3:])
