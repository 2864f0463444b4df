"""Ends its application while a widget waits to be told, and listens on.

Arguments: the attribute of the widget, the attribute that is listened to afterwards.
"""

from __future__ import annotations

import gc
import sys

import taurus
from taurus.external.qt import Qt
from taurus.qt.qtgui.display import TaurusLabel

from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER
from tests.support.tango_support import Listener, eventually

name, other = sys.argv[1:]
app = Qt.QApplication(["test"])
label = TaurusLabel()
label.setModel(name)
eventually(lambda: len(EVENT_DISPATCHER), "nobody waits")
del label, app
gc.collect()
assert Qt.QCoreApplication.instance() is None
attr, listener = taurus.Attribute(other), Listener()
attr.addListener(listener)
eventually(lambda: listener.values, "not told")
print("told")
