"""The inspector, on real attributes of a real facility."""

from __future__ import annotations

import csv
import gc
import json
import threading
import time
import weakref

import pytest
import taurus
from program_support import run_program
from qt_support import SEEN, action, row_of, select, text_of
from tango_support import DOWN, Listener, calls, command, hold, model
from taurus.core.taurusbasetypes import SubscriptionState

from taurus_tpo.core.modes import MODES
from taurus_tpo.core.status import Condition
from taurus_tpo.qt.inspector.rows import COLUMNS, INDEX, Group

NAMES = ["with_events", "without_events", "rw", "failing", "slow"]


@pytest.fixture
def listened(modes, factory):
    """Attributes of each sort that somebody listens to."""
    heard = Listener()
    attributes = [taurus.Attribute(model(modes, name)) for name in NAMES]
    for attribute in attributes:
        attribute.addListener(heard)
    yield attributes
    for attribute in attributes:
        attribute.enablePolling()
        attribute.removeListener(heard)


@pytest.fixture
def inspect(qtbot, choices, factory):
    """A maker of inspectors that are shown."""
    from taurus_tpo.qt import Inspector

    # It shows all attributes that there are, also those of tests before.
    gc.collect()

    def make():
        inspector = Inspector()
        qtbot.addWidget(inspector)
        inspector.show()
        return inspector

    return make


@pytest.fixture
def inspector(inspect, listened, qtbot):
    """An inspector that has seen all attributes."""
    made, first = inspect(), listened[0].getFullName()

    def shows_the_first_one() -> None:
        assert "subscribed to" in text_of(made, first, "state"), made.model.entries()

    qtbot.waitUntil(shows_the_first_one, timeout=SEEN)
    return made


def shown(inspector) -> list[str]:
    return [one.name.rpartition("/")[2] for one in inspector.model.entries()]


def test_a_row_tells_mode_state_and_time_of_an_attribute(inspector, listened, qtbot):
    first = listened[0].getFullName()
    assert text_of(inspector, first, "mode") == "AsyncRead"
    assert text_of(inspector, first, "decided_by") == "default"
    assert text_of(inspector, first, "state") == "subscribed to its events"
    # The read comes after the subscription.
    qtbot.waitUntil(
        lambda: text_of(inspector, first, "first_value").endswith(" s"), timeout=SEEN
    )
    assert text_of(inspector, first, "server") == "TpoSim/modes"
    silent = listened[1].getFullName()
    wanted = "polled every 3000 ms: the attribute sends no events"
    qtbot.waitUntil(lambda: text_of(inspector, silent, "state") == wanted, timeout=SEEN)
    failing = listened[3].getFullName()
    # In a word of the device's own, with its time.
    qtbot.waitUntil(
        lambda: text_of(inspector, failing, "error").endswith("TpoSim_ReadFails"),
        timeout=SEEN,
    )


def test_events_are_counted(inspector, listened, modes, qtbot):
    name = listened[0].getFullName()
    before = row_of(inspector, name).sample.events

    def push() -> bool:
        hold(modes, "with_events", time.time())
        row = row_of(inspector, name)
        return row.sample.events >= before + 3 and bool(row.rate)

    try:
        qtbot.waitUntil(push, timeout=SEEN)
        updated = row_of(inspector, name).sample.updated
        assert abs(updated - time.time()) < 60
    finally:
        hold(modes, "with_events", 1.5)


def test_attributes_come_and_go(inspect, modes, factory, qtbot):
    inspector, name = inspect(), model(modes, "text")
    assert row_of(inspector, name) is None
    attribute = taurus.Attribute(name)
    qtbot.waitUntil(lambda: row_of(inspector, name) is not None, timeout=SEEN)
    assert text_of(inspector, name, "state") in ("", "nobody listens")
    del attribute

    def is_gone() -> bool:
        gc.collect()
        return row_of(inspector, name) is None

    qtbot.waitUntil(is_gone, timeout=SEEN)


def test_rows_are_sorted_by_a_column(inspector, qtbot):
    from taurus.external.qt import Qt

    inspector.view.sortByColumn(0, Qt.Qt.SortOrder.DescendingOrder)
    assert shown(inspector) == sorted(shown(inspector), reverse=True)
    inspector.view.sortByColumn(0, Qt.Qt.SortOrder.AscendingOrder)
    assert shown(inspector) == sorted(shown(inspector))


