"""``taurus form`` as a user types it, from the start of its process on.

The process (:mod:`benchmarks.programs.started`) is measured from here: its time begins
before Python starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.programs.started import NAMES
from taurus_tpo.bench.looking import full_name
from taurus_tpo.bench.protocol import (
    END,
    VALUE,
    WINDOW,
    LookOrder,
    Telling,
    load_taurus,
)


def main() -> None:
    """Carry out the order from the standard input."""
    order = LookOrder.from_json(sys.stdin.readline())
    telling = Telling()
    load_taurus(order.plugin)
    names = {full_name(model).lower(): model for model in order.models}
    words = [sys.executable, "-m", "benchmarks.programs.started", *_typed(order)]
    environment = {**os.environ, NAMES: json.dumps(list(names))}
    begun = time.time()
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env=environment
    ) as started:
        timer = threading.Timer(order.limit, started.kill)
        timer.start()
        end = _hear(started, telling, names, begun)
        timer.cancel()
        started.kill()
    telling.tell(END, **_NOTHING, **(end or {"gave_up": True, "rows": None}))


def _typed(order: LookOrder) -> list[str]:
    """Return the words after ``taurus``."""
    modes = [mode for pattern, mode in order.said if pattern is None]
    options = ["--tango-event-sub-mode", modes[-1]] if modes else []
    return [*options, "form", *order.models]


#: What is not counted from outside.
_NOTHING: dict[str, Any] = {
    "errors": {},
    "calls": {},
    "threads": 0,
    "plugin_threads": 0,
    "memory_before": 0,
    "memory": 0,
}


def _hear(
    started: subprocess.Popen[str],
    telling: Telling,
    names: Mapping[str, str],
    begun: float,
) -> dict[str, Any] | None:
    """Pass on the messages of the process; return its last one, None without one."""
    assert started.stdout is not None
    for line in started.stdout:
        news = json.loads(line)
        what, seconds = news.pop("what"), news.pop("at") - begun
        if what == END:
            return dict(news)
        if what == WINDOW:
            telling.tell(WINDOW, seconds=seconds)
        elif what == VALUE:
            telling.tell(VALUE, model=names[news["name"]], seconds=seconds)
    return None


if __name__ == "__main__":
    main()
