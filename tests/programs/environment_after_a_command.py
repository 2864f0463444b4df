"""Runs ``taurus tpo --version``; prints of each argument whether it is a variable."""

from __future__ import annotations

import contextlib
import os
import sys

from taurus.cli import main

variables = sys.argv[1:]
sys.argv[1:] = ["tpo", "--version"]
with contextlib.suppress(SystemExit):
    main()
print([name in os.environ for name in variables])
