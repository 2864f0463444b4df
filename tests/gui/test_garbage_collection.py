"""In which thread Python collects garbage while Taurus widgets show attributes."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from program_support import run_program
from tango_support import model
from taurus import tauruscustomsettings

from taurus_tpo.concurrency.collector_thresholds import MOST, THRESHOLDS

#: More containers than Python collects after, in any version.
MORE = 5_000


class Cycle:
    """Something that only the garbage collector ends."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector(qtbot, modes, factory):
    """The collector of the process, at work since a label shows an attribute."""
    from taurus.qt.qtgui.display import TaurusLabel

    from taurus_tpo.qt.garbage_collection import COLLECTOR

    label = TaurusLabel()
    qtbot.addWidget(label)
    label.setModel(model(modes, "with_events"))
    # Those of the test before may still be postponed.
    THRESHOLDS.postpone_full(False)
    COLLECTOR.look()
    yield COLLECTOR
    label.setModel(None)
    COLLECTOR.look()


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """The names of the threads in which Python collects."""
    names: list[str] = []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            names.append(threading.current_thread().name)

    gc.callbacks.append(note)
    yield names
    gc.callbacks.remove(note)


def make_objects(number: int = MORE) -> list[list[int]]:
    """Return containers that a thread of their own, "maker", has made."""
    kept: list[list[int]] = []

    def make() -> None:
        kept.extend([one] for one in range(number))

    thread = threading.Thread(target=make, name="maker")
    thread.start()
    thread.join()
    return kept


def test_no_other_thread_collects_and_the_event_loop_does(
    qtbot, collector, collections
):
    cycle = Cycle()
    ended = weakref.ref(cycle)
    del cycle
    kept = []
    while ended() is not None:
        before = len(collections)
        kept.append(make_objects())
        assert "maker" not in collections
        qtbot.waitUntil(lambda n=before: len(collections) > n, timeout=20_000)
    assert set(collections) == {threading.main_thread().name}


def test_where_the_event_loop_does_not_run_python_collects_later(
    collector, collections
):
    make_objects(2 * MOST)
    assert "maker" in collections


def test_while_a_window_is_built_there_are_few_collections(collector, collections):
    from taurus_tpo.qt.garbage_collection import MANY

    collector.look()
    collections.clear()
    kept = [[number] for number in range(MANY // 2)]
    collector.look(MANY)
    assert collections == []
    kept += [[number] for number in range(MANY)]
    collector.look(MANY)
    assert collections == [threading.main_thread().name]


def test_a_program_that_sets_the_threshold_or_disables_collection_is_respected(
    collector, collections
):
    before = THRESHOLDS.replaced
    assert gc.get_threshold() == (MOST, *before[1:])
    gc.set_threshold(50, *before[1:])
    collector.look()
    assert THRESHOLDS.replaced == (50, *before[1:])
    gc.set_threshold(2 * MOST, *before[1:])
    collector.look()
    assert gc.get_threshold() == (2 * MOST, *before[1:])
    gc.disable()
    gc.set_threshold(*before)
    collector.look()
    assert gc.get_threshold() == before
    gc.enable()
    collector.look()
    assert gc.get_threshold() == (MOST, *before[1:])


def test_the_setting_leaves_all_to_python(collector, collections, monkeypatch):
    before = THRESHOLDS.replaced
    name = "TPO_COLLECT_IN_GUI_THREAD"
    monkeypatch.setattr(tauruscustomsettings, name, False, raising=False)
    collector.look()
    assert gc.get_threshold() == before
    make_objects()
    assert "maker" in collections
    monkeypatch.delattr(tauruscustomsettings, name)
    collector.look()
    assert gc.get_threshold() != before


def test_the_end_of_the_application_restores_the_threshold(modes):
    name = model(modes, "with_events")
    done = run_program("garbage_collection_of_an_application", name, facility=modes)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["within"] != told["before"] == told["after"] == told["in child"]
    assert told["again"] == told["within"]
