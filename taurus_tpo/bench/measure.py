"""The runs: each a process of its own, all variants in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Union

from taurus_tpo.bench import child
from taurus_tpo.bench.hooks import HookError, Hooks, around
from taurus_tpo.bench.kinds import expressions
from taurus_tpo.bench.protocol import (
    ATTRIBUTE,
    CLOSING,
    END,
    READ,
    STALL,
    VALUE,
    WINDOW,
    DiscoverOrder,
    LookOrder,
    Order,
    SurveyOrder,
)
from taurus_tpo.bench.results import (
    AS_SET,
    EVAL,
    PLUGIN,
    PYTANGO,
    STOCK,
    Record,
    Variant,
)
from taurus_tpo.environment.activation import VARIABLE

#: Who may call a device beside the plugin's readers: the GUI's thread, and Tango's.
CALLERS = 2

#: What is run: with a window, without one, and with nothing but PyTango.
FORM, HEADLESS, SURVEY = "window", "listening", "survey"


#: Modes, each with the pattern that it is about.
Said = tuple[tuple[Union[str, None], str], ...]


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    :param models: full names of attributes, in the order of the form.
    :param modes: the plugin's modes, ``disabled``, and ``as set``.
    :param stock: whether stock Taurus takes its turn.
    :param window: whether a form is opened; otherwise somebody listens.
    :param repeat: how often each takes its turn.
    :param at_once: how many calls one server may get at the same time from a run.
    :param patience: how long a run waits for what has failed, after the last news, s.
    :param limit: after so long a run gives up, s.
    :param bounds: whether what the widgets and what the network takes have their turns.
    :param against_repeat: how often stock Taurus and plain PyTango take their turn;
        None: as often as the others.
    :param rest: a run of the plugin goes on until no device is called any more, and its
        threads are counted so long after the last call, s; 0: it does not.
    :param hooks: what is run around each run.
    :param settings: files of settings beside those that every process reads.
    :param said: what ``as set`` means beside the settings: pairs of a pattern and a
        mode, as :class:`~taurus_tpo.bench.protocol.LookOrder` has them.
    """

    models: tuple[str, ...]
    modes: tuple[str, ...]
    stock: bool = False
    window: bool = True
    repeat: int = 5
    at_once: int = 8
    patience: float = 5.0
    limit: float = 60.0
    bounds: bool = True
    against_repeat: int | None = None
    rest: float = 0.0
    hooks: Hooks = field(default_factory=Hooks)
    settings: tuple[str, ...] = ()
    said: Said = ()

    @property
    def readers(self) -> int:
        """How many threads the plugin may read with, so that no server gets more calls.

        It leaves a quarter of them to other servers. Two more may call: the thread of
        the GUI, and Tango's.
        """
        of_one_server = max(1, self.at_once - CALLERS)
        return of_one_server + of_one_server // 3

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What takes turns: plain PyTango first, as it tells what there is."""
        modes = [Variant(PLUGIN, mode) for mode in self.modes]
        stock = [Variant(STOCK)] if self.stock else []
        # Without a window there are no widgets that could take their time.
        widgets = [Variant(EVAL)] if self.window and self.bounds else []
        network = [Variant(PYTANGO)] if self.bounds else []
        # Stock Taurus may leave calls behind that devices go on with: what needs no
        # network comes after it.
        return (*network, *modes, *stock, *widgets)

    @property
    def turns(self) -> Iterator[Variant]:
        """All runs, A B C A B C: a machine that drifts hurts nobody more."""
        seldom = self.repeat if self.against_repeat is None else self.against_repeat
        for turn in range(self.repeat):
            for variant in self.variants:
                if turn < seldom or variant.who not in (STOCK, PYTANGO):
                    yield variant


class Measurement:
    """Carries a plan out.

    :param environment: of the runs, but for what turns the plugin on and off.
    """

    def __init__(self, plan: Plan, environment: Mapping[str, str] | None = None):
        self._plan = plan
        self._environment = dict(os.environ if environment is None else environment)
        #: What the first survey has found of each model: its type, format and shape.
        self.kinds: dict[str, dict[str, Any]] = {}

    def run(self, variant: Variant) -> Record:
        """Run ``variant`` once; what fails is in the record."""
        module, order = self._order(variant)
        told: list[dict[str, Any]] = []
        plugin = "0" if variant.who == STOCK else "1"
        environment = {**self._environment, VARIABLE: plugin}
        limit, crash = self._plan.limit, ""
        try:
            with around(self._plan.hooks, environment, limit) as at_window:

                def hear(news: dict[str, Any]) -> None:
                    told.append(news)
                    if news["what"] == WINDOW:
                        at_window()

                name = f"taurus_tpo.bench.{module}"
                child.run(name, order.to_json(), environment, limit, hear)
                ended = time.time()
        except HookError as error:
            return Record(variant, len(self._plan.models), failure=str(error))
        except child.RunError as error:
            ended, crash = time.time(), str(error)
        if variant.who == PYTANGO and not self.kinds:
            self._learn(told)
        return self._record(variant, told, ended, crash)

    def _order(self, variant: Variant) -> tuple[str, Order]:
        plan = self._plan
        if variant.who == PYTANGO:
            return SURVEY, SurveyOrder(plan.models, plan.at_once, plan.limit)
        is_eval = variant.who == EVAL
        models = expressions(plan.models, self.kinds) if is_eval else plan.models
        order = LookOrder(
            models=tuple(models),
            plugin=variant.who != STOCK,
            settings=plan.settings,
            said=plan.said if variant.mode == AS_SET else _only(variant.mode),
            workers=plan.readers,
            patience=plan.patience,
            limit=plan.limit,
            rest=plan.rest if variant.who == PLUGIN else 0.0,
        )
        return FORM if plan.window else HEADLESS, order

    def _learn(self, told: Sequence[Mapping[str, Any]]) -> None:
        for news in told:
            if news["what"] == ATTRIBUTE:
                self.kinds[news["model"]] = dict(news)

    def _record(
        self,
        variant: Variant,
        told: Sequence[Mapping[str, Any]],
        ended: float,
        crash: str,
    ) -> Record:
        by_kind: dict[str, list[Mapping[str, Any]]] = {}
        for news in told:
            by_kind.setdefault(news["what"], []).append(news)
        if END not in by_kind:
            failure = crash or "it was killed: it did not give up by itself"
            return Record(variant, len(self._plan.models), failure=failure)
        end, attributes = by_kind[END][0], by_kind.get(ATTRIBUTE, [])
        windows = by_kind.get(WINDOW, [])
        values = {news["model"]: news["seconds"] for news in by_kind.get(VALUE, [])}
        return Record(
            variant=variant,
            models=len(self._plan.models),
            begun=windows[0]["at"] - windows[0]["seconds"] if windows else None,
            rows=end["rows"],
            window=_first(windows, "seconds"),
            values=values,
            errors={m: why for m, why in end["errors"].items() if m not in values},
            polled=_polled(variant, attributes),
            stalls=tuple((n["seconds"], n["pause"]) for n in by_kind.get(STALL, [])),
            took={n["device"]: n["took"] for n in by_kind.get(READ, [])},
            calls=end["calls"],
            threads=end["threads"],
            plugin_threads=end["plugin_threads"],
            plugin_threads_at_rest=end.get("plugin_threads_at_rest"),
            memory=end["memory"],
            memory_before=end["memory_before"],
            close=_since(_first(by_kind.get(CLOSING), "at"), ended),
            gave_up=self._plan.limit if end["gave_up"] else 0.0,
            crash=crash,
        )


def discover(
    path: str, limit: float, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Return the full names of the attributes that a program listens to.

    :param path: the configuration directory of a TaurusGui, or a Python program: it is
        started, and ended when its event loop has run for a while.
    :param limit: how long that may take, s.
    :raises child.RunError: if it ends badly.
    """
    told: list[dict[str, Any]] = []
    order = DiscoverOrder(path, limit).to_json()
    without_screen = {"QT_QPA_PLATFORM": "offscreen", VARIABLE: "1"}
    given = os.environ if environment is None else environment
    module = "taurus_tpo.bench.discover"
    child.run(module, order, {**given, **without_screen}, limit, told.append)
    return [news["model"] for news in told if news["what"] == VALUE]


def _only(mode: str) -> Said:
    """Return what says that all have ``mode``, if there is one."""
    return ((None, mode),) if mode else ()


def _first(news: Sequence[Mapping[str, Any]] | None, key: str) -> Any:
    return news[0][key] if news else None


def _since(begun: float | None, ended: float) -> float | None:
    return None if begun is None else ended - begun


def _polled(
    variant: Variant, attributes: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    if variant.who not in (PLUGIN, STOCK):
        return ()
    return tuple(news["model"] for news in attributes if not news["events"])


def measure(
    measurement: Measurement,
    turns: Iterator[Variant],
    tell: Callable[[Record], Any],
) -> list[Record]:
    """Run all turns; a Ctrl-C ends it, and what was done until then counts.

    :param tell: is called with the record of each run, as soon as it is there.
    """
    records = []
    try:
        for variant in turns:
            record = measurement.run(variant)
            records.append(record)
            tell(record)
    except KeyboardInterrupt:
        pass
    return records
