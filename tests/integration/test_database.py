"""The Tango database: nobody who builds a window waits for it."""

from __future__ import annotations

import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import tango
import taurus
from faults_support import MODES, ONE_CALL, TIMEOUT, name_of, told_by_program
from paths import FACILITIES
from program_support import run_program, run_python
from pure_support import DrivenClock
from tango_support import UP, Listener, eventually, hold
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangovalidator import (
    TangoAttributeNameValidator,
    TangoDeviceNameValidator,
)
from taurus.core.taurusexception import TaurusException

from taurus_tpo.concurrency.future_request import FutureRequest
from taurus_tpo.core.scheduler import Batch, RequestKind
from taurus_tpo.core.server_health import MOST_TOGETHER, Server
from taurus_tpo.scheme import batch_worker
from taurus_tpo.scheme.authority import TpoTangoAuthority
from taurus_tpo.scheme.name_cache import Names
from taurus_tpo.sim import Facility
from taurus_tpo.tango_client.database import (
    NOT_YET,
    UNCLAIMED_FOR,
    DatabaseConnection,
)
from taurus_tpo.tango_client.device import DeviceConnection
from taurus_tpo.tango_client.server_registry import (
    IMPORT,
    DeviceLocation,
    ServerRegistry,
)

#: The alias of the device that is up.
ALIAS = "modes-up"


@pytest.fixture
def hung(own_modes: Facility) -> Iterator[Facility]:
    """The facility of ``own_modes`` with a database that hangs until the test ends."""
    own_modes.hang_database()
    yield own_modes
    own_modes.resume_database()


@pytest.fixture
def twin() -> Iterator[Facility]:
    """Another one with devices of the same names."""
    with Facility(FACILITIES / "modes.toml") as running:
        yield running


@pytest.fixture
def own_batches() -> Iterator[Facility]:
    """The facility of ``batches`` for a test that stops its database."""
    with Facility(FACILITIES / "batches.toml") as running:
        yield running


def authority_of(facility: Facility) -> str:
    return f"tango://{facility.tango_host}"


# --- a database that hangs -----------------------------------------------------------


@MODES
def test_a_window_does_not_wait_for_it(own_modes, batches, mode):
    told = told_by_program(
        "window_of_a_hung_database",
        own_modes,
        pid=own_modes.database_pid,
        mode=mode.name,
        shown="5.50",
        hung=[
            name_of(own_modes, UP, "rw"),
            name_of(own_modes, ALIAS, "text"),
            f"{ALIAS}/with_events",
        ],
        alive=[name_of(batches, "sim/batch/1", "volt01")],
    )
    assert told["rows"] == 4
    assert told["window"] < TIMEOUT
    assert told["dead"] < TIMEOUT
    assert len(told["errors"]) == 3
    where = f"database {own_modes.tango_host}"
    assert all(where in error for error in told["errors"])


@MODES
def test_it_may_hang_while_a_window_is_built(own_batches, modes, mode):
    devices = [f"sim/{server}/{n}" for server in ("batch", "batch2") for n in (1, 2)]
    told = told_by_program(
        "window_of_a_hung_database",
        own_batches,
        pid=own_batches.database_pid,
        mode=mode.name,
        later=True,
        shown="0.00",
        hung=[
            name_of(own_batches, device, f"volt{volt:02}")
            for device in devices
            for volt in range(1, 26)
        ],
        alive=[name_of(modes, UP, "rw")],
    )
    assert told["rows"] == 101
    # Where the mode says so, it is waited for, once.
    assert told["window"] < (ONE_CALL if mode.raises else TIMEOUT)
    assert told["dead"] < TIMEOUT


@MODES
def test_a_device_that_is_known_lives_on(own_modes, factory, mode):
    """Also with an attribute that is new."""
    factory.set_event_sub_mode(mode.name)
    attr, heard = taurus.Attribute(name_of(own_modes, UP, "rw")), Listener()
    attr.addListener(heard)
    eventually(attr.isUsingEvents, "it is subscribed")
    own_modes.hang_database()
    try:
        request = json.dumps({"attribute": "rw", "value": 6.5})
        attr.getParentObj().getDeviceProxy().SetValue(request)
        eventually(lambda: 6.5 in heard.values, "its event comes")
        with factory.hurry():
            other, told = taurus.Attribute(name_of(own_modes, UP, "text")), Listener()
            other.addListener(told)
        eventually(lambda: told.values, "the other's value comes")
        assert told.values[0] == "hello"
    finally:
        own_modes.resume_database()
    eventually(other.isUsingEvents, "the other is subscribed")


