"""A device that does not answer: nobody waits for it, and it comes when it comes."""

from __future__ import annotations

import json
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import tango
import taurus
from program_support import run, run_program, taurus_command
from stopwatch import Stopwatch
from tango_support import (
    DOWN,
    UP,
    Listener,
    eventually,
    eventually_collected,
    model,
    plain,
)
from taurus.core.taurusbasetypes import DataType, SubscriptionState, TaurusEventType

from taurus_tpo.core.modes import MODES
from taurus_tpo.core.scheduler import RequestKind

SERVER = "TpoSim/modes"
VALUES = (TaurusEventType.Change, TaurusEventType.Periodic)

#: What one call to a silent device takes; a bug would cost several.
TIMEOUT = 3.0


@pytest.fixture
def hung(own_modes):
    own_modes.server(SERVER).hang()
    return own_modes


@pytest.mark.parametrize("mode", ["AsyncRead", "Async", "Stateless"])
def test_a_window_does_not_wait_for_it(hung, batches, mode):
    others = [model(batches, f"volt{n:02}", "sim/batch/1") for n in range(1, 6)]
    models = [model(hung, "rw"), *others]
    done = run_program("panel_with_a_silent_device", mode, *models, facility=hung)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rows"] == 6
    assert told["window"] < TIMEOUT
    assert told["reason"].startswith("API_")


@pytest.mark.parametrize("mode", ["AsyncRead", "Sync"])
def test_it_comes_when_it_answers(own_modes, factory, mode):
    factory.set_event_sub_mode(mode)
    own_modes.server(SERVER).hang()
    attr, heard = taurus.Attribute(model(own_modes, "rw")), Listener()
    assert attr.type == DataType.String
    attr.addListener(heard)
    eventually(lambda: heard.errors, "its error is told", 60)
    assert attr.getSubscriptionState() == SubscriptionState.PendingSubscribe
    assert not attr.isUsingEvents()
    own_modes.server(SERVER).resume()
    eventually(lambda: heard.values, "its value comes", 60)
    assert heard.values[0] == 5.5
    assert attr.type == DataType.Float
    assert str(attr.rvalue.units) == "A"
    eventually(attr.isUsingEvents, "it is subscribed")


def test_a_script_reads_and_writes_when_it_answers_again(own_modes, factory):
    """Without a listener: what the caller asks for goes to the device, as ever."""
    own_modes.server(SERVER).hang()
    attr = taurus.Attribute(model(own_modes, "rw"))
    with pytest.raises(tango.DevFailed):
        attr.read(cache=False)
    own_modes.server(SERVER).resume()

    def answers() -> bool:
        try:
            return plain(attr.read(cache=False)) == 5.5
        except tango.DevFailed:
            return False

    eventually(answers, "it is read")
    attr.write(7.5)
    assert plain(attr.read()) == 7.5


@pytest.mark.parametrize("ask", ["read", "getDeviceProxy"])
def test_a_script_that_asks_again_gets_an_answer(own_modes, factory, ask):
    """Nobody listens, so nobody else asks whether the device is back."""
    own_modes.server(SERVER).hang()
    attr = taurus.Attribute(model(own_modes, "rw"))
    device = attr.getParentObj()
    with pytest.raises(tango.DevFailed):
        device.ping()
    own_modes.server(SERVER).resume()

    def answers() -> bool:
        if ask == "getDeviceProxy":
            return type(device.getDeviceProxy()) is tango.DeviceProxy
        try:
            return plain(attr.read()) == 5.5
        except tango.DevFailed:
            return False

    eventually(answers, "it is there")


def test_a_listener_may_ask_for_the_proxy_of_a_silent_device(hung, factory):
    """It is told of the error by the very thread that asks the device."""
    attr = taurus.Attribute(model(hung, "rw"))
    device, got = attr.getParentObj(), []

    class Asks:
        def eventReceived(self, *_):
            got.append(device.getDeviceProxy())

    asks = Asks()
    attr.addListener(asks)
    (proxy,) = eventually(lambda: got, "the listener returns", 60)
    with pytest.raises(tango.DevFailed):
        proxy.ping()


def test_a_read_of_the_cache_fails_at_once(hung, factory, listener):
    attr = taurus.Attribute(model(hung, "rw"))
    attr.addListener(listener)
    eventually(lambda: listener.errors, "its error is told", 60)
    watch = Stopwatch()
    with pytest.raises(tango.DevFailed):
        attr.read()
    assert attr.getValueObj() is None
    assert watch.seconds < TIMEOUT


def test_the_modes_that_wait_wait_once_a_device(hung, factory):
    """Five attributes of one device, in a mode whose caller asked to wait."""
    factory.set_event_sub_mode("SyncRead")
    watch = Stopwatch()
    attrs = [taurus.Attribute(model(hung, f"{name}")) for name in ("rw", "text")]
    once = watch.seconds
    listeners = [Listener() for _ in attrs]
    watch = Stopwatch()
    for attr, heard in zip(attrs, listeners):
        attr.addListener(heard)
    assert watch.seconds < max(once, TIMEOUT)
    eventually(lambda: all(heard.errors for heard in listeners), "errors are told", 60)


def test_a_connection_that_waits_keeps_no_attribute_alive(hung, factory):
    attr, heard = taurus.Attribute(model(hung, "rw")), Listener()
    attr.addListener(heard)
    eventually(lambda: heard.errors, "its error is told", 60)
    gone = weakref.ref(attr)
    heard.heard.clear()
    del attr
    eventually_collected(gone)


