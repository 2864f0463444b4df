"""Who is told what is new, in which thread, and what becomes of the GUI meanwhile."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import taurus
from paths import FACILITIES
from program_support import run_program
from snapshot import initialize
from tango_support import (
    Listener,
    eventually,
    eventually_collected,
    hold,
    model,
    plain,
)
from taurus.core.taurusbasetypes import TaurusEventType, TaurusSerializationMode

from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.event_dispatch import (
    EVENT_DISPATCHER,
    LARGE,
    WAITING,
    WAITING_IF_LARGE,
)
from taurus_tpo.sim import Facility
from taurus_tpo.sim.waiting import wait_until

VALUES = (TaurusEventType.Change, TaurusEventType.Periodic)

#: How long the widgets of these tests take for one value, s.
SLOW = 0.002


@pytest.fixture(scope="module")
def running() -> Iterator[Facility]:
    """Eight devices of fifty attributes each."""
    with Facility(FACILITIES / "crowd.toml") as facility:
        yield facility


@pytest.fixture
def crowd(running) -> Iterator[Facility]:
    """The same, as its file says before each test."""
    yield running
    initialize(running)


@pytest.fixture
def label(qtbot, factory):
    """A maker of labels that remember what they were told, and can do something."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.display import TaurusLabel

    class Told(TaurusLabel):
        def __init__(self) -> None:
            super().__init__()
            self.values: list = []
            self.emitted_in: set[int] = set()
            self.react = lambda: None
            self.taurusEvent.connect(self._emitted, Qt.Qt.DirectConnection)

        def _emitted(self, *_event) -> None:
            self.emitted_in.add(threading.get_ident())

        def handleEvent(self, source, kind, value) -> None:
            super().handleEvent(source, kind, value)
            # Taurus tells a widget that lost its model of no value.
            if kind in VALUES and value is not None:
                self.values.append(plain(value))
                self.react()

    made: list = []

    def make(name: str | None = None, kind: type = Told):
        widget = kind()
        made.append(widget)
        widget.setModel(name)
        return widget

    make.kind = Told
    yield make
    for widget in made:
        with contextlib.suppress(RuntimeError):  # deleted by the test
            widget.setModel(None)
    made.clear()


def names_of(crowd: Facility, count: int) -> list[str]:
    numbers = [(device, n) for device in range(1, 9) for n in range(1, 51)]
    return [
        model(crowd, f"volt{n:02}", f"sim/crowd/{device}")
        for device, n in numbers[:count]
    ]


def settle(qtbot, *names: str) -> None:
    """Run the event loop until the first values have come, and have been told."""
    attrs = [taurus.Attribute(name) for name in names]
    qtbot.waitUntil(lambda: all(attr.known.value for attr in attrs), timeout=60000)
    qtbot.wait(100)
    qtbot.waitUntil(lambda: len(EVENT_DISPATCHER) == 0, timeout=60000)


def let_events_flow(qtbot, facility: Facility, widget) -> None:
    """Change ``with_events`` until ``widget`` hears of it.

    One that a server sends in the moment in which Tango subscribes may be lost.
    """
    for value in range(40, 60):
        hold(facility, "with_events", float(value))
        with contextlib.suppress(qtbot.TimeoutError):
            qtbot.waitUntil(lambda v=value: v in widget.values, timeout=3000)
            return
    raise AssertionError("no event arrives")


def let_something_wait(facility: Facility, value: float) -> None:
    """Have a widget of ``with_events`` told, and keep the event loop from it.

    An event that a server sends in the moment in which Tango subscribes may be lost.
    """
    for _ in range(20):
        hold(facility, "with_events", value)
        with contextlib.suppress(TimeoutError):
            wait_until(
                lambda: len(EVENT_DISPATCHER) > 0, 3.0, "nobody waits to be told"
            )
            return
    attribute = taurus.Attribute(model(facility, "with_events"))
    found = attribute.state, attribute.known, attribute.status, attribute.facts
    eventually(
        lambda: len(EVENT_DISPATCHER) > 0,
        f"no event arrives: {found}, dispatcher {vars(EVENT_DISPATCHER)}",
        timeout=0.1,
    )


