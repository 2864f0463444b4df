"""Both widgets in Qt Designer, and in what it makes."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from program_support import run, run_program, taurus_command

from taurus_tpo import qt
from taurus_tpo.qt import designer

#: A form as Designer saves it.
FORM = Path(__file__).with_name("form_of_designer.ui")


def plugins():
    """Return the plugins that Designer would make of the files that it loads."""
    from taurus.external.qt import QtDesigner

    if not hasattr(QtDesigner, "QPyDesignerCustomWidgetPlugin"):
        pytest.skip("PySide6 registers its widgets in another way")
    made = []
    for path in sorted(Path(designer.FOLDER).glob("*plugin.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        base = QtDesigner.QPyDesignerCustomWidgetPlugin
        found = [one for one in vars(module).values() if isinstance(one, type)]
        made += [one() for one in found if issubclass(one, base)]
    return {plugin.name(): plugin for plugin in made}


def test_designer_gets_both_widgets(qtbot):
    found = plugins()
    assert set(found) == {"Inspector", "FirstReadProgress"}
    for name, plugin in found.items():
        plugin.initialize(None)
        assert plugin.includeFile() == "taurus_tpo.qt"
        assert f'class="{name}"' in plugin.domXml()
        assert plugin.group()
        assert plugin.toolTip()
        assert not plugin.icon().isNull()
        assert plugin.icon().availableSizes(), "its picture is there"
        assert not plugin.isContainer()


def test_what_is_seen_in_designer(qtbot, choices):
    from taurus.external.qt import Qt

    found = plugins()
    parent = Qt.QWidget()
    qtbot.addWidget(parent)
    bar = found["FirstReadProgress"].createWidget(parent)
    inspector = found["Inspector"].createWidget(parent)
    assert (type(bar), type(inspector)) == (qt.FirstReadProgress, qt.Inspector)
    assert bar.parent() is inspector.parent() is parent
    parent.show()
    # The bar would hide where all is there, and nobody could move it about.
    assert bar.isVisible()
    assert "212 of 330" in bar.text()
    # No attribute of Designer's own process is of interest.
    assert inspector.model.rowCount() == 0


def test_designer_of_pyside_gets_both_widgets(qtbot):
    """In a process of its own: what is registered stays so."""
    from taurus.external.qt import QtDesigner

    if not hasattr(QtDesigner, "QPyDesignerCustomWidgetCollection"):
        pytest.skip("only PySide6 registers widgets")
    code = (
        "import runpy; from taurus.external.qt import Qt; app = Qt.QApplication([])\n"
        f"runpy.run_path({designer.FOLDER + '/register_taurus_tpo.py'!r})"
    )
    done = run([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr


def test_a_form_of_designer_has_both(qtbot, choices, monkeypatch):
    from taurus.external.qt import Qt, uic

    # uic adds the directory of the form.
    monkeypatch.setattr(sys, "path", [*sys.path])
    form = uic.loadUi(str(FORM), Qt.QWidget())
    qtbot.addWidget(form)
    assert type(form.inspector) is qt.Inspector
    assert type(form.firstReadProgress) is qt.FirstReadProgress


def test_taurus_designer_names_our_folder(tmp_path):
    """After Taurus's own, and after what somebody else has named."""
    program = tmp_path / "designer"
    names = [*designer.VARIABLES, "QT_API"]
    program.write_text(
        f"#!{sys.executable}\nimport json, os\n"
        f"print(json.dumps({{n: os.environ.get(n) for n in {names!r}}}))\n"
    )
    program.chmod(0o755)
    settings = tmp_path / "taurus.ini"
    settings.write_text(f"[taurus]\nQT_DESIGNER_PATH = {str(program)!r}\n")
    command = taurus_command("--settings", str(settings), "designer")
    done = run(command, PYQTDESIGNERPATH="/of/others")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    folders = told["PYQTDESIGNERPATH"].split(os.pathsep)
    assert folders[0].endswith(os.path.join("taurus", "qt", "qtdesigner"))
    assert folders[-1] == designer.FOLDER


def test_no_other_command_names_it():
    done = run_program("environment_after_a_command", *designer.VARIABLES)
    assert done.stdout.splitlines()[-1] == "[False, False]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", [designer.FOLDER]),
        ("/a", ["/a", designer.FOLDER]),
        (f"/a{os.pathsep}", ["/a", designer.FOLDER]),
        (f"{designer.FOLDER}{os.pathsep}/a", [designer.FOLDER, "/a"]),
    ],
)
def test_the_folder_is_named_once(before, after):
    assert designer.with_folder(before).split(os.pathsep) == after