def test_a_process_ends_while_a_device_is_asked(own_modes):
    request = json.dumps({"attribute": "rw", "read_delay": 1.0})
    own_modes.device("sim/modes/up").Configure(request)
    arguments = [model(own_modes, "rw"), str(own_modes.server(SERVER).pid)]
    begun = time.monotonic()
    done = run_program("end_while_a_device_is_read", *arguments, facility=own_modes)
    assert done.returncode == 5, done.stderr
    assert "taurus_tpo reader" in done.stdout
    assert "False" in done.stdout
    assert "Traceback" not in done.stderr
    # Tango's own end would wait for the call, or for ever.
    assert time.monotonic() - begun < 30


def test_a_device_class_of_somebody_elses_works_as_a_parent(modes, factory, listener):
    """Sardana's devices derive from Taurus's own, and make their proxy themselves."""
    from taurus.core.tango import TangoDevice

    class Special(TangoDevice):
        pass

    tango_class = modes.device(UP).info().dev_class
    factory.registerDeviceClass(tango_class, Special)
    try:
        attr = taurus.Attribute(model(modes, "with_events"))
        assert isinstance(attr.getParentObj(), Special)
        attr.addListener(listener)
        assert eventually(lambda: listener.values, "the value comes")[0] == 1.5
        assert plain(attr.read(cache=False)) == 1.5
        eventually(attr.isUsingEvents, "it is subscribed")
    finally:
        factory.unregisterDeviceClass(tango_class)


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_device_that_is_not_in_the_database_is_an_error(modes, factory, mode):
    factory.set_event_sub_mode(mode.name)
    attr, heard = taurus.Attribute(model(modes, "x", "sim/nothing/1")), Listener()
    attr.addListener(heard)
    eventually(lambda: heard.errors, "the error is told")


def test_reading_from_the_shell_says_which_do_not_answer(hung):
    names = [f"{UP}/rw", "sim/modes/down/with_events"]
    done = run(taurus_command("tpo", "read", *names, "--json"), hung)
    assert done.returncode == 1
    assert all(row["error"] for row in json.loads(done.stdout))


def test_a_glob_does_not_wait_for_its_silent_devices(hung, batches):
    """One after the other they would cost a timeout of Tango's each."""
    names = ["sim/modes/*/with_ev*"]
    begun = time.monotonic()
    run(taurus_command("tpo", "read", "--help"), hung)
    start = time.monotonic() - begun
    begun = time.monotonic()
    done = run(taurus_command("tpo", "read", *names, "--json", "--timeout", "2"), hung)
    # A program that reads loads more than one that says how it is used.
    assert time.monotonic() - begun < 3 * start + 2 + 2 * TIMEOUT
    rows = json.loads(done.stdout)
    assert {row["model"] for row in rows} == {
        f"{UP}/with_ev*",
        "sim/modes/down/with_ev*",
    }
    assert all(row["error"] for row in rows)


def test_whoever_had_a_value_hears_that_the_server_hangs(own_modes, factory):
    attrs = [
        taurus.Attribute(model(own_modes, name))
        for name in ("with_events", "without_events")
    ]
    listeners = [Listener() for _ in attrs]
    for attr, heard in zip(attrs, listeners):
        attr.addListener(heard)
    eventually(lambda: all(heard.values for heard in listeners), "values come")
    own_modes.server(SERVER).hang()
    # Tango itself notices that no events come any more after some 10 s.
    eventually(lambda: all(heard.errors for heard in listeners), "errors come", 60)
    assert all("answer" in heard.errors[-1].args[0].desc for heard in listeners)
    own_modes.server(SERVER).resume()
    told = [len(heard.heard) for heard in listeners]

    def healed() -> bool:
        later = [heard.heard[n:] for heard, n in zip(listeners, told)]
        return all(any(kind in VALUES for kind, _ in news) for news in later)

    eventually(healed, "values come again", 60)
    assert all(attr.known.value is not None for attr in attrs)


def test_devices_without_a_database_do_not_cost_the_whole_budget(factory):
    """Nobody has to be asked where they are: what is waited for is their answer."""
    names = [f"tango-nodb://127.0.0.1:1/a/b/{n}/x#dbase=no" for n in range(100)]
    watch = Stopwatch()
    with factory.hurry():
        attributes = [taurus.Attribute(name) for name in names]
    # 50 ms a device are 5 s.
    assert watch.seconds < 2.5
    assert len(attributes) == len(names)


def test_a_device_that_is_down_is_asked_once_for_many_attributes(modes, factory):
    """By a window; a program without one wants to know what is so now."""

    def asked() -> int:
        return factory.first_read.stats(RequestKind.CONNECT).asked

    before = asked()
    with factory.hurry():
        names = [model(modes, f"volt{number}", DOWN) for number in range(100)]
        attributes = [taurus.Attribute(name) for name in names]
    # Some want to know their type meanwhile, and ask again: fewer than one each.
    assert 1 <= asked() - before < len(attributes) / 2
    before = asked()
    # Not in the main thread: there may be a window.
    with ThreadPoolExecutor(1) as other:
        other.submit(taurus.Attribute, model(modes, "another", DOWN)).result()
    # The others want to know their type, and ask now and then, all by one name.
    assert 1 <= asked() - before < len(attributes) / 2
