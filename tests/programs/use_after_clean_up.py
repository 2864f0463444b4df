"""A script that cleans the factory up, and then uses Tango again.

It prints what it has read before and after, and what the factory keeps of the first
part, whose threads end.
"""

from __future__ import annotations

import gc
import json
import threading
import weakref

import taurus

from taurus_tpo.scheme.name_cache import NAMES
from tests.programs.script_base import Listener, eventually, factory, job, plain


def use() -> list[object]:
    """Listen to the attributes; return what is read, and how many have events."""
    listener = Listener()
    attributes = [taurus.Attribute(name) for name in job["names"]]
    for attribute in attributes:
        attribute.addListener(listener)
    eventually(lambda: all(one.isUsingEvents() for one in attributes), "all subscribed")
    return [plain(attributes[0].read()), len({id(one) for one in attributes})]


def left() -> list[str]:
    """Return the threads and objects of the first part that are still there."""
    gc.collect()
    threads = [one.name for one in threading.enumerate() if "taurus_tpo" in one.name]
    return threads + [type(part()).__name__ for part in parts if part() is not None]


before = use()
parts = [weakref.ref(factory.tango_client), weakref.ref(factory.first_read)]
factory.cleanUp()
kept = [len(NAMES), len(factory.attributes())]
eventually(lambda: not left(), "threads and objects have ended")
print(json.dumps([before, kept, use()]), flush=True)
