"""A large form makes the rows in view first, and ends as that of stock Taurus."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import taurus
from faults_support import configure
from program_support import run_program
from tango_support import model
from taurus import tauruscustomsettings
from taurus.core.taurusbasetypes import TaurusEventType
from test_fast_widgets import look

from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.sim import Facility

#: More rows than a form shows, and than are made at once.
MANY = 45

#: How many rows a form of 400 pixels shows at the most, and some of them.
SHOWN = 20
FEW = 5

NAMES = [f"eval:{number}+0.5" for number in range(MANY)]


@pytest.fixture
def make(qtbot, factory, monkeypatch) -> Iterator[Callable[..., Any]]:
    """Make a form with models, not shown; keyword arguments are properties."""
    from taurus.qt.qtgui.panel import TaurusForm

    from taurus_tpo.qt.forms import fast_forms, overrides

    overrides.install()
    monkeypatch.setattr(fast_forms, "MANY_ROWS", MANY - 5)
    made: list[Any] = []

    def make_form(names: list[str] = NAMES, **properties: Any) -> Any:
        form = TaurusForm()
        made.append(form)
        for name, value in properties.items():
            form.setProperty(name, value)
        form.setModel(names)
        return form

    yield make_form
    for form in made:
        if not is_deleted(form):
            form.setModel([])
            form.close()
            form.deleteLater()


@pytest.fixture
def stock(make) -> Callable[..., Any]:
    """Make a form as stock Taurus does."""

    def make_form(names: list[str] = NAMES) -> Any:
        return make(names, tpo_fast_forms=False)

    return make_form


def is_deleted(widget: Any) -> bool:
    """Return whether Qt has deleted a widget."""
    try:
        widget.objectName()
    except RuntimeError:
        return True
    return False


def pending(form: Any) -> Any:
    from taurus_tpo.qt.forms.form_rows import pending_rows

    return pending_rows(form)


def made(form: Any) -> list[Any]:
    """Return the rows that have been made, without having others made."""
    rows = pending(form)
    if rows is None:
        return list(form.getItems())
    with rows.partial():
        return list(rows.get())


def number_of(row: Any) -> int:
    """Return the number of a row of ``NAMES``."""
    return int(row.objectName().removeprefix("__item"))


def frame_of(form: Any) -> Any:
    return form.scrollArea.widget()


def shown(qtbot: Any, form: Any) -> Any:
    """Show a form and wait until its rows are there."""
    form.resize(500, 400)
    form.show()
    qtbot.waitUntil(lambda: pending(form) is None, timeout=30_000)
    return form


def places(form: Any) -> list[Any]:
    """Return the place of each widget in the layout of a form."""
    layout = frame_of(form).layout()
    indexes = [i for i in range(layout.count()) if layout.itemAt(i).widget()]
    kinds = [type(layout.itemAt(i).widget()).__name__ for i in indexes]
    found = [layout.getItemPosition(i) for i in indexes]
    return sorted((*place, kind) for place, kind in zip(found, kinds))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, without what Qt says of the screen."""
    said = [record.getMessage() for record in caplog.records]
    return [text for text in said if "propagateSizeHints" not in text]


def geometry(form: Any) -> list[Any]:
    return [
        [
            widget.geometry().getRect()
            for widget in (row.labelWidget(), row.readWidget(), row.unitsWidget())
        ]
        for row in form.getItems()
    ]


def tab_order(form: Any) -> list[str]:
    """Return the rows in the order in which the tabulator key reaches them."""
    frame, first = frame_of(form), form.scrollArea
    found, widget = [], first.nextInFocusChain()
    while widget is not first:
        if widget.focusPolicy() and frame.isAncestorOf(widget):
            (row,) = [r for r in form.getItems() if _is_part(r, widget)]
            found.append(f"{row.objectName()} {type(widget).__name__}")
        widget = widget.nextInFocusChain()
    return found


def _is_part(row: Any, widget: Any) -> bool:
    parts = (row.labelWidget(), row.readWidget(), row.writeWidget(), row.extraWidget())
    return any(p is widget or (p and p.isAncestorOf(widget)) for p in parts)


