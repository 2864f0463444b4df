"""Reads fifty attributes of servers that are well, slow, hung and down, twice.

Tells how many values and errors each server brings, and how long the hub stood still.
"""

from __future__ import annotations

from tests.programs.greenlets_base import (
    HEALTHY,
    begin_to_tick,
    gevent,
    green,
    hang,
    names,
    telling,
    told,
)
from tests.support.stopwatch import Stopwatch

PARTS = {
    "healthy": names("healthy", 20),
    "slow": names("slow", 10),
    "hung": [*names("hung1", 5), *names("hung2", 5)],
    "down": names("down", 10),
}
ALL = [name for part in PARTS.values() for name in part]


def load_taurus() -> None:
    """Load what Taurus loads once: that takes the interpreter."""
    told["types"] = [type(green.read(f"{HEALTHY}/State")[0]).__name__]
    hang()
    begin_to_tick()


def read_twice() -> None:
    for _ in range(2):
        found = dict(zip(ALL, green.read(*ALL)))
        for part, models in PARTS.items():
            values = [found[model] for model in models]
            errors = [one for one in values if isinstance(one, Exception)]
            told[part] = len(values) - len(errors)
            told["types"] += [type(one).__name__ for one in errors]


def read_beside_a_hung_one() -> None:
    """The others have their values while a read of the hung server waits."""
    waiting = gevent.spawn(green.read, PARTS["hung"][0])
    watch = Stopwatch()
    values = green.read(*PARTS["healthy"])
    told["beside"] = watch.seconds
    told["beside values"] = len([v for v in values if not isinstance(v, Exception)])
    waiting.kill()


told["count"] = len(ALL)
telling(load_taurus, read_twice, read_beside_a_hung_one)
