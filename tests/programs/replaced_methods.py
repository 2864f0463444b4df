"""Prints which methods of Taurus's forms and labels the plugin has replaced."""

from __future__ import annotations

import json

from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.panel import TaurusForm

from taurus_tpo.qt.forms.overrides import FORMS, LABELS

app = TaurusApplication(["test"], cmd_line_parser=None)
form = TaurusForm()
form.setModel(["eval:1"])
names = [
    override.name
    for override in (*LABELS, *FORMS)
    if hasattr(override.stock, "__wrapped__") or isinstance(override.stock, property)
]
print(json.dumps(sorted(set(names))))
