"""Tells whose factory has the scheme; an argument is what Taurus's version is to be."""

from __future__ import annotations

import sys

import taurus

if sys.argv[1:]:
    taurus.Release.version = sys.argv[1]
factory = taurus.Factory("tango")
print(type(factory).__module__, factory is taurus.Factory("tango-nodb"))
