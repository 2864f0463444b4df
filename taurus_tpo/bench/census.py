"""Counts the threads of a run, and ends the run at its time limit."""

from __future__ import annotations

import threading
import time
from typing import Callable

#: How often the threads are counted, s.
EVERY = 0.02

#: The prefix of the names of all threads of the plugin.
PLUGIN = "taurus_tpo"


class Census(threading.Thread):
    """A thread that counts the others until the process ends.

    :param limit: the time limit of the run, s.
    :param give_up: called in this thread at the limit: other threads may hang.
    """

    def __init__(self, limit: float, give_up: Callable[[], None]) -> None:
        super().__init__(name="census", daemon=True)
        self.most = self.most_of_plugin = 0
        self._limit = limit
        self._give_up = give_up

    def run(self) -> None:
        end = time.monotonic() + self._limit
        while time.monotonic() < end:
            # Without this thread.
            self.most = max(self.most, threading.active_count() - 1)
            self.most_of_plugin = max(self.most_of_plugin, plugin_threads())
            time.sleep(EVERY)
        self._give_up()


def plugin_threads() -> int:
    """Return the current number of threads of the plugin."""
    names = [thread.name for thread in threading.enumerate()]
    return sum(name.startswith(PLUGIN) for name in names)
