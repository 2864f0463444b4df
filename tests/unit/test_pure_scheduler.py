"""Which device is served next, by a driven clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from pure_support import SomeDevice, growth

from taurus_tpo.concurrency.future_request import FutureRequest
from taurus_tpo.core.batching import AIM, FIRST, ReadCosts
from taurus_tpo.core.giop import Address
from taurus_tpo.core.scheduler import (
    HELD,
    MOST_HELD,
    OVERTAKING,
    Batch,
    Outcome,
    Report,
    Request,
    RequestKind,
    Scheduler,
)
from taurus_tpo.core.server_health import (
    FAR,
    JUST_NOW,
    LATELY,
    MOST_TOGETHER,
    RETRY_PAUSES,
    Server,
)

GATHER = 3.0

#: Of eight workers: how many one server may have, and all that has just timed out.
OF_ONE_SERVER = 6
OF_TROUBLED = 4


def names(batch: Batch | None) -> list[object]:
    assert batch is not None
    return [request.name for request in batch.requests]


def taken(schedule: Scheduler, now: float) -> Batch:
    batch = schedule.take(now)
    assert batch is not None
    return batch


def drained(schedule: Scheduler, now: float) -> Iterator[Batch]:
    """All batches that can be taken before any is done."""
    return iter(lambda: schedule.take(now), None)


def waiting(schedule: Scheduler, *asked: tuple[SomeDevice, str, float]) -> None:
    for device, name, now in asked:
        schedule.add(Request(device, name, now), now)


def added(
    schedule: Scheduler,
    device: SomeDevice,
    name: object = "x",
    now: float = 0.0,
    delay: float = 0.0,
    kind: RequestKind = RequestKind.READ,
    patient: bool = False,
) -> Request:
    request = Request(device, name, now, kind=kind, patient=patient)
    schedule.add(request, now, delay)
    return request


def address(port: int = 1) -> Address:
    return Address("127.0.0.1", port, b"key")


def silence(server: Server, now: float) -> None:
    server.fall_silent(TimeoutError(server.name), now, now)


@pytest.fixture
def a() -> SomeDevice:
    return SomeDevice("a")


@pytest.fixture
def b() -> SomeDevice:
    return SomeDevice("b")


@pytest.fixture
def c() -> SomeDevice:
    return SomeDevice("c")


@pytest.fixture
def checkable() -> Server:
    """A server that can be asked whether it is there."""
    return Server("checkable", address())


@pytest.fixture
def uncheckable() -> Server:
    """A server of which nobody knows where it is."""
    return Server("uncheckable")


# --- requests ------------------------------------------------------------------------


def test_a_request_is_settled_once() -> None:
    request = FutureRequest("device", "name", 0.0)
    request.succeed(1)
    request.fail(ValueError())
    request.spare(2)
    request.drop()
    assert request.future.result(0) == 1
    assert request.outcome is Outcome.READ


def test_a_failure_reaches_whoever_waits() -> None:
    request = FutureRequest("device", "name", 0.0)
    request.fail(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        request.future.result(0)
    assert request.outcome is Outcome.FAILED


def test_a_spared_read_has_a_value_and_counts_as_dropped() -> None:
    request = FutureRequest("device", "name", 0.0)
    request.spare(1)
    assert request.future.result(0) == 1
    assert request.outcome is Outcome.DROPPED


def test_a_dropped_read_is_cancelled() -> None:
    request = FutureRequest("device", "name", 0.0)
    request.drop()
    with pytest.raises(CancelledError):
        request.future.result(0)
    assert request.outcome is Outcome.DROPPED


def test_news_for_somebody_who_cancelled_is_dropped() -> None:
    for settle in (FutureRequest.succeed, FutureRequest.spare):
        request = FutureRequest("device", "name", 0.0)
        request.future.cancel()
        settle(request, 1)
        assert request.outcome is Outcome.DROPPED


# --- one device ----------------------------------------------------------------------


def test_a_device_is_ripe_when_its_oldest_request_has_waited(a: SomeDevice) -> None:
    schedule = Scheduler(gather=GATHER)
    waiting(schedule, (a, "1", 10.0), (a, "2", 12.5))
    assert schedule.next_due(0.0) == 13.0
    assert schedule.take(12.9) is None
    assert names(schedule.take(13.0)) == ["1", "2"]
    assert schedule.next_due(0.0) is None


def test_without_gathering_a_device_is_ripe_at_once(a: SomeDevice) -> None:
    schedule = Scheduler()
    waiting(schedule, (a, "1", 10.0))
    assert names(schedule.take(10.0)) == ["1"]


def test_only_first_reads_gather(a: SomeDevice, b: SomeDevice, c: SomeDevice) -> None:
    schedule = Scheduler(gather=GATHER)
    for device, kind in zip(
        (a, b, c), (RequestKind.CONNECT, RequestKind.READ, RequestKind.POLL)
    ):
        added(schedule, device, kind=kind)
    at_once = {taken(schedule, 0.0).requests[0].kind for _ in range(2)}
    assert at_once == {RequestKind.CONNECT, RequestKind.POLL}
    assert schedule.take(0.0) is None


def test_a_delay_is_waited_for(a: SomeDevice) -> None:
    schedule = Scheduler()
    added(schedule, a, now=1.0, delay=2.0)
    assert schedule.next_due(0.0) == 3.0
    assert schedule.take(2.9) is None
    assert names(schedule.take(3.0)) == ["x"]


def test_what_is_nearly_ripe_comes_along(a: SomeDevice) -> None:
    schedule = Scheduler(gather=GATHER)
    added(schedule, a, "now", kind=RequestKind.POLL)
    added(schedule, a, "soon", kind=RequestKind.POLL, delay=GATHER)
    added(schedule, a, "later", kind=RequestKind.POLL, delay=GATHER + 0.1)
    assert names(schedule.take(0.0)) == ["now", "soon"]


def test_what_waits_is_found_and_what_is_read_is_not(
    a: SomeDevice, b: SomeDevice
) -> None:
    schedule = Scheduler()
    request = added(schedule, a, "1")
    assert schedule.find(a, RequestKind.READ, "1") is request
    assert schedule.find(a, RequestKind.POLL, "1") is None
    assert schedule.find(a, RequestKind.READ, "2") is None
    assert schedule.find(b, RequestKind.READ, "1") is None
    schedule.take(0.0)
    assert schedule.find(a, RequestKind.READ, "1") is None


def test_a_busy_device_waits_and_keeps_its_place(a: SomeDevice, b: SomeDevice) -> None:
    schedule = Scheduler(gather=GATHER)
    waiting(schedule, (a, "1", 0.0))
    batch = taken(schedule, GATHER)
    waiting(schedule, (a, "2", 4.0), (b, "1", 5.0))
    assert schedule.next_due(0.0) == 8.0
    schedule.done(batch, Report(answered=True))
    assert schedule.next_due(0.0) == 7.0
    assert names(schedule.take(8.0)) == ["2"]


def test_pending_counts_what_waits_and_what_is_read(a: SomeDevice) -> None:
    schedule = Scheduler()
    waiting(schedule, (a, "1", 0.0), (a, "2", 0.0))
    batch = taken(schedule, 0.0)
    waiting(schedule, (a, "1", 0.0))
    added(schedule, a, "1", kind=RequestKind.POLL)
    assert [
        schedule.pending(kind) for kind in (RequestKind.READ, RequestKind.POLL)
    ] == [3, 1]
    schedule.done(batch, Report(answered=True))
    assert [
        schedule.pending(kind) for kind in (RequestKind.READ, RequestKind.POLL)
    ] == [1, 1]
    assert schedule.pending(RequestKind.CONNECT) == 0


def test_a_device_is_connected_before_it_is_read(a: SomeDevice) -> None:
    schedule = Scheduler()
    added(schedule, a, "1")
    added(schedule, a, "one", kind=RequestKind.CONNECT)
    added(schedule, a, "other", kind=RequestKind.CONNECT)
    batch = taken(schedule, 0.0)
    assert names(batch) == ["one", "other"]
    schedule.done(batch, Report(answered=True))
    assert names(schedule.take(0.0)) == ["1"]


def test_a_call_takes_as_much_of_a_device_as_its_costs_say(a: SomeDevice) -> None:
    schedule = Scheduler()
    for name in range(10):
        added(schedule, a, name)
    a.costs.learn(range(10), 10 * AIM / 3)
    sizes = []
    while (batch := schedule.take(0.0)) is not None:
        sizes.append(len(batch.requests))
        schedule.done(batch, Report(answered=True))
    assert sizes == [3, 3, 3, 1]


@pytest.mark.parametrize(
    ("round_trip", "most"), [(FAR / 2, FIRST), (2 * FAR, MOST_TOGETHER)]
)
def test_a_database_that_is_far_gets_more_calls_together(
    a: SomeDevice, round_trip: float, most: int
) -> None:
    """Whatever it has taken so far; all that is asked of it follows."""
    a.server.round_trip = round_trip
    schedule = Scheduler()
    questions = [str(n) for n in range(2 * most + 1)]
    for question in questions:
        added(schedule, a, question, kind=RequestKind.ASK)
    served: list[object] = []
    for size in (most, most, 1):
        batch = taken(schedule, 0.0)
        assert len(batch.requests) == size
        served += names(batch)
        schedule.done(batch, Report(answered=True))
    assert served == questions


def test_a_poll_and_a_first_read_of_an_attribute_travel_together(a: SomeDevice) -> None:
    schedule = Scheduler()
    a.costs.learn("xy", 2 * AIM)
    for name in "xy":
        added(schedule, a, name)
        added(schedule, a, name, kind=RequestKind.POLL)
    batch = taken(schedule, 0.0)
    assert [(r.name, r.kind) for r in batch.requests] == [
        ("x", RequestKind.READ),
        ("x", RequestKind.POLL),
    ]


def test_attributes_travel_in_the_order_in_which_they_came(a: SomeDevice) -> None:
    """Though they are due at times that differ by rounding, and were polled before."""
    schedule = Scheduler()
    a.costs.learn("xyz", 0.0)
    for due in (1.0, 2.0):
        for name, more in (("x", 2e-9), ("z", 0.0), ("y", 1e-9)):
            request = Request(a, name, 0.0, kind=RequestKind.POLL)
            schedule.add(request, due, more)
        batch = taken(schedule, due + 0.5)
        assert names(batch) == ["x", "z", "y"]
        schedule.done(batch, Report(answered=True))
    # One that has waited for longer comes sooner, where they do not fit into one call.
    a.costs.timed_out("xy")
    schedule.add(Request(a, "x", 0.0), 3.0)
    schedule.add(Request(a, "y", 0.0), 2.5)
    assert names(schedule.take(4.0)) == ["y"]


def test_only_what_is_read_has_a_place(a: SomeDevice) -> None:
    """Names of connections come and go as long as the process lives."""
    schedule = Scheduler()
    for number in range(3):
        schedule.add(Request(a, number, 0.0, kind=RequestKind.CONNECT), 0.0)
    assert a.costs._places == {}


def test_a_slow_attribute_is_not_starved_by_quick_ones(a: SomeDevice) -> None:
    schedule = Scheduler()
    a.costs.learn(["slow"], 2.0)
    for name in ("quick", "other"):
        a.costs.learn([name], AIM * 0.9)
    now = 0.0
    added(schedule, a, "slow", now, kind=RequestKind.POLL)
    for name in ("quick", "other"):
        added(schedule, a, name, now, kind=RequestKind.POLL)
    served: list[object] = []
    while "slow" not in served:
        batch = taken(schedule, now)
        served += names(batch)
        now += 0.45
        schedule.done(batch, Report(answered=True))
        added(schedule, a, batch.requests[0].name, now, kind=RequestKind.POLL)
        assert now < OVERTAKING + 2
    assert served[:2] == ["quick", "other"]


# --- taking back, replacing, hastening -----------------------------------------------


def test_what_is_removed_is_not_served(a: SomeDevice) -> None:
    schedule = Scheduler()
    request = added(schedule, a)
    assert schedule.remove(a, RequestKind.READ, "x") is request
    assert schedule.remove(a, RequestKind.READ, "x") is None
    assert schedule.take(0.0) is None
    assert schedule.pending() == 0
    assert schedule.next_due(0.0) is None


def test_a_device_whose_oldest_request_is_removed_waits_for_the_next(
    a: SomeDevice,
) -> None:
    schedule = Scheduler()
    added(schedule, a, "1", delay=1.0)
    added(schedule, a, "2", delay=2.0)
    schedule.remove(a, RequestKind.READ, "1")
    assert schedule.next_due(0.0) == 2.0
    assert schedule.take(1.0) is None
    assert names(schedule.take(2.0)) == ["2"]


def test_what_was_ripe_may_be_removed_in_the_queue(
    a: SomeDevice, uncheckable: Server
) -> None:
    """A device in a queue, in which nothing ripe is left, is not handed out."""
    schedule = Scheduler()
    a.server = uncheckable
    other = SomeDevice("other", uncheckable)
    added(schedule, other)
    added(schedule, a, "1")
    added(schedule, a, "2", delay=5.0)
    batch = taken(schedule, 0.0)
    assert batch.device is other
    assert schedule.take(0.0) is None
    schedule.remove(a, RequestKind.READ, "1")
    uncheckable.answer(0.0)
    schedule.done(batch, Report(answered=True))
    assert schedule.take(0.0) is None
    assert schedule.next_due(0.0) == 5.0
    uncheckable.answer(5.0)
    assert names(schedule.take(5.0)) == ["2"]


def test_a_device_may_be_removed_from_its_queue(
    a: SomeDevice, b: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = b.server = checkable
    added(schedule, a)
    added(schedule, b)
    assert schedule.take(0.0) is None
    schedule.remove(a, RequestKind.READ, "x")
    checkable.answer(0.0)
    assert [batch.device for batch in drained(schedule, 0.0)] == [b]


def test_what_is_removed_may_have_been_the_only_one_that_waited(
    a: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = checkable
    added(schedule, a)
    assert schedule.take(0.0) is None
    assert schedule.wanted(checkable)
    schedule.remove(a, RequestKind.READ, "x")
    assert not schedule.wanted(checkable)
    assert schedule.to_check(0.0) == ()


def test_one_takes_the_place_of_another(a: SomeDevice) -> None:
    schedule = Scheduler()
    added(schedule, a, delay=1.0)
    request = Request(a, "x", 0.5)
    schedule.replace(request)
    assert schedule.find(a, RequestKind.READ, "x") is request
    assert schedule.pending() == 1
    assert taken(schedule, 1.0).requests == (request,)


def test_what_waits_may_be_hastened_and_not_slowed(a: SomeDevice) -> None:
    schedule = Scheduler()
    request = added(schedule, a, delay=5.0)
    schedule.hasten(request, 0.0, 2.0)
    schedule.hasten(request, 0.0, 4.0)
    assert schedule.next_due(0.0) == 2.0
    assert names(schedule.take(2.0)) == ["x"]


def test_clear_forgets_what_waits_and_leaves_what_is_read(
    a: SomeDevice, b: SomeDevice
) -> None:
    schedule = Scheduler()
    waiting(schedule, (a, "1", 0.0), (b, "1", 0.0))
    batch = taken(schedule, 0.0)
    waiting(schedule, (a, "2", 0.0))
    forgotten = schedule.clear()
    assert {(r.device, r.name) for r in forgotten} == {(b, "1"), (a, "2")}
    assert schedule.pending() == 1
    assert schedule.take(100.0) is None
    schedule.done(batch, Report(answered=True))
    assert schedule.pending() == 0
    assert schedule.next_due(0.0) is None


# --- once more -----------------------------------------------------------------------


def test_what_is_wanted_again_keeps_its_place(a: SomeDevice) -> None:
    schedule = Scheduler()
    waiting(schedule, (a, "1", 0.0), (a, "2", 0.0))
    batch = taken(schedule, 0.0)
    schedule.done(batch, Report(answered=True, again=batch.requests[1:]))
    assert schedule.pending() == 1
    assert schedule.next_due(0.0) == 0.0
    assert names(schedule.take(0.0)) == ["2"]


def test_what_is_wanted_again_and_was_asked_meanwhile_waits_twice(
    a: SomeDevice,
) -> None:
    schedule = Scheduler()
    old = added(schedule, a)
    batch = taken(schedule, 0.0)
    new = added(schedule, a, now=1.0)
    schedule.done(batch, Report(answered=True, again=batch.requests))
    assert schedule.pending() == 2
    assert schedule.find(a, RequestKind.READ, "x") is new
    batch = taken(schedule, 1.0)
    assert batch.requests == (old, new)
    schedule.done(batch, Report(answered=True, again=(old,)))
    assert schedule.find(a, RequestKind.READ, "x") is old
    assert schedule.pending() == 1


def test_those_that_wait_twice_are_removed_one_by_one(a: SomeDevice) -> None:
    schedule = Scheduler()
    old = added(schedule, a)
    batch = taken(schedule, 0.0)
    new = added(schedule, a, now=1.0)
    schedule.done(batch, Report(answered=True, again=batch.requests))
    removed = [schedule.remove(a, RequestKind.READ, "x") for _ in range(3)]
    assert removed == [new, old, None]
    assert schedule.pending() == 0


def test_what_is_wanted_again_follows_its_device(
    a: SomeDevice, checkable: Server
) -> None:
    """The database has told which server the device belongs to."""
    schedule = Scheduler()
    added(schedule, a)
    batch = taken(schedule, 0.0)
    a.server = checkable
    schedule.done(batch, Report(answered=True, again=batch.requests))
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == (checkable,)
    checkable.answer(0.0)
    schedule.verdict(checkable, goes_on=False)
    assert taken(schedule, 0.0).requests == batch.requests


# --- many devices --------------------------------------------------------------------


def test_the_oldest_device_comes_first(
    a: SomeDevice, b: SomeDevice, c: SomeDevice
) -> None:
    schedule = Scheduler(gather=GATHER)
    waiting(schedule, (b, "1", 1.0), (a, "1", 2.0), (b, "2", 3.0), (c, "1", 2.0))
    order = [batch.device for batch in drained(schedule, 10.0)]
    assert order == [b, a, c]


def test_a_device_that_is_asked_all_the_time_starves_nobody(
    a: SomeDevice, b: SomeDevice
) -> None:
    schedule = Scheduler(gather=GATHER)
    waiting(schedule, (a, "0", 0.0), (b, "0", 0.5))
    served = []
    for number in range(1, 4):
        batch = taken(schedule, 10.0 * number)
        served.append(batch.device)
        waiting(schedule, (a, str(number), 10.0 * number))
        schedule.done(batch, Report(answered=True))
    assert served[:2] == [a, b]


def test_devices_need_no_order() -> None:
    schedule = Scheduler()
    for name in "abcd":
        added(schedule, SomeDevice(name))
    assert len(list(drained(schedule, 0.0))) == 4


ages = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 20), st.booleans()), max_size=30
)


@given(ages)
@settings(deadline=None)
def test_the_oldest_ripe_comes_first_and_the_late_ones_last(
    asked: list[tuple[int, int, bool]],
) -> None:
    devices = [SomeDevice(str(number)) for number in range(6)]
    schedule = Scheduler(workers=100)
    oldest: dict[SomeDevice, tuple[bool, float]] = {}
    for number, (which, due, late) in enumerate(asked):
        device = devices[which]
        device.late = device.late or late
        added(schedule, device, number, 0.0, float(due))
    for which, due, _ in asked:
        device = devices[which]
        mine = (device.late, float(due))
        oldest[device] = min(mine, oldest.get(device, mine))
    order = [oldest[batch.device] for batch in drained(schedule, 100.0)]
    assert order == sorted(oldest.values())


# --- servers -------------------------------------------------------------------------


def test_a_server_is_asked_before_anybody_goes_to_it(
    a: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = checkable
    added(schedule, a)
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == (checkable,)
    assert schedule.to_check(0.0) == ()
    assert schedule.take(0.0) is None
    checkable.answer(0.1)
    schedule.verdict(checkable, goes_on=False)
    assert schedule.ready(0.1)
    assert names(schedule.take(0.1)) == ["x"]


def test_an_answer_counts_for_a_while(a: SomeDevice, checkable: Server) -> None:
    schedule = Scheduler()
    a.server = checkable
    added(schedule, a)
    checkable.answer(0.0)
    assert schedule.to_check(JUST_NOW) == ()
    assert schedule.take(2 * JUST_NOW) is None
    assert schedule.to_check(2 * JUST_NOW) == (checkable,)


def test_whoever_is_vouched_for_may_be_called_once(checkable: Server) -> None:
    """However long it takes the thread to come; the next one goes by a new answer."""
    schedule = Scheduler()
    for name in "abc":
        added(schedule, SomeDevice(name, checkable))
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == (checkable,)
    checkable.answer(0.0)
    schedule.verdict(checkable, goes_on=False)
    assert schedule.take(LATELY) is not None
    assert schedule.take(LATELY) is None
    assert schedule.to_check(LATELY) == (checkable,)
    checkable.answer(LATELY)
    schedule.verdict(checkable, goes_on=False)
    assert schedule.take(3 * LATELY) is None


def test_one_that_was_called_is_not_vouched_for(checkable: Server) -> None:
    schedule = Scheduler()
    for name in "ab":
        added(schedule, SomeDevice(name, checkable))
    checkable.answer(0.0)
    batch = taken(schedule, 0.0)
    checkable.answer(0.1)
    schedule.settled(checkable)
    schedule.done(batch, Report(answered=True))
    assert schedule.take(0.5) is None
    assert schedule.to_check(0.5) == (checkable,)


def test_no_server_is_asked_to_which_nobody_could_go(checkable: Server) -> None:
    """It would be asked again and again while all threads are busy."""
    schedule = Scheduler(workers=1)
    other = Server("other")
    added(schedule, SomeDevice("a", other))
    batch = taken(schedule, 0.0)
    added(schedule, SomeDevice("b", checkable))
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == ()
    schedule.done(batch, Report(answered=True))
    assert schedule.to_check(0.0) == (checkable,)


def test_a_server_whose_threads_are_all_there_is_not_asked(checkable: Server) -> None:
    schedule = Scheduler(workers=4)
    checkable.answer(0.0)
    for name in "abcd":
        added(schedule, SomeDevice(name, checkable))
    batches = list(iter(lambda: schedule.take(0.0), None))
    assert len(batches) == 3
    assert schedule.to_check(5.0) == ()
    schedule.done(batches[0], Report(answered=True))
    assert schedule.to_check(5.0) == (checkable,)


def test_a_server_for_which_nobody_waits_is_not_asked(checkable: Server) -> None:
    schedule = Scheduler()
    added(schedule, SomeDevice("a", checkable), delay=5.0)
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == ()


def test_of_a_silent_server_whoever_wants_to_is_told(
    a: SomeDevice, b: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = b.server = checkable
    added(schedule, a, "now")
    added(schedule, a, "some time", patient=True)
    added(schedule, b, "some time", patient=True)
    silence(checkable, 0.0)
    batch = taken(schedule, 0.0)
    assert batch.error is checkable.error
    assert (batch.device, names(batch)) == (a, ["now"])
    assert schedule.take(0.0) is None
    schedule.done(batch, Report())
    assert schedule.take(0.0) is None
    assert schedule.wanted(checkable)
    checkable.answer(1.0)
    schedule.verdict(checkable, goes_on=False)
    served = list(drained(schedule, 1.0))
    assert {batch.device for batch in served} == {a, b}
    assert all(batch.error is None for batch in served)


def test_an_old_silence_is_told_to_nobody_before_it_is_seen_to(
    a: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = checkable
    silence(checkable, 0.0)
    added(schedule, a, now=100.0)
    assert schedule.take(100.0) is None
    assert schedule.to_check(100.0) == (checkable,)
    silence(checkable, 101.0)
    schedule.verdict(checkable, goes_on=schedule.wanted(checkable))
    assert taken(schedule, 101.0).error is checkable.error


def test_a_silence_that_goes_on_is_told_at_once(
    a: SomeDevice, b: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = b.server = checkable
    added(schedule, a, patient=True)
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == (checkable,)
    silence(checkable, 1.0)
    schedule.verdict(checkable, goes_on=True)
    assert schedule.take(1.0) is None
    added(schedule, b, now=100.0)
    assert taken(schedule, 100.0).error is checkable.error
    assert schedule.to_check(100.0) == ()


def test_who_loses_patience_is_told(a: SomeDevice, checkable: Server) -> None:
    """Somebody else wants to know at once what another one waits for."""
    schedule = Scheduler()
    a.server = checkable
    silence(checkable, 0.0)
    request = added(schedule, a, patient=True)
    assert schedule.take(0.0) is None
    request.patient = False
    schedule.hasten(request, 0.0, 0.0)
    assert taken(schedule, 0.0).error is checkable.error


def test_who_is_not_patient_is_told_when_it_is_ripe(
    a: SomeDevice, checkable: Server
) -> None:
    schedule = Scheduler()
    a.server = checkable
    silence(checkable, 0.0)
    added(schedule, a, "patient", patient=True)
    added(schedule, a, "later", delay=0.5)
    assert schedule.take(0.0) is None
    assert schedule.next_due(0.0) == 0.5
    batch = taken(schedule, 0.5)
    assert (names(batch), batch.error) == (["later"], checkable.error)
    schedule.done(batch, Report())
    assert schedule.take(0.5) is None


def test_one_thread_tries_a_server_that_cannot_be_asked(
    a: SomeDevice, b: SomeDevice, uncheckable: Server
) -> None:
    schedule = Scheduler()
    a.server = b.server = uncheckable
    added(schedule, a)
    added(schedule, b)
    batch = taken(schedule, 0.0)
    assert schedule.take(0.0) is None
    assert schedule.to_check(0.0) == ()
    uncheckable.answer(0.1)
    assert taken(schedule, 0.1).device is b
    schedule.done(batch, Report(answered=True))


def test_a_silent_server_that_cannot_be_asked_is_tried_again(
    uncheckable: Server,
) -> None:
    schedule = Scheduler()
    for name in "ab":
        added(schedule, SomeDevice(name, uncheckable), patient=True)
    silence(uncheckable, 0.0)
    assert schedule.take(0.0) is None
    for pause, after in zip(RETRY_PAUSES, (0.0, 10.0, 20.0)):
        silence(uncheckable, after) if after else None
        assert schedule.next_due(0.0) == after + pause
        assert schedule.take(after + pause - 0.1) is None
        batch = taken(schedule, after + pause)
        assert batch.error is None
        # The other one waits for what this one finds.
        assert schedule.take(after + pause) is None
        assert schedule.next_due(0.0) is None
        again = Report(answered=False, late=True, again=batch.requests)
        schedule.done(batch, again)
        silence(uncheckable, after + pause)
        uncheckable.silences -= 1
        assert schedule.take(after + pause) is None


def test_one_server_gets_three_quarters_of_the_threads(a: SomeDevice) -> None:
    schedule = Scheduler(workers=8)
    for number in range(10):
        added(schedule, SomeDevice(str(number), a.server))
    batches = list(drained(schedule, 0.0))
    assert len(batches) == OF_ONE_SERVER
    added(schedule, SomeDevice("of another server"))
    assert len(list(drained(schedule, 0.0))) == 1
    schedule.done(batches[0], Report(answered=True))
    assert len(list(drained(schedule, 0.0))) == 1


def test_a_thread_that_is_held_gives_its_place_to_another() -> None:
    schedule = Scheduler(workers=2)
    servers = [Server(str(number), answered=9.0) for number in range(6)]
    devices = [SomeDevice(server.name, server) for server in servers]
    for device in devices:
        added(schedule, device)
    first, second = taken(schedule, 9.0), taken(schedule, 9.5)
    assert schedule.take(9.6) is None
    assert schedule.next_due(9.6) == 9.0 + HELD
    # The first counts no more, the second one still does.
    assert schedule.held(9.0 + HELD) == 1
    assert schedule.take(9.0 + HELD) is not None
    assert schedule.take(9.0 + HELD) is None
    assert schedule.next_due(9.0 + HELD) == 9.5 + HELD
    # Who returns frees no place that was given away.
    schedule.done(first, Report(answered=True))
    assert schedule.take(9.0 + HELD) is None
    schedule.done(second, Report(answered=True))
    assert schedule.take(9.0 + HELD) is not None


def test_not_any_number_of_threads_is_held() -> None:
    schedule = Scheduler(workers=1)
    for number in range(MOST_HELD + 3):
        added(schedule, SomeDevice(str(number), Server(str(number), answered=1e9)))
    for number in range(MOST_HELD + 1):
        taken(schedule, number * HELD)
    assert schedule.take(1e6) is None
    assert schedule.next_due(1e6) is None


def test_an_alarm_needs_no_free_thread() -> None:
    schedule = Scheduler(workers=1)
    added(schedule, SomeDevice("a"))
    taken(schedule, 0.0)
    nobody = SomeDevice("nobody", Server("nobody", answered=1e9, calls=False))
    added(schedule, nobody, "late")
    assert taken(schedule, 0.0).device is nobody


def test_late_devices_get_half_of_the_threads() -> None:
    schedule = Scheduler(workers=8)
    late = [SomeDevice(str(number)) for number in range(6)]
    for device in late:
        device.late = True
        added(schedule, device)
    batches = list(drained(schedule, 0.0))
    assert len(batches) == OF_TROUBLED
    added(schedule, SomeDevice("healthy"))
    assert len(list(drained(schedule, 0.0))) == 1
    schedule.done(batches[0], Report(answered=True))
    assert len(list(drained(schedule, 0.0))) == 1


def test_a_call_that_times_out_makes_a_device_late_until_it_answers(
    a: SomeDevice,
) -> None:
    schedule = Scheduler()
    reports = [
        (Report(answered=False, late=True), True),
        (Report(), True),
        (Report(answered=True), False),
    ]
    for report, late in reports:
        added(schedule, a)
        schedule.done(taken(schedule, 0.0), report)
        assert a.late is late


def test_with_few_threads_everybody_has_a_turn(uncheckable: Server) -> None:
    schedule = Scheduler(workers=1)
    late = SomeDevice("late")
    late.late = True
    for device in (late, SomeDevice("a"), SomeDevice("b", uncheckable)):
        added(schedule, device)
        schedule.done(taken(schedule, 0.0), Report(answered=True))
    assert schedule.pending() == 0


def test_servers_for_which_nobody_waits_are_forgotten() -> None:
    schedule = Scheduler()
    for number in range(20):
        device = SomeDevice(str(number))
        added(schedule, device)
        schedule.done(taken(schedule, 0.0), Report(answered=True))
    checkable = Server("checkable", address())
    device = SomeDevice("removed", checkable)
    added(schedule, device)
    schedule.take(0.0)
    schedule.remove(device, RequestKind.READ, "x")
    assert leftovers(schedule) == []


def leftovers(schedule: Scheduler) -> list[object]:
    """What a schedule in which nothing waits still holds on to."""
    parts = (schedule._device_queues, schedule._queues, schedule._troubled)
    return [part for part in parts if part]


# --- any order -----------------------------------------------------------------------

CHECKABLE = ("here", "there")
SERVERS = (*CHECKABLE, "nowhere")
DEVICES = "abcdefg"
WORKERS = 4
MOST_OF_ONE_SERVER = 3
MOST_TROUBLED = 2
SHORT = 0.5


class AnySchedule(RuleBasedStateMachine):
    """Asks, serves, judges and lets time go by in any order, beside a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = Scheduler(WORKERS, SHORT)
        self.now = 0.0
        self.servers = {
            name: Server(name, address(port) if name in CHECKABLE else None)
            for port, name in enumerate(SERVERS, 1)
        }
        self.devices = {
            name: SomeDevice(name, self.servers[SERVERS[n % len(SERVERS)]])
            for n, name in enumerate(DEVICES)
        }
        self.waiting: list[Request] = []
        self.batches: dict[SomeDevice, Batch] = {}
        self.begun: dict[SomeDevice, float] = {}
        #: The server that each device that is served has been called at, if it was.
        self.called: dict[SomeDevice, Server] = {}
        self.troubled: set[SomeDevice] = set()
        self.checking: set[Server] = set()
        #: Those that have answered a question and were not called since.
        self.vouched: set[Server] = set()
        self.ended = 0
        self.asked = 0

    # --- what may happen ---

    @rule(
        device=st.sampled_from(DEVICES),
        kind=st.sampled_from(RequestKind),
        name=st.sampled_from("123"),
        delay=st.sampled_from([0.0, 0.0, SHORT, 2.0]),
        patient=st.booleans(),
    )
    def ask(
        self, device: str, kind: RequestKind, name: str, delay: float, patient: bool
    ) -> None:
        found = self.schedule.find(self.devices[device], kind, name)
        if found is None:
            request = Request(self.devices[device], name, self.now, kind=kind)
            request.patient = patient
            self.schedule.add(request, self.now, delay)
            self.waiting.append(request)
            self.asked += 1
        else:
            assert found in self.waiting
            found.patient = found.patient and patient
            self.schedule.hasten(found, self.now, delay)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        some = data.draw(st.sampled_from(self.waiting))
        removed = self.schedule.remove(some.device, some.kind, some.name)
        assert removed is not None
        assert (removed.device, removed.kind, removed.name) == (
            some.device,
            some.kind,
            some.name,
        )
        self.waiting.remove(removed)
        self.ended += 1

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        some = data.draw(st.sampled_from(self.waiting))
        old = self.schedule.find(some.device, some.kind, some.name)
        if old is None:
            return
        new = Request(old.device, old.name, self.now, kind=old.kind)
        self.schedule.replace(new)
        self.schedule.hasten(new, self.now, 0.0)
        self.waiting[self.waiting.index(old)] = new

    @rule(seconds=st.sampled_from([SHORT / 2, SHORT, 1.0, 5.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        before = set(self.batches)
        batch = self.schedule.take(self.now)
        if batch is None:
            self.nobody_waits_without_a_reason()
            self.somebody_will_look_in_time()
            return
        device, server = batch.device, batch.device.server
        assert device not in before
        assert batch.requests
        for request in batch.requests:
            assert request.due <= self.now + SHORT
            assert request.device is device
            self.waiting.remove(request)
        self.batches[device] = batch
        assert self.taken_up(self.now) < WORKERS
        self.begun[device] = self.now
        if batch.error is not None:
            assert server.silent
            assert batch.error is server.error
            assert not any(request.patient for request in batch.requests)
        else:
            self.call(batch, server)

    def call(self, batch: Batch, server: Server) -> None:
        """The batch was handed out to be served: see whether that is allowed."""
        kinds = {request.kind for request in batch.requests}
        assert len(kinds) == 1 or RequestKind.CONNECT not in kinds
        others = sum(other is server for other in self.called.values())
        if server.address is not None:
            vouched = server in self.vouched and server.answers_lately(self.now)
            assert vouched or server.answered_just_now(self.now)
            self.vouched.discard(server)
        elif not server.answers_lately(self.now):
            assert others == 0
            assert not server.silent or server.retry_at() <= self.now
        assert others < MOST_OF_ONE_SERVER
        if batch.device.late or not server.answers_lately(self.now):
            self.troubled.add(batch.device)
        assert len(self.troubled) <= MOST_TROUBLED
        self.called[batch.device] = server

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), answered=st.sampled_from([True, True, False, None]))
    def done(self, data: st.DataObject, answered: bool | None) -> None:
        by_name = {device.name: device for device in self.batches}
        device = by_name[data.draw(st.sampled_from(sorted(by_name)))]
        batch = self.batches.pop(device)
        del self.begun[device]
        server = self.called.pop(device, None)
        self.troubled.discard(device)
        again: tuple[Request, ...] = ()
        if server is None:
            report = Report()
        else:
            again = tuple(r for r in batch.requests if data.draw(st.booleans()))
            report = Report(answered, bool(answered is False), again)
            self.learn(data, batch, server, answered)
        self.schedule.done(batch, report)
        self.waiting += again
        self.ended += len(batch.requests) - len(again)

    def learn(
        self, data: st.DataObject, batch: Batch, server: Server, answered: bool | None
    ) -> None:
        """What the call has told, as the pool and the worker take note of it."""
        read = [request.name for request in batch.requests]
        if answered:
            batch.device.costs.learn(read, data.draw(st.sampled_from([0.0, 0.3, 2.0])))
            server.answer(self.now)
            self.schedule.settled(server)
            self.checking.discard(server)
            moved = self.servers[data.draw(st.sampled_from(SERVERS))]
            if data.draw(st.booleans()):
                batch.device.server = moved
        elif answered is False:
            batch.device.costs.timed_out(read)
            if server.address is None:
                silence(server, self.now)
            else:
                server.doubt()

    @rule()
    def check(self) -> None:
        for server in self.schedule.to_check(self.now):
            assert server not in self.checking
            assert server.address is not None
            assert not server.answered_just_now(self.now)
            assert self.schedule.wanted(server)
            self.checking.add(server)

    @precondition(lambda self: self.checking)
    @rule(data=st.data(), answers=st.booleans())
    def judge(self, data: st.DataObject, answers: bool) -> None:
        by_name = {server.name: server for server in self.checking}
        server = by_name[data.draw(st.sampled_from(sorted(by_name)))]
        if answers:
            server.answer(self.now)
            self.vouched.add(server)
        else:
            silence(server, self.now)
        goes_on = not answers and self.schedule.wanted(server)
        self.schedule.verdict(server, goes_on)
        if not goes_on:
            self.checking.remove(server)

    @rule()
    def move(self) -> None:
        """A server is found to run elsewhere."""
        there = self.servers["there"]
        assert there.address is not None
        there.move(address(there.address.port + 1))

    @precondition(lambda self: len(self.waiting) > 3)
    @rule()
    def clear(self) -> None:
        forgotten = self.schedule.clear()
        assert sorted(map(id, forgotten)) == sorted(map(id, self.waiting))
        self.ended += len(forgotten)
        self.waiting.clear()
        assert self.schedule.take(self.now + 1000.0) is None
        assert self.schedule.next_due(self.now) is None

    # --- what must hold ---

    def taken_up(self, now: float) -> int:
        """How many threads are taken up, those that are held left out."""
        return sum(now < begun + HELD for begun in self.begun.values())

    def free(self) -> dict[SomeDevice, list[Request]]:
        """What waits, by device, of those that are not being served."""
        found: dict[SomeDevice, list[Request]] = {}
        for request in self.waiting:
            if request.device not in self.batches:
                found.setdefault(request.device, []).append(request)
        return found

    def nobody_waits_without_a_reason(self) -> None:
        assert not self.schedule.ready(self.now)
        for device, requests in self.free().items():
            if any(request.due <= self.now for request in requests):
                assert self.why_it_waits(device, requests, self.now) is not None

    def why_it_waits(
        self, device: SomeDevice, requests: list[Request], now: float
    ) -> str | None:
        server = device.server
        if self.taken_up(now) >= WORKERS:
            return "no thread is free"
        if server.silent:
            due = [r for r in requests if r.due <= now + SHORT]
            if not self.may_try(server, now) and all(r.patient for r in due):
                return "it waits until the server is back"
            old = server.retry_at() <= now and server.address is not None
            return "it is to be seen whether the server is back" if old else None
        others = sum(other is server for other in self.called.values())
        lately = server.answers_lately(now)
        known = lately if server.address is None else server.answered_just_now(now)
        if not known and (server.address is not None or others):
            return "it is to be seen whether the server answers"
        if (device.late or not lately) and len(self.troubled) >= MOST_TROUBLED:
            return "others are in trouble"
        told = sum(served.server is server for served in self.batches)
        return "its server is busy" if told >= MOST_OF_ONE_SERVER or others else None

    def may_try(self, server: Server, now: float) -> bool:
        served = any(device.server is server for device in self.batches)
        alone = server.silent and server.address is None and not served
        room = len(self.troubled) < MOST_TROUBLED
        return alone and room and server.retry_at() <= now

    def somebody_will_look_in_time(self) -> None:
        """Nothing can be taken before ``next_ripe``, unless something happens."""
        found = self.schedule.next_due(self.now)
        assert found is None or found > self.now
        for device, requests in self.free().items():
            first = min(request.due for request in requests)
            times = {device.server.retry_at(), *(request.due for request in requests)}
            times.update(begun + HELD for begun in self.begun.values())
            for moment in times:
                comes = first <= moment and self.now < moment
                if comes and self.why_it_waits(device, requests, moment) is None:
                    assert found is not None
                    assert found <= moment

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        served = [r for batch in self.batches.values() for r in batch.requests]
        kinds = Counter(request.kind for request in [*self.waiting, *served])
        assert {k: self.schedule.pending(k) for k in RequestKind} == {
            k: kinds[k] for k in RequestKind
        }
        assert self.asked == self.ended + kinds.total()

    def teardown(self) -> None:
        """In the end all servers answer, and whatever waits is served."""
        for _ in range(3 * self.asked + 3):
            self.now += 10.0
            for server in self.servers.values():
                server.answer(self.now)
                self.schedule.verdict(server, goes_on=False)
            while (batch := self.schedule.take(self.now)) is not None:
                assert batch.error is None
                self.batches[batch.device] = batch
            for batch in self.batches.values():
                self.schedule.done(batch, Report(answered=True))
            self.batches.clear()
        assert not any(self.schedule.pending(kind) for kind in RequestKind)
        assert leftovers(self.schedule) == []


TestAnySchedule = AnySchedule.TestCase
TestAnySchedule.settings = settings(
    max_examples=150, stateful_step_count=50, deadline=None
)


# --- how long it takes ---------------------------------------------------------------


@pytest.mark.parametrize("grows", ["devices", "attributes"])
def test_what_a_request_costs_does_not_grow(grows: str) -> None:
    """With a loop over all in each, one of 20,000 costs ten times one of 500."""

    def serve(number: int) -> None:
        many, two = number // 2, 2
        of_one_device = two if grows == "devices" else many
        schedule = Scheduler()
        servers = [Server(str(n), answered=float("inf")) for n in range(100)]
        devices = [
            SomeDevice(str(n), servers[n % 100]) for n in range(number // of_one_device)
        ]
        for name in range(of_one_device):
            for device in devices:
                added(schedule, device, name)
        while schedule.pending():
            for batch in list(drained(schedule, 0.0)):
                costs: ReadCosts = batch.device.costs
                costs.learn([request.name for request in batch.requests], 0.001)
                schedule.done(batch, Report(answered=True))

    assert growth(serve, 500, 20_000) < 5.0
