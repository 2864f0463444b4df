"""Calls that keep nobody alive, and the clock of the machine."""

from __future__ import annotations

import gc
import time
import weakref

import pytest

from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import SYSTEM


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def hear(self, *args: object, **kwargs: object) -> None:
        self.heard.append((args, kwargs))

    def complain(self) -> None:
        raise ValueError("too loud")


def test_a_weak_call_hands_everything_on() -> None:
    listener = Listener()
    WeakCallback(listener.hear)(1, 2, loud=True)
    assert listener.heard == [((1, 2), {"loud": True})]


def test_a_weak_call_keeps_its_object_alive_no_longer() -> None:
    listener = Listener()
    call = WeakCallback(listener.hear)
    gone = weakref.ref(listener)
    del listener
    gc.collect()
    assert gone() is None
    call("nobody hears it")


def test_a_weak_call_has_the_name_of_its_method() -> None:
    assert WeakCallback(Listener().hear).__name__ == "hear"


def test_what_the_method_raises_comes_through() -> None:
    listener = Listener()
    with pytest.raises(ValueError, match="too loud"):
        WeakCallback(listener.complain)()


def test_the_clock_of_the_machine_tells_the_time() -> None:
    assert time.monotonic() <= SYSTEM.monotonic() <= time.monotonic()
    assert abs(SYSTEM.time() - time.time()) < 60