def everything(form: Any) -> dict[str, Any]:
    """Return what a user and a program see of a form."""
    return {
        "rows": look(form),
        "names": [row.objectName() for row in form.getItems()],
        "models": [row.getModel() for row in form.getItems()],
        "places": places(form),
        "geometry": geometry(form),
        "preferred": [row.getPreferredRow() for row in form.getItems()],
        "layout rows": [row.getRow() for row in form.getItems()],
        "width": form.scrollArea.minimumWidth(),
        "height": frame_of(form).height(),
        "range": form.scrollArea.verticalScrollBar().maximum(),
        "config": form.createConfig()["__orderedConfigNames__"],
        "tabs": tab_order(form),
        "own attributes": sorted(set(vars(form)) - {"_log"}),
        "frame's attributes": sorted(vars(frame_of(form))),
    }


def compare(qtbot: Any, ours: Any, theirs: Any) -> None:
    """Compare two forms, once Qt has laid out both."""
    forms = ours, theirs

    def are_alike() -> bool:
        one, other = map(everything, forms)
        return one == other

    try:
        qtbot.waitUntil(are_alike, timeout=10_000)
    except qtbot.TimeoutError:
        one, other = map(everything, forms)
        for key, value in other.items():
            assert one[key] == value, key


def test_it_ends_as_a_form_of_stock_taurus(qtbot, make, stock):
    compare(qtbot, shown(qtbot, make()), shown(qtbot, stock()))


def test_the_rows_in_view_are_there_at_once(qtbot, make):
    form = make()
    rows = made(form)
    assert [number_of(row) for row in rows] == list(range(len(rows)))
    assert len(rows) < MANY
    form.resize(500, 400)
    form.show()
    height = frame_of(form).layout().cellRect(len(rows), 0).bottom()
    assert height >= form.scrollArea.viewport().height()


def test_the_scroll_bar_is_right_from_the_start(qtbot, make):
    form = make()
    form.resize(500, 400)
    form.show()
    bar = form.scrollArea.verticalScrollBar()
    first = bar.maximum()
    assert pending(form) is not None
    shown(qtbot, form)
    assert first == pytest.approx(bar.maximum(), rel=0.05)


def test_rows_scrolled_to_are_the_next(qtbot, make):
    form = make()
    form.resize(500, 400)
    form.show()
    bar = form.scrollArea.verticalScrollBar()
    before = [number_of(row) for row in made(form)]
    assert before == list(range(len(before)))
    assert len(before) < MANY - SHOWN
    numbers: list[int] = []
    stock = form.registerConfigDelegate

    def register(row: Any) -> None:
        numbers.append(number_of(row))
        stock(row)

    # The last that a form does with a row.
    form.registerConfigDelegate = register
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: len(numbers) >= FEW, timeout=10_000)
    assert min(numbers[:FEW]) >= MANY - SHOWN


def test_who_has_scrolled_ends_with_the_same_form(qtbot, make, stock):
    form = make()
    form.resize(500, 400)
    form.show()
    bar = form.scrollArea.verticalScrollBar()
    bar.setValue(bar.maximum())
    ours, theirs = shown(qtbot, form), shown(qtbot, stock())
    compare(qtbot, ours, theirs)


def test_what_is_in_view_stays_there_while_rows_above_are_made(qtbot, make):
    form = make()
    form.resize(500, 400)
    form.show()
    bar = form.scrollArea.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    rows = pending(form)
    first = rows._view()[0]
    shown(qtbot, form)
    layout = frame_of(form).layout()
    top = layout.cellRect(1 + first, 0)
    # Where there was no row, its place is higher by the space between rows.
    assert top.top() <= bar.value() <= top.bottom() + 2 * layout.verticalSpacing()