def test_widgets_are_told_in_the_thread_of_the_gui(qtbot, modes, label):
    widget = label(model(modes, "with_events"))
    qtbot.waitUntil(lambda: "1.5" in widget.text(), timeout=20000)
    let_something_wait(modes, 6.5)
    qtbot.waitUntil(lambda: 6.5 in widget.values, timeout=20000)
    assert widget.emitted_in == {threading.get_ident()}
    hold(modes, "with_events", 1.5)


def test_others_are_told_in_the_thread_that_brings_the_news(
    qtbot, modes, label, listener
):
    widget = label(model(modes, "with_events"))
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(listener)
    hold(modes, "with_events", 7.5)
    # The event loop does not run: nobody waits for it.
    eventually(lambda: 7.5 in listener.values, "not told")
    qtbot.waitUntil(lambda: 7.5 in widget.values, timeout=20000)
    hold(modes, "with_events", 1.5)
    eventually(lambda: listener.values[-1] == 1.5, "not told")
    told_later = listener.threads[-2:]
    assert threading.current_thread().name not in told_later
    attr.removeListener(listener)


def test_a_listener_may_wait_for_the_gui(qtbot, modes, label):
    """It would wait for ever in the thread of the GUI."""
    seen = []
    widget = label(model(modes, "with_events"))

    class Patient(Listener):
        def eventReceived(self, source, kind, value) -> None:
            if kind in VALUES and plain(value) == 8.5:
                seen.append(moved_on.wait(20))

    moved_on = threading.Event()
    patient = Patient()
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.addListener(patient)
    widget.react = lambda: widget.values[-1] == 8.5 and moved_on.set()
    hold(modes, "with_events", 8.5)
    qtbot.waitUntil(lambda: bool(seen), timeout=30000)
    assert seen == [True]
    attr.removeListener(patient)
    hold(modes, "with_events", 1.5)


def test_a_widget_that_overrides_how_it_is_told_is_told_as_ever(qtbot, modes, label):
    threads = set()

    class Own(label.kind):
        def eventReceived(self, *event) -> None:
            threads.add(threading.get_ident())
            super().eventReceived(*event)

    widget = label(model(modes, "with_events"), Own)
    settle(qtbot, model(modes, "with_events"))
    threads.clear()
    hold(modes, "with_events", 9.5)
    qtbot.waitUntil(lambda: 9.5 in widget.values, timeout=20000)
    assert threading.get_ident() not in threads
    hold(modes, "with_events", 1.5)


def test_filters_from_before_qt_run_outside_of_the_gui(qtbot, modes, label):
    threads = set()

    def watch(*event):
        threads.add(threading.get_ident())
        return event

    widget = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    widget.setEventFilters([watch], preqt=True)
    hold(modes, "with_events", 9.5)
    qtbot.waitUntil(lambda: 9.5 in widget.values, timeout=20000)
    assert threads
    assert threading.get_ident() not in threads
    hold(modes, "with_events", 1.5)


@pytest.mark.parametrize("mode", ["TangoSerial", "Serial"])
def test_values_are_told_in_their_order(qtbot, modes, label, listener, mode):
    attr = taurus.Attribute(model(modes, "with_events"))
    attr.setSerializationMode(getattr(TaurusSerializationMode, mode))
    widget = label(model(modes, "with_events"))
    attr.addListener(listener)
    settle(qtbot, model(modes, "with_events"))
    wanted = [float(number) for number in range(100, 150)]
    for value in wanted:
        hold(modes, "with_events", value)
    qtbot.waitUntil(lambda: widget.values[-1:] == wanted[-1:], timeout=20000)
    assert [value for value in widget.values if value in wanted] == wanted
    assert [value for value in listener.values if value in wanted] == wanted
    assert widget.emitted_in == {threading.get_ident()}
    attr.removeListener(listener)
    hold(modes, "with_events", 1.5)
    attr.setSerializationMode(TaurusSerializationMode.TangoSerial)


