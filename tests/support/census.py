"""The threads of the plugin, and how many there are; programs import this, too."""

from __future__ import annotations

import threading


def plugin_threads() -> list[str]:
    """Return the names of the plugin's threads that live now."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("taurus_tpo")]


class Census(threading.Thread):
    """Counts the threads of the plugin, again and again, until it is told to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.01):
            self.most = max(self.most, len(plugin_threads()))

    def __enter__(self) -> Census:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self.join()
