"""The bar that says what a window still waits for, on a real facility."""

from __future__ import annotations

import gc

import pytest
import taurus
from program_support import run_program
from qt_support import SEEN
from tango_support import DOWN, Listener, model
from taurus import tauruscustomsettings

SERVER = "TpoSim/modes"


@pytest.fixture
def host(qtbot, factory):
    """A window with a status bar, as of a program that knows nothing of the plugin."""
    from taurus.external.qt import Qt

    # What earlier tests left behind is not waited for.
    gc.collect()
    window = Qt.QMainWindow()
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def bar(host):
    from taurus_tpo.qt import FirstReadProgress

    made = FirstReadProgress()
    host.statusBar().addPermanentWidget(made)
    return made


@pytest.fixture
def listen(factory):
    """Have attributes listened to; let go in the end."""
    heard, listened = Listener(), []

    def begin(*names: str) -> None:
        with factory.hurry():
            attributes = [taurus.Attribute(name) for name in names]
        for attribute in attributes:
            attribute.addListener(heard)
        listened.extend(attributes)

    yield begin
    # pytest holds what a fixture gave until all fixtures are done.
    while listened:
        listened.pop().removeListener(heard)


def test_it_is_not_seen_where_nothing_is_missing(bar, listen, modes, qtbot):
    assert not bar.isVisible()
    listen(model(modes, "rw"), model(modes, "failing"))
    qtbot.waitUntil(
        lambda: bar.summary.wanted == 2 and bar.summary.complete, timeout=SEEN
    )
    # An error that the device itself has told is something.
    assert not bar.isVisible()


def test_it_comes_when_a_server_goes_and_goes_when_it_comes(
    bar, listen, own_modes, qtbot
):
    listen(model(own_modes, "rw"), model(own_modes, "text"))
    qtbot.waitUntil(
        lambda: bar.summary.wanted == 2 and bar.summary.complete, timeout=SEEN
    )
    server = own_modes.server(SERVER)
    server.kill()
    wanted = "0 of 2 · 1 server not answering"
    qtbot.waitUntil(lambda: bar.isVisible() and bar.text() == wanted, timeout=2 * SEEN)
    assert bar.accessibleDescription() == wanted
    assert f"not answering:\n  {SERVER}" in bar.toolTip()
    server.start()
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=2 * SEEN)


def test_it_tells_what_hangs_and_what_is_down(bar, listen, own_modes, qtbot):
    server = own_modes.server(SERVER)
    server.hang()
    try:
        listen(model(own_modes, "rw"), model(own_modes, "with_events", DOWN))
        wanted = "0 of 2 · 2 servers not answering"
        qtbot.waitUntil(lambda: bar.text() == wanted, timeout=SEEN)
        assert bar.isVisible()
        assert f"  TpoSim/down\n  {SERVER}" in bar.toolTip()
    finally:
        server.resume()
    wanted = "1 of 2 · 1 server not answering"
    qtbot.waitUntil(lambda: bar.text() == wanted, timeout=SEEN)


@pytest.mark.parametrize("how", ["click", "Return"])
def test_it_opens_the_inspector(bar, listen, modes, qtbot, how):
    from taurus.external.qt import Qt

    from taurus_tpo.qt.inspector.window import _OPEN

    listen(model(modes, "with_events", DOWN))
    qtbot.waitUntil(bar.isVisible, timeout=SEEN)
    with qtbot.waitSignal(bar.clicked):
        if how == "click":
            qtbot.mouseClick(bar, Qt.Qt.MouseButton.LeftButton)
        else:
            qtbot.keyClick(bar, Qt.Qt.Key.Key_Return)
    (opened,) = _OPEN
    assert opened.isVisible()
    opened.close()
    qtbot.waitUntil(lambda: not _OPEN, timeout=SEEN)


