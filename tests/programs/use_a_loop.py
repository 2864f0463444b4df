"""An asyncio program that knows nothing of the plugin; also in a forked process.

Arguments: a device, and whether it forks first. Tells what it has read, written and
heard, of an evaluation too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from taurus_tpo import aio

device, fork = sys.argv[1:]


async def heard(*names: str) -> dict[str, Any]:
    """Return the first value of each attribute."""
    found: dict[str, Any] = {}
    async with aio.events(*names) as stream:
        async for event in stream:
            rvalue = getattr(event.value, "rvalue", None)
            if rvalue is not None:
                found[event.model] = float(rvalue.magnitude)
            if len(found) == len(names):
                break
    return found


async def main() -> list[Any]:
    rw, evaluation = f"{device}/rw", f"eval:{{{device}/rw}}*2"
    value, error, invalid, twice = await aio.read(
        rw, f"{device}/nothing", "a b", evaluation
    )
    assert isinstance(invalid, Exception)
    told = [float(value.rvalue.magnitude), error.args[0].reason]
    told.append(float(twice.rvalue.magnitude))
    back = await aio.write(rw, 3.0)
    told.append(float(back.rvalue.magnitude))
    told += sorted((await heard(rw, evaluation)).values())
    return told


if fork == "fork":
    asyncio.run(aio.read(f"{device}/rw"))
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        raise SystemExit(os.WEXITSTATUS(status))
print(json.dumps(asyncio.run(main())), flush=True)
