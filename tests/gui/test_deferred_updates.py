"""Labels that are not in view are updated when somebody looks at them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import taurus
from taurus import tauruscustomsettings

from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER

#: More rows than a form of 300 pixels shows.
ROWS = 40


class Source:
    """What the attributes of these tests read."""

    value = 0.0


@pytest.fixture
def models(factory, monkeypatch) -> list[str]:
    """Attributes that all have the value of :class:`Source`."""
    module = types.ModuleType("source_of_labels")
    vars(module)["Source"] = Source
    monkeypatch.setitem(sys.modules, "source_of_labels", module)
    monkeypatch.setattr(Source, "value", 1.0)
    return [f"eval:@s=source_of_labels.Source()/s.value+{n}" for n in range(ROWS)]


@pytest.fixture
def labels(qtbot) -> Any:
    """The module of Taurus's labels, with the overrides of the plugin."""
    from taurus.qt.qtgui.display import tauruslabel

    # The form is loaded, too.
    from taurus.qt.qtgui.panel import TaurusForm  # noqa: F401

    from taurus_tpo.qt.forms import overrides

    overrides.install()
    return tauruslabel


@pytest.fixture
def make(qtbot, models, labels) -> Iterator[Callable[..., Any]]:
    """Make a form of :data:`ROWS` rows, which is shown; keywords are properties."""
    from taurus.qt.qtgui.panel import TaurusForm

    made: list[Any] = []

    def make_form(**properties: Any) -> Any:
        form = TaurusForm()
        made.append(form)
        for name, value in properties.items():
            form.setProperty(name, value)
        form.setModel(models)
        for row in form.getItems():
            # They are polled here.
            row.getModelObj().disablePolling()
        form.resize(400, 300)
        form.show()
        qtbot.waitUntil(lambda: raw(read(form, 0)) == "1.0")
        push(form, 2.0)
        qtbot.waitUntil(lambda: raw(read(form, 0)) == "2.0")
        return form

    yield make_form
    for form in made:
        form.setModel([])
        form.setParent(None)
        form.close()
        form.deleteLater()


def read(form: Any, row: int) -> Any:
    """Return the read widget of a row; of the last one with -1."""
    return form.getItems()[row].readWidget()


def raw(label: Any) -> str:
    """Return the text that Qt has, with nothing carried out for it."""
    from taurus.external.qt import Qt

    return str(Qt.QLabel.text(label))


def push(form: Any, value: float) -> None:
    """Have all attributes send an event with another value, which all labels get."""
    poll(value, *(row.getModelObj() for row in form.getItems()))


def poll(value: float, *attributes: Any) -> None:
    """Poll attributes, and wait until the events have been dispatched."""
    from taurus.external.qt import Qt

    Source.value = value
    for attribute in attributes:
        attribute.poll()
    while len(EVENT_DISPATCHER):
        Qt.QApplication.processEvents()


def scroll_down(form: Any) -> None:
    bar = form.scrollArea.verticalScrollBar()
    bar.setValue(bar.maximum())


def test_labels_out_of_view_are_not_updated_at_each_event(make, counted):
    form = make()
    before = raw(read(form, -1))
    counted.clear()
    for value in (3.0, 4.0, 5.0):
        push(form, value)
    assert counted[id(read(form, 0))] == 3
    assert counted[id(read(form, -1))] == 0
    assert raw(read(form, 0)) == "5.0"
    assert raw(read(form, -1)) == before


def test_who_scrolls_sees_the_newest_value(make, counted, qtbot):
    form = make()
    for value in (3.0, 4.0):
        push(form, value)
    counted.clear()
    scroll_down(form)
    qtbot.waitUntil(lambda: raw(read(form, -1)) == f"{4.0 + ROWS - 1}")
    assert counted[id(read(form, -1))] == 1


def test_a_form_in_a_hidden_tab_is_updated_when_it_is_shown(make, counted, qtbot):
    from taurus.external.qt import Qt

    form, tabs = make(), Qt.QTabWidget()
    tabs.addTab(form, "form")
    tabs.addTab(Qt.QWidget(), "other")
    tabs.resize(450, 350)
    tabs.show()
    tabs.setCurrentIndex(1)
    counted.clear()
    push(form, 7.0)
    assert not counted
    tabs.setCurrentIndex(0)
    qtbot.waitUntil(lambda: raw(read(form, 0)) == "7.0")
    form.setParent(None)
    tabs.close()


def test_a_program_reads_the_newest_text(make):
    form = make()
    push(form, 6.0)
    assert read(form, -1).text() == f"{6.0 + ROWS - 1}"
    assert raw(read(form, -1)) == f"{6.0 + ROWS - 1}"


