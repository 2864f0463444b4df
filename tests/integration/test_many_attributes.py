"""What the plugin does for a program that makes many attributes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import taurus
from tango_support import eventually, model
from taurus import tauruscustomsettings

from taurus_tpo.concurrency import postponed_collections
from taurus_tpo.concurrency.collector_thresholds import NEVER, THRESHOLDS


@pytest.fixture
def make(batches, factory, monkeypatch) -> Callable[[], list[Any]]:
    """Have ten attributes in a minute be many; make twenty of them."""
    monkeypatch.setattr(postponed_collections, "MANY", 10)
    monkeypatch.setattr(postponed_collections, "WITHIN", 60.0)
    monkeypatch.setattr(postponed_collections, "QUIET", 0.1)

    def make_them() -> list[Any]:
        names = [f"volt{number:02}" for number in range(1, 21)]
        return [taurus.Attribute(model(batches, n, "sim/batch/1")) for n in names]

    return make_them


def test_full_collections_wait_until_they_are_made(make, monkeypatch):
    before = gc.get_threshold()
    seen: list[tuple[int, int, int]] = []
    stock = THRESHOLDS.postpone_full

    def postpone_full(postponed: bool) -> None:
        stock(postponed)
        seen.append(gc.get_threshold())

    monkeypatch.setattr(THRESHOLDS, "postpone_full", postpone_full)
    attributes = make()
    assert len(attributes) == 20
    eventually(lambda: len(seen) == 2, "they wait, and are made again")
    assert seen == [(*before[:2], NEVER), before]


def test_the_setting_leaves_them_to_python(make, monkeypatch):
    name = "TPO_POSTPONE_COLLECTIONS"
    monkeypatch.setattr(tauruscustomsettings, name, False, raising=False)
    before = gc.get_threshold()
    make()
    assert gc.get_threshold() == before