def test_an_alias_is_asked_for_again(hung, factory):
    """What was found out without the database is not remembered."""
    with factory.hurry():
        assert taurus.Device(f"{authority_of(hung)}/{UP}").getSimpleName() == UP
        device = taurus.Device(f"{authority_of(hung)}/{ALIAS}")
        assert device.getFullName() == f"{authority_of(hung)}/{ALIAS}"
        assert taurus.Device(f"{authority_of(hung)}/{ALIAS}") is device
    hung.resume_database()
    del device
    gc.collect()

    def is_known() -> bool:
        gc.collect()
        return taurus.Device(f"{authority_of(hung)}/{ALIAS}").getFullName() == (
            f"{authority_of(hung)}/{UP}"
        )

    eventually(is_known, "the alias is understood")
    assert taurus.Device(f"{authority_of(hung)}/{UP}").getSimpleName() == ALIAS


def test_a_device_that_goes_by_its_alias_comes_to_life(hung, factory, listener):
    with factory.hurry():
        attr = taurus.Attribute(f"{authority_of(hung)}/{ALIAS}/rw")
        attr.addListener(listener)
    eventually(lambda: listener.errors, "its error is told")
    hung.resume_database()
    eventually(lambda: listener.values, "its value comes")
    assert listener.values[0] == 5.5
    assert str(attr.rvalue.units) == "A"
    # As long as it is there, it is the one that is meant.
    assert taurus.Attribute(f"{authority_of(hung)}/{ALIAS}/rw") is attr


def test_a_script_is_told_that_it_does_not_answer(hung):
    authority = authority_of(hung)
    names = (authority, f"{authority}/{ALIAS}")
    done = run_program("ask_a_hung_database", *names, facility=hung)
    assert done.stdout.split() == ["None", "told"], done.stderr


# --- aliases -------------------------------------------------------------------------


@MODES
def test_a_device_is_shown_by_its_alias(modes, mode):
    told = told_by_program(
        "window_as_any_other",
        modes,
        mode=mode.name,
        models=[f"{ALIAS}/rw", name_of(modes, ALIAS, "text"), f"{UP}/with_events"],
    )
    assert told["values"] == [5.5, "hello", 1.5]
    attributes = ("rw", "text", "with_events")
    assert told["names"] == [name_of(modes, UP, attribute) for attribute in attributes]
    assert told["aliases"] == [ALIAS] * 3


def test_a_short_name_takes_no_question_more(modes, factory):
    """Taurus asks for the alias of a device twice where it has its short name."""
    authority = taurus.Authority(authority_of(modes))
    questions = []
    # Each as nobody has written it before: the validators remember names.
    for name in (f"{authority.getFullName()}/SIM/modes/DOWN", "//{}/sim/MODES/DOWN"):
        begun = factory.first_read.stats(RequestKind.ASK).asked
        device = taurus.Device(name.format(modes.tango_host))
        assert device.getFullName().startswith(authority.getFullName())
        questions.append(factory.first_read.stats(RequestKind.ASK).asked - begun)
    full, short = questions
    assert short == full > 0


def test_an_alias_may_come_later(own_modes, factory):
    name = f"{authority_of(own_modes)}/sim/modes/down"
    down = f"{authority_of(own_modes)}/later"
    with pytest.raises(TaurusException):
        taurus.Device(down)
    host, _, port = own_modes.tango_host.partition(":")
    tango.Database(host, int(port)).put_device_alias("sim/modes/down", "later")
    assert taurus.Device(down).getFullName() == name


# --- two databases -------------------------------------------------------------------


