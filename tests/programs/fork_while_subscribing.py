"""A parent for which something is being subscribed to when it forks.

The argument is how long that takes, s. The child prints what is done, the parent how
long it had to wait.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import taurus

subscriber = taurus.Factory("tango").tango_client.subscriber
done: list[float] = []
began = threading.Event()


def subscribe(seconds: float) -> None:
    began.set()
    time.sleep(seconds)
    done.append(seconds)


subscriber.do(lambda: subscribe(float(sys.argv[1])))
began.wait(60)
begun = time.monotonic()
child = os.fork()
if child == 0:
    print(done, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(time.monotonic() - begun)
