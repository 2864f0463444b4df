"""What a person sees in Taurus's widgets: with the plugin what is seen without it.

After Taurus's own lists of manual tests of a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.differential.panels.pair import Meant, Pair

DEVICE, DOWN = "sim/panel/1", "sim/panel/down"
NAMES = (
    *("volts", "count", "flag", "text", "choice", "mode", "wave", "names", "picture"),
    *("quiet", "failing", "State", "Status"),
)
MODELS = [*(f"{DEVICE}/{name}" for name in NAMES), DEVICE]
LABEL = "taurus.qt.qtgui.display:TaurusLabel"
LED = "taurus.qt.qtgui.display:TaurusLed"

#: What a tooltip tells of a number besides.
RANGES = ("Range", "Alarm", "Warning")

#: Stock Taurus writes it where its subscription was quick, and leaves it out else.
BUTTON = tuple(
    Meant(f"{end}/tooltip/{line}", "the tooltip of a button is always there")
    for end in ("readWidget", "writeWidget")
    for line in (
        "",
        "Name",
        "Model",
        "Description",
        "Range",
        "Alarm",
        "Warning",
        "rest",
    )
)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Both programs, with devices that are well."""
    running = Pair("panels")
    yield running
    running.close()


@pytest.fixture
def form(pair: Pair) -> Iterator[Pair]:
    """Both programs, each with a form of all kinds of rows that shows its values."""
    pair.ask("form", "form", MODELS)
    pair.until(_all_there, "rows", "form")
    yield pair
    pair.ask("close", "form")


def _all_there(rows: list[dict[str, Any]]) -> bool:
    """Return whether each row has its value, but for the one that fails."""
    shown = {row["model"].rpartition("/")[2]: _text(row) for row in rows}
    expected = {"volts": "1.5", "count": "42", "choice": "GREEN", "quiet": "2.5"}
    return all(text in shown[name] for name, text in expected.items())


def _text(row: dict[str, Any], part: str = "readWidget") -> str:
    return (row[part] or {}).get("text") or ""


def same(pair: Pair, *order: Any, **more: Any) -> None:
    """Hold that both answer the same."""
    found = pair.differences(*order, **more)
    assert not found, "\n".join(found)


def test_the_rows_of_a_form(form: Pair) -> None:
    same(form, "rows", "form", meant=BUTTON)
    same(form, "size", "form")
    same(form, "actions", "form")


def test_a_window_of_labels(pair: Pair) -> None:
    """Each as wide as what it shows."""
    fragments = ("", "#label", "#rvalue.units", "#quality", "#wvalue", "#rvalue")
    for number, fragment in enumerate(fragments):
        pair.ask("widget", f"label{number}", LABEL, f"{DEVICE}/volts{fragment}")
    pair.ask("widget", "slice", LABEL, f"{DEVICE}/wave#rvalue[3:4]")
    expected = ("1.500 V", "Voltage", "V", "ATTR_VALID", "1.500 V", "1.500 V")
    for number, text in enumerate(expected):
        name = f"label{number}"
        same(pair, "look", name, when=lambda seen, text=text: text in seen["text"])
        pair.ask("close", name)
    same(pair, "look", "slice", when=lambda seen: "]" in seen["text"])
    pair.ask("close", "slice")