@MODES
def test_two_databases_in_one_form(modes, twin, mode):
    """Devices, servers and aliases of the same names do not mix."""
    hold(twin, "rw", 7.5)
    models = [
        f"{authority_of(facility)}/{device}/rw"
        for facility in (modes, twin)
        for device in (UP, ALIAS)
    ]
    told = told_by_program("window_as_any_other", modes, mode=mode.name, models=models)
    assert told["values"] == [5.5, 5.5, 7.5, 7.5]
    assert told["names"] == [
        *[name_of(modes, UP, "rw")] * 2,
        *[name_of(twin, UP, "rw")] * 2,
    ]


# --- whoever asks it for something else ----------------------------------------------


def test_it_is_a_tango_database(modes, factory):
    found = taurus.Authority(authority_of(modes))
    assert isinstance(found, TpoTangoAuthority)
    assert found.getFullName() == authority_of(modes)
    assert isinstance(found.getTangoDB(), tango.Database)
    assert found.get_class_for_device(UP) == "TpoSim"
    assert UP in list(found.get_device_exported("sim/*"))
    assert UP in found.getDeviceNames()
    assert found.getElementAlias(UP) == ALIAS
    assert found.getElementAlias("sim/modes/down") is None
    assert found.getElementFullName(ALIAS) == UP
    assert found.getElementFullName("nobody") is None
    assert not hasattr(found, "something")
    assert taurus.Authority(authority_of(modes)) is found


def test_the_default_one_is_that_of_the_environment(modes):
    done = run_program("ask_the_default_database", facility=modes)
    assert done.returncode == 0, done.stderr
    name = authority_of(modes)
    assert done.stdout.split() == [name, "True", f"{name}/{UP}/rw", "5.5"]


def test_several_may_stand_in_for_each_other(modes):
    """Nobody can say where these are, so that no one is asked beforehand."""
    hosts = f"{modes.tango_host},{modes.tango_host}"
    done = run_program("ask_the_default_database", facility=modes, TANGO_HOST=hosts)
    assert done.returncode == 0, done.stderr
    name = f"tango://{hosts}"
    assert done.stdout.split() == [name, "True", f"{name}/{UP}/rw", "5.5"]


@pytest.mark.parametrize("hosts", ["", "127.0.0.1:9"])
def test_the_default_one_may_not_be_there(hosts):
    code = "import taurus, tango\ntry: taurus.Authority()\n" + (
        "except tango.DevFailed as error: print(error.args[0].reason)"
    )
    done = run_python(code, TANGO_HOST=hosts)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()


def test_what_is_no_name_is_an_error(factory):
    with pytest.raises(TaurusException):
        factory.getAuthority("tango://nothing")


# --- device classes of others --------------------------------------------------------


@MODES
@pytest.mark.parametrize("trouble", ["none", "server", "database"])
def test_a_device_class_of_others(own_modes, batches, mode, trouble):
    server = own_modes.server("TpoSim/modes")
    pids = {"none": 0, "server": server.pid, "database": own_modes.database_pid}
    models = [name_of(own_modes, UP, "rw"), name_of(batches, "sim/batch/1", "volt01")]
    told = told_by_program(
        "device_class_of_others",
        own_modes,
        pid=pids[trouble],
        mode=mode.name,
        models=models,
    )
    assert told["rows"] == 2
    assert told["window"] < TIMEOUT
    assert told["dead"] < TIMEOUT
    assert told["proxy"]
    # What class a device has is not known where nobody has told it in time.
    assert told["doors"] == [trouble != "database", True]
    assert told["made"] >= 1


# --- names ---------------------------------------------------------------------------


def test_the_validators_remember_names_where_we_can_tell(modes, factory):
    name = f"{authority_of(modes)}/{UP}"
    names = TangoDeviceNameValidator().getNames(name)
    assert names == (name, f"//{modes.tango_host}/{UP}", ALIAS)
    assert TangoDeviceNameValidator.names_cache[name] == names
    assert isinstance(TangoDeviceNameValidator.names_cache, Names)


