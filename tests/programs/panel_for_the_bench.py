"""A program with a form, as ``taurus tpo bench`` measures it."""

from __future__ import annotations

import sys

from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

application = TaurusApplication(["panel"], cmd_line_parser=None)
form = TaurusForm()
form.setModel(["sim/batch/1/volt01", "sim/batch/1/volt02", "eval:1"])
form.show()
sys.exit(application.exec_())