def test_one_that_stands_alone_is_no_window_of_its_own(factory, listen, modes, qtbot):
    from taurus_tpo.qt import FirstReadProgress

    alone = FirstReadProgress()
    qtbot.addWidget(alone)
    listen(model(modes, "with_events", DOWN))
    qtbot.waitUntil(lambda: alone.summary.wanted == 1, timeout=SEEN)
    assert not alone.isVisible()


# --- windows that know nothing of it ---


@pytest.fixture
def main_window(qtbot, factory):
    """A maker of Taurus main windows with a label that shows an attribute."""
    from taurus.qt.qtgui.container import TaurusMainWindow
    from taurus.qt.qtgui.display import TaurusLabel

    labels, windows = [], []

    def make(name: str):
        window, label = TaurusMainWindow(), TaurusLabel()
        windows.append(window)
        labels.append(label)
        label.setModel(name)
        window.setCentralWidget(label)
        window.show()
        return window

    yield make
    for label in labels:
        label.setModel(None)
    for window in windows:
        # One that is closed asks whether its settings are to be saved.
        window.hide()
        window.deleteLater()


def bars_of(window) -> list:
    from taurus_tpo.qt import FirstReadProgress

    return window.statusBar().findChildren(FirstReadProgress)


def titles(menu) -> list[str]:
    return [action.text().replace("&", "") for action in menu.actions()]


def test_it_joins_each_taurus_main_window(main_window, modes, qtbot):
    first = main_window(model(modes, "with_events", DOWN))
    qtbot.waitUntil(lambda: len(bars_of(first)) == 1, timeout=SEEN)
    second = main_window(model(modes, "rw"))
    qtbot.waitUntil(lambda: len(bars_of(second)) == 1, timeout=SEEN)
    assert len(bars_of(first)) == 1
    assert titles(first.toolsMenu).count("Attribute inspector") == 1
    (bar,) = bars_of(first)
    qtbot.waitUntil(bar.isVisible, timeout=SEEN)


def test_the_menu_opens_the_inspector(main_window, modes, qtbot):
    from taurus_tpo.qt.inspector.window import _OPEN

    window = main_window(model(modes, "rw"))
    wanted = "Attribute inspector"
    qtbot.waitUntil(lambda: wanted in titles(window.toolsMenu), timeout=SEEN)
    actions = window.toolsMenu.actions()
    actions[titles(window.toolsMenu).index(wanted)].trigger()
    (opened,) = _OPEN
    assert opened.isVisible()
    opened.close()
    qtbot.waitUntil(lambda: not _OPEN, timeout=SEEN)


def test_a_setting_keeps_it_out(main_window, modes, qtbot, monkeypatch):
    monkeypatch.setattr(tauruscustomsettings, "TPO_PROGRESS", False, raising=False)
    window = main_window(model(modes, "rw"))
    wanted = "Attribute inspector"
    qtbot.waitUntil(lambda: wanted in titles(window.toolsMenu), timeout=SEEN)
    assert bars_of(window) == []


def test_a_script_loads_no_qt(modes):
    name = model(modes, "rw")
    done = run_program("read_without_widgets", name, facility=modes)
    assert done.stdout.split() == ["[]", "True"], done.stderr


def test_a_window_loads_nothing_of_taurus_that_it_does_without(modes):
    """A form and a main window bring 70 modules with them, and a warning."""
    words = ("modules_of_a_window", model(modes, "rw"))
    off = run_program(*words, facility=modes, TAURUS_TPO="0")
    on = run_program(*words, facility=modes)
    assert "taurus.qt.qtgui.display.tauruslabel" in off.stdout
    assert on.stdout.split() == off.stdout.split(), on.stderr


def test_a_program_without_the_plugin_has_neither(modes):
    words = ("tools_of_a_main_window", model(modes, "rw"))
    off = run_program(*words, facility=modes, TAURUS_TPO="0")
    on = run_program(*words, facility=modes)
    assert "inspector" not in off.stdout
    assert "Attribute &inspector" in on.stdout, on.stderr
