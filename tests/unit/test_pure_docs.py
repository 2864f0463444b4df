"""What the documentation says, held against the code."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import msgspec
import pytest
from paths import DOCS, ROOT
from test_pure_packages import MODULES, ORDER

from taurus_tpo.cli import options
from taurus_tpo.core import modes, settings
from taurus_tpo.core.settings import Setting
from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.factory import TpoTangoFactory
from taurus_tpo.sim import spec

SHIPPED = ROOT / "conf" / "taurus.ini"

SETTINGS = pytest.mark.parametrize("setting", settings.ALL, ids=lambda one: one.name)


# --- settings ------------------------------------------------------------------------


def shipped() -> configparser.ConfigParser:
    """The settings file that we ship."""
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    assert parser.read(SHIPPED)
    return parser


def test_the_settings_file_that_we_ship_has_every_key_in_the_same_order() -> None:
    assert tuple(shipped()[settings.SECTION]) == settings.KEYS


@SETTINGS
def test_the_settings_file_that_we_ship_says_the_default(setting: Setting) -> None:
    said = shipped()[settings.SECTION][setting.name]
    assert said == setting.literal
    assert ast.literal_eval(said) == setting.default


@SETTINGS
def test_the_settings_file_that_we_ship_tells_type_default_and_unit(
    setting: Setting,
) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    (above,) = [
        lines[number - 1]
        for number, line in enumerate(lines)
        if line.startswith(f"{setting.name} =")
    ]
    facts = f"type: {setting.type}   default: {setting.literal}"
    assert above == f"# {facts}   unit: {setting.unit or 'none'}"


@SETTINGS
def test_the_default_of_a_setting_is_a_good_value(setting: Setting) -> None:
    assert settings.read({setting.name: setting.default}).problems == ()


def test_the_mode_where_nobody_decides_is_the_default_of_its_setting() -> None:
    assert modes.parse(settings.MODE.default) is modes.DEFAULT


# --- what is guaranteed --------------------------------------------------------------

GUARANTEES = DOCS / "explanation" / "guarantees.rst"

#: A test, as ``tests/unit/test_pure_docs.py::test_it``.
A_TEST = re.compile(r"\b(tests/[\w/]+\.py)::(\w+)")

PAGES = sorted([*DOCS.rglob("*.rst"), *DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def functions_of(path: Path) -> set[str]:
    """The names of the functions of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    for path, name in A_TEST.findall(page.read_text(encoding="utf-8")):
        assert name in functions_of(ROOT / path), f"{path}::{name}"


def test_each_of_the_eight_rules_is_held_by_tests() -> None:
    text = GUARANTEES.read_text(encoding="utf-8")
    _, *rules = re.split(r"^(?=[1-9]\. .*\n---)", text, flags=re.MULTILINE)
    assert [int(rule[0]) for rule in rules] == list(range(1, 10))
    assert all(A_TEST.search(rule) for rule in rules)


# --- decisions -----------------------------------------------------------------------

RECORDS = sorted((DOCS / "explanation" / "decisions").glob("0*.rst"))


