"""What a program asks of a device by name in the thread of a GUI, and what a form asks.

Each program runs in a fresh process with an application, on real servers. Where stock
Taurus has an answer, that is asked too, and both must be the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_support import TIMEOUT, WINDOW, finish, told_by
from paths import FACILITIES, SUPPORT
from tango_support import DOWN, UP, model

from taurus_tpo.sim import Facility
from taurus_tpo.sim.database import DatabaseProcess

ALIAS = "modes-up"

#: What one server that hangs may cost a program that asks by name, s.
ONCE = 3.5 + TIMEOUT

#: For programs that stock Taurus runs, too: its factory has no mode to set.
PLAIN = f"""
import json, os, signal, sys, threading, time
sys.path.insert(0, {str(SUPPORT)!r})
import taurus, tango
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.taurusstatecontroller import application
from tango_support import eventually, plain
job, told = json.loads(sys.argv[1]), {{}}
app = TaurusApplication(["window"], cmd_line_parser=None)
application.application_started()


def pause(pid, seconds):
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(seconds, os.kill, (pid, signal.SIGCONT)).start()


def run(condition, what, timeout=30.0):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {{timeout}} s: {{what}}"
        app.processEvents()
        time.sleep(0.005)
"""


@pytest.fixture
def own_batches() -> Iterator[Facility]:
    """The facility of ``batches`` for a test that stops its servers."""
    with Facility(FACILITIES / "batches.toml") as running:
        yield running


@pytest.fixture
def slow_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Facility]:
    """The facility of ``modes`` whose database can be made to take its time."""
    arguments = DatabaseProcess.arguments.fget
    assert arguments is not None
    monkeypatch.setattr(
        DatabaseProcess,
        "arguments",
        property(lambda process: ["slow_database", *arguments(process)[1:]]),
    )
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    monkeypatch.setenv("SLOW_DATABASE", str(tmp_path / "slow"))
    with Facility(FACILITIES / "modes.toml") as running:
        yield running


def both(code: str, facility: Facility, **job: Any) -> tuple[Any, Any]:
    """Return what ``code`` tells with the plugin, and what with stock Taurus."""
    return tuple(_told(code, facility, on, job) for on in ("1", "0"))  # type: ignore[return-value]


def _told(code: str, facility: Facility, on: str, job: dict[str, Any]) -> Any:
    environment = {"QT_QPA_PLATFORM": "offscreen", "TAURUS_TPO": on}
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", code, json.dumps(job)],
        env={**facility.environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return json.loads(finish(process))


# --- a server that is busy -----------------------------------------------------------

#: The server of each device stands still while it is made and asked.
BUSY = f"""{PLAIN}
asks = dict(
    proxy=lambda device: type(device.getDeviceProxy()).__name__,
    ping=lambda device: device.ping() > 0,
    command=lambda device: device.command_inout("Truth")[:1],
    dynamic=lambda device: device.Truth()[:1],
    query=lambda device: sorted(one.cmd_name for one in device.command_list_query()),
    attribute=lambda device: float(device.read_attribute("volt01").value),
    property=lambda device: sorted(device.get_property("polled_attr")),
    state=lambda device: device.state.name,
    state_object=lambda device: device.stateObj.read().rvalue.name,
    described=lambda device: device.description,
    member=lambda device: "volt01" in device,
)
for what, ask in asks.items():
    for device in job["devices"]:
        pause(job["pid"], 0.3)
        made = taurus.Device(device)
        told[what] = ask(made)
        # The next one is made anew.
        taurus.Factory("tango").removeExistingDevice(made)
        del made
print(json.dumps(told))
"""


def test_what_is_asked_by_name_is_waited_for(own_batches):
    pid = own_batches.server("TpoSim/batches1").pid
    ours, stock = both(BUSY, own_batches, pid=pid, devices=["sim/batch/1"])
    assert ours == stock
    assert ours["proxy"] == "DeviceProxy"
    assert ours["state"] == "Ready"


#: One device that is made while all is well, and those of a server that stands still.
PANELS = f"""{PLAIN}
from taurus.qt.qtgui.panel import TaurusCommandsForm, TaurusDevicePanel
from taurus.qt.qtgui.panel.taurusmodellist import TaurusModelItem

