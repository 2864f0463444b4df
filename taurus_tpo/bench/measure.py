"""All runs, each in a process of its own, the variants in turn."""

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

#: How many threads besides the plugin's readers may call a device: the GUI's, Tango's.
CALLERS = 2

#: The modules of a run: with a window, without one, with PyTango only.
FORM = "taurus_tpo.bench.window"
HEADLESS = "taurus_tpo.bench.listening"
SURVEY = "taurus_tpo.bench.survey"


#: Pairs of a pattern and a mode.
Said = tuple[tuple[Union[str, None], str], ...]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    :param models: full names of attributes, in the order of the form.
    :param modes: the plugin's modes, ``disabled``, and ``as set``.
    :param stock: whether stock Taurus is measured too.
    :param window: whether a form is opened; otherwise a listener is added.
    :param repeat: number of runs per variant.
    :param at_once: maximum number of concurrent calls of a run to one server.
    :param patience: how long a run waits for failed attributes after the last change,
        s.
    :param limit: the time limit of a run, s.
    :param bounds: whether the lower bounds of widgets and of the network are measured.
    :param against_repeat: number of runs of stock Taurus and of plain PyTango; None: as
        for the others.
    :param rest: a run of the plugin continues until no device is called any more, and
        counts its threads this long after the last call, s; 0: it does not.
    :param program: the module of the runs with Taurus, instead of a form or listeners;
        it carries out a :class:`~taurus_tpo.bench.protocol.LookOrder`.
    :param watched: for how long it measures its steady state, s.
    :param hooks: commands around each run.
    :param settings: settings files in addition to the system and user files.
    :param said: the modes of ``as set`` besides the settings: pairs of a pattern and a
        mode, as in :class:`~taurus_tpo.bench.protocol.LookOrder`.
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
    program: str = ""
    watched: float = 0.0
    hooks: Hooks = field(default_factory=Hooks)
    settings: tuple[str, ...] = ()
    said: Said = ()

    @property
    def readers(self) -> int:
        """The number of reader threads that keeps each server within ``at_once`` calls.

        The plugin reserves a quarter of its readers for other servers. Two more threads
        may call a server: the GUI thread and Tango's.
        """
        of_one_server = max(1, self.at_once - CALLERS)
        return of_one_server + of_one_server // 3

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The variants in order; plain PyTango first, since it finds the types."""
        modes = [Variant(PLUGIN, mode) for mode in self.modes]
        stock = [Variant(STOCK)] if self.stock else []
        # Without a window there are no widgets to measure.
        widgets = [Variant(EVAL)] if self.window and self.bounds else []
        network = [Variant(PYTANGO)] if self.bounds else []
        # Calls of stock Taurus may keep devices busy after its run: the variant without
        # a network follows it.
        return (*network, *modes, *stock, *widgets)

    @property
    def turns(self) -> Iterator[Variant]:
        """All runs, interleaved (A B C A B C): a drift affects all variants alike."""
        seldom = self.repeat if self.against_repeat is None else self.against_repeat
        for turn in range(self.repeat):
            for variant in self.variants:
                if turn < seldom or variant.who not in (STOCK, PYTANGO):
                    yield variant


class Measurement:
    """Carries out a plan.

    :param environment: of the runs, except the variable that switches the plugin.
    """

    def __init__(self, plan: Plan, environment: Mapping[str, str] | None = None):
        self._plan = plan
        self._environment = dict(os.environ if environment is None else environment)
        #: Type, format and shape of each model, from the first survey.
        self.kinds: dict[str, dict[str, Any]] = {}

    def run(self, variant: Variant) -> Record:
        """Run ``variant`` once; a failure is stored in the record."""
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

                child.run(module, order.to_json(), environment, limit, hear)
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
            watched=plan.watched,
        )
        return plan.program or (FORM if plan.window else HEADLESS), order

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
            more=end.get("more", {}),
            gave_up=self._plan.limit if end["gave_up"] else 0.0,
            crash=crash,
        )


def discover(
    path: str, limit: float, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Return the full names of the attributes that a program listens to.

    :param path: the configuration directory of a TaurusGui, or a Python program; it is
        started, and ended when its event loop has run for a while.
    :param limit: the time limit, s.
    :raises child.RunError: if it fails.
    """
    told: list[dict[str, Any]] = []
    order = DiscoverOrder(path, limit).to_json()
    without_screen = {"QT_QPA_PLATFORM": "offscreen", VARIABLE: "1"}
    given = os.environ if environment is None else environment
    module = "taurus_tpo.bench.discover"
    child.run(module, order, {**given, **without_screen}, limit, told.append)
    return [news["model"] for news in told if news["what"] == VALUE]


def _only(mode: str) -> Said:
    """Return the setting of ``mode`` for all attributes; empty without a mode."""
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
    """Carry out all runs; Ctrl-C ends the measurement and keeps the records so far.

    :param tell: called with the record of each run when it has ended.
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
