"""Both widgets as panels of a TaurusGui: from a configuration, and from its wizard."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from program_support import path_of
from tango_support import SOON, UP, model

from taurus_tpo import qt

#: A dialog that nobody expected would wait for ever.
pytestmark = pytest.mark.timeout(200)

#: How long something that should happen may take, ms.
PATIENCE = int(SOON * 1000)


@pytest.fixture
def configuration(tmp_path) -> Path:
    """A configuration of its own for each test: a GUI remembers by its name."""
    return Path(shutil.copy(path_of("gui_with_inspector"), tmp_path / "config.py"))


@pytest.fixture
def complaints(monkeypatch) -> Iterator[list[str]]:
    """What is told in a dialog, which nobody would answer; nothing in the end."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.dialog import TaurusMessageBox

    told: list[str] = []
    boxes = (Qt.QMessageBox, TaurusMessageBox)

    def tell(box: Any, *_more: Any) -> int:
        told.append(repr(box))
        return 0

    for box in boxes:
        monkeypatch.setattr(box, "exec_", tell)
    for name in ("critical", "warning", "information"):
        said = lambda _parent, title, text, *_more: told.append(f"{title}: {text}")  # noqa: E731
        monkeypatch.setattr(Qt.QMessageBox, name, said)
    yield told
    assert not told


@pytest.fixture
def gui(qtbot, factory, configuration, choices, complaints, tmp_path, monkeypatch):
    """Makes the GUI, as ``taurus gui`` does; its settings are the test's own."""
    from taurus.external.qt import Qt
    from taurus.qt.qtgui.taurusgui import TaurusGui

    settings = tmp_path / "settings.ini"
    made: list[Any] = []

    def get_settings(_self: Any) -> Any:
        return Qt.QSettings(str(settings), Qt.QSettings.Format.IniFormat)

    monkeypatch.setattr(TaurusGui, "getQSettings", get_settings)
    monkeypatch.setattr(TaurusGui, "SPLASH_LOGO_NAME", "")
    # Its manual is a panel without a widget where there is no browser, and Taurus
    # complains of that when it restores it.
    monkeypatch.setattr(TaurusGui, "HELP_MENU_ENABLED", False)

    def make() -> Any:
        window = TaurusGui(confname=str(configuration), settingsname=str(settings))
        # It would ask, and nobody would answer.
        window.SAVE_SETTINGS_ON_CLOSE = False
        qtbot.addWidget(window)
        made.append(window)
        window.show()
        return window

    yield make
    for window in made:
        for name in list(window.getPanelNames()):
            window.removePanel(name)
    # What it leaves would be there in the tests that follow.
    made.clear()
    Qt.QApplication.sendPostedEvents(None, Qt.QEvent.Type.DeferredDelete)
    gc.collect()


def names_in(inspector: qt.Inspector) -> set[str]:
    return {entry.name for entry in inspector.model.entries()}


def raise_panel(gui: Any, qtbot: Any, name: str) -> None:
    """Bring a panel before the others, as a click on its tab does."""
    gui.setFocusToPanel(name)
    widget = gui.getPanel(name).widget()
    qtbot.waitUntil(lambda: not widget.visibleRegion().isEmpty(), timeout=PATIENCE)


def test_panels_of_a_configuration(gui, qtbot, modes):
    window = gui()
    names = ("rw", "with_events", "text")
    window.getPanel("Form").widget().setModel([model(modes, name) for name in names])
    inspector = window.getPanel("Inspector").widget()
    progress = window.getPanel("Progress").widget()
    assert (type(inspector), type(progress)) == (qt.Inspector, qt.FirstReadProgress)
    raise_panel(window, qtbot, "Inspector")
    wanted = {f"{UP}/{name}" for name in names}
    qtbot.waitUntil(lambda: wanted <= names_in(inspector), timeout=PATIENCE)
    qtbot.waitUntil(lambda: progress.summary.complete, timeout=PATIENCE)


