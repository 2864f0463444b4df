"""A program with a window: steps go in the thread of the GUI."""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any

import tango
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication

from tests.differential.worker import Run, Worker, read_lines

#: How often the GUI's thread looks for what it is to do, ms.
_OFTEN = 10


class GuiWorker(Worker):
    """Carries out what it is told in the GUI's thread, one after the other.

    Until the step ``show`` there is no event loop, as in a program that builds its
    window.
    """

    def __init__(self, answers: Any) -> None:
        super().__init__(answers)
        self._application = TaurusApplication(sys.argv[:1], cmd_line_parser=None)
        self._requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._of: dict[str, Run] = {}
        self._shown = False

    def run(self) -> None:
        """Serve until there are no more requests."""
        reader = threading.Thread(target=read_lines, args=(self._requests.put,))
        reader.daemon = True
        reader.start()
        while not self._shown:
            self._serve_one(self._requests.get())
        timer = Qt.QTimer()
        timer.timeout.connect(self._serve_all)
        timer.start(_OFTEN)
        self._application.exec_()

    def _serve_all(self) -> None:
        while not self._requests.empty():
            self._serve_one(self._requests.get())

    def _serve_one(self, request: dict[str, Any]) -> None:
        step = request.get("step", {})
        if request["do"] == "begin":
            self._of[request["run"]] = Run(request, self._log)
            self.answer(request, None)
        elif step.get("do") == "show":
            self._window = Qt.QWidget()
            self._window.show()
            self._shown = True
            self.answer(request, None)
        elif step.get("where") == "thread" or step.get("do") == "settle":
            # The GUI's thread does not wait.
            threading.Thread(target=self._beside, args=(request,)).start()
        else:
            self.answer(request, self._of[request["run"]].do(request))

    def _beside(self, request: dict[str, Any]) -> None:
        with tango.EnsureOmniThread():
            self.answer(request, self._of[request["run"]].do(request))
