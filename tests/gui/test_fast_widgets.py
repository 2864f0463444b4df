"""Forms and labels that are updated once look as those of stock Taurus."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from typing import Any

import pytest
import taurus
from tango_support import hold, model
from taurus import tauruscustomsettings

from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER

#: How many attributes of a device take part.
MOST = 12


@pytest.fixture
def fast_widgets(qtbot):
    """The module, which loads Qt."""
    from taurus_tpo.qt.forms import fast_widgets

    return fast_widgets


@pytest.fixture
def form(qtbot, modes, factory):
    """A maker of forms over attributes of all kinds; shown, and with all values."""
    from taurus.qt.qtgui.panel import TaurusForm

    from taurus_tpo.qt.forms.resize import is_resize_pending

    made: list[Any] = []

    def make(names=None, **properties: Any) -> Any:
        form = TaurusForm()
        qtbot.addWidget(form)
        made.append(form)
        for name, value in properties.items():
            form.setProperty(name, value)
        models = [model(modes, name) for name in names or _there(modes)]
        form.setModel(models)
        form.show()
        known = [taurus.Attribute(name) for name in models]

        def is_quiet() -> bool:
            told = all(a.known.value or a.known.error for a in known)
            return told and not len(EVENT_DISPATCHER) and not is_resize_pending()

        qtbot.waitUntil(is_quiet, timeout=60_000)
        return form

    yield make
    for form in made:
        form.setModel([])


def _there(modes) -> list[str]:
    return list(modes.device("sim/modes/up").get_attribute_list())[:MOST]


def look(form: Any) -> list[dict[str, Any]]:
    """Return what a user sees of each row."""
    return [
        {
            part: _look_of(getattr(row, f"{part}Widget")())
            for part in ("label", "read", "write", "units", "extra")
        }
        for row in form.getItems()
    ]


def _look_of(widget: Any) -> Any:
    if widget is None:
        return None
    hint = widget.sizeHint()
    text = widget.text() if hasattr(widget, "text") else None
    colors = [
        widget.palette().color(role).getRgb()
        for role in (widget.backgroundRole(), widget.foregroundRole())
    ]
    size = (hint.width(), hint.height())
    return (
        type(widget).__name__,
        text,
        widget.toolTip(),
        size,
        colors,
        widget.isHidden(),
    )


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tauruscustomsettings, "TPO_FAST_WIDGETS", False, raising=False)


def test_the_sources_of_taurus_are_those_that_were_checked(form):
    from taurus_tpo.qt.forms import overrides

    form(["with_events"])
    for override in overrides.LABELS:
        method = getattr(override.place.find(), override.name)
        assert override.is_known(method.__wrapped__), override.name


def test_a_form_looks_as_that_of_stock_taurus(form, monkeypatch, qtbot):
    fast = form()
    with monkeypatch.context() as patch:
        without(patch)
        stock = form()
    with contextlib.suppress(qtbot.TimeoutError):
        qtbot.waitUntil(lambda: look(fast) == look(stock), timeout=20_000)
    for one, other in zip(look(fast), look(stock)):
        for part in one:
            assert one[part] == other[part]
    assert len(look(fast)) == MOST


def updates(form: Any, counted: Counter[int]) -> list[int]:
    """Return how often each of the three labels of its first row was updated."""
    row = form.getItems()[0]
    labels = (row.labelWidget(), row.readWidget(), row.unitsWidget())
    return [counted[id(label)] for label in labels]


def test_a_label_is_updated_once_where_taurus_does_it_often(form, counted, monkeypatch):
    fast = updates(form(["with_events"]), counted)
    with monkeypatch.context() as patch:
        without(patch)
        stock = updates(form(["with_events"]), counted)
    # In both it is updated when it is resized, and told a value.
    assert [many - few >= 4 for many, few in zip(stock, fast)] == [True] * 3


def test_one_form_may_be_built_as_in_stock_taurus(form, counted, fast_widgets):
    fast = updates(form(["with_events"]), counted)
    one = form(["with_events"], **{fast_widgets.PROPERTY: False})
    assert min(updates(one, counted)) - max(fast) >= 2


def test_an_event_updates_a_label_once(form, counted, modes, qtbot):
    label = form(["with_events"]).getItems()[0].readWidget()
    for value in range(30, 50):
        counted.clear()
        hold(modes, "with_events", float(value))
        try:
            qtbot.waitUntil(lambda v=value: f"{v}" in label.text(), timeout=3000)
        except qtbot.TimeoutError:
            # Lost while Tango subscribed.
            continue
        if counted[id(label)] == 1:
            break
        # It was resized, too, for a text that is longer than the one before.
    assert counted[id(label)] == 1
    hold(modes, "with_events", 1.5)


#: How many widgets are in a layout before a row.
OTHERS = 50


@pytest.mark.parametrize("name", ["rw", "with_events"])
def test_a_row_is_laid_out_without_a_search_for_its_widgets(
    name, qtbot, modes, factory, monkeypatch
):
    made = {}
    for on in (False, True):
        monkeypatch.setattr(tauruscustomsettings, "TPO_FAST_WIDGETS", on, raising=False)
        made[on] = _row_in_a_layout(qtbot, model(modes, name))
    (searched, places), (not_searched, same_places) = made[False], made[True]
    assert same_places == places
    assert searched > OTHERS > not_searched


def _row_in_a_layout(qtbot: Any, name: str) -> tuple[int, list[Any]]:
    """Return how often Qt looks at a widget of a layout that gets a row, and the row.

    That is the place of each of its widgets, in their order.
    """
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.panel import TaurusValue

    class Layout(Qt.QGridLayout):
        looks = 0

        def itemAt(self, index: int) -> Any:
            self.looks += 1
            return super().itemAt(index)

    frame = Qt.QWidget()
    qtbot.addWidget(frame)
    layout = Layout(frame)
    for _ in range(OTHERS):
        layout.addWidget(Qt.QLabel())
    before = layout.count()
    row = TaurusValue()
    row.setModel(name)
    row.setParent(frame)
    looks = layout.looks
    places = [
        (type(layout.itemAt(i).widget()).__name__, *layout.getItemPosition(i))
        for i in range(before, layout.count())
    ]
    row.setModel(None)
    return looks, places


def test_where_taurus_has_changed_it_is_left_as_it_is(form, caplog):
    from taurus_tpo.qt.forms import overrides

    form(["with_events"])
    unknown = [o._replace(sources=("another",)) for o in overrides.LABELS]
    installer = overrides.Installer(unknown, "labels are updated")
    before = [getattr(o.place.find(), o.name) for o in unknown]
    with caplog.at_level(logging.INFO):
        installer.install()
    assert [getattr(o.place.find(), o.name) for o in unknown] == before
    assert not installer.has_work
    said = [r.getMessage() for r in caplog.records if "stock Taurus" in r.getMessage()]
    (line,) = said
    assert "TaurusBaseController.update is not known" in line
