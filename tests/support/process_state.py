"""What tests of one process share, and must leave as they find it."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

State = dict[str, dict[str, Any]]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: What pytest itself changes.
_OF_PYTEST = ("PYTEST_CURRENT_TEST",)

_MISSING = object()


def process_state() -> State:
    """Return what a test may change for those that come after it, by topic and name.

    Of modules that nobody has imported nothing is told.
    """
    state: State = {
        "environment": {k: v for k, v in os.environ.items() if k not in _OF_PYTEST},
        "Python": _of_python(),
    }
    settings = sys.modules.get("taurus.tauruscustomsettings")
    if settings is not None:
        # By their texts: some settings are lists, which may be changed in place.
        values = {k: repr(v) for k, v in vars(settings).items() if k.isupper()}
        state["Taurus's settings"] = values
    states = sys.modules.get("taurus.taurusstatecontroller")
    if states is not None:
        state["Taurus's application"] = {"state": states.application.state}
    commandline = sys.modules.get("taurus_tpo.environment.command_line")
    if commandline is not None:
        state["command line"] = dict(vars(commandline.COMMAND_LINE))
    custom = sys.modules.get("taurus_tpo.environment.custom_settings")
    if custom is not None:
        state["settings files"] = {"read": custom.CUSTOM_SETTINGS.loaded}
    return state


def _thresholds() -> tuple[int, int, int]:
    """Return Python's thresholds, those of the program where the plugin has its own."""
    module = sys.modules.get("taurus_tpo.concurrency.collector_thresholds")
    replaced = None if module is None else module.THRESHOLDS.replaced
    return gc.get_threshold() if replaced is None else replaced


def _of_python() -> dict[str, Any]:
    return {
        "working directory": os.getcwd(),
        "path": tuple(sys.path),
        "excepthook": sys.excepthook,
        "excepthook of threads": threading.excepthook,
        "default timeout of sockets": socket.getdefaulttimeout(),
        "garbage collection": (gc.isenabled(), _thresholds(), gc.get_debug()),
        "level of the log": logging.getLogger().level,
        **{f"handler of {number!r}": signal.getsignal(number) for number in _SIGNALS},
    }


def changes(before: State, after: State) -> Iterator[str]:
    """Tell of each thing that is not as it was."""
    for topic, was in before.items():
        now = after[topic]
        for name in sorted({*was, *now}):
            one, other = was.get(name, _MISSING), now.get(name, _MISSING)
            if one is not other and one != other:
                yield f"{topic}: {name} was {_told(one)}, is {_told(other)}"


def _told(value: Any) -> str:
    return "missing" if value is _MISSING else repr(value)


def qt_is_loaded() -> bool:
    """Return whether this process has imported Qt, as Taurus does."""
    return "taurus.external.qt" in sys.modules
