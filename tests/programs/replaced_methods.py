"""Prints which methods of Taurus's forms and labels the plugin has replaced.

The forms are loaded when the plugin has been loaded; the first form is filled then.
Prints also how many of its rows are there.
"""

from __future__ import annotations

import json

from taurus.qt.qtgui.application import TaurusApplication


def fill_a_form() -> None:
    from taurus.qt.qtgui.panel import TaurusForm

    from taurus_tpo.environment.taurus_compat import form_items
    from taurus_tpo.qt.forms.overrides import FORMS, LABELS

    form = TaurusForm()
    form.setModel([f"eval:{number}" for number in range(200)])
    names = {
        override.name
        for override in (*LABELS, *FORMS)
        if hasattr(override.stock, "__wrapped__")
        or isinstance(override.stock, property)
    }
    rows = len(form_items(form))
    print(json.dumps({"names": sorted(names), "rows": rows}))


app = TaurusApplication(["test"], cmd_line_parser=None)
fill_a_form()
