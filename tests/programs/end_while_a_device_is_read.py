"""A script that ends while a thread reads an attribute of a device that hangs.

Arguments: the attribute, the process id of its server.
"""

from __future__ import annotations

import sys
import threading

import taurus

from tests.support.stopping import stop
from tests.support.tango_support import eventually

# isort: split
from taurus_tpo.core.scheduler import RequestKind

name, pid = sys.argv[1:]
factory = taurus.Factory("tango")
attr = taurus.Attribute(name)
connection = factory.device_access.connection(attr.getParentObj())
waits = factory.first_read._schedule.find
read = factory.readAttributeFirstTime(attr)
eventually(lambda: not waits(connection, RequestKind.READ, "rw"), "it is being read")
stop(int(pid))
print([t.name for t in threading.enumerate() if "reader" in t.name])
print(read.done())
raise SystemExit(5)
