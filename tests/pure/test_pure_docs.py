"""What the documentation says, held against the code."""

from __future__ import annotations

import ast
import configparser
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
