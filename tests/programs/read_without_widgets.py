"""Reads an attribute, the argument; tells what of Qt is loaded then."""

from __future__ import annotations

import sys

import taurus

taurus.Attribute(sys.argv[1]).read()
print([name for name in sys.modules if name.startswith(("PyQt", "PySide"))])
print("taurus_tpo.qt.join" in sys.modules)
