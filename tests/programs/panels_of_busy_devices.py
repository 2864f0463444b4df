"""Opens panels of devices whose server stands still meanwhile."""

from __future__ import annotations

import json

from taurus.qt.qtgui.panel import TaurusCommandsForm, TaurusDevicePanel
from taurus.qt.qtgui.panel.taurusmodellist import TaurusModelItem

from tests.programs.plain_window_base import job, pause, told

pause(job["pid"], 0.3)
commands = TaurusCommandsForm()
commands.setModel(job["devices"][0])
told["commands"] = sorted(one.getCommand() for one in commands._cmdWidgets)
pause(job["pid"], 0.3)
panel = TaurusDevicePanel()
panel.setModel(job["devices"][1])
told["panel"] = panel._label.text()
told["tabs"] = [panel._attrsframe.tabText(n) for n in range(panel._attrsframe.count())]
pause(job["pid"], 0.3)
told["item"] = TaurusModelItem(job["devices"][2]).ok
print(json.dumps(told))