ASKED = {
    "len": len,
    "index": lambda form: form[MANY - 1],
    "getItems": lambda form: form.getItems(),
    "getItemByIndex": lambda form: form.getItemByIndex(-1),
    "getItemByModel": lambda form: form.getItemByModel(NAMES[-1]),
    "findChildren": lambda form: form.findChildren(type(form.scrollArea)),
    "findChild": lambda form: form.findChild(type(form.scrollArea)),
    "children of the frame": lambda form: frame_of(form).children(),
    "children of the rows": lambda form: frame_of(form).findChildren(type(form)),
    "createConfig": lambda form: form.createConfig(),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("visible", [False, True], ids=["before", "while it is shown"])
def test_who_asks_for_rows_gets_all_of_them(qtbot, make, ask, visible):
    form = make()
    form.setVisible(visible)
    ask(form)
    assert pending(form) is None
    assert [number_of(row) for row in form.getItems()] == list(range(MANY))


def test_what_is_found_is_what_stock_taurus_finds(make, stock):
    from taurus.qt.qtgui.panel import TaurusValue

    for one in (lambda form: form, lambda form: form.scrollArea.widget()):
        found = [one(form).findChildren(TaurusValue) for form in (make(), stock())]
        assert [len(rows) for rows in found] == [MANY, MANY]


def test_settings_of_all_rows_reach_those_that_are_made_later(
    qtbot, modes, make, stock
):
    names = [model(modes, "rw")] * MANY
    forms = make(names), stock(names)
    for form in forms:
        form.setCompact(True)
        form.setFormat("{:.3f}")
        form.setModifiableByUser(True)
    assert pending(forms[0]) is not None
    ours, theirs = (shown(qtbot, form).getItems() for form in forms)
    for one, other in zip(ours, theirs):
        assert one.isCompact() == other.isCompact()
        assert one.isModifiableByUser() == other.isModifiableByUser()
        assert one.getFormat() == other.getFormat()
    assert ours[-1].isCompact()
    assert ours[-1].getFormat() == "{:.3f}"


def test_rows_that_are_made_later_get_their_configuration(qtbot, make, stock):
    saved = stock([])
    # Before the rows: that of a row comes after the models, and finds it.
    saved.setModelInConfig(True)
    saved.setModel(NAMES)
    saved[0].setLabelConfig("first")
    saved[MANY - 1].setLabelConfig("last")
    config = saved.createConfig()
    opened = make([])
    opened.setModelInConfig(True)
    opened.applyConfig(config)
    assert pending(opened) is not None
    compare(qtbot, shown(qtbot, opened), shown(qtbot, saved))
    assert opened[MANY - 1].labelWidget().text() == "last"


def test_the_last_setting_of_all_rows_is_in_force(qtbot, make, stock):
    def labels(form: Any, *, config_first: bool) -> list[str]:
        config = stock().createConfig()
        config["__itemConfigurations__"]["compact"] = False
        steps = [lambda: form.applyConfig(config), lambda: form.setFormat("{:.5f}")]
        for step in steps if config_first else reversed(steps):
            step()
        return [row.getFormat() for row in shown(qtbot, form).getItems()]

    for first in (True, False):
        ours = labels(make(), config_first=first)
        assert ours == labels(stock(), config_first=first)


def test_a_configuration_that_a_row_rejects_is_one_warning(qtbot, make, caplog):
    form = make()
    config = make().createConfig()
    config["__itemConfigurations__"][f"__item{MANY - 1}"]["ConfigVersion"] = "no"
    form.applyConfig(config)
    with caplog.at_level(logging.WARNING):
        shown(qtbot, form)
    _of_the_row, said = warnings(caplog)
    assert said.startswith(f"can not apply configuration of __item{MANY - 1}")
    assert len(form) == MANY


def test_the_tabulator_key_goes_from_row_to_row(qtbot, modes, make, stock):
    names = [model(modes, "rw")] * MANY
    ours = make(names)
    ours.resize(500, 400)
    ours.show()
    bar = ours.scrollArea.verticalScrollBar()
    bar.setValue(bar.maximum())
    order = tab_order(shown(qtbot, ours))
    assert order == tab_order(shown(qtbot, stock(names)))
    assert len(order) >= MANY


def test_a_model_is_set_again_while_rows_are_made(qtbot, make):
    form = make()
    form.show()
    others = [f"eval:{number}*2" for number in range(MANY)]
    form.setModel(others)
    shown(qtbot, form)
    assert [row.getModel() for row in form.getItems()] == others
    form.setModel(NAMES[:3])
    assert pending(form) is None
    assert len(form) == 3


def test_no_row_is_made_of_a_form_that_is_emptied(qtbot, make):
    form = make()
    form.show()
    frame = frame_of(form)
    form.setModel([])
    qtbot.wait(200)
    assert len(form) == 0
    assert frame is not frame_of(form) or is_deleted(frame)
    assert pending(form) is None


@contextmanager
def delayed(batches: Facility, name: str, seconds: float) -> Iterator[str]:
    """Have reads of an attribute take so long; return its full name."""
    device = "sim/batch/1"
    configure(batches, device, name, read_delay=seconds)
    try:
        yield model(batches, name, device)
    finally:
        configure(batches, device, name, read_delay=0.0)


@pytest.fixture
def slow(batches) -> Iterator[str]:
    """The name of an attribute whose reads take 0.3 s."""
    with delayed(batches, "volt01", 0.3) as name:
        yield name


def test_a_row_that_is_made_later_shows_its_value_when_it_comes(qtbot, make, slow):
    """It does not wait for it."""
    pool = taurus.Factory("tango").first_read
    before = pool.stats(RequestKind.READ_AT_ONCE).asked
    form = shown(qtbot, make([*NAMES, slow]))
    assert pool.stats(RequestKind.READ_AT_ONCE).asked == before
    last = form.getItems()[-1].readWidget()
    qtbot.waitUntil(lambda: "0" in last.text(), timeout=30_000)


@pytest.fixture
def waited_for(factory, monkeypatch) -> list[Any]:
    """The attributes whose first value the GUI thread has waited for."""
    found: list[Any] = []
    stock = factory.read_in_time

    def read_in_time(attribute: Any) -> Any:
        found.append(attribute)
        return stock(attribute)

    monkeypatch.setattr(factory, "read_in_time", read_in_time)
    return found


@pytest.fixture
def very_slow(batches) -> Iterator[str]:
    """The name of an attribute whose reads take 2 s."""
    with delayed(batches, "volt02", 2.0) as name:
        yield name


@pytest.fixture
def label(qtbot) -> Iterator[Any]:
    """A label that is shown."""
    from taurus.qt.qtgui.display import TaurusLabel

    label = TaurusLabel()
    qtbot.addWidget(label)
    label.show()
    yield label
    label.setModel(None)


def test_a_label_that_is_resized_waits_for_no_value(
    qtbot, label, very_slow, waited_for
):
    """As all are when a form is laid out, or its user makes its window larger."""
    label.setModel(very_slow)
    assert label.getModelObj().known.empty
    # Whoever makes a window wants to see values.
    assert waited_for
    waited_for.clear()
    label.resize(label.width() + 50, label.height() + 10)
    qtbot.waitUntil(lambda: "0" in label.text(), timeout=30_000)
    assert waited_for == []


def test_a_label_that_is_told_a_configuration_waits_for_no_value(
    qtbot, label, very_slow, waited_for
):
    """One that comes before the value, as where the device was late."""
    from taurus.qt.qtgui.display import TaurusLabel

    class Special(TaurusLabel):
        """It may need the value."""

    special = Special()
    qtbot.addWidget(special)
    special.show()
    label.setModel(very_slow)
    special.setModel(very_slow)
    attribute = label.getModelObj()
    assert attribute.known.empty
    waited_for.clear()
    label.handleEvent(attribute, TaurusEventType.Config, None)
    assert waited_for == []
    special.handleEvent(attribute, TaurusEventType.Config, None)
    assert set(waited_for) == {attribute}
    qtbot.waitUntil(lambda: "0" in label.text(), timeout=30_000)
    special.setModel(None)


def test_a_row_that_is_told_a_configuration_waits_for_no_value(
    qtbot, make, very_slow, waited_for
):
    form = shown(qtbot, make([very_slow]))
    row = form.getItems()[0]
    assert row.getModelObj().known.empty
    waited_for.clear()
    row.handleEvent(row.getModelObj(), TaurusEventType.Config, None)
    assert waited_for == []
    qtbot.waitUntil(lambda: "0" in row.readWidget().text(), timeout=30_000)


def test_a_row_of_another_class_has_its_value_when_it_gets_its_model(qtbot, make, slow):
    """Such a class may need it at once."""
    from taurus.qt.qtgui.panel import TaurusForm, TaurusValue

    seen: list[Any] = []

    class Row(TaurusValue):
        def setModel(self, name: Any, **how: Any) -> None:
            super().setModel(name, **how)
            if name:
                seen.append(self.getModelObj().rvalue)

    form = TaurusForm(formWidget=Row)
    qtbot.addWidget(form)
    form.setModel([*NAMES, slow])
    shown(qtbot, form)
    assert seen[-1] is not None
    form.setModel([])


def test_widgets_of_others_have_their_value_when_they_get_their_model(qtbot):
    """A row of Taurus may have some."""
    from taurus.qt.qtgui.display import TaurusLabel
    from taurus.qt.qtgui.panel import TaurusValue

    from taurus_tpo.qt.forms.fast_widgets import shows_values_later

    class Label(TaurusLabel):
        """Of another module."""

    row, other = TaurusValue(), TaurusValue()
    other.setReadWidgetClass(Label)
    for widget in (row, other):
        qtbot.addWidget(widget)
    assert shows_values_later(row)
    assert not shows_values_later(other)
    labels = [TaurusLabel(), Label()]
    assert [shows_values_later(label) for label in labels] == [True, False]


def test_a_form_may_be_deleted_while_its_rows_are_made(qtbot, make, caplog):
    form = make()
    form.show()
    assert pending(form) is not None
    form.close()
    form.deleteLater()
    qtbot.waitUntil(lambda: is_deleted(form), timeout=10_000)
    with caplog.at_level(logging.WARNING):
        qtbot.wait(200)
    assert warnings(caplog) == []
    assert len(form.getItems()) < MANY


def test_a_closed_form_gets_all_its_rows(qtbot, make, stock):
    form = make()
    form.show()
    form.close()
    qtbot.waitUntil(lambda: pending(form) is None, timeout=30_000)
    assert geometry(shown(qtbot, form)) == geometry(shown(qtbot, stock()))


def test_a_window_that_is_enlarged_gets_the_rows_that_come_into_view(qtbot, make):
    form = make()
    form.resize(500, 300)
    form.show()
    form.resize(500, 1500)
    rows = pending(form)
    qtbot.waitUntil(
        lambda: rows._view()[1] < len(made(form)) or pending(form) is None,
        timeout=10_000,
    )


@pytest.mark.parametrize("wrong", [0, 1, MANY - 1])
def test_a_model_without_an_object_has_no_row(qtbot, make, stock, wrong, caplog):
    names = [*NAMES]
    names[wrong] = "no-such-scheme://name"
    names[MANY // 2] = ""
    with caplog.at_level(logging.WARNING):
        ours = shown(qtbot, make(names))
        said = warnings(caplog)
        caplog.clear()
        theirs = shown(qtbot, stock(names))
        assert said == warnings(caplog) != []
    names = [row.objectName() for row in theirs.getItems()]
    assert [row.objectName() for row in ours.getItems()] == names


def factory_of(make_row: Callable[[Any], Any]) -> Any:
    """Return the patterns of ``setItemFactories`` for one factory."""
    return (make_row,)


def test_rows_of_item_factories(qtbot, make, stock):
    from taurus.qt.qtgui.panel import TaurusValue

    class Special(TaurusValue):
        pass

    def special(model: Any) -> Any:
        return Special() if model.getSimpleName().startswith("4") else None

    def filled(form: Any) -> Any:
        form.setItemFactories(include=factory_of(special))
        form.setModel(NAMES)
        return shown(qtbot, form)

    kinds = [[type(row) for row in filled(one([])).getItems()] for one in (make, stock)]
    assert kinds[0] == kinds[1]
    assert Special in kinds[0][MANY // 2 :]


def test_what_a_broken_item_factory_is_told_of(qtbot, make, stock, caplog):
    def broken(_model: Any) -> Any:
        raise ValueError("broken")

    told = []
    for one in (make, stock):
        form = one([])
        form.setItemFactories(include=factory_of(broken))
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            form.setModel(NAMES)
            shown(qtbot, form)
        told.append(warnings(caplog))
    assert told[0] == told[1]
    assert len(told[0]) == MANY


def test_an_item_factory_may_ask_the_form_and_run_an_event_loop(qtbot, make):
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.panel import TaurusValue

    seen: list[int] = []
    form = make([])

    def asking(_model: Any) -> Any:
        seen.append(len(form))
        if len(seen) == MANY - 5:
            loop = Qt.QEventLoop()
            Qt.QTimer.singleShot(50, loop.quit)
            loop.exec_()
        return TaurusValue()

    form.setItemFactories(include=factory_of(asking))
    form.setModel(NAMES)
    shown(qtbot, form)
    assert seen == list(range(MANY))


@pytest.mark.parametrize("empties", [lambda form: form.setModel([]), "resetModel"])
def test_an_item_factory_may_empty_the_form(qtbot, make, empties):
    from taurus.qt.qtgui.panel import TaurusValue

    form = make([])
    seen: list[Any] = []

    def emptying(_model: Any) -> Any:
        seen.append(_model)
        if len(seen) == MANY - 5:
            form.resetModel() if empties == "resetModel" else empties(form)
        return TaurusValue()

    form.setItemFactories(include=factory_of(emptying))
    form.setModel(NAMES)
    shown(qtbot, form)
    qtbot.wait(50)
    assert len(seen) == MANY - 5
    assert len(form) <= 1


def test_a_row_is_replaced_while_others_are_pending(qtbot, make, stock):
    """As of a device that answers late."""
    from taurus.qt.qtgui.panel import TaurusValue

    from taurus_tpo.qt.forms.rebuild import replace_row

    class Special(TaurusValue):
        pass

    def special(model: Any) -> Any:
        return Special() if model.getSimpleName() in ("2+0.5", "44+0.5") else None

    ours = make()
    ours.resize(500, 400)
    ours.show()
    ours.setItemFactories(include=factory_of(special))
    assert replace_row(ours, made(ours)[2])
    assert not replace_row(ours, made(ours)[3])
    assert len(made(ours)) < MANY
    theirs = stock([])
    theirs.setItemFactories(include=factory_of(special))
    theirs.setModel(NAMES)
    compare(qtbot, shown(qtbot, ours), shown(qtbot, theirs))
    kinds = [type(row) for row in ours.getItems()]
    assert kinds == [type(row) for row in theirs.getItems()]
    assert kinds.count(Special) == 2


def test_a_part_of_a_row_may_be_deleted_when_another_is_shown(qtbot, make):
    """A layout that is disabled at that moment must not keep it."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.panel import TaurusValue

    class Deleting(Qt.QLabel):
        def showEvent(self, event: Any) -> None:
            row = rows.pop() if rows else None
            if row is not None:
                part = row.labelWidget()
                row._labelWidget = None
                part.setParent(None)
                part.deleteLater()
            super().showEvent(event)

    rows: list[Any] = []

    def deleting(_model: Any) -> Any:
        row = TaurusValue()
        row.setExtraWidgetClass(Deleting)
        rows.append(row)
        return row

    form = make([])
    form.setItemFactories(include=factory_of(deleting))
    form.setModel(NAMES)
    shown(qtbot, form)
    layout = frame_of(form).layout()
    widgets = [layout.itemAt(i).widget() for i in range(layout.count())]
    assert all(w.parent() is frame_of(form) for w in widgets if w is not None)
    assert len(rows) < MANY


def test_small_forms_are_filled_at_once(make):
    from taurus_tpo.qt.forms import fast_forms

    few = fast_forms.MANY_ROWS - 1
    assert pending(make(NAMES[:few])) is None
    assert pending(make(NAMES[: few + 1])) is not None


def test_the_setting_and_the_property_leave_forms_to_taurus(make, stock, monkeypatch):
    assert pending(stock()) is None
    monkeypatch.setattr(tauruscustomsettings, "TPO_FAST_FORMS", False, raising=False)
    assert pending(make()) is None


def test_the_sources_of_taurus_are_those_that_were_checked(make):
    from taurus_tpo.qt.forms import overrides

    make([])
    for override in overrides.FORMS:
        if override.sources:
            assert override.is_known(override.stock), override.name


def test_a_program_without_the_plugin_has_taurus_as_it_is(batches):
    on, off = (
        run_program("replaced_methods", facility=batches, TAURUS_TPO=word)
        for word in ("1", "0")
    )
    assert json.loads(off.stdout) == {"names": [], "rows": 200}, off.stderr
    told = json.loads(on.stdout)
    assert {"fillWithChildren", "update", "paintEvent"} <= set(told["names"])
    # The first form that is loaded after the plugin makes its rows in slices, too.
    assert told["rows"] < 200


def test_where_taurus_has_changed_forms_are_filled_at_once(make, caplog):
    from taurus_tpo.qt.forms import overrides

    make([])
    before = [override.stock for override in overrides.FORMS]
    known, *others = overrides.FORMS
    changed = [known, *(one._replace(sources=("another",)) for one in others)]
    installer = overrides.Installer(changed, "forms are filled")
    with caplog.at_level(logging.INFO):
        installer.install()
    assert [override.stock for override in overrides.FORMS] == before
    assert not installer.has_work
    (line,) = warnings(caplog)
    assert line.startswith("forms are filled as in stock Taurus: TaurusForm.")


def test_values_of_devices_reach_rows_that_are_made_later(qtbot, batches, make):
    devices = ("sim/batch/1", "sim/batch/2")
    names = [model(batches, f"volt{n:02}", d) for d in devices for n in range(1, 26)]
    form = shown(qtbot, make(names))
    assert len(form) == len(names)

    def texts() -> list[str]:
        return [row.readWidget().text() for row in form.getItems()]

    qtbot.waitUntil(lambda: all(text not in ("", "-----") for text in texts()))
