"""What holds for all tests: no database but their own, and no display needed."""

from __future__ import annotations

import os

# A facility of the tests' own is the only Tango that they may touch.
os.environ.pop("TANGO_HOST", None)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
