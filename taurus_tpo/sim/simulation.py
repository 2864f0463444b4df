"""The state and behavior of one simulated device, without Tango.

A :class:`Simulation` holds the values of the attributes of one device, their read
delays and error rates, and counts reads. It is thread-safe; callers sleep for the read
delay themselves, so no lock is held meanwhile.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs

from taurus_tpo.sim import values
from taurus_tpo.sim.spec import AttributeSpec

#: How many calls are kept with their attributes; all calls are counted.
_KEPT_BATCHES = 1000


class SimulatedError(Exception):
    """A simulated error of a read; the text is sent to the client."""


class _Held:
    """The value of one attribute and its time."""

    def __init__(self, spec: AttributeSpec) -> None:
        self.spec = spec
        self.set(spec.value, time.time())
        #: The monotonic time of the next change.
        self.due = time.monotonic() + spec.period

    def set(self, value: Any, when: float) -> None:
        self.start, self.steps = value, 0
        self.value, self.time = value, when

    def step(self) -> None:
        self.steps += 1
        spec = self.spec
        self.value = values.step(self.start, spec.type, spec.enum_labels, self.steps)
        self.time = time.time()
        # Missed changes, as after a stop of the process, are not made up for.
        self.due = max(self.due + spec.period, time.monotonic())


class Simulation:
    """The state of one device; attribute names are case-insensitive, as in Tango.

    :param seed: unique per device; makes the sequence of simulated errors reproducible
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
        """The attributes with their current configuration."""
        with self._lock:
            return [held.spec for held in self._held.values()]

    def spec(self, name: str) -> AttributeSpec:
        """Return the configuration of one attribute; ``KeyError`` if unknown."""
        with self._lock:
            return self._held[name.lower()].spec

    def configure(self, name: str, **changes: Any) -> None:
        """Change ``read_delay``, ``period`` (s), ``error`` (0 to 1), ``error_text``.

        A new period starts now.
        """
        with self._lock:
            held = self._held[name.lower()]
            held.spec = structs.replace(held.spec, **changes)
            if "period" in changes:
                held.due = time.monotonic() + held.spec.period

    def sample(self, name: str) -> tuple[Any, float]:
        """Return the result of a read: the value, and its time (epoch s).

        :raises SimulatedError: with the probability ``error`` of the attribute
        """
        with self._lock:
            held = self._held[name.lower()]
            if self._random.random() < held.spec.error:
                raise SimulatedError(held.spec.error_text)
            return held.value, held.time

    def set(self, name: str, value: Any, when: float | None = None) -> None:
        """Set the value, with the time ``when`` (epoch s; default: now).

        :raises KeyError: for an unknown attribute
        :raises ValueError: if the value does not fit the attribute
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
        """Count one call that reads these attributes."""
        with self._lock:
            self._read_calls += 1
            self._attributes_read += len(names)
            self._batches.append(list(names))

    def calls(self) -> str:
        """Return the counted calls as JSON."""
        with self._lock:
            return json.dumps(
                {
                    "read_calls": self._read_calls,
                    "attributes_read": self._attributes_read,
                    "batches": list(self._batches),
                }
            )

    def reset_calls(self) -> None:
        """Reset the counters."""
        with self._lock:
            self._read_calls = self._attributes_read = 0
            self._batches.clear()

    def step_due(self) -> tuple[list[str], float | None]:
        """Change the values that are due.

        :returns: the names of the changed attributes, and the seconds until the next
            change is due (``None``: never)
        """
        with self._lock:
            moving = [held for held in self._held.values() if held.spec.period]
            now = time.monotonic()
            due = [held for held in moving if held.due <= now]
            for held in due:
                held.step()
            pause = max(0.0, min((h.due for h in moving), default=now) - now)
            return [held.spec.name for held in due], pause if moving else None
