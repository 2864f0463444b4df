"""What one simulated device holds and does, apart from Tango.

A :class:`Simulation` is the state of one device: the values of its attributes, how
long a read takes, what fails, and which reads were counted. All of it may be used
from any thread; the methods hold a lock for as long as they touch the state and never
while they wait.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from taurus_tpo.sim import values
from taurus_tpo.sim.spec import AttributeSpec

#: Calls whose attributes are kept; all are counted.
_KEPT_BATCHES = 1000


class SimulatedError(Exception):
    """A simulated read raises; the text is for the client."""


class _Held:
    """The value of one attribute and when it became that."""

    def __init__(self, spec: AttributeSpec) -> None:
        self.spec = spec
        self.set(spec.value, time.time())
        #: Monotonic time at which the value next changes by itself.
        self.due = time.monotonic() + spec.period

    def set(self, value: Any, when: float) -> None:
        self.start, self.steps = value, 0
        self.value, self.time = value, when

    def step(self) -> None:
        self.steps += 1
        spec = self.spec
        self.value = values.step(self.start, spec.type, spec.enum_labels, self.steps)
        self.time = time.time()
        # One that was late, as after a stop of the process, does not make up for it.
        self.due = max(self.due + spec.period, time.monotonic())


class Simulation:
    """The state of one device, by attribute name (blind to case, as Tango is).

    :param seed: anything that tells the device from others; makes the reads that fail
        now and then the same ones each time
    """

    def __init__(self, specs: Iterable[AttributeSpec], seed: str) -> None:
        self._lock = threading.Lock()
        self._held = {spec.name.lower(): _Held(spec) for spec in specs}
        self._random = random.Random(seed)
        self._batches: deque[list[str]] = deque(maxlen=_KEPT_BATCHES)
        self._read_calls = 0
        self._attributes_read = 0

    @property
    def specs(self) -> list[AttributeSpec]:
        """The attributes as they are configured now."""
        with self._lock:
            return [held.spec for held in self._held.values()]

    def spec(self, name: str) -> AttributeSpec:
        """Return one attribute as it is configured now; ``KeyError`` if unknown."""
        with self._lock:
            return self._held[name.lower()].spec

    def configure(self, name: str, **changes: Any) -> None:
        """Change ``read_delay``, ``period`` (s), ``error`` (0 to 1), ``error_text``.

        A period counts from now.
        """
        with self._lock:
            held = self._held[name.lower()]
            held.spec = replace(held.spec, **changes)
            if "period" in changes:
                held.due = time.monotonic() + held.spec.period

    def sample(self, name: str) -> tuple[Any, float]:
        """Return what a read finds: the value, and the epoch time (s) it is from.

        :raises SimulatedError: as often as the attribute's ``error`` says
        """
        with self._lock:
            held = self._held[name.lower()]
            if self._random.random() < held.spec.error:
                raise SimulatedError(held.spec.error_text)
            return held.value, held.time

    def set(self, name: str, value: Any, when: float | None = None) -> None:
        """Make ``value`` what the device holds, as of ``when`` (epoch s; now).

        :raises KeyError: for an unknown attribute
        :raises ValueError: if the value does not fit it
        """
        spec = self.spec(name)
        fit = values.check(value, spec.type, spec.shape, spec.enum_labels)
        with self._lock:
            self._held[name.lower()].set(fit, time.time() if when is None else when)

    def truth(self) -> dict[str, Any]:
        """Return the value of each attribute by its name."""
        with self._lock:
            return {held.spec.name: held.value for held in self._held.values()}

    def count(self, names: Sequence[str]) -> None:
        """Note one call that reads these attributes."""
        with self._lock:
            self._read_calls += 1
            self._attributes_read += len(names)
            self._batches.append(list(names))

    def calls(self) -> str:
        """Return, as JSON, the calls that were counted."""
        with self._lock:
            return json.dumps(
                {
                    "read_calls": self._read_calls,
                    "attributes_read": self._attributes_read,
                    "batches": list(self._batches),
                }
            )

    def reset_calls(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._read_calls = self._attributes_read = 0
            self._batches.clear()

    def step_due(self) -> tuple[list[str], float | None]:
        """Change what is due to change by itself.

        :returns: the names of what changed, and the seconds until something is due
            again (``None``: nothing ever is)
        """
        with self._lock:
            moving = [held for held in self._held.values() if held.spec.period]
            now = time.monotonic()
            due = [held for held in moving if held.due <= now]
            for held in due:
                held.step()
            pause = max(0.0, min((h.due for h in moving), default=now) - now)
            return [held.spec.name for held in due], pause if moving else None
