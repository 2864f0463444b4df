"""Which device is served next, by a driven clock."""

from __future__ import annotations

from concurrent.futures import CancelledError

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from taurus_tpo.firstread import Batch, Outcome, Request, Schedule

GATHER = 3.0


def names(batch: Batch | None) -> list[object]:
    assert batch is not None
    return [request.name for request in batch.requests]


def waiting(schedule: Schedule, *asked: tuple[str, str, float]) -> None:
    for device, name, now in asked:
        schedule.add(Request(device, name, now), now)


# --- requests ------------------------------------------------------------------------


def test_a_request_is_settled_once() -> None:
    request = Request("device", "name", 0.0)
    request.succeed(1)
    request.fail(ValueError())
    request.spare(2)
    request.drop()
    assert request.future.result(0) == 1
    assert request.outcome is Outcome.READ


def test_a_failure_reaches_whoever_waits() -> None:
    request = Request("device", "name", 0.0)
    request.fail(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        request.future.result(0)
    assert request.outcome is Outcome.FAILED


def test_a_spared_read_has_a_value_and_counts_as_dropped() -> None:
    request = Request("device", "name", 0.0)
    request.spare(1)
    assert request.future.result(0) == 1
    assert request.outcome is Outcome.DROPPED


def test_a_dropped_read_is_cancelled() -> None:
    request = Request("device", "name", 0.0)
    request.drop()
    with pytest.raises(CancelledError):
        request.future.result(0)
    assert request.outcome is Outcome.DROPPED


def test_news_for_somebody_who_cancelled_is_dropped() -> None:
    for settle in (Request.succeed, Request.spare):
        request = Request("device", "name", 0.0)
        request.future.cancel()
        settle(request, 1)
        assert request.outcome is Outcome.DROPPED


# --- one device ----------------------------------------------------------------------


def test_a_device_is_ripe_when_its_oldest_request_has_waited() -> None:
    schedule = Schedule(GATHER)
    waiting(schedule, ("a", "1", 10.0), ("a", "2", 12.5))
    assert schedule.next_ripe() == 13.0
    assert schedule.take(12.9) is None
    assert names(schedule.take(13.0)) == ["1", "2"]
    assert schedule.next_ripe() is None


def test_without_gathering_a_device_is_ripe_at_once() -> None:
    schedule = Schedule()
    waiting(schedule, ("a", "1", 10.0))
    assert names(schedule.take(10.0)) == ["1"]


def test_what_waits_is_found_and_what_is_read_is_not() -> None:
    schedule = Schedule()
    request = Request("a", "1", 0.0)
    schedule.add(request, 0.0)
    assert schedule.find("a", "1") is request
    assert schedule.find("a", "2") is None
    assert schedule.find("b", "1") is None
    schedule.take(0.0)
    assert schedule.find("a", "1") is None


def test_a_busy_device_waits_and_keeps_its_place() -> None:
    schedule = Schedule(GATHER)
    waiting(schedule, ("a", "1", 0.0))
    batch = schedule.take(GATHER)
    assert batch is not None
    waiting(schedule, ("a", "2", 4.0), ("b", "1", 5.0))
    assert schedule.ripening == 1
    assert schedule.next_ripe() == 8.0
    schedule.done(batch)
    assert schedule.next_ripe() == 7.0
    assert names(schedule.take(8.0)) == ["2"]


def test_pending_counts_what_waits_and_what_is_read() -> None:
    schedule = Schedule()
    waiting(schedule, ("a", "1", 0.0), ("a", "2", 0.0))
    batch = schedule.take(0.0)
    assert batch is not None
    waiting(schedule, ("a", "1", 0.0))
    assert schedule.pending == 3
    schedule.done(batch)
    assert schedule.pending == 1


def test_clear_forgets_what_waits_and_leaves_what_is_read() -> None:
    schedule = Schedule()
    waiting(schedule, ("a", "1", 0.0), ("b", "1", 0.0))
    batch = schedule.take(0.0)
    assert batch is not None
    waiting(schedule, ("a", "2", 0.0))
    forgotten = schedule.clear()
    assert {(r.device, r.name) for r in forgotten} == {("b", "1"), ("a", "2")}
    assert schedule.pending == 1
    assert schedule.take(100.0) is None
    schedule.done(batch)
    assert schedule.pending == 0
    assert schedule.next_ripe() is None


# --- many devices --------------------------------------------------------------------


def test_the_oldest_device_comes_first() -> None:
    schedule = Schedule(GATHER)
    waiting(
        schedule, ("b", "1", 1.0), ("a", "1", 2.0), ("b", "2", 3.0), ("c", "1", 2.0)
    )
    order = [schedule.take(10.0) for _ in range(3)]
    assert [batch.device for batch in order if batch] == ["b", "a", "c"]
    assert schedule.take(10.0) is None


def test_a_device_that_is_asked_all_the_time_starves_nobody() -> None:
    schedule = Schedule(GATHER)
    waiting(schedule, ("greedy", 0, 0.0), ("modest", 0, 0.5))
    served = []
    for number in range(1, 4):
        batch = schedule.take(10.0 * number)
        assert batch is not None
        served.append(batch.device)
        waiting(schedule, ("greedy", number, 10.0 * number))
        schedule.done(batch)
    assert served[:2] == ["greedy", "modest"]


def test_devices_need_no_order() -> None:
    schedule = Schedule()
    for device in (1, "a", None, object()):
        schedule.add(Request(device, "x", 0.0), 0.0)
    assert sum(schedule.take(0.0) is not None for _ in range(4)) == 4


class AnySchedule(RuleBasedStateMachine):
    """Asks, serves and lets time go by in any order, beside a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = Schedule(GATHER)
        self.now = 0.0
        #: device -> (when the oldest was asked, its place in line, requests)
        self.waiting: dict[str, tuple[float, list[Request]]] = {}
        self.batches: dict[object, Batch] = {}
        self.asked: list[Request] = []
        self.served: list[Request] = []

    @rule(device=st.sampled_from("abc"), name=st.sampled_from("123"))
    def ask(self, device: str, name: str) -> None:
        _, requests = self.waiting.get(device, (0.0, []))
        mine = [request for request in requests if request.name == name]
        assert self.schedule.find(device, name) is (mine[0] if mine else None)
        if mine:
            return
        request = Request(device, name, self.now)
        self.schedule.add(request, self.now)
        self.asked.append(request)
        self.waiting.setdefault(device, (self.now, []))[1].append(request)

    @rule(seconds=st.sampled_from([0.5, 1.0, GATHER]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        batch = self.schedule.take(self.now)
        ripe = self._ripe()
        if batch is None:
            assert not ripe
            return
        assert batch.device in ripe
        assert batch.device not in self.batches
        asked, requests = self.waiting.pop(str(batch.device))
        assert asked == min(ripe.values())
        assert list(batch.requests) == requests
        self.batches[batch.device] = batch

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(sorted(map(str, self.batches))))
        batch = self.batches.pop(device)
        self.schedule.done(batch)
        self.served.extend(batch.requests)

    def _ripe(self) -> dict[str, float]:
        return {
            device: asked
            for device, asked in self._free().items()
            if asked + GATHER <= self.now
        }

    def _free(self) -> dict[str, float]:
        waits = self.waiting.items()
        return {d: asked for d, (asked, _) in waits if d not in self.batches}

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        assert self.schedule.pending == len(self.asked) - len(self.served)
        assert len(set(map(id, self.served))) == len(self.served)

    @invariant()
    def it_knows_what_comes_next(self) -> None:
        free = self._free().values()
        expected = min(free) + GATHER if free else None
        assert self.schedule.next_ripe() == expected
        assert self.schedule.ripening == len(free)

    def teardown(self) -> None:
        self.now += GATHER
        while self.batches or self.waiting:
            for device in list(self.batches):
                batch = self.batches.pop(device)
                self.schedule.done(batch)
                self.served.extend(batch.requests)
            while self._ripe():
                self.take()
        assert self.schedule.pending == 0
        assert set(map(id, self.served)) == set(map(id, self.asked))


TestAnySchedule = AnySchedule.TestCase
TestAnySchedule.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None
)
