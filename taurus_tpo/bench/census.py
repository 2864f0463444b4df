"""Counts the threads of a run, and gives the run up when its time is over."""

from __future__ import annotations

import threading
import time
from typing import Callable

#: How often the threads are counted, s.
EVERY = 0.02

#: How all threads of the plugin are called.
PLUGIN = "taurus_tpo"


class Census(threading.Thread):
    """Counts for as long as the process lives.

    :param limit: how long the run may take, s.
    :param give_up: is called when it took longer, in this thread: the others may hang.
    """

    def __init__(self, limit: float, give_up: Callable[[], None]) -> None:
        super().__init__(name="census", daemon=True)
        self.most = self.most_of_plugin = 0
        self._limit = limit
        self._give_up = give_up

    def run(self) -> None:
        end = time.monotonic() + self._limit
        while time.monotonic() < end:
            # Itself apart.
            self.most = max(self.most, threading.active_count() - 1)
            self.most_of_plugin = max(self.most_of_plugin, plugin_threads())
            time.sleep(EVERY)
        self._give_up()


def plugin_threads() -> int:
    """Return how many threads of the plugin there are now."""
    names = [thread.name for thread in threading.enumerate()]
    return sum(name.startswith(PLUGIN) for name in names)
