"""A program that gets its Ctrl-C before it has anything that it could end."""

from __future__ import annotations

import json
import os
import signal
import sys

from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

application = TaurusApplication(["early"], cmd_line_parser=None)
os.kill(os.getpid(), signal.SIGINT)
if json.loads(sys.argv[1])["events"]:
    application.processEvents()
form = TaurusForm()
form.setModel(json.loads(sys.argv[1])["models"])
form.show()
sys.exit(application.exec_())
