"""A form that has rows of their own for devices of a class.

They are made in either of Taurus's ways: ``way`` is ``map`` or ``factory``. Without a
``pid`` the server is down: the program prints a line, and goes on when it is told.
"""

from __future__ import annotations

import json
import sys
import types
from typing import Any

from tests.programs.window_base import (
    TaurusForm,
    app,
    hang,
    job,
    resume,
    run,
    timed,
    told,
)

# isort: split
from taurus.qt.qtgui.panel import TaurusCommandsForm, TaurusValue


class Special(TaurusValue):
    pass


def factory_of_items(model: Any) -> Special | None:
    if model.getDeviceProxy().info().dev_class == "TpoSim":
        return Special()
    return None


special = sys.modules["special_row"] = types.ModuleType("special_row")
vars(special)["Special"] = Special


def made(models: list[str]) -> TaurusForm:
    form = TaurusForm()
    if job["way"] == "map":
        form.setCustomWidgetMap({"TpoSim": ("special_row.Special", (), {})})
    else:
        form.setItemFactories(include=(factory_of_items,))
    timed("window", form.setModel, models)
    form.show()
    return form


def rows(form: TaurusForm) -> list[str]:
    return [type(item).__name__ for item in form.getItems()]


def shown(form: TaurusForm) -> list[str]:
    """Return what is seen of each row, from the top."""
    labels = [item.labelWidget() for item in form.getItems()]
    app.processEvents()
    return [label.text() for label in sorted(labels, key=lambda one: one.y())]


if job["pid"]:
    hang()
form = made(job["models"])
told["first"] = rows(form)
commands = TaurusCommandsForm()
if job["commands"]:
    commands.setModel(job["commands"])
told["commands_first"] = len(commands._cmdWidgets)
if job["pid"]:
    resume()
else:
    print("start", flush=True)
    sys.stdin.readline()
run(lambda: set(rows(form)) == {"Special"}, "all rows are special", 40.0)
if job["commands"]:
    run(lambda: commands._cmdWidgets, "there are commands", 40.0)
told["shown"] = shown(form)
told["models"] = [item.getModelObj().getFullName() for item in form.getItems()]
names = form.createConfig()["__orderedConfigNames__"]
told["order"] = [name for name in names if name.startswith("__item")]
told["values"] = form.getModel()
form.setModel([])
app.processEvents()
print(json.dumps(told))
