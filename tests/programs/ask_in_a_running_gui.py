"""Asks attributes, the arguments, right after they were made, and while one listens.

In the thread of a GUI that runs.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import taurus
from taurus.qt.qtgui.application import TaurusApplication
from taurus.taurusstatecontroller import application

app = TaurusApplication(["asks"], cmd_line_parser=None)
application.application_started()


class Listener:
    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        pass


told: list[list[str]] = []
listener = Listener()
for listens in (False, True):
    for name in sys.argv[1:]:
        attribute = taurus.Attribute(name)
        if listens:
            attribute.addListener(listener)
        value = attribute.getValueObj()
        told.append(
            [
                str(attribute.rvalue),
                str(attribute.wvalue),
                str(attribute.quality),
                str(value and value.rvalue),
                str(attribute.getFragmentObj("rvalue")),
            ]
        )
        attribute.removeListener(listener)
        del attribute
print(json.dumps(told))
