"""A window whose values come after it was shown is as large as they need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from paths import FACILITIES
from qt_support import SEEN
from tango_support import model

from taurus_tpo.sim import Facility

DOWN = "sim/panel/down"
DOTS = "<a href='...'>...</a>"


@pytest.fixture
def late() -> Iterator[Facility]:
    """A facility whose second server is down."""
    with Facility(FACILITIES / "panels.toml") as running:
        yield running


def _start(qtbot, facility, widget) -> None:
    facility.server("TpoSim/panels_down").start()
    # It may be cut.
    qtbot.waitUntil(lambda: _shown(widget) in ("1.50", DOTS), timeout=2 * SEEN)


def _shown(form) -> str:
    widget = form[0].readWidget()
    return widget.text() if hasattr(widget, "text") else ""


def _needed(form) -> int:
    return form.scrollArea.widget().layout().sizeHint().width()


def test_a_form_gets_the_width_of_values_that_come_later(qtbot, late, form):
    names = ("volts", "text")
    form.setModel([model(late, name, DOWN) for name in names])
    form.show()
    qtbot.waitUntil(lambda: bool(form.property("taurus_tpo_watched")), timeout=SEEN)
    before = form.scrollArea.minimumWidth()
    _start(qtbot, late, form)
    qtbot.waitUntil(
        lambda: form.scrollArea.minimumWidth() >= _needed(form) + 20 > before,
        timeout=SEEN,
    )
    assert form.width() >= form.scrollArea.minimumWidth()


def test_a_window_that_its_user_has_resized_keeps_its_size(qtbot, late, form):
    form.setModel([model(late, "volts", DOWN)])
    form.show()
    qtbot.waitUntil(lambda: bool(form.property("taurus_tpo_watched")), timeout=SEEN)
    narrow = form.scrollArea.minimumWidth()
    size = form.size()
    # As the window system has it.
    form.windowHandle().resize(size.width() + 1, size.height() + 5)
    qtbot.waitUntil(lambda: form.height() == size.height() + 5, timeout=SEEN)
    _start(qtbot, late, form)
    qtbot.wait(200)
    assert form.scrollArea.minimumWidth() == narrow
    assert form.height() == size.height() + 5


def test_an_earlier_size_is_none_that_its_user_has_given_it(qtbot, late, form):
    """The window system tells of a size when the program has asked for another."""
    form.setModel([model(late, "volts", DOWN)])
    form.show()
    qtbot.waitUntil(lambda: bool(form.property("taurus_tpo_watched")), timeout=SEEN)
    narrow, size = form.scrollArea.minimumWidth(), form.size()
    form.resize(size.width() + 1, size.height() + 5)
    form.windowHandle().resize(size.width(), size.height())
    qtbot.waitUntil(lambda: form.size() == size, timeout=SEEN)
    _start(qtbot, late, form)
    qtbot.waitUntil(lambda: form.scrollArea.minimumWidth() > narrow, timeout=SEEN)


@pytest.fixture
def label(qtbot, modes, factory):
    """A label of a long text, in a window of its own that is not shown yet."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.display import TaurusLabel

    window = Qt.QWidget()
    qtbot.addWidget(window)
    made = TaurusLabel(window)
    Qt.QVBoxLayout(window).addWidget(made)
    made.setModel(model(modes, "Status"))
    yield made
    made.setModel("")


def _wait_for_text(qtbot, label) -> None:
    qtbot.waitUntil(lambda: "The simulated device" in label.text(), timeout=SEEN)


def test_a_label_in_a_window_of_ones_own_is_not_cut(qtbot, label):
    window = label.window()
    window.show()
    _wait_for_text(qtbot, label)
    assert window.width() >= label.sizeHint().width()


def test_a_window_whose_size_the_program_has_set_keeps_it(qtbot, label):
    window = label.window()
    window.resize(600, 60)
    window.show()
    _wait_for_text(qtbot, label)
    qtbot.wait(200)
    assert (window.width(), window.height()) == (600, 60)
