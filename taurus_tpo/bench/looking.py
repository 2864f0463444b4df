"""The common part of runs with and without a window: their beginning and end."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taurus import tauruscustomsettings

from taurus_tpo.bench.census import Census, plugin_threads
from taurus_tpo.bench.protocol import (
    ATTRIBUTE,
    END,
    VALUE,
    LookOrder,
    Telling,
    load_taurus,
)
from taurus_tpo.bench.results import DISABLED
from taurus_tpo.bench.watching import FirstValues, count_calls
from taurus_tpo.core.verification import CHECK_PERIOD, COMPANY
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS

#: The limit of the wait for a run to become idle beyond its ``rest``, s: polling never
#: stops.
RESTLESS = 60.0

#: The longest time without calls between two checks of a value by the verification, s:
#: after less, another check may be due.
BETWEEN_LOOKS = CHECK_PERIOD + COMPANY + 0.5


class Looking:
    """One run: prepares it, sends its messages, and determines its end.

    :param give_up: ends the process; called in a separate thread at the time limit.
    """

    def __init__(self, order: LookOrder, give_up: Any) -> None:
        self.telling = Telling()
        self._order = order
        self._calls = count_calls()
        if order.plugin and order.workers is not None:
            # Read when the factory is created.
            tauruscustomsettings.TANGO_FIRST_READ_WORKERS = order.workers
        if order.settings:
            # The plugin's loader skips values that are not literals.
            CUSTOM_SETTINGS.watch()
            tauruscustomsettings.load_configs(list(order.settings))
        self._factory = load_taurus(order.plugin)
        self._apply()
        self._names = dict(zip(order.models, map(full_name, order.models)))
        self.values = FirstValues(self._names.values())
        self._models = {name.lower(): model for model, name in self._names.items()}
        self._census = Census(order.limit, give_up)
        self.begun = 0.0
        self._memory_before = 0
        # The time when the run was over, the number of calls so far, and the time of
        # the last change of that number.
        self._over: float | None = None
        self._called = 0
        self._quiet_since = 0.0
        # The number of the plugin's threads after ``rest`` without calls.
        self._resting: int | None = None

    def _apply(self) -> None:
        for pattern, mode in self._order.said:
            if mode == DISABLED:
                self._factory.set_tango_event_subscription_disabled(True)
            else:
                self._factory.set_event_sub_mode(mode, pattern)

    def begin(self) -> None:
        """Start the clock."""
        self._calls.clear()
        self._memory_before = most_memory()
        self._census.start()
        self.begun = self.values.last = time.monotonic()

    def tell_values(self) -> None:
        """Report the values that arrived since the last call."""
        for name, when in self.values.take():
            self.telling.tell(VALUE, model=self._models[name], seconds=self.since(when))

    def since(self, when: float) -> float:
        """Return ``when`` relative to the beginning, s."""
        return when - self.begun

    @property
    def is_over(self) -> bool:
        """Whether no more values are expected."""
        if self.values.all_here:
            return True
        quiet = time.monotonic() - self.values.last
        return quiet > self._order.patience and self.values.all_answered

    @property
    def is_rested(self) -> bool:
        """Whether no device has been called for ``rest`` s, and no call is due.

        To be polled once the run is over: the time counts from the first call. The
        plugin's threads are counted as soon as ``rest`` has passed. The wait is limited
        by :data:`RESTLESS`.
        """
        if not self._order.rest:
            return True
        now = time.monotonic()
        called = sum(list(self._calls.values()))
        if self._over is None:
            self._over = self._quiet_since = now
        if called != self._called:
            self._called, self._quiet_since, self._resting = called, now, None
        quiet, rest = now - self._quiet_since, self._order.rest
        restless = now - self._over > rest + RESTLESS
        if self._resting is None and (quiet > rest or restless):
            self._resting = plugin_threads()
        return restless or quiet > max(rest, BETWEEN_LOOKS)

    def tell_end(
        self,
        gave_up: bool,
        attributes: dict[str, Any],
        rows: int | None,
        more: Mapping[str, float] | None = None,
    ) -> None:
        """Report the totals, and the state of each attribute.

        :param attributes: Taurus's attributes by model, as far as known.
        :param rows: number of models that are shown or listened to; None: not known.
        :param more: figures of this program, by their names.
        """
        self.tell_values()
        for model, attribute in attributes.items():
            events = getattr(attribute, "isUsingEvents", bool)()
            self.telling.tell(ATTRIBUTE, model=model, events=events)
        self.telling.tell(
            END,
            gave_up=gave_up,
            rows=rows,
            errors={self._models[n]: why for n, why in self.values.errors.items()},
            calls=dict(self._calls),
            threads=self._census.most,
            plugin_threads=self._census.most_of_plugin,
            plugin_threads_at_rest=self._resting,
            memory_before=self._memory_before,
            memory=most_memory(),
            more=dict(more or {}),
        )


def full_name(model: str) -> str:
    """Return the full name of an attribute, as Taurus's events have it."""
    from taurus.core.taurushelper import getValidatorFromName

    validator = getValidatorFromName(model)
    names = validator.getNames(model) if validator is not None else None
    return str(names[0]) if names and names[0] else model


def most_memory() -> int:
    """Return the peak memory of this process, bytes."""
    if sys.platform == "linux":
        # getrusage reports at least the peak of the parent at the time of the fork.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
