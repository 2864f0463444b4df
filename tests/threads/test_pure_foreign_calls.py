"""The calls of Tango's threads into Python, which end before Python does."""

from __future__ import annotations

import threading

import pytest

from taurus_tpo.concurrency.foreign_calls import Callbacks

#: How long a thread may take that is not kept, s; and how long nothing is waited for.
SOON, AT_ONCE = 30.0, 0.05


class Caller:
    """A thread that makes one call, which lasts until it is told to end."""

    def __init__(self, callbacks: Callbacks) -> None:
        self.inside, self.returned = threading.Event(), threading.Event()
        self._end = threading.Event()
        self._callbacks = callbacks
        threading.Thread(target=self._call, name="caller", daemon=True).start()

    def _call(self) -> None:
        if self._callbacks.enter():
            self.inside.set()
            self._end.wait()
            self._callbacks.leave()
        self.returned.set()

    def end(self) -> None:
        """Let the call end."""
        self._end.set()


@pytest.fixture
def callbacks() -> Callbacks:
    """Those of a process."""
    return Callbacks()


def test_calls_begin_and_end_until_they_are_stopped(callbacks: Callbacks) -> None:
    callers = [Caller(callbacks) for _ in range(3)]
    for caller in callers:
        assert caller.inside.wait(SOON)
        caller.end()
        assert caller.returned.wait(SOON)
    assert callbacks.stop(SOON)


def test_no_call_begins_once_they_are_stopped(callbacks: Callbacks) -> None:
    assert callbacks.stop(AT_ONCE)
    caller = Caller(callbacks)
    assert not caller.returned.wait(AT_ONCE)
    assert not caller.inside.is_set()


def test_a_thread_is_not_kept_for_ever(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taurus_tpo.concurrency.foreign_calls.STAY", AT_ONCE)
    assert callbacks.stop(AT_ONCE)
    caller = Caller(callbacks)
    assert caller.returned.wait(SOON)
    assert not caller.inside.is_set()


def test_a_call_that_is_under_way_does_not_return(callbacks: Callbacks) -> None:
    caller = Caller(callbacks)
    assert caller.inside.wait(SOON)
    assert not callbacks.stop(AT_ONCE)
    caller.end()
    assert callbacks.stop(SOON)
    assert not caller.returned.wait(AT_ONCE)


def test_a_forked_process_has_none_of_its_parent(callbacks: Callbacks) -> None:
    assert Caller(callbacks).inside.wait(SOON)
    callbacks.restart_in_child()
    assert callbacks.stop(AT_ONCE)
