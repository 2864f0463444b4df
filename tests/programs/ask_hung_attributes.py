"""Asks attributes of a hung device what widgets ask, in the thread of a window."""

from __future__ import annotations

import json
from typing import Any

import taurus
from taurus.core.taurusbasetypes import DataFormat, DataType

from tests.programs.window_base import (
    Listener,
    hang,
    have_values,
    job,
    resume,
    run,
    timed,
    told,
)

#: Methods that widgets call.
METHODS = (
    *("getValueObj", "getDisplayDescrObj", "getLabel", "getRange", "getRanges"),
    *("getLimits", "getWarnings", "getAlarms", "getMinRange", "getMaxRange"),
    *("isBoolean", "isNumeric", "isInteger", "isFloat", "isState", "isWritable"),
    *("isReadOnly", "isReadWrite", "isWrite", "getDataFormat", "getType"),
    *("getDescription", "getFormat", "getMaxDim", "getUnit", "getStandardUnit"),
    *("getDisplayUnit", "getDisplayValue", "isScalar", "isSpectrum", "isImage"),
    *("getShape", "getParentObj", "getAttributeInfoEx", "getConfig", "getCLimits"),
    *("getCAlarms", "getCWarnings", "getCRanges", "getMinAlarm", "getMaxAlarm"),
    *("getMinWarning", "getMaxWarning", "getMinValue", "getMaxValue"),
    *("getSubscriptionState", "isUsingEvents", "isPollingActive", "getFullName"),
    *("getSimpleName", "getNormalName", "getTangoWritable", "getWritable"),
    "getDisplayDescription",
)

#: Members that they read.
MEMBERS = (
    *("rvalue", "wvalue", "time", "quality", "description", "label"),
    *("range", "alarms", "warnings", "format", "display_level"),
    *("data_format", "type", "name", "fullname", "precision"),
    *("enum_labels", "tango_writable", "writable"),
)

told["raised"] = []


def answer(attribute: Any, name: str) -> Any:
    found = getattr(attribute, name)
    return found() if name in METHODS else found


def ask(attribute: Any) -> dict[str, Any]:
    """Return what is known, by name; tell what raises an exception."""
    known = {}
    for name in METHODS + MEMBERS:
        try:
            known[name] = timed("asking", answer, attribute, name)
        except Exception:  # noqa: BLE001 - it says what it does not know
            if name not in told["raised"]:
                told["raised"].append(name)
    return known


def placeholder(name: str) -> Any:
    """Return an attribute of which nothing is known; check what it says."""
    attribute = timed("asking", taurus.Attribute, name)
    known = ask(attribute)
    assert known["getValueObj"] is None, known
    assert known["rvalue"] is None, known
    assert known["isBoolean"] is False, known
    assert known["data_format"] == DataFormat._0D, known
    assert known["type"] == DataType.String, known
    return attribute


ready = [taurus.Attribute(name) for name in job["ready"]]
listener = Listener()
for attribute in ready:
    attribute.addListener(listener)
run(lambda: have_values(job["ready"]), "these have values")
unread = [taurus.Attribute(name) for name in job["unread"]]
hang()
told["dead"] = 0.0
# One that nobody listens to, of a device that has answered: no value yet.
for attribute in unread:
    known = ask(attribute)
    assert known["rvalue"] is None, known
held = [placeholder(name) for name in job["unknown"]]
for attribute in held:
    attribute.addListener(listener)
    ask(attribute)
for attribute in ready:
    known = ask(attribute)
    assert known["rvalue"].magnitude == 1.5, known
    assert str(known["getUnit"]) == "V", known
run(lambda: all(a.known.error for a in held), "the silence is told")
for attribute in ready + unread + held:
    ask(attribute)
    device = attribute.getParentObj()
    for name in ("getDisplayName", "getNormalName", "getSimpleName", "getFullName"):
        timed("asking", getattr(device, name))
resume()
for attribute in unread:
    attribute.addListener(listener)
run(lambda: have_values(job["unread"] + job["unknown"]), "values come")
for attribute in held:
    assert ask(attribute)["rvalue"].magnitude == 1.5
print(json.dumps(told))
