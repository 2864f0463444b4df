"""What rows tell of themselves in their tooltips."""

from __future__ import annotations

import itertools
import re

import pytest
import taurus
from tango_support import Listener, eventually, model
from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.units import Quantity

from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER

SERVER = "TpoSim/modes"


@pytest.fixture
def labels(qtbot, factory):
    """A maker of labels, or of other widgets, which live as long as the test."""
    from taurus.qt.qtgui.display import TaurusLabel

    made = []

    def make(name: str, kind: type = TaurusLabel):
        label = kind()
        qtbot.addWidget(label)
        made.append(label)
        label.setModel(name)
        return label

    yield make
    for label in made:
        label.setModel(None)


def hover(label) -> str:
    """Do what Qt does when the pointer rests over ``label``; return its tooltip."""
    from taurus.external.qt import Qt

    position = Qt.QPoint(1, 1)
    event = Qt.QHelpEvent(Qt.QEvent.ToolTip, position, label.mapToGlobal(position))
    Qt.QCoreApplication.sendEvent(label, event)
    return label.toolTip()


def test_a_tooltip_tells_the_mode_and_who_decided_it(modes, factory, labels, qtbot):
    factory.set_event_sub_mode("Async", "*/with_events")
    label = labels(model(modes, "with_events"))
    wanted = "Async, decided by: program rule */with_events"
    qtbot.waitUntil(lambda: wanted in label.toolTip(), timeout=20_000)
    status = "subscribed to its events"
    qtbot.waitUntil(lambda: status in hover(label), timeout=20_000)


def test_the_tooltip_has_at_any_time_what_taurus_says(modes, factory):
    attribute, heard = taurus.Attribute(model(modes, "rw")), Listener()

    def check() -> None:
        told = attribute.getDisplayDescrObj()
        assert told[:-2] == TangoAttribute.getDisplayDescrObj(attribute)
        assert [what for what, _ in told[-2:]] == ["mode", "state"]

    check()
    attribute.addListener(heard)
    check()
    eventually(lambda: heard.values, "it has a value")
    check()
    told = []
    for change in (
        lambda: attribute.setLabel("another"),
        lambda: attribute.setRange(Quantity(-7.5, "A"), Quantity(8.5, "A")),
        lambda: attribute.setWarnings(Quantity(-6.5, "A"), Quantity(7.5, "A")),
        lambda: attribute.setAlarms(Quantity(-7.0, "A"), Quantity(8.0, "A")),
        lambda: change_unit(attribute, "No unit"),
        lambda: change_unit(attribute, "mA"),
    ):
        change()
        check()
        told.append(attribute.getDisplayDescrObj())
    assert all(one != other for one, other in itertools.combinations(told, 2))
    attribute.removeListener(heard)


def change_unit(attribute, unit: str) -> None:
    device, name = attribute.getParentObj().getDeviceProxy(), attribute.getSimpleName()
    info = device.get_attribute_config_ex(name)[0]
    info.unit = unit
    device.set_attribute_config(info)
    wanted = Quantity(1, "" if unit == "No unit" else unit).units
    eventually(lambda: attribute.rvalue.units == wanted, "the unit is followed")


def test_an_attribute_without_events_says_so(modes, factory):
    attribute, heard = taurus.Attribute(model(modes, "without_events")), Listener()
    attribute.addListener(heard)
    wanted = r"polled every \d+ ms: the attribute sends no events"
    eventually(lambda: re.fullmatch(wanted, attribute.status), "its story is told")
    told = dict(attribute.getDisplayDescrObj())
    assert re.fullmatch(wanted, told["state"])
    attribute.removeListener(heard)


def test_an_attribute_with_events_disabled_says_by_whom(modes, factory):
    factory.set_tango_event_subscription_disabled(True)
    attribute, heard = taurus.Attribute(model(modes, "with_events")), Listener()
    attribute.addListener(heard)
    eventually(lambda: "events are disabled" in attribute.status, "its story is told")
    assert "set_tango_event_subscription_disabled" in attribute.status
    attribute.removeListener(heard)


def test_a_row_tells_when_its_server_is_tried_again(own_modes, factory, labels, qtbot):
    server = own_modes.server(SERVER)
    server.hang()
    try:
        label = labels(model(own_modes, "rw"))
        qtbot.waitUntil(lambda: "does not answer" in hover(label), timeout=30_000)
        tooltips = set()

        def has_counted() -> bool:
            tooltips.add(hover(label))
            return len(tooltips) >= 3

        # Though no event comes.
        qtbot.waitUntil(has_counted, timeout=30_000)
        assert all(f"server {SERVER} does not answer" in text for text in tooltips)
    finally:
        server.resume()
    qtbot.waitUntil(lambda: "does not answer" not in label.toolTip(), timeout=60_000)

    def is_left_alone() -> bool:
        label.setToolTip("written by hand")
        return hover(label) == "written by hand"

    # Taurus writes it again, with the next event, and nobody else.
    qtbot.waitUntil(is_left_alone, timeout=60_000)


def test_a_tooltip_tells_at_any_time_that_a_value_is_not_applied(
    own_modes, factory, labels, qtbot
):
    from taurus.qt.qtgui.input import TaurusValueLineEdit

    server, not_applied = own_modes.server(SERVER), "differs from applied value"
    entry = labels(model(own_modes, "rw"), TaurusValueLineEdit)
    state = "subscribed to its events"
    qtbot.waitUntil(lambda: state in hover(entry), timeout=20_000)
    assert not_applied not in hover(entry)
    entry.setText("7.5")
    assert not_applied in entry.toolTip()
    assert not_applied in hover(entry)
    server.hang()
    try:
        # Tango finds it by the missing heartbeats.
        qtbot.waitUntil(lambda: "does not answer" in hover(entry), timeout=60_000)
        assert not_applied in hover(entry)
    finally:
        server.resume()


def test_a_widget_may_raise_when_its_tooltip_is_made(
    modes, factory, labels, qtbot, caplog
):
    """What is raised in the event loop fails the test, and would end a program."""
    from taurus.qt.qtgui.display import TaurusLabel

    class Failing(TaurusLabel):
        def getFormatedToolTip(self, *_of: object) -> str:
            if self.fails:
                raise RuntimeError("no tooltip")
            return super().getFormatedToolTip()

        fails = False

    widget, label = (
        labels(model(modes, "with_events"), kind) for kind in (Failing, TaurusLabel)
    )
    state = "subscribed to its events"
    qtbot.waitUntil(lambda: state in hover(label), timeout=20_000)
    attribute = label.getModelObj()
    widget.fails = True
    label.setToolTip("")
    EVENT_DISPATCHER.refresh_tooltips(attribute, taurus_compat.listeners(attribute))
    qtbot.waitUntil(lambda: state in label.toolTip(), timeout=20_000)
    assert "the tooltip of a Failing was not updated: RuntimeError" in caplog.text


def test_nobody_listens(modes, factory):
    attribute = taurus.Attribute(model(modes, "rw"))
    assert attribute.status == "nobody listens"
