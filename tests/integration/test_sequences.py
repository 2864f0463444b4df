"""What the pictures of the documentation say, on attributes of real devices.

In a program without a window, and in a hurry as one with a window is.
"""

from __future__ import annotations

import threading

import pytest
import taurus
from sequences import Lane, Message, failing, first_read, opening, polled, silent
from tango_support import SOON, eventually, hold, model
from taurus import tauruscustomsettings

from taurus_tpo.core.lifecycle import Effect, Input, Lifecycle
from taurus_tpo.core.modes import MODES
from taurus_tpo.core.scheduler import RequestKind

EACH_MODE = pytest.mark.parametrize("mode", MODES, ids=str)

#: Whose thread brings what a lane tells.
THREADS = {
    Lane.POOL: "taurus_tpo reader",
    Lane.SUBSCRIBER: "taurus_tpo subscriber",
    Lane.TANGO: "Tango events",
}
CALLER = "MainThread"


class RecordedLife(Lifecycle):
    """Remembers what happened, by the thread that brought it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, list[Input]] = {}

    def feed(self, event: Input) -> tuple[Effect, ...]:
        # The numbers of threads differ.
        name = threading.current_thread().name.rstrip("0123456789").strip()
        self.told.setdefault(name, []).append(event)
        return super().feed(event)


def drawn(items, device_queue=Lane.ATTRIBUTE) -> dict[str, list[Input]]:
    """Return what an attribute is told in ``items``, by the thread that brings it."""
    told: dict[str, list[Input]] = {}
    for item in items:
        told_it = isinstance(item, Message) and item.receiver is device_queue
        if told_it and item.told is not None:
            thread = THREADS.get(item.sender, CALLER)
            told.setdefault(thread, []).append(item.told)
    return told


def before(sequence, text: str):
    """Return what ``sequence`` says before some time has passed."""
    texts = [getattr(item, "text", "") for item in sequence.items]
    return sequence.items[: texts.index(text)]


@pytest.fixture
def recorded(modes, factory, listener):
    """Let somebody listen to an attribute, and return what happens to it.

    Its device has just answered, or is not waited for.
    """
    held = []

    def recorded(name: str, mode=None, facility=modes, answers=True) -> RecordedLife:
        if mode is not None:
            factory.set_event_sub_mode(mode.name)
        with factory.hurry():
            attribute = taurus.Attribute(model(facility, name))
            attribute.engine._life = life = RecordedLife()
            held.append(attribute)
            if answers:
                factory.device_access.connect(attribute.getParentObj()).result(SOON)
                # The thread that brings the configuration would carry out what follows.
                eventually(lambda: not _pending(factory), "the configuration is there")
            attribute.addListener(listener)
        return life

    yield recorded
    for attribute in held:
        attribute.removeListener(listener)
    held.clear()


def _pending(factory) -> int:
    return factory.first_read.pending(RequestKind.CONNECT)


def agree(life: RecordedLife, expected: dict[str, list[Input]], meanwhile=None) -> None:
    """Wait until as much has happened as is drawn, and compare."""

    def enough() -> bool:
        if meanwhile is not None:
            meanwhile()
        return all(len(life.told.get(t, ())) >= len(e) for t, e in expected.items())

    try:
        eventually(enough, "what is drawn happens")
    except TimeoutError as error:
        # What has happened by now.
        raise AssertionError(f"{life.told} is not {expected}") from error
    for thread, told in expected.items():
        assert life.told[thread][: len(told)] == told


@EACH_MODE
@pytest.mark.parametrize("native", [False, True], ids=["ours", "native"])
def test_a_healthy_device_does_what_is_drawn(
    modes, recorded, monkeypatch, mode, native
):
    key = "TANGO_ASYNCREAD_NATIVE"
    monkeypatch.setattr(tauruscustomsettings, key, native, raising=False)
    life = recorded("with_events", mode)
    sequence = opening(mode, native)
    agree(life, drawn(before(sequence, "the value changes")))
    # A new link takes a moment to carry.
    agree(life, drawn(sequence.items), lambda: hold(modes, "with_events", 1.5))


@EACH_MODE
def test_an_attribute_without_events_does_what_is_drawn(recorded, mode):
    life = recorded("without_events", mode)
    agree(life, drawn(before(failing(mode), "events are there")))


def test_an_attribute_with_events_disabled_does_what_is_drawn(recorded, factory):
    factory.set_tango_event_subscription_disabled(True)
    agree(recorded("with_events"), drawn(polled().items))


def test_two_attributes_of_a_device_do_what_is_drawn(recorded):
    lives = {Lane.ATTRIBUTE: recorded("with_events"), Lane.OTHER: recorded("text")}
    for device_queue, life in lives.items():
        agree(life, drawn(first_read().items, device_queue))


def test_a_server_that_hangs_does_what_is_drawn(own_modes, recorded):
    server = own_modes.server("TpoSim/modes")
    server.hang()
    life = recorded("with_events", facility=own_modes, answers=False)
    agree(life, drawn(before(silent(), "the server answers again")))
    server.resume()
    agree(life, drawn(silent().items))
