"""One run without a window: gets the first values of many attributes.

``python -m benchmarks.reads`` reads an order (:mod:`benchmarks.protocol`).
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from benchmarks.census import Census
from benchmarks.facilities import Row
from benchmarks.protocol import END, ReadOrder, Telling, load_taurus


def main() -> None:
    """Carry out the order on the standard input."""
    order = ReadOrder.from_json(sys.stdin.readline())
    telling = Telling()
    prepare, way = WAYS[order.how]
    prepare()
    begun = time.monotonic()

    def end(got: int | None, seconds: float | None) -> None:
        telling.tell(
            END,
            gave_up=got is None,
            seconds=seconds,
            models=len(order.rows),
            showing=got,
            threads=census.most,
            plugin_threads=census.most_of_plugin,
        )
        sys.stderr.flush()
        # How long the end takes is not asked here.
        os._exit(0)

    census = Census(order.limit, lambda: end(None, None))
    census.start()
    got, finished = way(order)
    end(got, finished - begun)


def _load_plugin() -> None:
    load_taurus(with_plugin=True)


def _load_pytango() -> None:
    import tango  # noqa: F401


def _make(order: ReadOrder) -> tuple[int, float]:
    """Make the attributes, and nothing else."""
    import taurus

    attributes = [taurus.Attribute(row.model) for row in order.rows]
    return len(attributes), time.monotonic()


def _with_plugin(order: ReadOrder) -> tuple[int, float]:
    """Ask for the first read of each attribute as soon as it is made."""
    import taurus

    factory = taurus.Factory("tango")
    attributes = [taurus.Attribute(row.model) for row in order.rows]
    asked = [factory.readAttributeFirstTime(attribute) for attribute in attributes]
    values = [future.result().rvalue for future in asked]
    return _right(order.rows, values), time.monotonic()


def _with_pytango(order: ReadOrder) -> tuple[int, float]:
    """Read each device in one call, the devices by as many threads."""
    import tango

    devices = [
        (device, [row.model.rpartition("/")[2] for row in rows])
        for device, rows in itertools.groupby(
            order.rows, key=lambda row: row.model.rpartition("/")[0]
        )
    ]

    def read(device: str, names: list[str]) -> list[Any]:
        return [r.value for r in tango.DeviceProxy(device).read_attributes(names)]

    with ThreadPoolExecutor(order.workers) as pool:
        answers = list(pool.map(lambda pair: read(*pair), devices))
    finished = time.monotonic()
    return _right(order.rows, [v for values in answers for v in values]), finished


def _right(rows: Sequence[Row], values: Sequence[Any]) -> int:
    """Return how many values are those of their rows."""
    plain = [getattr(value, "magnitude", value) for value in values]
    return sum(row.text in str(value) for row, value in zip(rows, plain))


#: What is done before the clock runs, and while it does: returns how many values were
#: got, and when the last one was there.
WAYS: dict[str, tuple[Callable[[], None], Callable[[ReadOrder], tuple[int, float]]]] = {
    "plugin": (_load_plugin, _with_plugin),
    "made": (_load_plugin, _make),
    "plain": (_load_pytango, _with_pytango),
}


if __name__ == "__main__":
    main()
