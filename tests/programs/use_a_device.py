"""A program that knows nothing of green modes; the argument is a device."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import taurus


class Listener:
    heard = threading.Event()

    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        if getattr(value, "rvalue", None) is not None:
            self.heard.set()


attribute, listener = taurus.Attribute(sys.argv[1] + "/rw"), Listener()
before = attribute.read().rvalue.magnitude
attribute.addListener(listener)
told = [before, listener.heard.wait(60)]
listener.heard.clear()
attribute.write(before + 1)
told.append(listener.heard.wait(60))
patience = time.monotonic() + 60
while not attribute.isUsingEvents() and time.monotonic() < patience:
    time.sleep(0.02)
told.append(attribute.isUsingEvents())
device = taurus.Device(sys.argv[1])
told += [device.state.name, str(device.getDeviceProxy().State())]
print(json.dumps(told))
