"""A program with Taurus's widgets that does what a user does, and tells what is seen.

``python -m tests.differential.panels.program``, with the plugin or without it, obeys
orders on its standard input, one JSON text a line (``{"do": "rows"}``), and answers
each with one. What an order may be are the methods of :class:`Panel`.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import sys
import traceback
from functools import partial
from typing import Any, Callable

import taurus
from taurus import tauruscustomsettings
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication

from tests.differential.panels.looks import look_at, row_of

#: How many new objects make a collection worth its time.
MANY_OBJECTS = 50_000

#: What a person would wait for a dialog that is to be there at once, ms.
DIALOG = 100


class Problems(logging.Handler):
    """What was logged from WARNING on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember it, with where it comes from."""
        self.found.append(f"{record.levelname} {record.getMessage()}"[:400])


def _number_of_rows(form: Any) -> int:
    """Return how many rows a form has, once none is pending."""
    while vars(form).get("_taurus_tpo_rows") is not None:
        Qt.QApplication.processEvents()
    return len(form)


class Panel:
    """The windows of the program, by their names."""

    def __init__(self) -> None:
        self.windows: dict[str, Any] = {}
        self.problems = Problems()
        logging.getLogger().addHandler(self.problems)

    # --- windows ---

    def rows_in_slices(self) -> None:
        """Have the plugin make the rows of each form in slices, however few."""
        if os.environ["TAURUS_TPO"] == "0":
            return
        from taurus_tpo.qt.forms import fast_forms, form_rows

        vars(fast_forms)["MANY_ROWS"] = vars(form_rows)["STEP"] = 1
        vars(form_rows)["_height_of"] = lambda _form: 1

    def nothing_fast(self) -> None:
        """Have the plugin leave forms and labels to Taurus."""
        for name in ("TPO_FAST_FORMS", "TPO_FAST_WIDGETS"):
            setattr(tauruscustomsettings, name, False)

    def form(self, name: str, models: list[str], **settings: Any) -> int:
        """Open a form, return how many rows it has."""
        from taurus.qt.qtgui.panel import TaurusForm

        form = TaurusForm()
        form.setModifiableByUser(True)
        for key, value in settings.items():
            getattr(form, key)(value)
        form.setModel(models)
        form.show()
        self.windows[name] = form
        return _number_of_rows(form)

    def widget(
        self, name: str, kind: str, model: Any = None, key: str = "", **settings: Any
    ) -> None:
        """Open a widget ``module:Class`` with a model, or a list of them."""
        module, _, class_name = kind.partition(":")
        made = getattr(__import__(module, fromlist=[class_name]), class_name)()
        if model is not None:
            made.setModel(model)
        for setter, value in settings.items():
            getattr(made, setter)(value)
        made.show()
        self.windows[name] = made

    def set_model(self, name: str, model: Any) -> None:
        """Give a window another model."""
        self.windows[name].setModel(model)

    def close(self, name: str) -> None:
        """Close a window, as its user does, and let it go."""
        window = self.windows.pop(name)
        if hasattr(window, "setModel"):
            window.setModel([] if hasattr(window, "setItemFactories") else "")
        window.close()
        window.deleteLater()

    # --- what is seen ---

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return what each row of a form shows."""
        return [row_of(item) for item in self.windows[name].getItems()]

    def texts(self, name: str) -> list[list[str]]:
        """Return the texts of label, value and unit of each row of a form."""
        found = []
        for item in self.windows[name].getItems():
            parts = (item.labelWidget(), item.readWidget(), item.unitsWidget())
            found.append([one.text() if hasattr(one, "text") else "" for one in parts])
        return found

    def look(self, name: str, path: str = "") -> Any:
        """Return what a window shows, or a part of it (``_readWidget``)."""
        return look_at(self._part(name, path))

    def size(self, name: str) -> dict[str, Any]:
        """Return how large a form is, and how wide it would have to be."""
        form = self.windows[name]
        frame = form.scrollArea.widget()
        return {
            "width": form.width(),
            "height": form.height(),
            "minimum": form.scrollArea.minimumWidth(),
            "frame": frame.layout().sizeHint().width() if frame.layout() else None,
            "columns": [
                [part.width() for part in _parts_of(item)] for item in form.getItems()
            ],
        }

    def picture(self, name: str, path: str) -> bool:
        """Save what a window looks like."""
        return bool(self.windows[name].grab().save(path))

    def warnings(self) -> list[str]:
        """Return what was logged since the last time."""
        found, self.problems.found = self.problems.found, []
        return found

    # --- what a user does ---

    def resize(self, name: str, width: int, height: int) -> None:
        """Change the size of a window."""
        self.windows[name].resize(width, height)

    def call(self, name: str, method: str, *args: Any, path: str = "") -> Any:
        """Call a method of a window or of a part of it."""
        answer = getattr(self._part(name, path), method)(*args)
        plain = (str, int, float, bool, list, dict, type(None))
        return answer if isinstance(answer, plain) else type(answer).__name__

    def row_call(self, name: str, row: int, method: str, *args: Any) -> Any:
        """Call a method of a row."""
        answer = getattr(self.windows[name][row], method)(*args)
        return answer if isinstance(answer, (str, int, bool, type(None))) else None

    def type_into(self, name: str, row: int, text: str) -> None:
        """Write something into the write widget of a row."""
        widget = self.windows[name][row].writeWidget(followCompact=True)
        if hasattr(widget, "setCurrentText"):
            widget.setCurrentText(text)
            widget.setCurrentIndex(widget.findText(text))
        elif hasattr(widget, "setChecked"):
            widget.setChecked(text == "true")
        else:
            widget.setText(text)
            widget.textEdited.emit(text)

    def menu(self, name: str, row: int) -> list[Any]:
        """Return the context menu of a row."""
        label = self.windows[name][row].labelWidget()
        at = Qt.QPoint(1, 1)
        event = Qt.QContextMenuEvent(
            Qt.QContextMenuEvent.Reason.Mouse, at, label.mapToGlobal(at)
        )
        seen: list[Any] = []

        def look() -> None:
            menu = Qt.QApplication.activePopupWidget()
            seen.append(None if menu is None else _entries(menu))
            if menu is not None:
                menu.close()

        Qt.QTimer.singleShot(DIALOG, look)
        label.contextMenuEvent(event)
        return seen[0] if seen else ["no menu"]

    def actions(self, name: str) -> list[Any]:
        """Return the entries of the context menu of a form."""
        return _entries(self.windows[name])

    def answer_dialog(self, name: str, action: str, answer: str) -> Any:
        """Choose an action of a form that asks something; say ``answer`` to that."""
        asked: list[str] = []

        def say() -> None:
            dialog = Qt.QApplication.activeModalWidget()
            if dialog is None:
                asked.append("no dialog")
                return
            asked.append(dialog.windowTitle())
            if hasattr(dialog, "setTextValue"):
                dialog.setTextValue(answer)
            dialog.accept()

        Qt.QTimer.singleShot(DIALOG, say)
        getattr(self.windows[name], action).trigger()
        return asked

    def drop(self, name: str, text: str, mime: str = "text/plain") -> bool:
        """Drop something onto a form."""
        data = Qt.QMimeData()
        if mime == "text/plain":
            data.setText(text)
        else:
            data.setData(mime, text.encode())
        flags = Qt.Qt
        event = Qt.QDropEvent(
            Qt.QPointF(1, 1) if hasattr(Qt.QDropEvent, "position") else Qt.QPoint(1, 1),
            flags.CopyAction,
            data,
            flags.LeftButton,
            flags.NoModifier,
        )
        self.windows[name].dropEvent(event)
        return event.isAccepted()

    def drag(self, name: str, row: int) -> dict[str, str]:
        """Return what one takes along who drags the label of a row."""
        data = self.windows[name][row].labelWidget().getModelMimeData()
        return {one: bytes(data.data(one)).decode() for one in data.formats()}

    def configure(self, name: str, **fields: str) -> dict[str, str]:
        """Write into the fields of a configuration panel, and apply that."""
        ui = self.windows[name]._ui
        for field, text in fields.items():
            getattr(ui, field).setText(text)
        ui.pushButtonApply.click()
        return self.configuration(name)

    def configuration(self, name: str) -> dict[str, str]:
        """Return what a configuration panel shows."""
        from taurus.qt.qtgui.panel.taurusconfigurationpanel import TangoConfigLineEdit

        found = self.windows[name].findChildren(TangoConfigLineEdit)
        return {one.objectName(): one.text() for one in found}

    def choose(self, name: str, models: list[str]) -> Any:
        """Modify the contents of a form, as one does who has chosen ``models``."""
        form = self.windows[name]
        form.chooseModelsAction.trigger()
        dialog = form.findChild(Qt.QDialog)
        chooser = dialog.modelChooser
        page = chooser.currentWidget()
        before = page.getListedModels()
        chooser.modelsAdded.emit(models)
        dialog.close()
        return before

    # --- what a program asks ---

    def attribute(self, model: str, *members: str) -> list[str]:
        """Return what a program is told of an attribute in the thread of the GUI."""
        attribute = taurus.Attribute(model)
        return [_told(partial(getattr, attribute, one)) for one in members]

    def hold(self, device: str, attribute: str, value: Any, **more: Any) -> None:
        """Let a simulated device hold a value."""
        import tango

        request = {"attribute": attribute, "value": value, **more}
        tango.DeviceProxy(device).SetValue(json.dumps(request))

    def _part(self, name: str, path: str) -> Any:
        part = self.windows[name]
        for step in path.split(".") if path else ():
            part = part[int(step)] if step.isdigit() else getattr(part, step)
            if callable(part) and not isinstance(part, Qt.QWidget):
                part = part()
        return part

    def cells(self, name: str) -> list[list[str]]:
        """Return what the table in a window shows, row by row."""
        model = self.windows[name].findChild(Qt.QTableView).model()
        return [
            [
                str(model.data(model.index(row, column)))
                for column in range(model.columnCount())
            ]
            for row in range(model.rowCount())
        ]

    def children(self, name: str, kind: str) -> list[str]:
        """Return the texts of all widgets of a kind of Qt's in a window, in order."""
        found = self.windows[name].findChildren(getattr(Qt, kind))
        return sorted(one.text() for one in found if one.text())

    def tree(self, name: str, path: list[str]) -> list[str]:
        """Open a tree of devices along ``path``; return what is below its end."""
        tree = self.windows[name].tree._deviceTree
        item, texts = tree.model(), []
        index = Qt.QModelIndex()
        for step in ["", *path]:
            if step:
                index = next(
                    (child for child in _below(item, index) if child.data() == step),
                    Qt.QModelIndex(),
                )
            if item.canFetchMore(index):
                item.fetchMore(index)
            texts = [str(child.data()) for child in _below(item, index)]
        return texts

    # --- what a GUI saves ---

    def save(self, name: str) -> None:
        """Save the configuration of a form, and its models, as a TaurusGui does."""
        form = self.windows[name]
        form.setModelInConfig(True)
        self._saved = form.createQConfig()

    def load(self, name: str) -> int:
        """Open a form as it was saved; return how many rows it has."""
        from taurus.qt.qtgui.panel import TaurusForm

        self.windows[name] = form = TaurusForm()
        form.applyQConfig(self._saved)
        form.show()
        return _number_of_rows(form)

    def gui(self, name: str) -> list[str]:
        """Open a TaurusGui as it was saved; return the names of its panels."""
        from taurus.qt.qtgui.taurusgui import TaurusGui

        class Gui(TaurusGui):
            # The manual would need a browser.
            HELP_MENU_ENABLED = False
            # Nobody is asked.
            SAVE_SETTINGS_ON_CLOSE = False

        folder = os.path.dirname(__file__)
        self.windows[name] = gui = Gui(
            confname=os.path.join(folder, "gui_configuration.py"),
            settingsname=os.path.join(os.environ["HOME"], "gui.ini"),
        )
        gui.show()
        return sorted(gui.getPanelNames())

    def new_panel(self, name: str, title: str, models: list[str]) -> None:
        """Let the user of a TaurusGui make a panel that is to stay, with a form."""
        from taurus.qt.qtgui.panel import TaurusForm

        form = TaurusForm()
        self.windows[name].createPanel(form, title, custom=True, permanent=True)
        form.setModelInConfig(True)
        form.setModel(models)

    def panel(self, name: str, title: str, window: str) -> int:
        """Name what is in a panel of a TaurusGui; return how many rows it has."""
        self.windows[window] = self.windows[name].getPanel(title).widget()
        return len(self.windows[window])

    def save_gui(self, name: str) -> None:
        """Save the settings of a TaurusGui for the next time."""
        self.windows[name].saveSettings()
        self.windows[name].getQSettings().sync()


