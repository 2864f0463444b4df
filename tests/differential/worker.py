"""A program with Taurus that does what it is told: ``python -m ...worker VENUE``.

Requests come as JSON lines, ``{"id": 1, "run": "r7", "do": "begin", ...}``; answers go
as JSON lines, ``{"id": 1, "result": ...}``, in whatever order. Many runs go side by
side, each with a thread of its own; with a window, all in the thread of the GUI.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from itertools import chain
from typing import Any, Callable

import tango
import taurus
from taurus import tauruscustomsettings

from tests.differential.client import Client, in_another_thread
from tests.differential.plain import Plain


class LogLines(logging.Handler):
    """Keeps what is logged as a WARNING or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, with the name of who logs."""
        text = f"{record.levelname} {record.getMessage()}"
        self.lines.append((record.name, text))

    def of(self, device: str) -> list[str]:
        """Return the lines in which a device is named."""
        device = device.lower()
        return [
            text
            for name, text in list(self.lines)
            if device in name.lower() or device in text.lower()
        ]


class Run:
    """One scenario's client."""

    def __init__(self, request: dict[str, Any], log: LogLines) -> None:
        host = os.environ["TANGO_HOST"]
        self._devices = request["devices"]
        self._log = log
        self._plain = Plain(self._devices, host, request["base"], time.time)
        models = [f"tango://{host}/{device}" for device in self._devices]
        names, places = request["names"], request["places"]
        self.client = Client(models, names, places, self._plain)

    def do(self, request: dict[str, Any]) -> Any:
        """Carry a request out; what is wrong with the request itself is told."""
        try:
            return self._do(request)
        except Exception:  # noqa: BLE001
            return {"broken": traceback.format_exc()}

    def _do(self, request: dict[str, Any]) -> Any:
        """Carry a request out, in the thread that it wants."""
        if request["do"] == "step":
            step = request["step"]
            if step["where"] == "thread":
                return in_another_thread(lambda: self.client.do(step))
            return self.client.do(step)
        if request["do"] == "finish":
            told = self.client.told()
            logged = [self._log.of(device) for device in self._devices]
            lines = [self._plain.text(line) for line in chain(*logged)]
            self.client.end()
            return {"told": told, "log": sorted(lines)}
        raise ValueError(request["do"])


class Worker:
    """Takes requests and answers them."""

    def __init__(self, answers: Any) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._log = LogLines()
        logging.getLogger().addHandler(self._log)
        self._runs: dict[str, queue.SimpleQueue[Any]] = {}

    def answer(self, request: dict[str, Any], result: Any) -> None:
        """Send an answer."""
        line = json.dumps({"id": request["id"], "result": result})
        with self._lock:
            self._answers.write(line + "\n")
            self._answers.flush()

    def take(self, request: dict[str, Any]) -> None:
        """Begin to carry a request out, in the order of its run."""
        name = request["run"]
        if request["do"] == "begin":
            self._runs[name] = queue.SimpleQueue()
            thread = threading.Thread(
                target=self._serve, args=(self._runs[name],), daemon=True
            )
            thread.start()
        if name in self._runs:
            self._runs[name].put(request)
        if request["do"] == "finish":
            self._runs.pop(name, None)

    def _serve(self, requests: queue.SimpleQueue[Any]) -> None:
        first = requests.get()
        with tango.EnsureOmniThread():
            run = Run(first, self._log)
            self.answer(first, None)
            while True:
                request = requests.get()
                self.answer(request, run.do(request))
                if request["do"] == "finish":
                    return


def read_lines(take: Callable[[dict[str, Any]], None]) -> None:
    """Hand each request on; end the process with the end of them."""
    for line in sys.stdin:
        take(json.loads(line))
    os._exit(0)


def main() -> None:
    """Serve in a script's process, or in a GUI's."""
    faulthandler.register(signal.SIGUSR1)
    venue, said = sys.argv[1], json.loads(sys.argv[2])
    # What anybody prints goes to the log; answers have a way of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for name, value in said["settings"].items():
        setattr(tauruscustomsettings, name, value)
    # Taurus's manager is not made for threads that come first at once.
    factory = taurus.Factory("tango")
    if said["disabled"]:
        factory.set_tango_event_subscription_disabled(True)
    if venue == "gui":
        from tests.differential.gui import GuiWorker

        GuiWorker(answers).run()
    else:
        read_lines(Worker(answers).take)


if __name__ == "__main__":
    main()
