"""Whether the plugin is on, and why not."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import taurus

from taurus_tpo.environment import activation
from taurus_tpo.environment.activation import Activation
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS, CustomSettings


@pytest.fixture(autouse=True)
def fresh_settings(
    taurus_settings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """Taurus's settings as it ships them, seen by a fresh view."""
    monkeypatch.setattr(activation, "CUSTOM_SETTINGS", CustomSettings())
    return taurus_settings


def decide(word: str | None = None) -> Activation:
    return activation.decide({} if word is None else {activation.VARIABLE: word})


def test_it_is_on_where_nobody_says_anything() -> None:
    assert decide() == Activation(True, "installed")
    assert decide("") == Activation(True, "installed")


@pytest.mark.parametrize("word", ["0", "false", "no", "off", " OFF ", "False"])
def test_the_environment_turns_it_off(word: str) -> None:
    assert decide(word) == Activation(
        False, f"TAURUS_TPO={word.strip().lower()} in the environment"
    )


def test_the_settings_turn_it_off(fresh_settings: ModuleType) -> None:
    fresh_settings.TPO_ENABLED = False
    assert decide() == Activation(False, "TPO_ENABLED = False in the settings")


@pytest.mark.parametrize("word", ["1", "true", "yes", "on", "ON"])
def test_the_environment_turns_it_on_against_the_settings(
    fresh_settings: ModuleType, word: str
) -> None:
    fresh_settings.TPO_ENABLED = False
    assert decide(word) == Activation(True, "installed")


def test_a_bad_setting_leaves_it_on(fresh_settings: ModuleType) -> None:
    fresh_settings.TPO_ENABLED = "no"
    assert decide().active


def test_an_unknown_word_is_ignored_and_told() -> None:
    decided = decide("maybe")
    assert decided.active
    assert decided.amiss
    for word in ("TAURUS_TPO='maybe'", "0", "off", "on"):
        assert word in decided.reason


@pytest.mark.parametrize("word", [None, "1", "maybe"])
def test_an_old_taurus_turns_it_off_whatever_anybody_says(
    monkeypatch: pytest.MonkeyPatch, word: str | None
) -> None:
    monkeypatch.setattr(taurus.Release, "version", "4.8.0")
    decided = decide(word)
    assert not decided.active
    assert decided.amiss
    assert "4.8.0" in decided.reason


def test_without_pytango_it_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tango", None)
    assert not decide().active


def test_who_turns_it_off_hears_of_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tango", None)
    assert not decide("0").amiss


def test_deciding_is_only_looking(fresh_settings: ModuleType) -> None:
    before = dict(vars(fresh_settings))
    decide()
    assert dict(vars(fresh_settings)) == before


def test_activating_watches_the_settings_files(
    fresh_settings: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(activation.VARIABLE, "0")
    assert not activation.activate()
    assert hasattr(fresh_settings.load_configs, "__wrapped__")


def test_the_process_has_one_view_of_its_settings() -> None:
    assert isinstance(CUSTOM_SETTINGS, CustomSettings)
