"""An asyncio program that ends while it writes to a device that hangs.

Arguments: the attribute, the process id of its server. Tells when the loop has ended, s
since the epoch.
"""

from __future__ import annotations

import asyncio
import sys
import time

from taurus_tpo import aio
from tests.support.stopping import stop

name, pid = sys.argv[1:]


async def main() -> None:
    await aio.write(name, 1.0)
    stop(int(pid))
    try:
        await aio.write(name, 2.0, timeout=0.2)
    except TimeoutError:
        async with aio.events(name) as stream:
            await stream.__anext__()
            print(time.time())


asyncio.run(main())
raise SystemExit(5)