def test_names_of_attributes_are_those_of_taurus(modes, factory):
    authority = authority_of(modes)
    of_device = (f"{authority}/{UP}", f"{authority}/{ALIAS}", f"{authority}/sim/no/1")
    names = [f"{device}/rw" for device in of_device]
    names += [f"{names[0]}#label", f"{names[0]}#dbase=no", names[0].upper()]
    names += ["", "rw", f"{names[0]}/rw", f"//{modes.tango_host}/{UP}/rw"]
    ours, theirs = factory.getAttributeNameValidator(), TangoAttributeNameValidator()
    for fragment in (False, True):
        expected = [theirs.getNames(name, fragment=fragment) for name in names]
        for _ in range(2):
            # The second time, names of devices are known.
            found = [ours.getNames(name, fragment=fragment) for name in names]
            assert found == expected
            for full in [found[0] for found in expected if found and found[0]]:
                again = [names.getNames(full) for names in (ours, ours, theirs)]
                assert again[0] == again[1] == again[2]
    for name in [name for name in names for _ in range(2)]:
        parts = ours.getUriGroups(name)
        expected_parts = theirs.getUriGroups(name)
        if name.endswith("#dbase=no"):
            # Widgets of stock Taurus take it for a part of the value, and show none.
            expected_parts["fragment"] = None
        assert parts == expected_parts
        if parts is not None:
            # A caller may change what it was given.
            parts.clear()


def test_a_name_that_is_not_strictly_valid_is_a_warning_each_time(
    modes, factory, caplog
):
    name = f"tango://{UP}/rw"
    for names in (factory.getAttributeNameValidator(), TangoAttributeNameValidator()):
        caplog.clear()
        assert names.getUriGroups(name) == names.getUriGroups(name) is not None
        warnings = [one.message for one in caplog.records if "STRONGLY" in one.message]
        assert len(warnings) == 2


def test_a_name_in_doubt_is_not_remembered():
    names = Names()
    names.doubt()
    names["doubtful"] = 1
    names["sure"] = 2
    assert names == {"sure": 2}


def test_a_doubt_is_one_thread_s():
    names = Names()
    other = threading.Thread(target=names.doubt)
    other.start()
    other.join()
    names["sure"] = 1
    assert names == {"sure": 1}


def test_an_answer_that_nobody_has_waited_for_is_used_once_and_soon():
    """The database may know something else by then."""
    clock, question = DrivenClock(), ("DbGetClassForDevice", "sim/batch/2")
    database = DatabaseConnection("", Server("database"), clock)
    answer, other = Future(), Future()
    database.keep(question, answer)
    clock.now += 0.9 * UNCLAIMED_FOR
    assert database.claim(question) is answer
    assert database.claim(question) is None
    database.keep(question, answer)
    clock.now += 1.1 * UNCLAIMED_FOR
    assert database.claim(question) is None
    # Those that nobody asks for again are not kept for ever.
    gone = weakref.ref(answer)
    database.keep(question, answer)
    clock.now += 1.1 * UNCLAIMED_FOR
    database.keep(("DbGetDeviceAlias", "sim/batch/2"), other)
    del answer
    assert gone() is None


# --- one that is far -----------------------------------------------------------------


@pytest.fixture
def far(modes) -> DatabaseConnection:
    """The database, as if it were behind a slow link."""
    return DatabaseConnection(modes.tango_host, Server("database", round_trip=0.02))


def test_calls_to_one_that_is_far_are_made_together(far):
    """Each has its own result, or its own error."""
    started: list[int] = []
    start_each = far.start_each

    def counted(questions: Any) -> Any:
        started.append(len(questions))
        return start_each(questions)

    far.start_each = counted  # type: ignore[method-assign]
    questions = [
        ("DbGetDeviceAlias", UP),
        ("DbGetDeviceAlias", "sim/modes/down"),
        *[("DbGetClassForDevice", UP)] * MOST_TOGETHER,
    ]
    requests = tuple(
        FutureRequest(far, name, 0.0, kind=RequestKind.ASK) for name in questions
    )
    assert batch_worker.serve(Batch(far, requests)).answered
    assert started == [MOST_TOGETHER, len(questions) - MOST_TOGETHER]
    results = [request.future for request in requests]
    assert results[0].result() == ALIAS
    assert isinstance(results[1].exception(), tango.DevFailed)
    assert {one.result() for one in results[2:]} == {"TpoSim"}


