"""The thresholds of Python's collector, which two parts of the plugin replace."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from taurus_tpo.concurrency.collector_thresholds import (
    MOST,
    NEVER,
    THRESHOLDS,
    CollectorThresholds,
)

PROGRAM = (600, 11, 12)


@pytest.fixture
def thresholds() -> Iterator[CollectorThresholds]:
    before = gc.get_threshold()
    gc.set_threshold(*PROGRAM)
    yield CollectorThresholds()
    gc.enable()
    gc.set_threshold(*before)


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_each_is_replaced_and_restored_by_itself(thresholds, first_ends_first):
    thresholds.raise_first(True)
    assert gc.get_threshold() == (MOST, 11, 12)
    thresholds.postpone_full(True)
    assert gc.get_threshold() == (MOST, 11, NEVER)
    assert thresholds.replaced == PROGRAM
    if first_ends_first:
        thresholds.raise_first(False)
        assert gc.get_threshold() == (600, 11, NEVER)
        thresholds.postpone_full(False)
    else:
        thresholds.postpone_full(False)
        assert gc.get_threshold() == (MOST, 11, 12)
        thresholds.raise_first(False)
    assert gc.get_threshold() == PROGRAM
    assert thresholds.replaced is None


def test_what_the_program_sets_meanwhile_is_its_own(thresholds):
    thresholds.postpone_full(True)
    gc.set_threshold(500, 9, 8)
    thresholds.raise_first(True)
    assert gc.get_threshold() == (MOST, 9, NEVER)
    gc.set_threshold(400, 7, 6)
    thresholds.postpone_full(False)
    thresholds.raise_first(False)
    assert gc.get_threshold() == (400, 7, 6)


@pytest.mark.parametrize("first", [0, MOST])
def test_a_program_that_collects_rarely_is_left_alone(thresholds, first):
    gc.set_threshold(first, 11, 12)
    thresholds.raise_first(True)
    thresholds.postpone_full(True)
    assert gc.get_threshold() == (first, 11, 12)


def test_a_program_that_disables_the_collector_is_left_alone(thresholds):
    thresholds.postpone_full(True)
    gc.disable()
    thresholds.raise_first(True)
    assert gc.get_threshold() == PROGRAM
    gc.enable()
    thresholds.raise_first(True)
    assert gc.get_threshold() == (MOST, 11, NEVER)


@pytest.mark.parametrize("postponed", [True, False])
def test_it_collects_what_is_due(thresholds, postponed):
    generations: set[int] = set()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            generations.add(info["generation"])

    gc.set_threshold(600, 2, 2)
    thresholds.raise_first(True)
    thresholds.postpone_full(postponed)
    kept = []
    gc.collect()
    number = len(gc.get_objects())
    gc.callbacks.append(note)
    try:
        while len(kept) < number:
            kept += [[number] for number in range(700)]
            thresholds.collect()
    finally:
        gc.callbacks.remove(note)
    assert generations == ({0, 1} if postponed else {0, 1, 2})


def test_what_is_set_while_it_collects_holds_afterwards(thresholds):
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            thresholds.postpone_full(False)

    thresholds.raise_first(True)
    thresholds.postpone_full(True)
    gc.collect()
    Cycle()
    kept = [[number] for number in range(700)]
    thresholds.collect()
    assert len(kept) == 700
    assert gc.get_threshold() == (MOST, 11, 12)


@pytest.mark.usefixtures("thresholds")
def test_a_forked_child_has_those_of_the_program():
    THRESHOLDS.raise_first(True)
    THRESHOLDS.postpone_full(True)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0 if gc.get_threshold() == PROGRAM else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert gc.get_threshold() == (MOST, 11, NEVER)
    finally:
        THRESHOLDS.raise_first(False)
        THRESHOLDS.postpone_full(False)
