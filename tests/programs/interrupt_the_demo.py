"""Runs ``taurus`` with its arguments; has a Ctrl-C come while a form is built."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from taurus.qt.qtgui.panel import TaurusForm

signal.signal(signal.SIGINT, signal.default_int_handler)
set_model = TaurusForm.setModel


def interrupted(form: TaurusForm, models: Any) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    set_model(form, models)


TaurusForm.setModel = interrupted
sys.argv[0] = "taurus"

from taurus.cli import main  # noqa: E402

main()