def test_who_comes_later_hears_nothing_older(qtbot, modes, label):
    label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    attr = taurus.Attribute(model(modes, "with_events"))
    hold(modes, "with_events", 21.0)
    eventually(lambda: plain(attr.known.value) == 21.0, "no event")
    later = label(model(modes, "with_events"))
    hold(modes, "with_events", 22.0)
    qtbot.waitUntil(lambda: later.values[-1:] == [22.0], timeout=20000)
    assert later.values == sorted(later.values)
    assert later.values[0] == 21.0
    hold(modes, "with_events", 1.5)


def test_who_left_hears_nothing(qtbot, modes, label):
    stays = label(model(modes, "with_events"))
    leaves = label(model(modes, "with_events"))
    deleted = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    let_something_wait(modes, 31.0)
    leaves.setModel(None)
    delete(deleted)
    qtbot.waitUntil(lambda: 31.0 in stays.values, timeout=20000)
    assert 31.0 not in leaves.values
    assert 31.0 not in deleted.values
    hold(modes, "with_events", 1.5)


def delete(widget) -> None:
    """Have Qt delete ``widget``, and tell Taurus nothing."""
    from taurus.external.qt import Qt

    Qt.QObject.deleteLater(widget)
    Qt.QCoreApplication.sendPostedEvents(widget, Qt.QEvent.DeferredDelete)
    with pytest.raises(RuntimeError):
        widget.thread()


def test_who_left_and_came_back_hears_what_is_known(qtbot, modes, label):
    label(model(modes, "with_events"))
    moves = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    moves.values.clear()
    let_something_wait(modes, 41.0)
    moves.setModel(None)
    moves.setModel(model(modes, "with_events"))
    qtbot.waitUntil(lambda: 41.0 in moves.values, timeout=20000)
    qtbot.wait(50)
    assert moves.values == [41.0]
    hold(modes, "with_events", 1.5)


def test_what_waits_keeps_no_attribute_alive(qtbot, modes, label, factory):
    widget = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    gone = weakref.ref(taurus.Attribute(model(modes, "with_events")))
    let_something_wait(modes, 51.0)
    widget.setModel(None)

    eventually_collected(gone)
    assert len(EVENT_DISPATCHER) > 0
    qtbot.waitUntil(lambda: len(EVENT_DISPATCHER) == 0, timeout=20000)
    assert 51.0 not in widget.values
    hold(modes, "with_events", 1.5)


def test_nothing_is_told_after_the_clean_up(qtbot, modes, label):
    widget = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    attr = taurus.Attribute(model(modes, "with_events"))
    let_something_wait(modes, 61.0)
    attr.cleanUp()
    qtbot.waitUntil(lambda: len(EVENT_DISPATCHER) == 0, timeout=20000)
    assert 61.0 not in widget.values
    hold(modes, "with_events", 1.5)


def test_a_thousand_values_leave_the_event_loop_alive(qtbot, crowd, label):
    """Told without a break, they would hold it up for two seconds."""
    names = names_of(crowd, 50)
    widgets = [label(name) for name in names for _ in range(20)]
    settle(qtbot, *names)
    for widget in widgets:
        widget.react = lambda: time.sleep(SLOW)
    set_first_fifty(crowd, 2.5)
    eventually(lambda: len(EVENT_DISPATCHER) == len(widgets), "not all wait to be told")
    gap = longest_gap_until(qtbot, lambda: all(have(2.5, widgets)))
    assert gap < 0.5
    set_first_fifty(crowd, 1.5)


def set_first_fifty(crowd: Facility, value: float) -> None:
    """Change all attributes of the first device."""
    device = crowd.device("sim/crowd/1")
    for number in range(1, 51):
        device.SetValue(json.dumps({"attribute": f"volt{number:02}", "value": value}))


def have(value: float, widgets: list) -> Iterator[bool]:
    """Tell of each widget whether ``value`` is the last that it was told."""
    return (widget.values[-1:] == [value] for widget in widgets)


def longest_gap_until(qtbot, condition) -> float:
    """Run the event loop until ``condition()``; return its longest absence, s."""
    from taurus.external.qt import Qt

    ticks = [time.monotonic()]
    timer = Qt.QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(1)
    qtbot.waitUntil(condition, timeout=60000)
    timer.stop()
    return max(later - earlier for earlier, later in zip(ticks, ticks[1:]))