def test_a_selection_stays_with_its_rows(inspector, listened):
    from taurus.external.qt import Qt

    wanted = [listened[0], listened[2]]
    select(inspector, *(one.getFullName() for one in wanted))
    for order in (Qt.Qt.SortOrder.DescendingOrder, Qt.Qt.SortOrder.AscendingOrder):
        inspector.view.sortByColumn(0, order)
        assert set(inspector.view.selected()) == set(wanted)
    inspector._group.setChecked(True)
    assert set(inspector.view.selected()) == set(wanted)
    inspector.search.setText("with_events")
    assert listened[2] not in inspector.view.selected()


def test_rows_are_found_by_words_and_by_condition(inspector, qtbot):
    qtbot.keyClicks(inspector.search, "Sim/Modes rw")
    assert shown(inspector) == ["rw"]
    inspector.search.clear()
    inspector.show_conditions(Condition.POLLED)
    qtbot.waitUntil(lambda: shown(inspector) == ["without_events"], timeout=SEEN)
    inspector.show_conditions()
    assert len(shown(inspector)) == len(NAMES)


def test_rows_stand_under_their_server_which_can_be_folded(inspector, qtbot):
    from taurus.external.qt import Qt

    inspector._group.setChecked(True)

    def is_one_group() -> bool:
        entries = inspector.model.entries()
        groups = [entry for entry in entries if isinstance(entry, Group)]
        return [group.name for group in groups] == ["TpoSim/modes"]

    qtbot.waitUntil(is_one_group, timeout=SEEN)
    line = inspector.model.index(0, 0)
    # A thread of Taurus's may keep one of an earlier test for a while.
    entries = inspector.model.entries()
    there = sum(not isinstance(entry, Group) for entry in entries)
    assert f"TpoSim/modes · {there} attributes · answers" in line.data()
    assert inspector.view.columnSpan(0, 0) == len(COLUMNS)
    inspector.view.setFocus()
    inspector.view.setCurrentIndex(line)
    # All of a server are selected with its line.
    assert len(inspector.view.selected()) == there >= len(NAMES)
    qtbot.keyClick(inspector.view, Qt.Qt.Key.Key_Left)
    assert inspector.model.rowCount() == 1
    inspector.view.setCurrentIndex(inspector.model.index(0, 0))
    qtbot.keyClick(inspector.view, Qt.Qt.Key.Key_Right)
    assert inspector.model.rowCount() == 1 + len(NAMES)


def test_read_now_reads(inspector, listened, modes, qtbot):
    attribute = listened[2]
    before = attribute.history.reads
    select(inspector, attribute.getFullName())
    action(inspector.view.row_menu(), "Read now").trigger()
    qtbot.waitUntil(lambda: attribute.history.reads > before, timeout=SEEN)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_another_mode_can_be_tried_on_the_spot(inspector, listened, qtbot, mode):
    attribute = listened[0]
    name = attribute.getFullName()
    select(inspector, name)
    action(inspector.view.row_menu(), "In another mode", mode.name).trigger()

    def is_in_mode() -> bool:
        told = text_of(inspector, name, "mode"), text_of(inspector, name, "decided_by")
        return told == (mode.name, "inspector") and attribute.isUsingEvents()

    qtbot.waitUntil(is_in_mode, timeout=SEEN)
    select(inspector, name)
    action(inspector.view.row_menu(), "In another mode", "As decided before").trigger()
    qtbot.waitUntil(
        lambda: text_of(inspector, name, "decided_by") == "default", timeout=SEEN
    )
    state = attribute.getSubscriptionState
    qtbot.waitUntil(lambda: state() is SubscriptionState.Subscribed, timeout=SEEN)


def test_a_new_subscription_brings_what_changes_next(inspector, listened, modes, qtbot):
    attribute = listened[0]
    select(inspector, attribute.getFullName())
    action(inspector.view.row_menu(), "Subscribe again").trigger()
    was = attribute.history.events

    def has_heard() -> bool:
        hold(modes, "with_events", time.time())
        return attribute.isUsingEvents() and attribute.history.events > was + 1

    try:
        qtbot.waitUntil(has_heard, timeout=SEEN)
    finally:
        hold(modes, "with_events", 1.5)


