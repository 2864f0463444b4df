"""What a person sees in Taurus's widgets: with the plugin what is seen without it.

After Taurus's own lists of manual tests of a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Callable

import pytest

from tests.differential.panels.pair import Pair, Seen

# The programs keep what one test has done: widgets show what was written last.
pytestmark = pytest.mark.in_order

DEVICE, DOWN = "sim/panel/1", "sim/panel/down"
NAMES = (
    *("volts", "count", "flag", "text", "choice", "mode", "wave", "names", "picture"),
    *("quiet", "failing", "State", "Status"),
)
MODELS = [*(f"{DEVICE}/{name}" for name in NAMES), DEVICE]
#: What the attributes hold that tests write.
START = {
    "volts": 1.5,
    "count": 42,
    "flag": True,
    "text": "a text that needs some room to be shown",
    "choice": "GREEN",
    "mode": "MOVING",
}

LABEL = "taurus.qt.qtgui.display:TaurusLabel"
LED = "taurus.qt.qtgui.display:TaurusLed"

#: What a tooltip tells of a number besides.
RANGES = ("Range", "Alarm", "Warning")

#: Stock Taurus writes it where its subscription was quick, and leaves it out else.
BUTTON = tuple(
    Seen(f"{end}/tooltip/{line}", "tooltips")
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have each way to fill a form compared; the last one in ``test-differential``."""
    ways = ["", "rows_in_slices"]
    if metafunc.config.getoption("scenarios"):
        ways.append("nothing_fast")
    metafunc.parametrize("pair", ways, indirect=True, scope="module")


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Both programs, with devices that are well."""
    running = Pair("panels")
    if request.param:
        running.ask(request.param)
    yield running
    running.close()


@pytest.fixture
def form(pair: Pair) -> Iterator[Pair]:
    """Both programs, each with a form of all kinds of rows that shows its values."""
    pair.ask("form", "form", MODELS)
    pair.until(_all_there, "rows", "form")
    yield pair
    pair.ask("close", "form")
    for name, value in START.items():
        pair.ask("hold", DEVICE, name, value)


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


def both(pair: Pair, *order: Any, **more: Any) -> None:
    """Have both do something once; hold that they say the same."""
    plugin, stock = pair.ask(*order, **more)
    assert plugin == stock


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


def test_a_label_of_the_magnitude_of_what_is_known(pair: Pair, window: Any) -> None:
    """Its format is that of a quantity, which a number does not have."""
    window("first", LABEL, f"{DEVICE}/quiet")
    pair.until(lambda seen: "2.5" in seen["text"], "look", "first")
    window("second", LABEL, f"{DEVICE}/quiet#rvalue.magnitude")
    same(pair, "look", "second", when=lambda seen: seen["text"] == "2.5")


@pytest.fixture
def window(pair: Pair) -> Iterator[Callable[..., None]]:
    """Open windows in both programs, which are closed at the end."""
    names: list[str] = []

    def show(name: str, kind: str, *model: Any, **settings: Any) -> None:
        names.append(name)
        pair.ask("widget", name, kind, *model, **settings)

    yield show
    for name in names:
        pair.ask("close", name)


def row(name: str) -> int:
    """Return the row of an attribute."""
    return NAMES.index(name)


def test_the_context_menu_of_each_row(form: Pair) -> None:
    for number in range(len(MODELS)):
        same(form, "menu", "form", number)


#: What an attribute without a new value shows the old unit of, in stock Taurus.
OLD_UNIT = (
    Seen("/unitsWidget/text", "units-of-rows"),
    Seen("/unitsWidget/hint/0", "units-of-rows"),
)


def test_a_configuration_is_changed_and_seen_again(pair: Pair, window: Any) -> None:
    """Range, alarms, unit, label and format, in the dialog and in the row."""
    model = f"{DEVICE}/steps"
    pair.ask("form", "steps", [model])
    pair.until(lambda rows: "42" in _text(rows[0]), "rows", "steps")
    window("dialog", "taurus.qt.qtgui.panel:TaurusConfigurationPanel", model)
    same(pair, "configuration", "dialog", when=lambda shown: "unitConfig" in shown)
    for field, text, member, shown in CHANGES:
        # One after the other: each is written with what is known of all.
        pair.ask("configure", "dialog", **{field: text})
        changed = partial(_tells, shown)
        same(pair, "attribute", model, member, when=changed)
    same(pair, "rows", "steps", when=_has_label("Steps"), meant=OLD_UNIT)
    window("again", "taurus.qt.qtgui.panel:TaurusConfigurationPanel", model)
    same(pair, "configuration", "again")
    pair.ask("configure", "dialog", unitConfig="mm")
    same(pair, "rows", "steps", when=_has_range("[-100 mm, 100 mm]"))
    pair.ask("close", "steps")


#: Fields of the dialog, what is written into them, and how the attribute tells that.
CHANGES = (
    ("labelConfig", "Steps", "label", "Steps"),
    ("formatConfig", "%5d", "format", "%5d"),
    ("descriptionConfig", "how far it went", "description", "how far it went"),
    ("valueMinConfig", "-100", "range", "(-100, 'milli"),
    ("valueMaxConfig", "100", "range", "(100, 'milli"),
    ("alarmMinConfig", "-90", "alarms", "(-90, 'milli"),
    ("alarmMaxConfig", "90", "alarms", "(90, 'milli"),
    ("unitConfig", "km", "range", "(-100, 'kilo"),
)


def _tells(text: str, told: list[str]) -> bool:
    return text in told[0]


def _has_range(text: str) -> Callable[[Any], bool]:
    return lambda rows: rows[0]["labelWidget"]["tooltip"]["Range"] == text


def _has_label(text: str) -> Callable[[Any], bool]:
    return lambda rows: _text(rows[0], "labelWidget") == text


def test_an_attribute_is_dropped_onto_the_form_that_has_it(form: Pair) -> None:
    both(form, "drag", "form", row("volts"))
    mime = "application/taurus-attribute"
    both(form, "drop", "form", f"{DEVICE}/volts", mime)
    same(
        form,
        "rows",
        "form",
        when=lambda rows: len(rows) == len(MODELS) + 1 and "1.5" in _text(rows[-1]),
        meant=BUTTON,
    )


def test_the_contents_are_modified(form: Pair) -> None:
    """To a device and all its attributes."""
    both(form, "choose", "form", [*reversed(MODELS)])
    same(
        form,
        "rows",
        "form",
        when=lambda rows: _all_there(rows) and rows[0]["model"] == DEVICE,
        meant=BUTTON,
    )
    same(form, "size", "form")


def test_one_row_and_all_are_compact(form: Pair) -> None:
    form.ask("row_call", "form", row("volts"), "setCompact", True)
    same(form, "rows", "form", meant=BUTTON)
    form.ask("call", "form", "setCompact", True)
    same(form, "rows", "form", meant=BUTTON)
    same(form, "actions", "form")
    form.ask("call", "form", "setCompact", False)
    same(form, "rows", "form", meant=BUTTON)


def test_labels_and_formatter_of_one_and_of_all(form: Pair) -> None:
    form.ask(
        "row_call", "form", row("volts"), "setLabelConfig", "{dev.name} {attr.name}"
    )
    form.ask("row_call", "form", row("volts"), "setFormat", "{:.1f}")
    same(form, "rows", "form", meant=BUTTON)
    both(form, "answer_dialog", "form", "changeLabelsAction", "{attr.fullname}")
    both(form, "answer_dialog", "form", "setFormatterAction", "{:2.3e}")
    same(form, "rows", "form", meant=BUTTON)


def test_what_is_typed_is_pending_until_it_is_applied(form: Pair) -> None:
    typed = {"volts": "3.25", "count": "7", "text": "new", "choice": "BLUE"}
    for name, text in {**typed, "flag": "false"}.items():
        form.ask("type_into", "form", row(name), text)
    same(form, "rows", "form", meant=BUTTON)
    form.ask("call", "form", "reset")
    same(form, "rows", "form", meant=BUTTON)
    for name, text in {**typed, "flag": "false"}.items():
        form.ask("type_into", "form", row(name), text)
    form.ask("call", "form", "apply")
    # An event that the device sends while it is written brings what was written before:
    # whether a row is pending afterwards is a matter of time, in stock Taurus, too.
    same(form, "texts", "form", when=lambda rows: rows[row("text")][1] == "new")
    # Beyond its alarm.
    form.ask("type_into", "form", row("volts"), "9.5")
    applied = Seen("/tooltip/rest", "applied-at-last")
    same(form, "look", "form", f"{row('volts')}.writeWidget", meant=(applied,))


def test_roles_of_labels(pair: Pair, window: Any) -> None:
    roles = ("quality", "state", "none", "tango_state", "parentObj.state")
    for role in roles:
        window(role, LABEL, f"{DEVICE}/volts", setBgRole=role)
    foregrounds = ("rvalue", "wvalue", "quality", "state", "none", "rvalue.units")
    for role in foregrounds:
        window(f"fg {role}", LABEL, f"{DEVICE}/volts", setFgRole=role)
    for name in roles:
        same(pair, "look", name, when=lambda seen: seen["text"] == "1.500 V")
    for name in foregrounds:
        same(pair, "look", f"fg {name}")


def test_the_colors_of_leds(pair: Pair, window: Any) -> None:
    for name in ("flag", "mode", "State"):
        window(name, LED, f"{DEVICE}/{name}")
        window(f"quality {name}", LED, f"{DEVICE}/{name}", setFgRole="quality")
    for name in ("flag", "mode", "State"):
        same(pair, "look", name, when=lambda seen: seen["ledColor"][0] != "black")
        same(pair, "look", f"quality {name}")
    pair.ask("hold", DEVICE, "mode", "FAULT")
    same(pair, "look", "mode", when=lambda seen: seen["ledColor"][0] == "red")
    pair.ask("hold", DEVICE, "flag", False)
    same(pair, "look", "flag", when=lambda seen: not seen["ledColor"][1])
    for name in ("mode", "flag"):
        pair.ask("hold", DEVICE, name, START[name])


INPUTS = {
    "TaurusValueLineEdit": "volts",
    "TaurusValueSpinBox": "volts",
    "TaurusWheelEdit": "volts",
    "TaurusValueCheckBox": "flag",
    "TaurusValueComboBox": "choice",
}


def test_widgets_that_write(pair: Pair, window: Any) -> None:
    for kind, name in INPUTS.items():
        window(kind, f"taurus.qt.qtgui.input:{kind}", f"{DEVICE}/{name}")
    for kind in INPUTS:
        same(pair, "look", kind)


def test_the_table_of_a_spectrum_and_of_an_image(pair: Pair, window: Any) -> None:
    table = "taurus.qt.qtgui.table:TaurusValuesTable"
    for name in ("wave", "names", "picture"):
        window(name, table, f"{DEVICE}/{name}")
        same(pair, "cells", name, when=lambda cells: cells[0])


def test_a_form_of_commands(pair: Pair, window: Any) -> None:
    window("commands", "taurus.qt.qtgui.panel:TaurusCommandsForm", DEVICE)
    same(pair, "children", "commands", "QPushButton", when=lambda found: len(found) > 3)


def test_a_panel_of_a_device(pair: Pair, window: Any) -> None:
    window("device", "taurus.qt.qtgui.panel:TaurusDevicePanel", DEVICE)
    same(
        pair,
        "children",
        "device",
        "QLabel",
        when=lambda found: any("1.500" in text for text in found),
    )
    same(pair, "children", "device", "QPushButton")


def test_the_chooser_of_models(pair: Pair, window: Any) -> None:
    window("chooser", "taurus.qt.qtgui.panel:TaurusModelChooser")
    same(pair, "tree", "chooser", ["sim", "panel", "1"])


def test_a_form_is_saved_and_loaded(form: Pair) -> None:
    form.ask("row_call", "form", row("volts"), "setLabelConfig", "{attr.name}")
    form.ask("row_call", "form", row("volts"), "setFormat", "{:.2e}")
    form.ask("row_call", "form", row("count"), "setCompact", True)
    form.ask("save", "form")
    both(form, "load", "loaded")
    same(form, "rows", "loaded", when=_shows("1.5", row("volts")), meant=BUTTON)
    form.ask("close", "loaded")


def test_a_taurus_gui_is_saved_and_loaded(pair: Pair) -> None:
    both(pair, "gui", "gui")
    pair.ask("new_panel", "gui", "Mine", MODELS[:5])
    _panels_are_the_same(pair, "gui")
    pair.ask("row_call", "Mine", row("volts"), "setFormat", "{:.3e}")
    pair.ask("row_call", "Mine", row("count"), "setCompact", True)
    pair.ask("save_gui", "gui")
    pair.ask("close", "gui")
    assert pair.ask("gui", "again") == [["Device", "Mine"]] * 2
    _panels_are_the_same(pair, "again")
    shown = pair.until(_shows("1.500e+00", row("volts")), "rows", "Mine")
    assert [len(rows) for rows in shown] == [5, 5]
    pair.ask("close", "again")


def _panels_are_the_same(pair: Pair, gui: str) -> None:
    for title in ("Device", "Mine"):
        both(pair, "panel", gui, title, title)
        same(pair, "rows", title, when=_shows("1.5"), meant=BUTTON)


def _shows(text: str, number: int = 0) -> Callable[[Any], bool]:
    return lambda rows: len(rows) > number and text in _text(rows[number])


def test_rows_of_a_device_that_comes(pair: Pair) -> None:
    """Stock Taurus leaves them out while it is down: open the form when it is there."""
    models = [f"{DOWN}/{name}" for name in ("volts", "text", "flag", "State")]
    early, late = pair.programs
    early.ask("form", "late", models)
    for shown in early.until(lambda rows: len(rows) == len(models), "rows", "late"):
        assert _text(shown) == "-----"
    pair.servers("start", "TpoSim/panels_down")
    late.ask("form", "late", models)
    same(pair, "rows", "late", when=lambda rows: "1.5" in _text(rows[0]))
    same(pair, "size", "late")
    pair.ask("close", "late")
    pair.servers("terminate", "TpoSim/panels_down")


def test_nothing_was_complained_of(pair: Pair) -> None:
    """By the plugin alone, in all these windows; run last."""
    plugin, stock = (set(found) for found in pair.ask("warnings"))
    assert not [line for line in plugin - stock if "DeprecationWarning" not in line]