pause(job["pid"], 0.3)
commands = TaurusCommandsForm()
commands.setModel(job["devices"][0])
told["commands"] = sorted(one.getCommand() for one in commands._cmdWidgets)
pause(job["pid"], 0.3)
panel = TaurusDevicePanel()
panel.setModel(job["devices"][1])
told["panel"] = panel._label.text()
told["tabs"] = [panel._attrsframe.tabText(n) for n in range(panel._attrsframe.count())]
pause(job["pid"], 0.3)
told["item"] = TaurusModelItem(job["devices"][2]).ok
print(json.dumps(told))
"""


def test_panels_are_filled(own_batches):
    pid = own_batches.server("TpoSim/batches1").pid
    devices = ["sim/batch/1", "sim/batch/2", "sim/batch/1"]
    ours, stock = both(PANELS, own_batches, pid=pid, devices=devices)
    assert ours == stock
    assert "Truth" in ours["commands"]
    assert ours["panel"]
    assert ours["tabs"]


# --- a server that hangs -------------------------------------------------------------

HUNG = f"""{WINDOW}
import tango
from taurus.taurusstatecontroller import application

application.application_started()
hang()
first, second = (taurus.Device(name) for name in job["devices"])


def failed(call):
    try:
        call()
    except tango.DevFailed as error:
        return error.args[0].reason
    except AttributeError as error:
        return type(error.__cause__).__name__


proxy = timed("once", first.getDeviceProxy)
told["is_proxy"] = isinstance(proxy, tango.DeviceProxy)
told["errors"] = [
    timed("again", failed, call)
    for call in (
        proxy.ping,
        first.ping,
        second.ping,
        lambda: proxy.command_inout("Truth"),
        lambda: first.Truth(),
        lambda: second.getDeviceProxy().Truth(),
        lambda: proxy["volt01"],
    )
]
told["properties"] = [
    sorted(one.get_property("nothing")) for one in (proxy, first, second)
]
told["state"] = timed("again", lambda: second.state.name)
told["described"] = timed("again", lambda: second.description)
resume()
run(lambda: type(first.getDeviceProxy()) is tango.DeviceProxy, "it is there")
run(lambda: type(second.getDeviceProxy()) is tango.DeviceProxy, "it is there")
told["after"] = [proxy.ping() > 0, first.Truth()[:1], "volt01" in proxy]
told["state_after"] = second.state.name
print(json.dumps(told))
"""


def test_a_server_that_hangs_is_waited_for_once(own_batches):
    told = told_by(
        HUNG,
        own_batches,
        pid=own_batches.server("TpoSim/batches1").pid,
        devices=["sim/batch/1", "sim/batch/2"],
    )
    assert told["is_proxy"]
    assert told["once"] < ONCE
    assert told["again"] < 1.0
    assert set(told["errors"]) == {"API_CantConnectToDevice", "DevFailed"}
    assert told["properties"] == [["nothing"]] * 3
    assert told["state"] == "Undefined"
    assert told["after"] == [True, "{", True]
    assert told["state_after"] == "Ready"


PAUSED = f"""{WINDOW}
import tango

hang()
device = taurus.Device(job["device"])
threading.Timer(2.0, resume).start()
told["proxy"] = type(device.getDeviceProxy()) is tango.DeviceProxy
told["ping"] = device.ping() > 0
print(json.dumps(told))
"""


def test_it_is_waited_for_as_long_as_tango_waits(own_modes):
    pid = own_modes.server("TpoSim/modes").pid
    told = told_by(PAUSED, own_modes, pid=pid, device=UP)
    assert told["proxy"]
    assert told["ping"]


CONFIGURED = f"""{WINDOW}
hang()
attribute = taurus.Attribute(job["attribute"])
threading.Timer(2.0, resume).start()
told["size"] = attribute.max_dim_x if job["delegated"] else 0
told["unit"] = attribute.getAttributeInfoEx().unit
told["numeric"] = attribute.isNumeric()
print(json.dumps(told))
"""


@pytest.mark.parametrize("delegated", [False, True])
def test_the_configuration_of_an_attribute_is_waited_for(own_modes, delegated):
    """Its ``AttributeInfoEx``, and what a Taurus attribute delegates to that."""
    told = told_by(
        CONFIGURED,
        own_modes,
        pid=own_modes.server("TpoSim/modes").pid,
        attribute=model(own_modes, "with_events"),
        delegated=delegated,
    )
    assert told["unit"] == "V"
    assert told["numeric"]
    assert told["size"] == (1 if delegated else 0)


def test_a_device_that_nobody_knows_has_no_proxy(modes):
    code = f"""{PLAIN}