def _below(model: Any, index: Any) -> list[Any]:
    return [model.index(row, 0, index) for row in range(model.rowCount(index))]


def _told(ask: Callable[[], Any]) -> str:
    try:
        return str(ask())
    except Exception as error:  # noqa: BLE001 - what a program sees is the question
        return type(error).__name__


def _entries(menu: Any) -> list[Any]:
    """Return text and state of each entry, and what is below it."""
    return [
        [
            one.text().replace("&", ""),
            one.isEnabled(),
            one.isChecked() if one.isCheckable() else None,
            _entries(one.menu()) if one.menu() else [],
        ]
        for one in menu.actions()
    ]


def _parts_of(item: Any) -> list[Any]:
    parts = (item.labelWidget(), item.readWidget(), item.writeWidget())
    return [part for part in (*parts, item.unitsWidget()) if part is not None]


class Obedience:
    """Has a panel do what is ordered on the standard input."""

    def __init__(self, panel: Panel) -> None:
        sys.stdout.flush()
        # What others print is no answer.
        self._channel = os.dup(1)
        os.dup2(2, 1)
        self._panel = panel
        self._orders = Qt.QSocketNotifier(0, Qt.QSocketNotifier.Type.Read)
        self._orders.activated.connect(self._obey)
        self._buffer = b""

    def _obey(self, *_args: Any) -> None:
        data = os.read(0, 65536)
        if not data:
            Qt.QApplication.instance().quit()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if not gc.isenabled() and gc.get_count()[0] > MANY_OBJECTS:
            gc.collect()
        for line in lines:
            self._answer(json.loads(line))

    def _answer(self, order: dict[str, Any]) -> None:
        method = getattr(self._panel, order.pop("do"))
        try:
            answer = method(*order.pop("args", ()), **order)
        except Exception as error:  # noqa: BLE001 - an answer, too
            traceback.print_exc()
            answer = f"raised {type(error).__name__}: {error}"
        host = os.environ["TANGO_HOST"].partition(":")[0]
        port = os.environ["TANGO_HOST"].partition(":")[2]
        # Not any number that looks like a port.
        text = re.sub(rf"{re.escape(host)}:{port}", "HOST", json.dumps(answer))
        os.write(self._channel, text.encode() + b"\n")


def main() -> None:
    """Run until the input ends."""
    if os.environ["TAURUS_TPO"] == "0":
        # Stock Taurus locks up where a collection deletes an attribute while the lock
        # of its signals is held: to unsubscribe it, Tango waits for the thread of its
        # events, which waits for that lock. Collected between the orders only.
        gc.disable()
    application = TaurusApplication(
        ["panel"], cmd_line_parser=None, app_name="panel", org_name="test"
    )
    application.setQuitOnLastWindowClosed(False)
    panel = Panel()
    if len(sys.argv) > 1:
        # Made before the event loop runs, as `taurus form` does.
        panel.form("early", json.loads(sys.argv[1]))
    obedience = Obedience(panel)
    assert obedience is not None
    application.exec_()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
