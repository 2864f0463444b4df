"""The names that modules had in version 0.1 can still be imported."""

from __future__ import annotations

import importlib
import sys

import pytest

from taurus_tpo.core.precedence import ModeSource
from taurus_tpo.core.renamed import RENAMED, install
from taurus_tpo.core.settings import Settings


@pytest.fixture
def import_anew(monkeypatch):
    """Imports a module that has not been imported yet."""

    def import_it(name):
        for old in RENAMED:
            monkeypatch.delitem(sys.modules, old, raising=False)
        return importlib.import_module(name)

    return import_it


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_gives_what_the_new_ones_have(old, import_anew):
    with pytest.warns(DeprecationWarning, match=f"{old} is .* now"):
        module = import_anew(old)
    for new in map(importlib.import_module, RENAMED[old]):
        # What another one has, too, is of the first.
        public = [
            name for name in vars(new) if name[0] != "_" and name != "annotations"
        ]
        assert public
        assert all(hasattr(module, name) for name in public)
    assert not hasattr(module, "no_such_name")


def test_names_are_taken_as_ever(import_anew):
    with pytest.warns(DeprecationWarning, match="taurus_tpo.submode is"):
        import_anew("taurus_tpo.submode")
    from taurus_tpo.submode import ASYNC, parse

    assert parse("async") is ASYNC


def test_the_warning_names_the_line_that_imports(import_anew):
    with pytest.warns(DeprecationWarning, match="taurus_tpo.rules is"):
        import_anew("taurus_tpo.rules")
    with pytest.warns(DeprecationWarning, match="taurus_tpo.decision is") as seen:
        import taurus_tpo.decision  # noqa: F401

    assert [one.filename for one in seen] == [__file__]


def test_other_names_are_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("taurus_tpo.no_such_module")


def test_it_is_installed_once():
    before = len(sys.meta_path)
    install()
    assert len(sys.meta_path) == before


def test_classes_and_attributes_have_their_old_names_too(import_anew):
    with pytest.warns(DeprecationWarning, match="taurus_tpo.decision is"):
        module = import_anew("taurus_tpo.decision")
    assert module.Authority is ModeSource
    settings = Settings()
    with pytest.warns(DeprecationWarning, match="authority is source now"):
        assert settings.authority is settings.source