def test_no_widget_is_told_inside_another(qtbot, crowd, label):
    """Not even if what it does gives attributes more listeners."""
    names = names_of(crowd, 50)
    depth, deepest = [0], [0]
    more: list = []

    def react() -> None:
        depth[0] += 1
        deepest[0] = max(depth[0], deepest[0])
        if len(more) < len(names):
            more.append(label())
            more[-1].react = react
            more[-1].setModel(names[len(more) - 1])
        depth[0] -= 1

    widgets = [label(name) for name in names for _ in range(8)]
    settle(qtbot, *names)
    for widget in widgets:
        widget.react = react
    set_first_fifty(crowd, 3.5)
    eventually(lambda: len(EVENT_DISPATCHER) == len(widgets), "not all wait to be told")
    qtbot.waitUntil(lambda: all(have(3.5, [*widgets, *more])), timeout=60000)
    assert len(more) == len(names)
    assert deepest == [1]
    set_first_fifty(crowd, 1.5)


def test_a_dialog_of_one_widget_does_not_silence_the_others(qtbot, modes, label):
    from taurus.external.qt import Qt

    opens = label(model(modes, "with_events"))
    other = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))
    let_events_flow(qtbot, modes, opens)
    heard_inside = []

    def dialog() -> None:
        if opens.values[-1] != 71.0:
            return
        loop = Qt.QEventLoop()
        other.react = lambda: other.values[-1] == 72.0 and loop.quit()
        hold(modes, "with_events", 72.0)
        Qt.QTimer.singleShot(20000, loop.quit)
        loop.exec_()
        heard_inside.extend(other.values)

    opens.react = dialog
    hold(modes, "with_events", 71.0)
    qtbot.waitUntil(lambda: bool(heard_inside), timeout=30000)
    # An event and a read may both bring one of them.
    in_order = list(dict.fromkeys(heard_inside))
    assert in_order[-2:] == [71.0, 72.0], heard_inside
    hold(modes, "with_events", 1.5)


def test_a_widget_that_raises_does_not_silence_the_others(qtbot, modes, label):
    broken = label(model(modes, "with_events"))
    other = label(model(modes, "with_events"))
    settle(qtbot, model(modes, "with_events"))

    def fail() -> None:
        raise ValueError("broken")

    broken.react = fail
    with qtbot.captureExceptions() as caught:
        hold(modes, "with_events", 81.0)
        qtbot.waitUntil(lambda: 81.0 in other.values, timeout=20000)
        broken.react = lambda: None
    assert [kind for kind, *_ in caught] == [ValueError]
    # Taurus keeps the hook of pytest-qt, which keeps what was raised, and its frames.
    caught.clear()
    hold(modes, "with_events", 1.5)


def test_nearly_all_values_are_shown_at_the_first_paint(crowd):
    names = json.dumps(names_of(crowd, 200))
    done = run_program("values_at_first_paint", names, facility=crowd)
    assert done.returncode == 0, done.stderr
    rows, shown = json.loads(done.stdout.splitlines()[0])
    assert rows == 200
    # A bug would show those at the most that were known before their row was built.
    assert shown >= 100
    assert "Traceback" not in done.stderr


def test_a_program_without_widgets_loads_no_qt(modes):
    name = model(modes, "with_events")
    done = run_program("listen_without_widgets", name, facility=modes)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_application_may_end_while_widgets_wait(modes):
    """And who listens on afterwards is told."""
    names = (model(modes, "with_events"), model(modes, "polled"))
    done = run_program("end_of_an_application", *names, facility=modes)
    assert done.returncode == 0, done.stderr
    assert "told" in done.stdout
    assert "Traceback" not in done.stderr


# --- a widget that is slower than its events -----------------------------------------


class Value:
    """Something that a widget can be told."""

    def __init__(self, rvalue: object) -> None:
        self.rvalue = rvalue