def test_the_gui_thread_waits_for_no_device_that_is_far(
    own_modes, factory, monkeypatch
):
    """A ``DeviceProxy`` takes twenty times as long as an answer of the database."""
    waited_for: list[Any] = []
    stock = factory.wait_policy.wait

    def wait(answer: Any, connection: Any, *more: Any) -> None:
        waited_for.append(connection)
        stock(answer, connection, *more)

    monkeypatch.setattr(factory.wait_policy, "wait", wait)
    authority = taurus.Authority(authority_of(own_modes))
    assert not authority.is_far
    authority._database.server.round_trip = 0.02
    with factory.hurry():
        device = taurus.Device(f"{authority_of(own_modes)}/{UP}")
        assert not [one for one in waited_for if isinstance(one, DeviceConnection)]
    eventually(lambda: not factory.device_access.takes_long(device), "it has a proxy")
    assert taurus.Attribute(name_of(own_modes, UP, "rw")).read().rvalue.magnitude == 5.5


def test_what_a_form_needs_of_it_is_asked_before(modes, factory):
    """Rows are made when the answers are there, or wait for them."""
    authority = taurus.Authority(authority_of(modes)).getFullName()
    # As nobody has written it before: the validators remember names.
    device = f"{authority}/Sim/modes/dOWN"
    other = f"{authority}/Sim/modes/uP"
    models = [f"{device}/rw", f"{device}/text", other, "eval:1", "", "nonsense"]
    factory.registerDeviceClass("Nobody", TangoDevice)
    try:
        factory.look_up_devices(models)
        asked = factory.first_read.stats(RequestKind.ASK).asked
        factory.look_up_devices(models)
        found = [taurus.Device(name) for name in (device, other)]
        assert [one.getFullName() for one in found] == [device, other]
        assert factory.first_read.stats(RequestKind.ASK).asked == asked
    finally:
        factory.unregisterDeviceClass("Nobody")


def test_a_device_is_located_by_what_was_asked_before(modes):
    """Once: it may run elsewhere the next time."""
    registry = ServerRegistry()
    place = DeviceLocation(modes.tango_host, UP, True)
    database = registry.database(modes.tango_host)
    calls: list[str] = []
    call = database.call

    def counted(command: str, *argument: str) -> Any:
        calls.append(command)
        return call(command, *argument)

    database.call = counted  # type: ignore[method-assign]
    answer: Future[Any] = Future()
    answer.set_result(call(IMPORT, UP))
    database.keep((IMPORT, UP), answer)
    server = registry.find(place)
    assert server.address is not None
    assert calls == []
    assert registry.find(place) is server
    assert calls == [IMPORT]


@pytest.mark.parametrize("kept", ["pending", "cancelled", "failed", "down"])
def test_a_device_is_located_where_nothing_useful_was_asked_before(modes, kept):
    registry = ServerRegistry()
    answer: Future[Any] = Future()
    if kept == "cancelled":
        answer.cancel()
    elif kept == "failed":
        answer.set_exception(tango.DevFailed())
    elif kept == "down":
        answer.set_result(([0], ["", "", "", ""]))
    registry.database(modes.tango_host).keep((IMPORT, UP), answer)
    place = DeviceLocation(modes.tango_host, UP, True)
    assert registry.find(place).address is not None


def test_an_error_of_the_database_that_comes_late_is_an_answer(batches, factory):
    """Most devices have no alias: each attribute would ask for it again."""
    authority = taurus.Device(
        f"tango://{batches.tango_host}/sim/batch/2"
    ).getParentObj()
    question = "DbGetDeviceAlias", "sim/batch/2"
    database = authority._database
    with factory.hurry():
        factory.wait_policy._for_devices.spend(60.0, time.monotonic())
        with pytest.raises(tango.DevFailed) as early:
            authority.ask(*question)
        assert early.value.args[0].reason == NOT_YET
        answer = database.claim(question)
        eventually(answer.done, "it answers")
        database.keep(question, answer)
        asked = factory.first_read.stats(RequestKind.ASK).asked
        with pytest.raises(tango.DevFailed) as late:
            authority.ask(*question)
    assert late.value.args[0].reason != NOT_YET
    assert factory.first_read.stats(RequestKind.ASK).asked == asked
