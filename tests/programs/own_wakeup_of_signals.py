"""A program that has Python tell it of signals; prints whether it still does."""

from __future__ import annotations

import signal
import socket

from tests.programs.window_base import TaurusForm, job

told, heard = socket.socketpair()
told.setblocking(False)
signal.set_wakeup_fd(told.fileno())
form = TaurusForm()
form.setModel(job["well"])
print(signal.set_wakeup_fd(-1) == told.fileno())
