"""Listens to an attribute, the argument; tells what of Qt is loaded then."""

from __future__ import annotations

import sys

import taurus

from tests.support.tango_support import Listener, eventually

attr, listener = taurus.Attribute(sys.argv[1]), Listener()
attr.addListener(listener)
eventually(lambda: listener.values, "not told")
print([name for name in sys.modules if name.startswith(("PyQt", "PySide"))])