def test_the_records_are_numbered_one_after_the_other() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_says_its_number_its_status_and_why(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert text.startswith(f"{record.name[:4]}: ")
    assert "\n**Status:** accepted, " in text
    parts = re.findall(r"^(\w+)\n-+$", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences"]


# --- versions ------------------------------------------------------------------------


def test_the_versions_that_are_accepted_are_those_of_the_package() -> None:
    declared = configparser.ConfigParser()
    assert declared.read(ROOT / "setup.cfg")
    page = (DOCS / "reference" / "versions.rst").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^   \* - (\w+)\n     - (.*)$", page, re.MULTILINE))
    first, end = taurus_compat.KNOWN_TAURUS
    needed = declared["options"]["install_requires"]
    assert rows["Taurus"] == f"{first} to below {end}"
    assert f"taurus >={first}" in needed
    assert f"pytango >={rows['PyTango'].partition(' ')[0]}" in needed
    python = declared["options"]["python_requires"]
    assert python == f">={rows['Python'].partition(' ')[0]}"
    extras = set(declared["options.extras_require"])
    assert extras == set(re.findall(r"^   \* - ``(\w+)``$", page, re.MULTILINE))


# --- for those who change it ---------------------------------------------------------

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_each_package_has_its_row_in_the_order_of_its_imports() -> None:
    table = CONTRIBUTING.partition("| package |")[2].partition("| beside |")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == ORDER
    modules = set(re.findall(r"`(\w+)`", table)) - set(ORDER) - {"taurus_tpo"}
    known = {module.rpartition(".")[2] for module in MODULES}
    assert modules <= known


def test_each_command_of_the_makefile_has_its_row() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*  ## ", makefile, re.MULTILINE)
    told = re.findall(r"^\| `make ([a-z-]+)` \|", CONTRIBUTING, re.MULTILINE)
    assert sorted(told) == sorted(targets)


# --- the facility file ---------------------------------------------------------------

#: The tables of the docstring, and the keys that the program reads.
TABLES = {
    "[facility]": spec._Facility,
    "[[server]]": spec._Server,
    "[[server.device]]": spec._Device,
    "[[server.device.attribute]]": spec._Attribute,
}

#: Keys whose value is the next table.
NESTED = {"device", "attribute"}


def read_of(table: str) -> dict[str, object]:
    """The keys of a table that the program reads, and their defaults."""
    fields = msgspec.structs.fields(TABLES[table])
    return {field.encode_name: field.default for field in fields}


def defaults_of(table: str) -> dict[str, str]:
    """The keys of a table of the docstring, and the default that it tells of each."""
    _, _, text = (spec.__doc__ or "").partition(f"\n``{table}``")
    _, ruler, rows = re.split(r"^(=+ =+ =+ =+$)", text, maxsplit=1, flags=re.MULTILINE)
    begin = [column.start() for column in re.finditer("=+", ruler)]
    return {
        row.split()[0]: row[begin[2] : begin[3]].strip()
        for row in rows.partition("=\n\n")[0].splitlines()
        if row[:1].isalpha() and not row.startswith("key ")
    }


#: Where the docstring tells the default in other words.
OTHER_WORDS = {"class": "TpoSim"}


def told_of(key: str, default: object) -> str:
    """A default as the docstring tells it."""
    if key in OTHER_WORDS:
        return OTHER_WORDS[key]
    if default is msgspec.NODEFAULT:
        return "(required)"
    if isinstance(default, float):
        return f"{default:g}"
    return {"": '""', (): "[]"}.get(default, str(default))  # type: ignore[call-overload]


@pytest.mark.parametrize("table", TABLES)
def test_the_reference_of_facility_files_has_each_key(table: str) -> None:
    assert set(defaults_of(table)) == set(read_of(table)) - NESTED


@pytest.mark.parametrize("table", TABLES)
def test_the_reference_of_facility_files_tells_the_defaults(table: str) -> None:
    for key, told in defaults_of(table).items():
        in_words = told.startswith("(") and told != "(required)"
        if told and not in_words:
            assert told == told_of(key, read_of(table)[key]), key


# --- the Python API ------------------------------------------------------------------

API = DOCS / "reference" / "api.rst"

#: What Taurus, or the rest of the plugin, calls, and nobody else.
INTERNAL = {
    TpoTangoAttribute: {
        *("push_event", "await_first_value", "is_being_subscribed"),
        *("restart_in_child", "connected", "end_polling", "forces_read"),
        # What they were called in the version before.
        *("story", "journal"),
    },
    TpoTangoFactory: {
        *("schemes", "elementTypesMap", "init", "reInit", "getAuthority", "getDevice"),
        *("getAttribute", "getAttributeNameValidator"),
        *("forget_attribute", "mode_inputs"),
        *("addAttributeToPolling", "removeAttributeFromPolling"),
        *("poll_soon", "poll_in_time", "verify_later", "cancel_verification"),
        *("read_in_time", "read_soon", "wait_at_end"),
    },
}


@pytest.mark.parametrize("klass", INTERNAL, ids=lambda klass: klass.__name__)
def test_the_reference_has_all_that_is_public(klass: type) -> None:
    _, _, text = API.read_text(encoding="utf-8").partition(f".{klass.__name__}()")
    section = re.split(r"^\.\. auto", text, maxsplit=1, flags=re.MULTILINE)[0]
    told = set(re.findall(r"^   \.\. auto\w+:: (\w+)$", section, re.MULTILINE))
    own = {name for name in vars(klass) if not name.startswith("_")}
    assert own - INTERNAL[klass] <= told


def test_the_reference_has_each_decorator() -> None:
    page = API.read_text(encoding="utf-8")
    for option in options.ALL:
        (name,) = (name for name, one in vars(options).items() if one is option)
        assert f"* - ``{name}``\n     - ``--{name.replace('_', '-')}``" in page


def test_the_trips_name_modules_that_are_there() -> None:
    text = (DOCS / "explanation" / "trips.rst").read_text(encoding="utf-8")
    named = set(re.findall(r"``(\w+\.\w+)``", text))
    modules = {module.partition(".")[2] for module in MODULES}
    assert named
    assert named <= modules
