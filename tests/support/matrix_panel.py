"""A panel of the fault matrix: a Taurus form in a process of its own.

``python matrix_panel.py JOB`` with a JSON text: ``names`` of attributes, ``mode``
(null: events disabled), ``check`` (TANGO_EVENT_CHECK_PERIOD, ms), ``twice`` (whether a
second form and a program's own subscriptions are to use the same attributes). It obeys
orders on its standard input and answers each with one line, both JSON; the answer is
under the key ``answer``:

================================ ====================================================
``{"do": "show"}``               what each row shows, by the name of its attribute
``{"do": "write", "name": ...,   write ``value``, and tell why that failed, if it did
"value": ...}``
``{"do": "end"}``                close the window; the plugin's threads that are left,
                                 and what went wrong. The process ends.
================================ ====================================================
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import threading
import time
from typing import Any

import tango
import taurus
from census import plugin_threads
from taurus import tauruscustomsettings
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

from taurus_tpo.bench.protocol import Telling
from taurus_tpo.core.lifecycle import State

#: How long the plugin's threads may take to end once nobody listens, s.
ENDING = 30.0


class Problems(logging.Handler):
    """What went wrong in any thread, and was not told to whoever asked for it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []
        sys.excepthook = self._raised
        sys.unraisablehook = lambda u: self._raised(u.exc_type, u.exc_value)
        threading.excepthook = lambda a: self._raised(a.exc_type, a.exc_value)

    def _raised(self, kind: Any, value: Any, *_traceback: Any) -> None:
        self.found.append(f"{getattr(kind, '__name__', kind)}: {value}")

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(f"{record.name}: {record.getMessage()}"[:500])


class OwnSubscriptions:
    """A program that uses PyTango beside Taurus, on the same attributes."""

    def __init__(self, names: list[str]) -> None:
        self.values: dict[str, Any] = {}
        self._proxies = {name: tango.AttributeProxy(name) for name in names}
        self._numbers: dict[str, int] = {}
        for name, proxy in self._proxies.items():
            change = tango.EventType.CHANGE_EVENT
            try:
                number = proxy.subscribe_event(change, self._hear, [], True)
            except tango.DevFailed as error:
                raise RuntimeError(f"{name}: {error.args[0].desc}") from error
            self._numbers[name] = number

    def _hear(self, event: Any) -> None:
        if not event.err:
            self.values[event.attr_name] = event.attr_value.value

    def end(self) -> None:
        for name, number in self._numbers.items():
            self._proxies[name].unsubscribe_event(number)


class Panel:
    """The windows, and whoever orders them about."""

    def __init__(self, job: dict[str, Any], telling: Telling) -> None:
        self._telling = telling
        self.problems = Problems()
        logging.getLogger().addHandler(self.problems)
        self.names: list[str] = job["names"]
        self.forms = [TaurusForm() for _ in range(2 if job["twice"] else 1)]
        for form in self.forms:
            form.setModel(self.names)
            form.show()
        self.own = OwnSubscriptions(self.names[:4]) if job["twice"] else None
        self._orders = Qt.QSocketNotifier(0, Qt.QSocketNotifier.Read)
        self._orders.activated.connect(self._obey)

    def _obey(self, *_args: Any) -> None:
        line = sys.stdin.readline()
        order = json.loads(line) if line else {"do": "end"}
        self.say(getattr(self, f"do_{order.pop('do')}")(**order))

    def say(self, answer: Any) -> None:
        self._telling.tell("answer", answer=answer)

    def do_show(self) -> dict[str, list[dict[str, Any]]]:
        """Return what is shown in each form, and what is known of each attribute."""
        return {
            name: [_shown(form[number], name) for form in self.forms]
            for number, name in enumerate(self.names)
        }

    def do_write(self, name: str, value: Any) -> str:
        """Return why it cannot be written, if so."""
        try:
            taurus.Attribute(name).write(value, with_read=False)
        except tango.DevFailed as error:
            return str(error)
        return ""

    def do_end(self) -> dict[str, list[str]]:
        """Let all go; return what is left, and what went wrong."""
        if self.own is not None:
            self.own.end()
        for form in self.forms:
            form.setModel([])
            form.close()
            form.deleteLater()
        self.forms.clear()
        end = time.monotonic() + ENDING
        while plugin_threads() and time.monotonic() < end:
            Qt.QApplication.instance().processEvents()
            gc.collect()
            time.sleep(0.05)
        Qt.QTimer.singleShot(0, Qt.QApplication.instance().quit)
        return {"threads": plugin_threads(), "problems": self.problems.found}


def _shown(row: Any, name: str) -> dict[str, Any]:
    attribute = taurus.Attribute(name)
    known = attribute.known
    return {
        "widget": type(row.readWidget()).__name__,
        "text": _text(row.readWidget()),
        "label": _text(row.labelWidget()),
        "units": _text(row.unitsWidget()),
        "value": None if known.value is None else _plain(known.value.rvalue),
        "error": None if known.error is None else str(known.error)[:200],
        "events": attribute.isUsingEvents(),
        "polled": attribute.isPollingActive(),
        "settles": attribute.state in (State.OPENING, State.VERIFYING),
    }


def _text(widget: Any) -> str | None:
    return widget.text() if hasattr(widget, "text") else None


def _plain(value: Any) -> Any:
    magnitude = getattr(value, "magnitude", value)
    return magnitude.tolist() if hasattr(magnitude, "tolist") else magnitude


def main() -> None:
    job = json.loads(sys.argv[1])
    telling = Telling()
    application = TaurusApplication(["panel"], cmd_line_parser=None)
    tauruscustomsettings.TANGO_EVENT_CHECK_PERIOD = job["check"]
    factory = taurus.Factory("tango")
    if job["mode"] is None:
        factory.set_tango_event_subscription_disabled(True)
    else:
        factory.set_event_sub_mode(job["mode"])
    panel = Panel(job, telling)
    Qt.QTimer.singleShot(0, lambda: panel.say(len(panel.names)))
    application.exec_()


if __name__ == "__main__":
    main()
