"""Each room of the house imports only from the floors under it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import taurus_tpo

HOUSE = Path(taurus_tpo.__file__).parent
NAME = taurus_tpo.__name__

#: The floor of each room: a module or a package directly in the house.
FLOORS = {
    "": 0,
    "_version": 0,
    "submode": 0,
    "rules": 0,
    "clock": 0,
    "weak": 0,
    "decision": 0,
    "commandline": 0,
    "settings": 0,
    "compat": 0,
    "customsettings": 0,
    "activation": 0,
    "ending": 0,
    "errors": 0,
    "loaded": 0,
    "giop": 0,
    "text": 0,
    "child": 0,
    "subscription": 1,
    "cache": 1,
    "settling": 1,
    "journal": 1,
    "story": 2,
    "firstread": 2,
    "outbox": 2,
    "janitor": 2,
    "callbacks": 2,
    "slices": 2,
    "connection": 3,
    "scheme": 4,
    "bench": 5,
    "qt": 5,
    "cli": 6,
}

#: Where what people touch begins.
TOUCHED = 5

#: Beside the floors: stands on floor 0, and only what people touch looks into it.
BESIDE = "sim"

#: The rooms of the lower floors that may know Tango and Taurus.
WORLDLY = {"compat", "activation", "customsettings"}
WORLD = {"tango", "PyTango", "taurus", "PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy"}
THREADS = {"threading", "_thread", "concurrent", "queue", "multiprocessing", "asyncio"}

MODULES = sorted(
    ".".join([NAME, *path.relative_to(HOUSE).with_suffix("").parts])
    for path in HOUSE.rglob("*.py")
)


def source_of(module: str) -> Path:
    return HOUSE.joinpath(*module.split(".")[1:]).with_suffix(".py")


def room_of(module: str) -> str:
    """The room that a module of the house is in; the house itself is one too."""
    parts = module.split(".")[1:]
    return parts[0] if parts and parts[0] != "__init__" else ""


def imported(module: str) -> Iterator[str]:
    """All that a module imports, in functions too, with the names that it takes."""
    tree = ast.parse(source_of(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import starts at the package that the module is in.
            here = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*here, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from by_name(node)


def by_name(call: ast.Call) -> Iterator[str]:
    """What ``importlib.import_module("a.b")`` imports."""
    function = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if function in ("import_module", "__import__") and call.args:
        name = call.args[0]
        if isinstance(name, ast.Constant):
            yield str(name.value)


def rooms_entered(module: str) -> set[str]:
    """The other rooms of the house that a module imports from."""
    entered = set()
    for name in imported(module):
        # ``from taurus_tpo import x`` enters the room x, and the house if x is no room.
        if name.startswith(f"{NAME}."):
            room = room_of(name)
            entered.add(room if room in FLOORS or room == BESIDE else "")
    return entered - {room_of(module)}


def tops(module: str) -> set[str]:
    """The packages, of Python or of others, that a module imports from."""
    return {name.partition(".")[0] for name in imported(module)}


def on_floors(highest: int) -> list[str]:
    return [m for m in MODULES if FLOORS.get(room_of(m), 99) <= highest]


def test_every_room_has_its_floor() -> None:
    assert {room_of(module) for module in MODULES} == {*FLOORS, BESIDE}


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_from_the_floors_under_it(module: str) -> None:
    room = room_of(module)
    floor = 0 if room == BESIDE else FLOORS[room]
    entered = rooms_entered(module) - ({BESIDE} if floor >= TOUCHED else set())
    too_high = {other for other in entered if FLOORS.get(other, 99) > floor}
    assert too_high == set()


@pytest.mark.parametrize("module", MODULES)
def test_two_rooms_above_the_ground_share_no_floor_and_a_door(module: str) -> None:
    floor = FLOORS.get(room_of(module), 0)
    level = {room for room in rooms_entered(module) if FLOORS.get(room) == floor}
    assert floor == 0 or level == set()


@pytest.mark.parametrize("module", on_floors(2))
def test_the_lower_floors_know_neither_tango_nor_taurus_nor_qt(module: str) -> None:
    if room_of(module) not in WORLDLY:
        assert tops(module) & WORLD == set()


@pytest.mark.parametrize("module", on_floors(1))
def test_the_lowest_floors_know_no_threads(module: str) -> None:
    assert tops(module) & THREADS == set()


def test_only_the_connection_and_the_scheme_know_tango_by_name() -> None:
    knowing = {room_of(module) for module in MODULES if "tango" in tops(module)}
    assert knowing - {"bench", "cli", BESIDE} == {"compat", "connection", "scheme"}


def test_the_rooms_do_not_import_each_other_in_circles() -> None:
    doors: dict[str, set[str]] = {}
    for module in MODULES:
        doors.setdefault(room_of(module), set()).update(rooms_entered(module) - {""})
    while doors:
        leaves = {room for room, others in doors.items() if not others & doors.keys()}
        assert leaves, f"these import each other: {sorted(doors)}"
        doors = {room: others for room, others in doors.items() if room not in leaves}


def test_an_import_is_seen_wherever_it_stands(tmp_path: Path) -> None:
    code = (
        "import a.b\n"
        "def f():\n"
        "    from . import c\n"
        "    from ..d import e\n"
        "    importlib.import_module('g.h')\n"
    )
    path = tmp_path / "seen.py"
    path.write_text(code)
    module = f"{NAME}.room.{path.stem}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "source_of", lambda _module: path)
        names = set(imported(module))
    assert {"a.b", "taurus_tpo.room.c", "taurus_tpo.d.e", "g.h"} <= names


def test_the_floors_are_those_of_the_documentation() -> None:
    text = taurus_tpo.__doc__ or ""
    highest_first = sorted(set(FLOORS.values()), reverse=True)
    rows = [line for line in text.splitlines() if line[:1].isdigit()]
    assert [int(row[0]) for row in rows] == highest_first
    for row, other in zip(rows, rows[1:]):
        assert FLOORS[first_room(row)] > FLOORS[first_room(other)]


def first_room(row: str) -> str:
    return row.partition("`")[2].strip("`").partition("`")[0].rpartition(".")[2]
