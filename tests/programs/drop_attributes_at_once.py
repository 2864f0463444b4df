"""Listens to an attribute, the argument, and lets go of it at once, sixty times."""

from __future__ import annotations

import gc
import sys
from typing import Any

import taurus


class Listener:
    def eventReceived(self, *_: Any) -> None:
        pass


for _number in range(60):
    attr, listener = taurus.Attribute(sys.argv[1]), Listener()
    attr.addListener(listener)
    del attr, listener
    gc.collect()
print("alive")
