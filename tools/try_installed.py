"""Try an installed taurus_tpo: ``taurus tpo check``, and a form, over its own demo.

For ``tools/dist.py``, which runs it with the Python of an environment that has the
extra ``demo``. The form has an attribute of a healthy server, one of a server that
hangs, and one of the ``eval`` scheme. Prints a line
that begins with ``seen:``, among the log lines of Taurus.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import time

#: What a form shows; the second row never has a value.
HEALTHY, HUNG, EVALUATED = "sim/power/01/current", "sim/gun/01/heater", "eval:20+22"

#: How long the rows may wait for their values, s.
PATIENCE = 30.0

#: How long ``taurus tpo check`` may take, s.
CHECKING = 120.0

#: The packages whose versions are told.
TOLD = ("taurus", "pytango", "PyQt5", "numpy")


def check() -> str:
    """Run ``taurus tpo check``; return what it says of the plugin."""
    taurus = os.path.join(os.path.dirname(sys.executable), "taurus")
    done = subprocess.run(
        [taurus, "tpo", "check"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=CHECKING,
        text=True,
    )
    if done.returncode:
        sys.exit(f"taurus tpo check ended with {done.returncode}:\n{done.stdout}")
    lines = [line.split() for line in done.stdout.splitlines()]
    return next(" ".join(words[1:]) for words in lines if words[:1] == ["plugin"])


def show() -> str:
    """Show a form until two of its rows have values; return what they show."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.application import TaurusApplication
    from taurus.qt.qtgui.panel import TaurusForm

    application = TaurusApplication(["try"], cmd_line_parser=None)
    form = TaurusForm()
    form.setModel([HEALTHY, HUNG, EVALUATED])
    form.show()
    shown: list[str] = []
    end = time.monotonic() + PATIENCE

    def look() -> None:
        shown[:] = [row.readWidget().text() for row in form.getItems()]
        has_values = len(shown) == 3 and all(map(_is_number, (shown[0], shown[2])))
        if has_values or time.monotonic() > end:
            application.quit()

    timer = Qt.QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    getattr(application, "exec_", application.exec)()
    timer.stop()
    form.hide()
    if time.monotonic() > end:
        sys.exit(f"the form shows {shown} after {PATIENCE:g} s")
    return f"{HEALTHY} {shown[0]}, {EVALUATED} {shown[2]}"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).strip().isdigit()


def main() -> None:
    """Run the demo facility, and try both."""
    from taurus_tpo.sim import Facility, find, load

    with Facility(load(find("demo"))) as running:
        os.environ["TANGO_HOST"] = running.tango_host
        plugin, rows = check(), show()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in TOLD)
    print(f"seen: plugin {plugin}; {rows}; {versions}")


if __name__ == "__main__":
    main()
