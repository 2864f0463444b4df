"""A synoptic asks the database for all its devices before it makes its items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tango_support import DOWN, UP, model

from taurus_tpo.sim import Facility


@pytest.fixture
def view(qtbot) -> Any:
    """A view of synoptics."""
    from taurus.qt.qtgui.graphic import TaurusJDrawSynopticsView

    from taurus_tpo.qt.forms import overrides

    # As if its module had been loaded before the factory was made.
    overrides.install()
    view = TaurusJDrawSynopticsView()
    qtbot.addWidget(view)
    return view


def items_of(view: Any) -> list[Any]:
    """Return the items of a view that have a model."""
    items = [] if view.scene() is None else view.scene().items()
    return [one for one in items if getattr(one, "getModelObj", lambda: None)()]


@pytest.fixture
def looked_up(view, factory, monkeypatch) -> Iterator[list[list[str]]]:
    """What the database was asked for, synoptic by synoptic."""
    from taurus.qt.qtgui.base import TaurusBaseComponent

    found: list[list[str]] = []
    stock = factory.look_up_devices

    def look_up_devices(models: Any) -> None:
        found.append(list(models))
        stock(found[-1])

    monkeypatch.setattr(factory, "look_up_devices", look_up_devices)
    yield found
    # Nobody else ends what they listen to.
    for item in items_of(view):
        TaurusBaseComponent.setModel(item, None)


def synoptic_of(modes: Facility, folder: Path) -> tuple[str, list[str]]:
    """Write a synoptic of two attributes and their devices; return it and its items."""
    from benchmarks.programs.synoptic import jdraw_of

    models = [
        model(modes, "rw").partition("//")[2],
        model(modes, "rw", DOWN).partition("//")[2],
    ]
    models = [f"//{name}" for name in models]
    path = folder / "some.jdw"
    path.write_text(jdraw_of(models), encoding="ascii")
    items = [
        f"tango:{one}" for name in models for one in (name.rpartition("/")[0], name)
    ]
    return str(path), items


def test_the_devices_of_its_items_are_looked_up(
    qtbot, view, looked_up, modes, tmp_path
):
    path, items = synoptic_of(modes, tmp_path)
    view.setModel(path)
    assert looked_up == [items]
    view.show()

    def texts() -> list[str]:
        items = view.scene().items()
        return [item.toPlainText() for item in items if hasattr(item, "toPlainText")]

    qtbot.waitUntil(lambda: any("5.5" in text for text in texts()), timeout=30_000)
    names = {
        model(modes, name, device) for name in ("rw", "state") for device in (UP, DOWN)
    }
    assert {one.getModelObj().getFullName() for one in items_of(view)} == names


def test_a_file_that_is_not_there_is_an_empty_view(view, looked_up, tmp_path):
    for path in ("", str(tmp_path / "nothing.jdw"), str(tmp_path)):
        view.setModel(path)
        assert view.scene() is None
    assert looked_up == [[], [], []]


def test_a_name_with_an_alias_is_left_to_taurus(view, looked_up, tmp_path):
    path = tmp_path / "aliases.jdw"
    path.write_text(
        "JDFile v11 {\n  Global {\n  }\n  JDEllipse {\n    summit:0,0,9,9\n"
        '    origin:0,0\n    name:"sim/$(NAME)/1"\n  }\n}\n'
    )
    view.setModel(str(path))
    assert looked_up == [[]]
