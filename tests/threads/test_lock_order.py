"""Whether the record of the plugin's locks tells what it is to tell."""

from __future__ import annotations

import json
import sys
import threading
import types
import weakref
from collections.abc import Callable

import lock_order
import pytest
from lock_order import RecordedLock, Recorder, cycles


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def made(recorder: Recorder, *sites: str) -> list[RecordedLock]:
    return [RecordedLock(threading.RLock(), site, recorder) for site in sites]


def test_locks_in_one_order_are_well(recorder: Recorder) -> None:
    one, other, third = made(recorder, "one", "other", "third")
    with one, other, third:
        pass
    with one, third:
        pass
    assert set(recorder.orders) == {
        ("one", "other"),
        ("one", "third"),
        ("other", "third"),
    }
    assert list(recorder.faults()) == []


def test_locks_in_both_orders_are_a_cycle_also_by_way_of_others(
    recorder: Recorder,
) -> None:
    one, other, third = made(recorder, "one", "other", "third")
    with one, other:
        pass
    with other, third:
        pass
    thread = threading.Thread(target=lambda: [third.acquire(), one.acquire()])
    thread.start()
    thread.join()
    [fault] = recorder.faults()
    assert fault.startswith("locks in a cycle: ")
    assert __file__ in fault


def test_a_lock_within_another_that_the_same_line_makes_is_a_cycle(
    recorder: Recorder,
) -> None:
    one, other = made(recorder, "line", "line")
    with one, other:
        pass
    assert list(cycles(recorder.orders)) == [["line"]]


def test_a_lock_that_is_acquired_again_is_none(recorder: Recorder) -> None:
    [one] = made(recorder, "one")
    with one, one:
        pass
    assert recorder.orders == {}


def test_who_waits_for_a_condition_holds_nothing(recorder: Recorder) -> None:
    one, other = made(recorder, "one", "other")
    condition = threading.Condition(one)  # type: ignore[arg-type]
    with condition:
        condition.wait(0.001)
        with other:
            pass
    with other:
        pass
    assert set(recorder.orders) == {("one", "other")}


def function(module: str, name: str = "f") -> Callable[[], None]:
    """Return a function of a module."""
    code = types.ModuleType(module)
    exec(f"def {name}(): pass", code.__dict__)
    made: Callable[[], None] = getattr(code, name)
    return made


@pytest.mark.parametrize(
    ("module", "name"),
    [("tango.device_proxy", "read"), ("taurus.core", "fire"), ("x", "eventReceived")],
)
def test_a_call_to_others_while_a_lock_is_held_is_a_fault(
    recorder: Recorder, module: str, name: str
) -> None:
    [one] = made(recorder, "one")
    call = function(module, name)
    call()
    assert list(recorder.faults()) == []
    with one:
        call()
    call()
    [fault] = recorder.faults()
    assert fault.startswith(f"{module}.{name} is called while one is held")


def test_what_several_processes_saw_is_judged_together(recorder: Recorder) -> None:
    other, call = Recorder(), function("tango")
    for where, sites in ((recorder, ("one", "other")), (other, ("other", "one"))):
        first, second = made(where, *sites)
        with first, second:
            pass
    with made(other, "third")[0]:
        call()
    assert list(recorder.faults()) == []
    # As it comes from there.
    recorder.learn(json.loads(json.dumps(other.told())))
    cycle, call = recorder.faults()
    assert cycle.startswith("locks in a cycle: ")
    assert "is called while third is held" in call


def test_a_call_to_what_is_written_in_c_is_a_fault_too(recorder: Recorder) -> None:
    import tango

    [one] = made(recorder, "one")
    with one:
        tango.TimeVal.now()
    assert any("tango" in called for _, called in recorder.calls)


def test_a_call_to_anybody_else_is_none(recorder: Recorder) -> None:
    [one] = made(recorder, "one")
    call = function("taurus_tpo.core.value_cache")
    with one:
        call()
        sorted([2, 1])
    assert recorder.calls == {}
    assert sys.getprofile() is None


def test_only_locks_of_the_plugin_are_recorded() -> None:
    lock = threading.Lock()
    assert not isinstance(lock, RecordedLock)
    from taurus_tpo.concurrency.action_queue import ActionQueue

    actions = ActionQueue(print)
    assert isinstance(actions._lock, RecordedLock)
    assert actions._lock.site.startswith("taurus_tpo.concurrency.action_queue:")
    assert isinstance(threading.Condition(), lock_order._Condition)


def test_what_python_calls_to_collect_garbage_is_none(recorder: Recorder) -> None:
    [one] = made(recorder, "one")

    class Garbage:
        def __del__(self) -> None:
            function("tango")()

    garbage = Garbage()
    with one:
        del garbage
    assert recorder.calls == {}


def test_what_a_weak_reference_calls_when_its_object_goes_is_none(
    recorder: Recorder,
) -> None:
    [one] = made(recorder, "one")

    class Garbage:
        pass

    garbage = Garbage()
    module = types.ModuleType("taurus.core")
    exec("def died(*args): inner(*args)\ndef inner(ref): pass", module.__dict__)
    reference = weakref.ref(garbage, module.died)
    with one:
        del garbage
    assert reference() is None
    assert recorder.calls == {}
    with one:
        module.died("something that lives")
    assert [called for _, called in recorder.calls] == [
        "taurus.core.died",
        "taurus.core.inner",
    ]
