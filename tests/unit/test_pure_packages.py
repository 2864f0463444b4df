"""Each package imports only from those under it, and only some know the world."""

from __future__ import annotations

import ast
import configparser
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT
from program_support import PROGRAMS

import taurus_tpo

PLUGIN = Path(taurus_tpo.__file__).parent
NAME = taurus_tpo.__name__

#: The packages, each of which may import from those before it.
ORDER = (
    *("core", "concurrency", "tango_client", "environment", "scheme", "aio", "green"),
    *("qt", "bench", "cli", "notebook"),
)

#: For programs: no other package imports from these.
FOR_PROGRAMS = {"aio", "green"}

#: Beside them: imports from the first two, and what people touch imports it.
SIM = "sim"
TOUCHED = {"bench", "cli"}

#: What this package itself imports of its packages; the last one when IPython asks.
ROOT_IMPORTS = {"core", "notebook"}

#: Which packages may import PyTango, Taurus and Qt, or anything else of that name.
KNOWS_TANGO = {"tango_client", "scheme", "aio", "green", "bench", "cli", SIM}
KNOWS_TAURUS = {"environment", "scheme", "aio", "green", "qt", "bench", "cli"}
#: Which packages may import gevent, which is an extra.
KNOWS_GEVENT = {"green", SIM}
#: Modules that know one more than their package.
EXCEPTIONS = {
    "taurus_tpo.tango_client.pytango_compat": {"taurus"},
    "taurus_tpo.environment.taurus_compat": {"tango"},
}
BINDINGS = {"PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy"}
THREADS = {"threading", "_thread", "concurrent", "queue", "multiprocessing", "asyncio"}
SOCKETS = {"socket", "selectors", "ssl", "subprocess"}

MODULES = sorted(
    ".".join([NAME, *path.relative_to(PLUGIN).with_suffix("").parts])
    for path in PLUGIN.rglob("*.py")
)


def source_of(module: str) -> Path:
    return PLUGIN.joinpath(*module.split(".")[1:]).with_suffix(".py")


def package_of(module: str) -> str:
    """The package that a module is in; empty for the modules of the root."""
    parts = module.split(".")[1:]
    return parts[0] if len(parts) > 1 else ""


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


def packages_imported(module: str) -> set[str]:
    """The other packages of the plugin that a module imports from."""
    parts = (name.split(".") for name in imported(module))
    found = {part[1] for part in parts if part[0] == NAME and len(part) > 1}
    return found & {*ORDER, SIM} - {package_of(module)}


def tops(module: str) -> set[str]:
    """The packages, of Python or of others, that a module imports from."""
    return {name.partition(".")[0] for name in imported(module)}


def in_packages(*packages: str) -> list[str]:
    return [module for module in MODULES if package_of(module) in packages]


def test_there_are_no_other_packages_and_no_loose_modules() -> None:
    assert {package_of(module) for module in MODULES} == {"", *ORDER, SIM}
    loose = {module for module in MODULES if package_of(module) == ""}
    assert loose == {f"{NAME}.__init__", f"{NAME}._version"}


@pytest.mark.parametrize("module", MODULES)
def test_a_package_imports_only_from_those_before_it(module: str) -> None:
    package = package_of(module)
    if package in ORDER:
        allowed = set(ORDER[: ORDER.index(package)]) - FOR_PROGRAMS
    else:
        allowed = {"core", "concurrency"} if package == SIM else ROOT_IMPORTS
    if package in TOUCHED:
        allowed.add(SIM)
    assert packages_imported(module) <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_only_some_packages_need_gevent(module: str) -> None:
    assert "gevent" not in tops(module) or package_of(module) in KNOWS_GEVENT


@pytest.mark.parametrize("module", in_packages("core"))
def test_the_core_is_pure(module: str) -> None:
    impure = {"tango", "PyTango", "taurus", *BINDINGS, *THREADS, *SOCKETS}
    assert tops(module) & impure == set()


@pytest.mark.parametrize("module", in_packages("", *ORDER, SIM))
def test_only_some_packages_know_tango_and_taurus(module: str) -> None:
    package = package_of(module)
    known = {"tango"} if package in KNOWS_TANGO else set()
    known |= {"taurus"} if package in KNOWS_TAURUS else set()
    known |= EXCEPTIONS.get(module, set())
    world = {"tango", "PyTango", "taurus", *BINDINGS}
    assert tops(module) & world <= known


def test_the_modules_of_the_core_do_not_import_each_other_in_circles() -> None:
    modules = in_packages("core")
    doors = {module: {*imported(module)} & {*modules} for module in modules}
    while doors:
        leaves = {one for one, others in doors.items() if not others & doors.keys()}
        assert leaves, f"these import each other: {sorted(doors)}"
        doors = {one: others for one, others in doors.items() if one not in leaves}


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
    module = f"{NAME}.package.{path.stem}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "source_of", lambda _module: path)
        names = set(imported(module))
    assert {"a.b", "taurus_tpo.package.c", "taurus_tpo.d.e", "g.h"} <= names


def test_files_that_are_not_modules_are_package_data() -> None:
    declared = configparser.ConfigParser()
    assert declared.read(ROOT / "setup.cfg")
    installed = {
        path
        for package, patterns in declared["options.package_data"].items()
        for pattern in patterns.split()
        for path in PLUGIN.parent.joinpath(*package.split(".")).glob(pattern)
    }
    files = {path for path in PLUGIN.rglob("[!.]*.*") if path.is_file()}
    assert {path for path in files if path.suffix not in (".py", ".pyc")} == installed


def test_the_packages_are_those_of_the_documentation() -> None:
    text = taurus_tpo.__doc__ or ""
    rows = [line for line in text.splitlines() if line.startswith("``")]
    assert [row.partition("``")[2].partition("``")[0] for row in rows] == [*ORDER]
    assert f"``{SIM}``" in text


#: What names said before they were those of the field. The glossary has the words now.
METAPHORS = {
    *("courier", "deed", "deeds", "desk", "ending", "errand", "errands", "farewell"),
    *("gate", "guest", "janitor", "journal", "leisure", "lane", "nobody", "outbox"),
    *("parcel", "patience", "questions", "roster", "sentinel", "settling", "slices"),
    *("story", "tally", "vouched", "deaf", "ripe", "wish"),
}


def names_of(module: str) -> Iterator[str]:
    """The names of a module, its classes and its functions."""
    yield module.rpartition(".")[2]
    for node in ast.walk(ast.parse(source_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name


def words_of(name: str) -> set[str]:
    """The words of a name, as ``{"first", "read"}`` of ``_firstRead``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return {word for word in spaced.lower().split("_") if word}


@pytest.mark.parametrize("module", MODULES)
def test_names_are_no_metaphors(module: str) -> None:
    assert [name for name in names_of(module) if words_of(name) & METAPHORS] == []


def test_a_metaphor_is_seen_in_any_name() -> None:
    assert words_of("_JournalOfDesks") == {"journal", "of", "desks"}
    assert words_of("take_turnsOfDesk") == {"take", "turns", "of", "desk"}


def test_each_class_has_a_name_of_its_own() -> None:
    found = Counter(
        node.name
        for module in MODULES
        for node in ast.parse(source_of(module).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in found.items() if count > 1] == []


def test_each_program_is_started_by_a_test() -> None:
    tests = PROGRAMS.parent.rglob("test_*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in tests)
    shared = {path.stem for path in PROGRAMS.glob("*_base.py")} | {"__init__"}
    programs = {path.stem for path in PROGRAMS.glob("*.py")} - shared
    assert [name for name in sorted(programs) if f'"{name}"' not in text] == []
