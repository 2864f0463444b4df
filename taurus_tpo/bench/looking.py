"""What a run with a window and one without have in common: their beginning and end."""

from __future__ import annotations

import resource
import sys
import time
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

#: How much longer than its rest a run waits for it at most, s: what is polled is called
#: for ever.
RESTLESS = 60.0

#: For how long no device is called between two looks of the plugin at a value, s: as
#: long as there is less silence, another look may be due.
BETWEEN_LOOKS = CHECK_PERIOD + COMPANY + 0.5


class Looking:
    """One run: prepares it, tells what is seen, and says when it is over.

    :param give_up: ends the process; called in a thread of its own when time is up.
    """

    def __init__(self, order: LookOrder, give_up: Any) -> None:
        self.telling = Telling()
        self._order = order
        self._calls = count_calls()
        if order.plugin and order.workers is not None:
            # Read when the factory is made.
            tauruscustomsettings.TANGO_FIRST_READ_WORKERS = order.workers
        if order.settings:
            # With the plugin's forbearance of what is no literal.
            CUSTOM_SETTINGS.watch()
            tauruscustomsettings.load_configs(list(order.settings))
        self._factory = load_taurus(order.plugin)
        self._apply()
        self._names = dict(zip(order.models, map(_full_name, order.models)))
        self.values = FirstValues(self._names.values())
        self._models = {name.lower(): model for model, name in self._names.items()}
        self._census = Census(order.limit, give_up)
        self.begun = 0.0
        self._memory_before = 0
        # When all had come, how often devices had been called, and since when that is.
        self._over: float | None = None
        self._called = 0
        self._quiet_since = 0.0
        # How many threads the plugin had when nobody had called for the rest.
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
        self._memory_before = _most_memory()
        self._census.start()
        self.begun = self.values.last = time.monotonic()

    def tell_values(self) -> None:
        """Tell of the values that have come since this was called last."""
        for name, when in self.values.take():
            self.telling.tell(VALUE, model=self._models[name], seconds=self.since(when))

    def since(self, when: float) -> float:
        """Return how long after the beginning ``when`` was, s."""
        return when - self.begun

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be expected."""
        if self.values.all_here:
            return True
        quiet = time.monotonic() - self.values.last
        return quiet > self._order.patience and self.values.all_answered

    @property
    def is_rested(self) -> bool:
        """Whether nobody has called a device for as long as was ordered, nor will.

        To be asked when the run is over, again and again: the time counts from then,
        and the plugin's threads are counted meanwhile. A run that never comes to rest
        is not waited for without end.
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
        self, gave_up: bool, attributes: dict[str, Any], rows: int | None
    ) -> None:
        """Tell all that was counted, and what became of each attribute.

        :param attributes: Taurus's, by their models; those that are known.
        :param rows: how many of the models are shown, or listened to; None: not known.
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
            memory=_most_memory(),
        )


def _full_name(model: str) -> str:
    from taurus.core.taurushelper import getValidatorFromName

    validator = getValidatorFromName(model)
    names = validator.getNames(model) if validator is not None else None
    return str(names[0]) if names and names[0] else model


def _most_memory() -> int:
    """Return the most memory that this process has had, bytes."""
    if sys.platform == "linux":
        # What getrusage says is at least what the parent had when it started this one.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
