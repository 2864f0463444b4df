"""Waiting for a condition."""

from __future__ import annotations

import pytest

from taurus_tpo.sim.waiting import wait_until


def test_returns_the_first_true_value() -> None:
    answers = iter([0, None, "", "yes", "later"])
    assert wait_until(lambda: next(answers), 10, "an answer", interval=0) == "yes"


def test_asks_once_even_without_time() -> None:
    assert wait_until(lambda: True, 0, "the obvious") is True


def test_names_what_did_not_happen() -> None:
    with pytest.raises(TimeoutError, match=r"not within 0\.01 s: a miracle"):
        wait_until(lambda: False, 0.01, "a miracle")