def test_settings_and_perspectives_come_back(gui, qtbot):
    window = gui()
    raise_panel(window, qtbot, "Inspector")
    window.getPanel("Progress").hide()
    window.savePerspective("mine")
    window.getPanel("Progress").show()
    window.saveSettings()
    window.loadPerspective("mine")
    assert type(window.getPanel("Inspector").widget()) is qt.Inspector
    assert not window.getPanel("Progress").toggleViewAction().isChecked()
    again = gui()
    again.loadSettings()
    assert type(again.getPanel("Inspector").widget()) is qt.Inspector
    assert again.getPanel("Progress").toggleViewAction().isChecked()


def test_a_panel_that_somebody_made_comes_back(gui, qtbot):
    """One that stands in no configuration is made anew from the settings."""
    window = gui()
    # What the dialog of "Save perspective" does with one that the wizard has made.
    window.createPanel(qt.Inspector(), "Mine", custom=True, permanent=True)
    window.saveSettings()
    again = gui()
    again.loadSettings()
    assert type(again.getPanel("Mine").widget()) is qt.Inspector


@pytest.mark.parametrize("advanced", [False, True], ids=["plain", "advanced"])
@pytest.mark.parametrize("kind", ["Inspector", "FirstReadProgress"])
def test_the_wizard_offers_both(gui, qtbot, monkeypatch, kind, advanced):
    """Among its pictures, as the configuration says; also with a second page."""
    from taurus.external.qt import PYSIDE6
    from taurus.qt.qtgui.taurusgui import PanelDescriptionWizard

    if PYSIDE6:
        pytest.skip("Taurus 5.4's wizard needs PyQt")
    window = gui()
    wizard = PanelDescriptionWizard(window, extraWidgets=window._extraCatalogWidgets)
    qtbot.addWidget(wizard)
    wizard.restart()
    page = wizard.widgetPG
    page.nameLE.setText("Mine")
    page.choiceWidget.choiceMade.emit(f"taurus_tpo.qt:{kind}")
    assert page.validatePage()
    if advanced:
        assert wizard.advSettingsPG.validatePage()
    window.createCustomPanel(wizard.getPanelDescription())
    assert type(window.getPanel("Mine").widget()) is getattr(qt, kind)


def test_the_wizard_finds_both_by_the_name_of_their_module(qtbot):
    """Where the configuration says nothing: Other..., and the module."""
    from taurus.external.qt import PYQT5
    from taurus.qt.qtgui.taurusgui.paneldescriptionwizard import ExpertWidgetChooserDlg

    if not PYQT5:
        pytest.skip("Taurus 5.4's dialog needs Qt 5")
    dialog = ExpertWidgetChooserDlg()
    qtbot.addWidget(dialog)
    dialog.moduleNameLE.setText("taurus_tpo.qt")
    dialog.onModuleSelected()
    box = dialog.membersCB
    offered = {box.itemText(number) for number in range(box.count())}
    assert {"Inspector", "FirstReadProgress"} <= offered
    box.setCurrentText("Inspector")
    told = dialog.getMemberDescription()
    assert told == {"modulename": "taurus_tpo.qt", "classname": "Inspector"}


def test_a_click_on_the_bar_leads_to_the_panel(gui, qtbot):
    """Rather than to a second inspector in a window of its own."""
    from taurus.external.qt import Qt

    from taurus_tpo.qt import show_inspector

    window = gui()
    window.activateWindow()
    qtbot.waitUntil(lambda: Qt.QApplication.activeWindow() is window, timeout=PATIENCE)
    raise_panel(window, qtbot, "Inspector")
    panel = window.getPanel("Inspector").widget()
    assert show_inspector() is panel
    # Behind another tab nobody sees it.
    raise_panel(window, qtbot, "Form")
    qtbot.waitUntil(lambda: panel.visibleRegion().isEmpty(), timeout=PATIENCE)
    own = show_inspector()
    qtbot.addWidget(own)
    assert own.isWindow()