def _flood(attribute, values) -> None:
    """Tell the listeners of ``attribute`` in another thread, as Tango does."""

    def tell() -> None:
        for value in values:
            EVENT_DISPATCHER.tell(
                attribute,
                TaurusEventType.Change,
                Value(value),
                taurus_compat.listeners(attribute),
            )

    thread = threading.Thread(target=tell)
    thread.start()
    thread.join()


def _told_to(widget) -> list:
    """Return the list of the values that ``widget`` is told from now on."""
    told: list = []

    def hear(_source, _kind, value) -> None:
        if isinstance(value, Value):
            told.append(value.rvalue)

    widget.handleEvent = hear
    return told


@pytest.mark.parametrize(
    ("size", "most"), [(1, WAITING), (LARGE // 8 + 1, WAITING_IF_LARGE)]
)
def test_a_slow_widget_gets_the_newest_values(qtbot, crowd, label, size, most):
    widget = label(names_of(crowd, 1)[0])
    qtbot.waitUntil(lambda: bool(widget.values), timeout=20_000)
    told = _told_to(widget)
    _flood(widget.getModelObj(), (np.full(size, float(n)) for n in range(3 * WAITING)))
    # Its configuration may be on its way, too.
    assert len(EVENT_DISPATCHER) <= most + 5
    qtbot.waitUntil(lambda: not len(EVENT_DISPATCHER), timeout=20_000)
    newest = range(3 * WAITING - most, 3 * WAITING)
    assert [value[0] for value in told] == list(map(float, newest))


def test_large_values_take_the_place_of_small_ones(qtbot, crowd, label):
    widget = label(names_of(crowd, 1)[0])
    qtbot.waitUntil(lambda: bool(widget.values), timeout=20_000)
    told = _told_to(widget)
    small, large = np.zeros(1), np.zeros(LARGE // 8 + 1)
    _flood(widget.getModelObj(), [*[small] * 10, *[large] * 10])
    qtbot.waitUntil(lambda: not len(EVENT_DISPATCHER), timeout=20_000)
    assert list(map(len, told)) == [len(large)] * WAITING_IF_LARGE


# --- what is no widget ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["QGraphicsObject", "QObject"])
def test_a_component_that_is_no_widget_is_told_as_well(qtbot, modes, factory, kind):
    """An item of a plot has no window, and some have no tooltip."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.base import TaurusBaseComponent

    class Component(getattr(Qt, kind), TaurusBaseComponent):
        def __init__(self) -> None:
            super().__init__()
            TaurusBaseComponent.__init__(self, name="component", parent=None)
            self.told: list = []

        def boundingRect(self) -> Qt.QRectF:
            return Qt.QRectF()

        def paint(self, *_how: object) -> None:
            """Paint nothing."""

        def handleEvent(self, _source, event, value) -> None:
            self.told.append((event, value))

        def values(self) -> list:
            return [plain(value) for event, value in self.told if event in VALUES]

        def errors(self) -> list:
            return [v for event, v in self.told if event is TaurusEventType.Error]

    component, failing = Component(), Component()
    component.setModel(model(modes, "with_events"))
    failing.setModel(model(modes, "with_events", "sim/modes/down"))
    # What is raised in the event loop fails the test.
    qtbot.waitUntil(lambda: 1.5 in component.values(), timeout=20_000)
    qtbot.waitUntil(lambda: bool(failing.errors()), timeout=20_000)
    attribute = component.getModelObj()
    EVENT_DISPATCHER.refresh_tooltips(attribute, taurus_compat.listeners(attribute))
    qtbot.waitUntil(lambda: not len(EVENT_DISPATCHER), timeout=20_000)
    assert not component.errors()
    for one in (component, failing):
        one.setModel(None)


def test_one_who_watches_widgets_may_raise(qtbot, modes, label, caplog, monkeypatch):
    """It is no fault of the widget, nor of those that are told after it."""
    from taurus_tpo.scheme import event_dispatch

    def fail(_widget: object) -> None:
        raise RuntimeError("who watches fails")

    monkeypatch.setattr(event_dispatch, "_WATCHERS", [fail])
    widget = label(model(modes, "with_events"))
    qtbot.waitUntil(lambda: 1.5 in widget.values, timeout=20_000)
    assert "who watches fails" in caplog.text