device = taurus.Device("sim/nobody/1")
told["proxy"] = device.getDeviceProxy() is None
told["state"] = device.state.name
try:
    device.ping()
except AttributeError as error:
    told["error"] = str(error).rpartition("has no")[2]
print(json.dumps(told))
"""
    ours, stock = both(code, modes)
    assert ours == stock
    assert ours["proxy"]


# --- rows by the class of a device ---------------------------------------------------

#: Rows of their own for devices of a class; made in either of Taurus's ways.
ROWS = f"""{WINDOW}
from taurus.qt.qtgui.panel import TaurusCommandsForm, TaurusValue


class Special(TaurusValue):
    pass


def factory_of_items(model):
    if model.getDeviceProxy().info().dev_class == "TpoSim":
        return Special()


special = sys.modules["special_row"] = type(sys)("special_row")
special.Special = Special


def made(models):
    form = TaurusForm()
    if job["way"] == "map":
        form.setCustomWidgetMap({{"TpoSim": ("special_row.Special", (), {{}})}})
    else:
        form.setItemFactories(include=(factory_of_items,))
    timed("window", form.setModel, models)
    form.show()
    return form


def rows(form):
    return [type(item).__name__ for item in form.getItems()]


def shown(form):
    # What is seen of each row, from the top.
    labels = [item.labelWidget() for item in form.getItems()]
    app.processEvents()
    return [label.text() for label in sorted(labels, key=lambda one: one.y())]


if job["pid"]:
    hang()
form = made(job["models"])
told["first"] = rows(form)
commands = TaurusCommandsForm()
if job["commands"]:
    commands.setModel(job["commands"])
told["commands_first"] = len(commands._cmdWidgets)
if job["pid"]:
    resume()
else:
    print("start", flush=True)
    sys.stdin.readline()
run(lambda: set(rows(form)) == {{"Special"}}, "all rows are special", 40.0)
if job["commands"]:
    run(lambda: commands._cmdWidgets, "there are commands", 40.0)
told["shown"] = shown(form)
told["models"] = [item.getModelObj().getFullName() for item in form.getItems()]
told["values"] = form.getModel()
form.setModel([])
app.processEvents()
print(json.dumps(told))
"""

WAYS = pytest.mark.parametrize("way", ["map", "factory"])


@WAYS
def test_a_row_is_special_when_its_server_is_back(own_batches, way):
    models = ["sim/batch/1", "sim/batch/2", "sim/batch2/1"]
    told = told_by(
        ROWS,
        own_batches,
        pid=own_batches.server("TpoSim/batches1").pid,
        models=models,
        way=way,
        commands="sim/batch/2",
    )
    # Those of another server are special at once.
    assert told["first"] == ["TaurusValue", "TaurusValue", "Special"]
    assert told["commands_first"] == 0
    assert told["shown"] == models
    assert [name.partition("sim")[2] for name in told["models"]] == [
        model.partition("sim")[2] for model in models
    ]


def test_a_row_is_special_when_its_server_is_started(own_modes):
    own_modes.server("TpoSim/modes").kill()
    code = json.dumps(dict(pid=0, models=[UP], way="map", commands=""))
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", ROWS, code],
        env={**own_modes.environment(), "QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "start"
    own_modes.server("TpoSim/modes").start()
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    told = json.loads(finish(process))
    assert told["first"] == ["TaurusValue"]
    assert told["shown"] == [ALIAS]


#: A form whose servers hang, and one for which all is well.
FORMS = f"""{WINDOW}
for pid in job["pids"]:
    os.kill(pid, signal.SIGSTOP)
