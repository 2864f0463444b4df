"""The plugin inside a Taurus GUI that knows nothing of it."""

from __future__ import annotations

import gc
import json
import weakref

import pytest
import taurus
from program_support import run_program
from tango_support import DOWN, UP, model
from taurus.core.taurusbasetypes import DataType

from taurus_tpo.core.modes import MODES

#: From how many models on a form makes the rows in view first, and how many of them it
#: has in view at the least.
MANY_ROWS, IN_VIEW = 50, 15

NAMES = ["with_events", "without_events", "polled", "slow", "rw", "text", "choice"]


@pytest.fixture
def form(qtbot, factory):
    from taurus.qt.qtgui.panel import TaurusForm

    made = []

    def make(models):
        widget = TaurusForm()
        qtbot.addWidget(widget)
        made.append(widget)
        widget.setModel(models)
        widget.show()
        return widget

    yield make
    for widget in made:
        widget.setModel([])


def text_of(form, row: int) -> str:
    return form.getItemByIndex(row).readWidget().text()


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_form_shows_every_value(qtbot, form, modes, factory, mode):
    factory.set_event_sub_mode(mode.name)
    window = form([model(modes, name) for name in NAMES])
    assert len(window) == len(NAMES)
    expected = ["1.50", "2.50", "3.50", "4.50", "5.50", None, "GREEN"]
    for row, text in enumerate(expected):
        if text is not None:
            qtbot.waitUntil(
                lambda row=row, text=text: text in text_of(window, row), timeout=20000
            )


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("count", [1, 10, 40, 100])
def test_every_value_in_view_is_there_at_the_first_paint(batches, mode, count):
    """In a program of its own, as an application starts."""
    devices = ["sim/batch/1", "sim/batch/2", "sim/batch2/1", "sim/batch2/2"]
    names = [
        model(batches, f"volt{number:02}", device)
        for device in devices
        for number in range(1, 26)
    ][:count]
    arguments = (json.dumps(names), mode.name)
    done = run_program("known_at_first_paint", *arguments, facility=batches)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[0])
    assert told["rows"] == count
    # The other rows of a large form are made later.
    assert told["known"] >= (count if count < MANY_ROWS else IN_VIEW)
    assert "Traceback" not in done.stderr


def test_no_widget_is_visible_when_pyqt_deletes_them_at_the_end(modes):
    """To delete a visible one would call ``hideEvent``, which may crash PyQt."""
    names = [model(modes, name) for name in ("with_events", "rw", "text")]
    done = run_program("end_with_a_visible_form", *names, facility=modes)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_row_of_a_device_that_is_down_is_there(qtbot, form, own_modes):
    window = form([model(own_modes, "with_events", DOWN), model(own_modes, "rw")])
    assert len(window) == 2
    qtbot.waitUntil(lambda: "5.50" in text_of(window, 1), timeout=20000)
    own_modes.server("TpoSim/down").start()
    attr = taurus.Attribute(model(own_modes, "with_events", DOWN))
    qtbot.waitUntil(lambda: attr.type == DataType.Float, timeout=60000)
    qtbot.waitUntil(lambda: "0.00" in text_of(window, 0), timeout=20000)


def test_a_write_widget_writes(qtbot, form, modes):
    from taurus.external.qt import Qt

    window = form([model(modes, "rw")])
    attr = taurus.Attribute(model(modes, "rw"))
    qtbot.waitUntil(lambda: attr.known.value is not None, timeout=20000)
    item = window.getItemByIndex(0)
    writer = item.writeWidget()
    qtbot.waitUntil(lambda: writer is not None and writer.isEnabled(), timeout=20000)
    try:
        writer.setText("8.25")
        qtbot.keyClick(writer, Qt.Qt.Key_Return)
        qtbot.waitUntil(lambda: "8.25" in text_of(window, 0), timeout=20000)
        assert modes.device(UP).read_attribute("rw").value == 8.25
    finally:
        attr.write(5.5)


def test_a_device_widget_shows_the_state(qtbot, modes, factory):
    from taurus.qt.qtgui.display import TaurusLabel

    label = TaurusLabel()
    qtbot.addWidget(label)
    label.setModel(f"tango://{modes.tango_host}/{UP}/state")
    label.show()
    qtbot.waitUntil(lambda: "ON" in label.text(), timeout=20000)
    label.setModel(None)


def test_closing_the_form_lets_its_attributes_go(qtbot, form, modes, factory):
    names = [model(modes, name) for name in NAMES]
    window = form(names)
    attrs = [taurus.Attribute(name) for name in names]
    qtbot.waitUntil(lambda: all(a.known.value for a in attrs), timeout=20000)
    gone = [weakref.ref(attr) for attr in attrs]
    attrs.clear()
    window.setModel([])

    def all_gone() -> bool:
        gc.collect()
        return all(reference() is None for reference in gone)

    qtbot.waitUntil(all_gone, timeout=20000)


def test_a_widget_asked_before_there_was_a_value_shows_it_as_taurus_does(modes):
    done = run_program("ask_before_the_value", facility=modes)
    assert set(done.stdout.split()) == {"ON"}, done.stderr


def test_healthy_rows_are_built_as_often_as_by_stock_taurus(modes):
    """Their type is known when they are made: no placeholder is replaced."""
    names = [model(modes, name) for name in ("with_events", "rw", "text", "slow")]
    words = ("count_row_widgets", json.dumps(names))
    told = [run_program(*words, facility=modes, TAURUS_TPO=on) for on in ("1", "0")]
    ours, stock = (json.loads(one.stdout.splitlines()[-1]) for one in told)
    assert ours == stock
    assert len(ours) == len(names)
