"""Attributes in an asyncio event loop: reads, writes and events."""

from __future__ import annotations

import asyncio
import builtins
import gc
import json
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import tango
import taurus
from paths import FACILITIES
from program_support import run_program
from tango_support import (
    DOWN,
    SOON,
    UP,
    Listener,
    calls,
    eventually,
    hold,
    model,
    plain,
)
from taurus.core.taurusbasetypes import TaurusEventType
from taurus.core.taurusexception import TaurusException

from taurus_tpo import aio
from taurus_tpo.aio.calls import CALLS, THREAD_NAME
from taurus_tpo.sim import Facility

T = TypeVar("T")

#: Longest gap between two ticks of a loop, s: a call to a device that hangs takes a
#: second at least. A full garbage collection takes 0.3 s on a busy machine.
GAP = 0.8

#: What is measured of a loop.
TIMES = ("wall", "own", "collection", "seconds")


@pytest.fixture
def no_threads_stay() -> Iterator[None]:
    yield
    assert CALLS.wait(SOON)
    eventually(lambda: not aio_threads(), "the threads end")


pytestmark = pytest.mark.usefixtures("factory", "no_threads_stay")


def aio_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith(THREAD_NAME)]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` in an event loop in which nothing must be left behind."""

    async def alone() -> T:
        result = await asyncio.wait_for(work, SOON)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(alone())


async def value_of(stream: aio.EventStream, value: Any, name: str = "") -> aio.Event:
    """Return the next event with this value."""
    async for event in stream:
        has_value = event.value is not None and event.kind != TaurusEventType.Config
        if has_value and event.model.endswith(name) and plain(event.value) == value:
            return event
    raise AssertionError("the stream has ended")


# --- reads ---------------------------------------------------------------------------


def test_values_and_errors_come_in_the_order_of_the_models(modes):
    # No database is asked, which might answer late.
    invalid = f"tango://{modes.tango_host}/a/b/c/d/e"
    names = [
        *(model(modes, name) for name in ("rw", "failing", "text", "nothing")),
        *(invalid, model(modes, "rw", "sim/no/such")),
        *(model(modes, "with_events", DOWN), "eval:1+1", "no_such_scheme:x"),
    ]
    found = run(aio.read(*names))
    assert plain(found[0]) == 5.5
    assert str(found[0].rvalue.units) == "A"
    assert found[1].args[0].desc == "this attribute is simulated to fail"
    assert found[2].rvalue == "hello"
    assert found[3].args[0].reason == "API_AttrNotFound"
    assert isinstance(found[4], TaurusException)
    assert "not defined in the database" in found[5].args[0].desc
    assert found[6].args[0].reason == "API_CantConnectToDevice"
    assert plain(found[7]) == 2
    assert isinstance(found[8], Exception)
    for number in (1, 3, 5, 6):
        assert isinstance(found[number], tango.DevFailed)


def test_nothing_and_the_same_twice_can_be_read(modes):
    assert run(aio.read()) == []
    one, other = run(aio.read(model(modes, "rw"), model(modes, "rw")))
    assert plain(one) == plain(other) == 5.5


def test_a_read_brings_what_the_device_has_now(modes, listener):
    """Also where the cache has something else, since no event has told of it."""
    name = model(modes, "with_events")
    attribute = taurus.Attribute(name)
    attribute.addListener(listener)
    eventually(attribute.isUsingEvents, "it is subscribed")
    hold(modes, "with_events", 7.5, push=False)
    [value] = run(aio.read(name))
    assert plain(value) == 7.5
    # What a caller gets and what listeners are told is one truth.
    eventually(lambda: listener.values[-1] == 7.5, "the listener is told")
    attribute.removeListener(listener)


def test_an_evaluation_is_read_with_what_it_refers_to(modes):
    name = f"eval:{{{model(modes, 'with_events')}}}*2"
    assert plain(run(aio.read(name))[0]) == 3.0
    hold(modes, "with_events", 2.5, push=False)
    assert plain(run(aio.read(name))[0]) == 5.0


def test_the_attributes_of_a_device_are_read_together(batches):
    names = [model(batches, f"volt{n:02}", "sim/batch/1") for n in range(1, 26)]
    batches.device("sim/batch/1").ResetCalls()
    assert len(run(aio.read(*names))) == 25
    read = calls(batches, "sim/batch/1")
    assert sorted(name.lower() for batch in read for name in batch) == [
        f"volt{n:02}" for n in range(1, 26)
    ]
    assert len(read) < 25


@pytest.fixture
def slow(batches) -> Iterator[str]:
    """The name of an attribute that takes a second."""
    configure(batches, "volt01", read_delay=1.0)
    yield model(batches, "volt01", "sim/batch/1")
    configure(batches, "volt01", read_delay=0.0)


def configure(facility: Facility, attribute: str, **changes: Any) -> None:
    device = facility.device("sim/batch/1")
    device.set_timeout_millis(60_000)
    device.Configure(json.dumps({"attribute": attribute, **changes}))


def test_who_cancels_a_read_ends_it_for_nobody_else(slow):
    async def read_twice() -> Any:
        other = asyncio.create_task(aio.read(slow))
        mine = asyncio.create_task(aio.read(slow))
        await asyncio.sleep(0.2)
        mine.cancel()
        with pytest.raises(asyncio.CancelledError):
            await mine
        assert not other.done()
        return await other

    assert plain(run(read_twice())[0]) == plain(run(aio.read(slow))[0])


def test_a_limit_is_an_error_of_what_exceeds_it(slow, modes):
    begun = time.monotonic()
    late, value = run(aio.read(slow, model(modes, "rw"), timeout=0.6))
    assert type(late) is builtins.TimeoutError
    assert "0.6 s" in str(late)
    assert plain(value) == 5.5
    assert time.monotonic() - begun < SOON / 2


def test_errors_that_nobody_looks_at_are_no_log_lines(modes, slow, caplog):
    async def cancelled() -> None:
        reading = asyncio.create_task(aio.read(model(modes, "failing"), slow))
        await asyncio.sleep(0.3)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        gc.collect()

    run(cancelled())
    assert [one for one in caplog.records if one.name == "asyncio"] == []


def test_a_loop_may_end_while_it_reads(slow, caplog):
    async def left_behind() -> None:
        reading = asyncio.ensure_future(aio.read(slow))
        await asyncio.sleep(0.2)
        assert not reading.done()

    asyncio.run(left_behind())
    # The read goes on, and finds a loop that is closed.
    assert plain(taurus.Attribute(slow).read(cache=False)) == 0.0
    assert CALLS.wait(SOON)
    loops = ("asyncio", "concurrent.futures")
    assert [one for one in caplog.records if one.name in loops] == []


def test_several_loops_read_at_the_same_time(modes):
    found: list[float] = []

    def read() -> None:
        values = asyncio.run(aio.read(*[model(modes, "rw")] * 10))
        found.extend(map(plain, values))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert found == [5.5] * 40


# --- writes --------------------------------------------------------------------------


def test_a_write_returns_what_was_read_back(modes):
    assert plain(run(aio.write(model(modes, "rw"), 3.5))) == 3.5
    assert modes.device("sim/modes/up").rw == 3.5


def test_tangos_error_of_a_write_is_raised(modes):
    for name, value, reason in (
        ("rw", 99, "API_WAttrOutsideLimit"),
        ("with_events", 1.0, "API_AttrNotWritable"),
        ("nothing", 1.0, "API_AttrNotFound"),
    ):
        with pytest.raises(tango.DevFailed) as caught:
            run(aio.write(model(modes, name), value))
        assert caught.value.args[0].reason == reason
    with pytest.raises(tango.DevFailed):
        run(aio.write(model(modes, "with_events", DOWN), 1.0))


def test_writes_to_a_device_are_done_in_their_order(modes):
    async def write_many() -> list[Any]:
        name = model(modes, "rw")
        return await asyncio.gather(*(aio.write(name, n / 10) for n in range(50)))

    found = run(write_many())
    assert [plain(value) for value in found] == [n / 10 for n in range(50)]


def test_a_write_that_has_not_begun_is_withdrawn_by_its_limit(batches, modes):
    async def write_late() -> None:
        blocker = asyncio.Event()
        loop, go = asyncio.get_running_loop(), threading.Event()

        def block() -> None:
            loop.call_soon_threadsafe(blocker.set)
            assert go.wait(SOON)

        name = model(modes, "rw")
        held = CALLS.submit(name, block)
        await blocker.wait()
        with pytest.raises(builtins.TimeoutError):
            await aio.write(name, 4.5, timeout=0.05)
        go.set()
        await asyncio.wrap_future(held)
        assert plain((await aio.read(name))[0]) == 5.5

    run(write_late())


# --- events --------------------------------------------------------------------------


def test_the_known_value_comes_first_and_then_each_change(modes, listener):
    name = model(modes, "with_events")
    attribute = taurus.Attribute(name)
    attribute.addListener(listener)
    eventually(attribute.isUsingEvents, "it is subscribed")

    async def listen() -> None:
        async with aio.events(name, latest=False) as stream:
            first = await stream.__anext__()
            assert plain(first.value) == 1.5
            assert (first.model, first.attribute) == (name, attribute)
            assert (first.error, first.lost) == (None, 0)
            for value in (2.5, 3.5, 4.5):
                hold(modes, "with_events", value)
            for value in (2.5, 3.5, 4.5):
                assert (await value_of(stream, value)).kind == TaurusEventType.Change

    run(listen())
    attribute.removeListener(listener)


def test_the_stream_keeps_attributes_and_listeners_alive(modes, factory):
    name = model(modes, "with_events")

    async def listen() -> None:
        async with aio.events(name) as stream:
            await value_of(stream, 1.5)
            gc.collect()
            hold(modes, "with_events", 2.5)
            await value_of(stream, 2.5)

    run(listen())
    gc.collect()
    eventually(lambda: name not in factory.tango_attrs, "the attribute ends")


def test_nothing_is_delivered_after_the_end(modes):
    name = model(modes, "with_events")
    attribute = taurus.Attribute(name)

    async def listen() -> aio.EventStream:
        async with aio.events(name) as stream:
            await value_of(stream, 1.5)
        assert not attribute.hasListeners()
        hold(modes, "with_events", 2.5)
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()
        with pytest.raises(RuntimeError):
            async with stream:
                pass
        return stream

    run(listen())


def test_an_error_is_an_event_of_its_model(modes):
    wrong = f"tango://{modes.tango_host}/a/b c"
    names = [wrong, model(modes, "failing"), model(modes, "with_events")]
    names.append(model(modes, "rw", DOWN))
    found: dict[str, aio.Event] = {}

    async def listen() -> None:
        async with aio.events(*names) as stream:
            async for event in stream:
                found.setdefault(event.model, event)
                if len(found) == len(names):
                    break

    run(listen())
    assert isinstance(found[wrong].error, TaurusException)
    assert found[wrong].attribute is None
    for name in (names[1], names[3]):
        assert isinstance(found[name].error, tango.DevFailed)
        assert (found[name].kind, found[name].value) == (TaurusEventType.Error, None)
    assert found[names[2]].error is None


@pytest.mark.parametrize("latest", [True, False])
def test_a_slow_reader_is_told_of_what_it_has_missed(modes, latest):
    name = model(modes, "with_events")

    async def listen() -> None:
        async with aio.events(name, latest=latest, most=5) as stream:
            await value_of(stream, 1.5)
            subscribed = taurus.Attribute(name).isUsingEvents
            while not subscribed():
                await asyncio.sleep(0.01)
            listener = Listener()
            attribute = taurus.Attribute(name)
            attribute.addListener(listener)
            # The event loop stands still meanwhile.
            for value in range(20, 40):
                hold(modes, "with_events", float(value))
            eventually(lambda: listener.values[-1] == 39.0, "the last event came")
            attribute.removeListener(listener)
            lost = 0
            async for event in stream:
                lost += event.lost
                is_change = event.kind == TaurusEventType.Change
                if is_change and plain(event.value) == 39.0:
                    break
            assert lost >= (19 if latest else 15)

    run(listen())


def test_a_reader_that_is_cancelled_leaves_nothing_behind(modes):
    name = model(modes, "with_events")
    attribute = taurus.Attribute(name)

    async def listen() -> None:
        async with aio.events(name) as stream:
            async for _ in stream:
                pass

    async def cancelled() -> None:
        task = asyncio.create_task(listen())
        while not attribute.hasListeners():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not attribute.hasListeners()

    run(cancelled())


def test_two_tasks_may_share_a_stream(modes):
    """Each event goes to one of them, and the end to both."""

    async def listen() -> None:
        async with aio.events(model(modes, "polled"), latest=False) as stream:

            async def read_all() -> int:
                return len([event async for event in stream])

            readers = [asyncio.create_task(read_all()) for _ in range(2)]
            await asyncio.sleep(0.1)
        await asyncio.gather(*readers)

    run(listen())


def test_events_of_an_evaluation(modes):
    async def listen() -> None:
        name = f"eval:{{{model(modes, 'with_events')}}}*2"
        async with aio.events(name) as stream:
            await value_of(stream, 3.0)
            while not taurus.Attribute(model(modes, "with_events")).isUsingEvents():
                await asyncio.sleep(0.01)
            hold(modes, "with_events", 2.5)
            await value_of(stream, 5.0)

    run(listen())


# --- servers that hang ---------------------------------------------------------------


@pytest.fixture(scope="module")
def loops() -> Iterator[Facility]:
    """Servers that are well, slow, hung and down."""
    with Facility(FACILITIES / "aio.toml") as facility:
        yield facility


def volts(facility: Facility, device: str) -> list[str]:
    names = [f"volt{number:02}" for number in range(1, 51)]
    return [model(facility, name, f"sim/aio/{device}") for name in names]


def test_nobody_waits_for_a_server_that_begins_to_hang(loops):
    hung, well = volts(loops, "hung"), volts(loops, "healthy")
    server = loops.server("TpoSim/hung")

    async def answers() -> None:
        while isinstance((await aio.read(hung[0]))[0], Exception):
            await asyncio.sleep(0.1)

    async def read_both() -> None:
        late = asyncio.create_task(aio.read(*hung))
        await asyncio.sleep(0)
        values = await aio.read(*well)
        assert [plain(value) for value in values] == [1.5] * 50
        assert not late.done()
        errors = await late
        assert all(isinstance(error, tango.DevFailed) for error in errors)

    server.resume()
    try:
        run(answers())
    finally:
        server.hang()
    run(read_both())


def test_the_end_of_a_stream_does_not_wait_for_a_server_that_hangs(loops):
    async def listen() -> float:
        async with aio.events(
            *volts(loops, "hung"), *volts(loops, "healthy")
        ) as stream:
            await value_of(stream, 1.5)
            begun = time.monotonic()
        return time.monotonic() - begun

    assert run(listen()) < SOON / 2


def test_a_write_to_a_server_that_hangs_has_a_limit(loops):
    async def write_both() -> None:
        hung, well = (model(loops, "rw", f"sim/aio/{d}") for d in ("hung", "healthy"))
        late = asyncio.create_task(aio.write(hung, 1.0))
        await asyncio.sleep(0)
        with pytest.raises(builtins.TimeoutError):
            await aio.write(hung, 2.0, timeout=0.2)
        assert plain(await aio.write(well, 4.5)) == 4.5
        with pytest.raises(tango.DevFailed):
            await late

    run(write_both())


def test_the_event_loop_is_never_held_up(loops):
    """Each device that hangs would cost a second at least."""
    done = run_program("gaps_of_an_event_loop", facility=loops)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for phase, found in told.items():
        times = {name: round(1000 * found[name], 1) for name in TIMES}
        print(f"{phase:20} {times} ms, {found['values']} values")
    for phase, values in (("healthy", 50), ("slow", 50), ("hung", 0), ("down", 0)):
        assert told[f"read {phase}"]["values"] == values
    assert told["listen all"]["values"] == 100
    gaps = {phase: found["own"] for phase, found in told.items()}
    assert max(gaps.values()) < GAP, gaps


# --- other processes -----------------------------------------------------------------


@pytest.mark.parametrize("fork", ["", "fork"])
def test_a_program_and_one_that_is_forked(modes, fork):
    done = run_program("use_a_loop", UP, fork, facility=modes)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == [5.5, "API_AttrNotFound", 11.0, 3.0, 3.0, 6.0]


def test_a_program_without_the_plugin_is_told_so(modes):
    done = run_program("use_a_loop", UP, "", facility=modes, TAURUS_TPO="0")
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last == (
        "RuntimeError: taurus_tpo.aio needs the plugin: TAURUS_TPO=0 in the environment"
    )


def test_a_program_ends_while_it_writes_to_a_device_that_hangs(own_modes):
    pid = own_modes.server("TpoSim/modes").pid
    name = model(own_modes, "rw")
    done = run_program("end_while_a_loop_writes", name, str(pid), facility=own_modes)
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert time.time() - float(done.stdout) < SOON / 2