hung, well = TaurusForm(), TaurusForm()
timed("window", hung.setModel, job["models"] * 10)
told["rows"] = len(hung)
for pid in job["pids"]:
    os.kill(pid, signal.SIGCONT)
devices = [item.getModelObj() for item in hung.getItems()]
run(lambda: all(factory.connection(one).configured for one in devices), "they are back")
timed("well", well.setModel, job["models"] * 10)
print(json.dumps(told))
"""


def test_a_form_of_devices_of_hung_servers_opens(own_batches):
    """However many rows there are: a server costs it once, and little."""
    servers = ("TpoSim/batches1", "TpoSim/batches2")
    told = told_by(
        FORMS,
        own_batches,
        pids=[own_batches.server(name).pid for name in servers],
        models=["sim/batch/1", "sim/batch/2", "sim/batch2/1", "sim/batch2/2"],
    )
    assert told["rows"] == 40
    assert told["window"] - told["well"] < TIMEOUT


# --- a database that takes its time --------------------------------------------------

SLOW = f"""{PLAIN}
from taurus.core.tango import TangoDevice
from taurus.qt.qtgui.panel import TaurusForm


class Door(TangoDevice):
    pass


taurus.Factory("tango").registerDeviceClass("TpoSim", Door)
with open(os.environ["SLOW_DATABASE"], "w") as file:
    file.write("0.1")
door = taurus.Device(job["device"])
told["door"] = isinstance(door, Door)
told["name"] = door.getFullName()
told["proxy"] = door.getDeviceProxy() is not None
with open(os.environ["SLOW_DATABASE"], "w") as file:
    file.write("0")
print(json.dumps(told))
"""


@pytest.mark.parametrize("device", [UP, ALIAS])
def test_a_device_has_the_class_that_was_registered(slow_database, device):
    ours, stock = both(SLOW, slow_database, device=device)
    assert ours == stock
    assert ours["door"]


LABELS = f"""{PLAIN}
from taurus.qt.qtgui.panel import TaurusForm

with open(os.environ["SLOW_DATABASE"], "w") as file:
    file.write("0.1")
form = TaurusForm()
form.setModel(job["models"])
form.show()
with open(os.environ["SLOW_DATABASE"], "w") as file:
    file.write("0")


def labels():
    return [item.labelWidget().text() for item in form.getItems()]


run(lambda: labels() == job["labels"], "each has its alias")
told["alias"] = [item.getModelObj().getSimpleName() for item in form.getItems()]
told["same"] = taurus.Device(job["labels"][0]) is form[0].getModelObj()
print(json.dumps(told))
"""


def test_a_row_goes_by_the_alias_of_its_device(slow_database):
    models, labels = [UP, DOWN], [ALIAS, DOWN]
    ours, stock = both(LABELS, slow_database, models=models, labels=labels)
    assert ours == stock
    assert ours["alias"] == labels


CLASSLESS = f"""{WINDOW}
from taurus.core.tango import TangoDevice
from taurus.taurusstatecontroller import application

application.application_started()


class Door(TangoDevice):
    pass


factory.registerDeviceClass("TpoSim", Door)
hang()
first = timed("made", taurus.Device, job["device"])
told["first"] = isinstance(first, Door)
again = timed("again", taurus.Device, job["other"])
resume()
run(lambda: isinstance(taurus.Device(job["device"]), Door), "it is a door")
second = taurus.Device(job["device"])
told["kept"] = taurus.Device(job["device"]) is second
told["state"] = second.state.name
told["first_state"] = first.state.name
print(json.dumps(told))
"""


def test_its_class_is_right_for_whoever_asks_when_the_database_is_back(own_modes):
    told = told_by(
        CLASSLESS, own_modes, pid=own_modes.database_pid, device=UP, other=DOWN
    )
    assert not told["first"]
    assert told["made"] < ONCE
    assert told["again"] < 1.0
    assert told["kept"]
    assert told["state"] == told["first_state"] == "Ready"
