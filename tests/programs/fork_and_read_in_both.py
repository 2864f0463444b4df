"""A parent and the child that it has forked read an attribute at the same time.

Each prints, as JSON, the values and errors that it got.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import tango
import taurus

READS = 200

attribute = taurus.Attribute(sys.argv[1])


def read_again_and_again() -> None:
    values: set[float] = set()
    errors: set[str] = set()
    for _ in range(READS):
        try:
            values.add(attribute.read(cache=False).rvalue.magnitude)
        except tango.DevFailed as error:
            errors.add(str(error))
    told: dict[str, Any] = {"values": sorted(values), "errors": sorted(errors)}
    print(json.dumps(told), flush=True)


attribute.read(cache=False)
child = os.fork()
read_again_and_again()
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.WEXITSTATUS(status))
