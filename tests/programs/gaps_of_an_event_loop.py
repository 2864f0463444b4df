"""The longest times for which an event loop does not turn, while it uses attributes.

Tells, as a JSON object, for each phase the longest gap between two ticks of the loop
(s, by the clock, and without the time for which its thread had no processor), the
longest garbage collection, and how many values there were. Phases with nothing to do
are called bare.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Coroutine
from typing import Any

from taurus_tpo import aio
from tests.support.stopwatch import Stopwatch

#: How often the loop ticks, s.
TICK = 0.001

#: The longest wait for anything, s.
SOON = 60.0


def names_of(device: str) -> list[str]:
    return [f"sim/aio/{device}/volt{number:02}" for number in range(1, 51)]


PARTS = {device: names_of(device) for device in ("healthy", "slow", "hung", "down")}
PARTS["all"] = [name for names in PARTS.values() for name in names]


class Gaps:
    """What is measured while the loop runs."""

    def __init__(self) -> None:
        self.wall = self.own = self.collection = 0.0
        self._begun = 0.0

    async def tick(self) -> None:
        while True:
            watch, begun = Stopwatch(), time.monotonic()
            await asyncio.sleep(TICK)
            self.own = max(self.own, watch.seconds)
            self.wall = max(self.wall, time.monotonic() - begun)

    def collects(self, phase: str, info: dict[str, int]) -> None:
        now = time.monotonic()
        if phase == "start":
            self._begun = now
        else:
            self.collection = max(self.collection, now - self._begun)


async def measured(work: Coroutine[Any, Any, int]) -> dict[str, float]:
    gaps = Gaps()
    gc.callbacks.append(gaps.collects)
    ticks = asyncio.create_task(gaps.tick())
    await asyncio.sleep(TICK)
    begun = time.monotonic()
    values = await asyncio.wait_for(work, SOON)
    seconds = time.monotonic() - begun
    await asyncio.sleep(2 * TICK)
    ticks.cancel()
    gc.callbacks.remove(gaps.collects)
    return {
        "wall": gaps.wall,
        "own": gaps.own,
        "collection": gaps.collection,
        "seconds": seconds,
        "values": values,
    }


async def read(names: list[str]) -> int:
    found = await aio.read(*names)
    return sum(not isinstance(one, Exception) for one in found)


async def listen(names: list[str]) -> int:
    """Listen until each has told something."""
    values: dict[str, bool] = {}
    async with aio.events(*names) as stream:
        async for event in stream:
            known = values.get(event.model, False)
            values[event.model] = known or event.error is None
            if len(values) == len(names):
                break
    return sum(values.values())


async def nothing() -> int:
    await asyncio.sleep(2.0)
    return 0


async def main() -> None:
    told = {"bare": await measured(nothing())}
    told["first"] = await measured(read(["sim/aio/healthy/State"]))
    for part, names in PARTS.items():
        told[f"read {part}"] = await measured(read(names))
        told[f"read {part} again"] = await measured(read(names))
        told[f"listen {part}"] = await measured(listen(names))
    told["bare at the end"] = await measured(nothing())
    print(json.dumps(told))


asyncio.run(main())
