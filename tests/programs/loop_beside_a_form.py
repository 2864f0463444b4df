"""An event loop of asyncio and Qt, by qasync, beside a form of a server that hangs.

The job has names of attributes: ``well`` and ``hung``; and ``rw``, one that can be
written. Tells what was read, written, heard and shown, and the longest time for which
the loop did not turn meanwhile, s.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import qasync

from taurus_tpo import aio
from tests.programs.window_base import Stopwatch, TaurusForm, app, job, plain, told

#: How long the loop may wait for anything, s.
SOON = 60.0


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def tick() -> None:
    while True:
        watch = Stopwatch()
        await asyncio.sleep(0.001)
        told["gap"] = max(told.get("gap", 0.0), watch.seconds)


async def first_values(names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with aio.events(*names) as stream:
        async for event in stream:
            if getattr(event.value, "rvalue", None) is not None:
                found[event.model] = plain(event.value)
            if len(found) == len(names):
                break
    return found


async def use(form: Any) -> None:
    ticks = asyncio.create_task(tick())
    values = await aio.read(*job["well"], *job["hung"])
    told["errors"] = sum(isinstance(value, Exception) for value in values)
    told["values"] = len(values) - told["errors"]
    told["heard"] = len(await first_values(job["well"]))
    told["written"] = plain(await aio.write(job["rw"], 4.5))
    ticks.cancel()
    await until(lambda: "4.50" in str(form[0].readWidget().text()))
    told["shown"] = True


async def main() -> None:
    form = TaurusForm()
    form.setModel([job["rw"], *job["well"], *job["hung"]])
    form.show()
    await until(lambda: len(form) == 1 + len(job["well"] + job["hung"]))
    await until(lambda: "2.50" in str(form[0].readWidget().text()))
    await use(form)
    form.setModel([])


loop = qasync.QEventLoop(app)
with loop:
    loop.run_until_complete(asyncio.wait_for(main(), SOON))
    told["tasks"] = len(asyncio.all_tasks(loop))
print(json.dumps(told))
