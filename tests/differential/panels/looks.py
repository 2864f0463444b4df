"""What a person sees of a widget of Taurus's, as plain data."""

from __future__ import annotations

import re
from typing import Any

from taurus.external.qt import Qt
from taurus.qt.qtgui.input.qwheel import QWheelEdit

#: The parts of a row.
PARTS = ("labelWidget", "readWidget", "writeWidget", "unitsWidget", "extraWidget")


def row_of(item: Any) -> dict[str, Any]:
    """Return what a row of a form shows."""
    return {
        "model": item.getModelName(),
        "compact": item.isCompact(),
        "pending": item.hasPendingOperations(),
        "read only": item.isReadOnly(),
        **{part: look_at(getattr(item, part)()) for part in PARTS},
    }


def look_at(widget: Any) -> Any:
    """Return what is seen of ``widget``."""
    if widget is None:
        return None
    seen: dict[str, Any] = {
        "class": type(widget).__name__,
        "enabled": widget.isEnabled(),
        "visible": widget.isVisible(),
        "hint": [widget.sizeHint().width(), widget.sizeHint().height()],
        "tooltip": tooltip_of(widget),
    }
    for name, read in READERS.items():
        if hasattr(widget, name):
            seen[name] = read(widget)
    for name in ("readWidget", "writeWidget"):
        # Of a switcher, which a compact row has.
        if hasattr(widget, name) and isinstance(getattr(widget, name), Qt.QWidget):
            seen[name] = look_at(getattr(widget, name))
    if seen.get("text") == "" or isinstance(widget, QWheelEdit):
        # How wide nothing is, nobody sees. A wheel edit is 2 pixels higher if a digit
        # had the focus when it was set: a matter of time.
        del seen["hint"]
    seen.update(colors_of(widget))
    return seen


def _text(widget: Any) -> str:
    return str(widget.text())


def _operations(widget: Any) -> list[str]:
    return [str(one.value) for one in widget.getPendingOperations()]


#: What else is seen, or can be asked of, where the widget has the method.
READERS: dict[str, Any] = {
    "text": _text,
    "currentText": lambda widget: [
        widget.currentText(),
        [widget.itemText(number) for number in range(widget.count())],
    ],
    "isChecked": lambda widget: widget.isChecked(),
    "ledColor": lambda widget: [widget.ledColor, bool(widget.ledStatus)],
    "fgRole": lambda widget: str(widget.fgRole),
    "bgRole": lambda widget: str(widget.bgRole),
    "getPendingOperations": _operations,
    "getFormat": lambda widget: str(widget.getFormat()),
    "styleSheet": lambda widget: str(widget.styleSheet()),
}


def colors_of(widget: Any) -> dict[str, str]:
    """Return the colors of text and background, and the pattern of the second."""
    palette = widget.palette()
    background = palette.brush(Qt.QPalette.ColorRole.Window)
    return {
        "text color": palette.color(Qt.QPalette.ColorRole.WindowText).name(),
        "background": background.color().name(Qt.QColor.NameFormat.HexArgb),
        "pattern": str(int(getattr(background.style(), "value", background.style()))),
    }


def tooltip_of(widget: Any) -> dict[str, str]:
    """Return the lines of a tooltip, by what they are about."""
    text = widget.toolTip()
    found = re.findall(r"<B>(.*?):</B></TD><TD>(.*?)</TD>", text, re.DOTALL)
    lines = {name: value for name, value in found}
    if not lines:
        return {"": text}
    if "Model" in lines:
        # Written as by whoever asked for it first.
        lines["Model"] = lines["Model"].lower()
    lines["rest"] = re.sub(r"<TABLE.*</TABLE>", "", text, flags=re.DOTALL)
    return lines
