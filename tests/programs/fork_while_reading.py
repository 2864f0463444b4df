"""A parent that listens to an attribute, and is in the midst of much when it forks.

The argument is a JSON object: ``models`` of the attributes, of the first four of which
``device`` is the device; ``busy``, whether threads read the others meanwhile; and
``fork``, what makes the child: ``fork`` or ``multiprocessing``.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from typing import Any

import taurus

job: dict[str, Any] = json.loads(sys.argv[1])
models: list[str] = job["models"]


class Listener:
    def __init__(self) -> None:
        self.heard = threading.Event()

    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        if getattr(value, "rvalue", None) is not None:
            self.heard.set()


def listens(name: str) -> tuple[Any, Listener]:
    attribute, listener = taurus.Attribute(name), Listener()
    attribute.addListener(listener)
    assert listener.heard.wait(60), name
    return attribute, listener


def use_it() -> None:
    same = taurus.Attribute(models[0])
    told = [str(same.read(cache=False).rvalue.units)]
    other, _listener = listens(models[1])
    told.append(other.rvalue.magnitude)
    polled, again = taurus.Attribute(models[2]), Listener()
    polled.changePollingPeriod(100)
    polled.activatePolling(100, force=True)
    polled.addListener(again)
    for _ in range(3):
        again.heard.clear()
        assert again.heard.wait(60)
    told.append(taurus.Device(job["device"]).state.name)
    told.append(other.getParentObj().getDeviceProxy().State().name)
    print(json.dumps(told), flush=True)


factory = taurus.Factory("tango")
kept = [listens(name) for name in models[:1]]
if job["busy"]:
    slow = [factory.readAttributeFirstTime(taurus.Attribute(n)) for n in models[4:]]
    while not any("reader" in thread.name for thread in factory.first_read.threads()):
        time.sleep(0.001)
    time.sleep(0.1)
if job["fork"] == "fork":
    child = os.fork()
    if child == 0:
        use_it()
        sys.exit()
    _, status = os.waitpid(child, 0)
    print("child", os.WEXITSTATUS(status))
else:
    process = multiprocessing.get_context("fork").Process(target=use_it)
    process.start()
    process.join(100)
    print("child", process.exitcode)
# The parent goes on as before.
print("parent", kept[0][0].read(cache=False).rvalue.magnitude)
more = listens(models[3])
print("parent", more[0].rvalue.magnitude)