def test_a_picture_has_the_newest_text(make):
    form = make()
    push(form, 6.0)
    form.scrollArea.widget().grab()
    assert raw(read(form, -1)) == f"{6.0 + ROWS - 1}"


def test_what_a_program_sets_stays(make, qtbot):
    """An update of an event before does not replace it."""
    from taurus.external.qt import Qt

    form = make()
    label = read(form, -1)
    push(form, 6.0)
    palette = label.palette()
    palette.setColor(Qt.QPalette.Window, Qt.QColor("blue"))
    push(form, 7.0)
    label.setPalette(palette)
    label.setToolTip("mine")
    label.setText("own")
    scroll_down(form)
    qtbot.waitUntil(lambda: not label.visibleRegion().isEmpty())
    qtbot.wait(50)
    assert raw(label) == "own"
    assert label.palette().color(Qt.QPalette.Window).name() == "#0000ff"
    assert label.toolTip() == "mine"


def test_the_signal_of_a_new_value_comes_with_each_event(make):
    form = make()
    seen: list[Any] = []
    label = read(form, -1)
    label.valueChangedSignal.connect(lambda *_: seen.append(raw(label)))
    push(form, 3.0)
    push(form, 4.0)
    assert len(seen) == 2


def test_a_tooltip_is_computed_when_the_mouse_enters(make, monkeypatch):
    from taurus.external.qt import Qt

    form = make()
    label, other = read(form, 0), read(form, 1)
    asked: list[Any] = []
    stock = type(label).getFormatedToolTip

    def count(self: Any, *args: Any, **kw: Any) -> Any:
        asked.append(self)
        return stock(self, *args, **kw)

    monkeypatch.setattr(type(label), "getFormatedToolTip", count)
    push(form, 3.0)
    assert asked == []
    point = Qt.QPointF(1, 1)
    Qt.QApplication.sendEvent(label, Qt.QEnterEvent(point, point, point))
    assert asked == [label]
    assert Qt.QWidget.toolTip(label) == stock(label)
    assert other.toolTip() == stock(other)
    assert asked == [label, other]


def test_a_label_may_stop_making_tooltips(make):
    label = read(make(), 0)
    expected = label.getFormatedToolTip()
    label.setAutoTooltip(False)
    assert label.toolTip() == expected


@pytest.mark.parametrize("event", ["paintEvent", "enterEvent"])
def test_a_label_that_handles_these_events_is_updated_at_once(
    qtbot, models, labels, event
):
    from taurus.external.qt import Qt

    def handle(self: Any, received: Any) -> None:
        getattr(Qt.QLabel, event)(self, received)

    own = type("Own", (labels.TaurusLabel,), {event: handle})
    is_updated_at_once(qtbot, own(), models[0])


def test_a_label_that_was_shown_before_is_updated_at_once(qtbot, models, labels):
    """Qt may have found that it does not handle these events."""
    label = labels.TaurusLabel()
    label.show()
    is_updated_at_once(qtbot, label, models[0])


def is_updated_at_once(qtbot: Any, label: Any, model: str) -> None:
    """Check that a label without a visible window is updated by each event."""
    qtbot.addWidget(label)
    label.setAutoTrim(False)
    label.setModel(model)
    label.hide()
    attribute = taurus.Attribute(model)
    for value in (2.0, 3.0):
        poll(value, attribute)
        assert raw(label) == f"{value}"
    assert label.getFormatedToolTip() == label.toolTip()
    label.setModel(None)


def test_one_form_may_be_updated_as_in_stock_taurus(make, labels, counted):
    from taurus_tpo.qt.forms.fast_widgets import PROPERTY

    form = make(**{PROPERTY: False})
    counted.clear()
    push(form, 3.0)
    assert counted[id(read(form, -1))] == 1


def test_the_setting_leaves_labels_to_taurus(make, counted, monkeypatch):
    form = make()
    monkeypatch.setattr(tauruscustomsettings, "TPO_FAST_WIDGETS", False, raising=False)
    counted.clear()
    push(form, 3.0)
    assert counted[id(read(form, -1))] == 1


def broken(*_args: Any) -> Any:
    raise ZeroDivisionError("division by zero")


def test_what_fails_later_is_a_line_as_in_stock_taurus(make, qtbot, monkeypatch):
    form = make()
    label = read(form, -1)
    said: list[str] = []
    monkeypatch.setattr(label, "info", lambda text, *args: said.append(text % args))
    push(form, 3.0)
    for method in ("displayValue", "getNoneValue"):
        monkeypatch.setattr(label, method, broken)
    scroll_down(form)
    expected = "Skipping update. Reason: ZeroDivisionError('division by zero')"
    qtbot.waitUntil(lambda: expected in said)
