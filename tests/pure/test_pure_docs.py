"""What the documentation says, held against the code."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import pytest

from taurus_tpo import settings, submode
from taurus_tpo.settings import Setting

ROOT = Path(__file__).parents[2]
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
    assert submode.parse(settings.MODE.default) is submode.DEFAULT


# --- what is guaranteed --------------------------------------------------------------

DOCS = ROOT / "docs"
GUARANTEES = DOCS / "explanation" / "guarantees.rst"

#: A test, as ``tests/pure/test_pure_docs.py::test_it``.
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
    assert [int(rule[0]) for rule in rules] == list(range(1, 9))
    assert all(A_TEST.search(rule) for rule in rules)