def test_polling_is_started_and_stopped(inspector, listened, qtbot):
    attribute = listened[0]
    name = attribute.getFullName()
    select(inspector, name)
    action(inspector.view.row_menu(), "Polling", "Every 250 ms").trigger()
    qtbot.waitUntil(
        lambda: text_of(inspector, name, "state").startswith("polled every 250 ms"),
        timeout=SEEN,
    )
    reads = attribute.history.reads
    qtbot.waitUntil(lambda: attribute.history.reads > reads + 2, timeout=SEEN)
    action(inspector.view.row_menu(), "Polling", "Stop").trigger()
    qtbot.waitUntil(lambda: not attribute.isPollingActive(), timeout=SEEN)
    assert attribute.isUsingEvents()


def test_models_and_rules_are_copied(
    inspector, listened, factory, qtbot, settings_file
):
    from taurus.external.qt import Qt

    factory.set_event_sub_mode("Sync", "*/rw")
    clipboard = Qt.QApplication.clipboard()
    select(inspector, listened[0].getFullName(), listened[2].getFullName())
    action(inspector.view.row_menu(), "Copy model").trigger()
    copied = {one.getFullName() for one in (listened[0], listened[2])}
    assert set(clipboard.text().splitlines()) == copied
    action(inspector.view.row_menu(), "Copy rule for taurus.ini").trigger()
    settings_file.write_text(f"[taurus]\n{clipboard.text()}\n")
    from taurus_tpo.core.settings import RULES, read_file

    read = read_file(str(settings_file))
    assert not read.problems
    rules = {
        pattern.rpartition("/")[2]: mode for pattern, mode in read.values[RULES.name]
    }
    assert rules == {"with_events": "AsyncRead", "rw": "Sync"}


@pytest.mark.window
def test_what_is_to_be_done_keeps_no_attribute_alive(modes, factory):
    from taurus_tpo.qt.inspector import actions

    held, attribute = threading.Event(), taurus.Attribute(model(modes, "text"))
    factory.background_tasks.do(held.wait)
    try:
        actions.read_now([attribute])
        reference = weakref.ref(attribute)
        del attribute
        gc.collect()
        assert reference() is None
    finally:
        held.set()
    assert factory.background_tasks.wait(30)


def test_nothing_selected_is_told(inspector):
    inspector.view.clearSelection()
    inspector.view._row_actions[0].trigger()
    assert "Select an attribute" in inspector._status.text()


def test_rows_that_are_shown_are_exported(inspector, listened, tmp_path):
    path = tmp_path / "attributes.csv"
    inspector.search.setText("events")
    assert inspector.export(str(path))
    with open(path, newline="") as file:
        found = list(csv.DictReader(file))
    assert [line["model"].rpartition("/")[2] for line in found] == shown(inspector)
    assert found[0]["mode"] == "AsyncRead"
    assert str(path) in inspector._status.text()


def test_a_file_that_cannot_be_written_is_told(inspector, tmp_path):
    assert not inspector.export(str(tmp_path / "nowhere" / "attributes.csv"))
    assert "cannot write" in inspector._status.text()


def test_columns_are_remembered(inspect, qtbot):
    first = inspect()
    header = first.view.horizontalHeader()
    assert header.isSectionHidden(INDEX["server"])
    action(first.view.columns_menu(), "server").trigger()
    action(first.view.columns_menu(), "decided by").trigger()
    header.moveSection(header.visualIndex(INDEX["reads"]), 1)
    first._group.setChecked(True)
    second = inspect()
    header = second.view.horizontalHeader()
    assert not header.isSectionHidden(INDEX["server"])
    assert header.isSectionHidden(INDEX["decided_by"])
    assert header.visualIndex(INDEX["reads"]) == 1
    assert second._group.isChecked()
    action(second.view.columns_menu(), "As at first").trigger()
    assert header.isSectionHidden(INDEX["server"])
    assert header.visualIndex(INDEX["reads"]) == INDEX["reads"]


def test_a_device_panel_is_opened(inspector, listened, factory, qtbot):
    from taurus_tpo.qt.inspector import actions

    select(inspector, listened[0].getFullName())
    action(inspector.view.row_menu(), "Open device panel").trigger()
    (panel,) = actions._PANELS
    qtbot.waitUntil(panel.isVisible, timeout=SEEN)
    assert "sim/modes/up" in str(panel.getModelName()).lower()
    panel.close()
    assert not actions._PANELS
    del panel
    # What the panel listened to is let go with it.
    mine = set(listened)

    def is_let_go() -> bool:
        gc.collect()
        left = {one for one in factory.attributes() if one.is_listened_to}
        return left <= mine

    qtbot.waitUntil(is_let_go, timeout=SEEN)


