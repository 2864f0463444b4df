"""Fixtures of these tests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from facility_fixtures import *  # noqa: F403


@pytest.fixture
def counted(qtbot, monkeypatch) -> Counter[int]:
    """How often each label computes its text."""
    from taurus.qt.qtgui.display.tauruslabel import TaurusLabelController

    counts: Counter[int] = Counter()
    stock = TaurusLabelController._updateForeground

    def count(self: Any, label: Any) -> None:
        counts[id(label)] += 1
        stock(self, label)

    monkeypatch.setattr(TaurusLabelController, "_updateForeground", count)
    return counts