def test_nobody_looks_while_the_table_is_not_seen(inspector):
    assert inspector.model._timer.isActive()
    inspector.hide()
    assert not inspector.model._timer.isActive()
    inspector.show()
    assert inspector.model._timer.isActive()


def test_a_hung_server_is_told_and_probed(own_modes, factory, inspect, qtbot):
    server = own_modes.server("TpoSim/modes")
    server.hang()
    heard, name = Listener(), model(own_modes, "rw")
    try:
        with factory.hurry():
            attribute = taurus.Attribute(name)
        attribute.addListener(heard)
        inspector = inspect()
        inspector._group.setChecked(True)

        def is_silent() -> bool:
            return "does not answer, " in text_of(inspector, name, "state")

        qtbot.waitUntil(is_silent, timeout=SEEN)
        counted = inspector.model.conditions()
        assert counted[Condition.SILENT] == 1
        qtbot.waitUntil(
            lambda: "does not answer since" in str(inspector.model.index(0, 0).data()),
            timeout=SEEN,
        )
        # Nobody's panel waits for it.
        select(inspector, name)
        action(inspector.view.row_menu(), "Open device panel").trigger()
        assert "does not answer" in inspector._status.text()
        # Wait until it is left alone for as long as ever.
        qtbot.waitUntil(lambda: attribute.server.silences >= 3, timeout=SEEN)
        silences, told = attribute.server.silences, attribute.server.told
        action(inspector.view.row_menu(), f"Probe {attribute.server} now").trigger()
        qtbot.waitUntil(lambda: attribute.server.silences > silences, timeout=SEEN)
        # Left alone, it would have been 4 s, and one to answer.
        assert attribute.server.told - told < 4.0
    finally:
        server.resume()

    def is_fine() -> bool:
        return text_of(inspector, name, "state").startswith("subscribed to")

    qtbot.waitUntil(is_fine, timeout=SEEN)
    attribute.removeListener(heard)


def test_a_server_that_is_down_is_told_by_its_name(modes, factory, inspect, qtbot):
    heard, name = Listener(), model(modes, "with_events", DOWN)
    attribute = taurus.Attribute(name)
    attribute.addListener(heard)
    inspector = inspect()
    wanted = "server TpoSim/down cannot be reached"
    qtbot.waitUntil(lambda: wanted in text_of(inspector, name, "state"), timeout=SEEN)
    inspector._group.setChecked(True)

    def line() -> str:
        return str(inspector.model.index(0, 0).data())

    qtbot.waitUntil(
        lambda: "TpoSim/down · 1 attribute · cannot be reached" in line(), timeout=SEEN
    )
    attribute.removeListener(heard)


def test_looking_reads_nothing(inspector, listened, batches, modes, qtbot):
    """The inspector asks no device anything by itself."""
    slow = listened[4]
    qtbot.waitUntil(lambda: slow.known.value is not None, timeout=SEEN)
    seen = inspector.model.attribute_list
    before = row_of(inspector, slow.getFullName()).sample
    command(modes, "sim/modes/up", "ResetCalls")
    for _ in range(20):
        inspector.model.refresh()
    read = [name for batch in calls(modes, "sim/modes/up") for name in batch]
    # Those without events are polled; nobody else is read.
    assert not {"slow", "rw", "with_events"} & set(read)
    assert before.mode
    assert len(seen) >= len(NAMES)


def test_there_is_one_inspector_window(qtbot, choices, listened):
    from taurus_tpo.qt import show_inspector

    first = show_inspector()
    assert show_inspector() is first
    first.close()

    def is_another() -> bool:
        second = show_inspector()
        found = second is not first
        second.close()
        return found

    qtbot.waitUntil(is_another, timeout=SEEN)


def test_without_the_plugin_it_says_so(modes):
    done = run_program("inspector_without_plugin", facility=modes, TAURUS_TPO="0")
    assert "taurus_tpo is off: TAURUS_TPO=0 in the environment 0" in done.stdout
    assert "Traceback" not in done.stderr


def test_ten_thousand_rows_take_moments(modes):
    done = run_program("inspect_many_attributes", facility=modes)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["rows"] == 10_000
    # Typically 20 ms. Without slices all rows would be looked at each time: 0.3 s.
    assert told["taken"][len(told["taken"]) // 2] < 0.15
