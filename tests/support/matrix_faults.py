"""The faults of the matrix, each as a function that lets it happen and heal."""

from __future__ import annotations

import json
import time
from functools import partial

import tango
from matrix_support import ONE, STORM, TWO, VICTIM, WELL, Fault, Scene
from tango_support import eventually

from taurus_tpo.sim.database import connect

#: How long a server hangs, s: longer than Tango's timeout and its keep-alive period.
HANGS = 15.0

#: How long reads fail or are slow, and how long events are off, s.
WHILE = 15.0


# --- servers that come and go --------------------------------------------------------


def killed(scene: Scene, seconds: float) -> None:
    """The server crashes, and is started again after a while."""
    scene.server.kill()
    time.sleep(seconds)
    scene.server.start()


def stopped(scene: Scene) -> None:
    """The server answers no one for a while."""
    scene.server.hang()
    time.sleep(HANGS)
    scene.server.resume()


def down(scene: Scene) -> None:
    """The server does not run when the panels open."""
    scene.server.terminate()


def started(scene: Scene) -> None:
    """It is started when they are open."""
    scene.server.start()


def _served_by(scene: Scene, device: str, server: str) -> bool:
    info = connect(scene.facility.tango_host).get_device_info(device)
    return bool(info.exported and info.pid == scene.facility.server(server).pid)


def _answers(scene: Scene, device: str) -> bool:
    try:
        return bool(scene.facility.device(device).ping() >= 0)
    except tango.DevFailed:
        return False


def _is_new(scene: Scene, device: str) -> bool:
    """Return whether a device holds what it holds from its start."""
    try:
        return bool(scene.truth(device)["volt1"] == 1.5)
    except tango.DevFailed:
        return False


def server_restarted(scene: Scene) -> None:
    """All devices of the server are made anew, by the command RestartServer."""
    scene.facility.device(f"dserver/{VICTIM}").RestartServer()
    for device in (ONE, TWO):
        eventually(partial(_is_new, scene, device), f"{device} is there again")


def device_restarted(scene: Scene) -> None:
    """One device is made anew, by the command DevRestart."""
    scene.facility.device(f"dserver/{VICTIM}").DevRestart(ONE)
    eventually(partial(_is_new, scene, ONE), "it is there again")


def moved(scene: Scene) -> None:
    """A device moves to another server, and both servers are started again."""
    other = "TpoSim/other"
    scene.server.terminate()
    info = tango.DbDevInfo()
    info.name, info.server, info._class = ONE, other, "TpoSim"
    connect(scene.facility.tango_host).add_device(info)
    scene.facility.server(other).restart()
    scene.server.launch()
    for device, server in ((ONE, other), (TWO, VICTIM)):
        eventually(partial(_served_by, scene, device, server), f"{device} is moved")
        eventually(partial(_answers, scene, device), f"{device} answers")


def database_restarted(scene: Scene) -> None:
    """The database is away for a while; so is the server, for a part of that."""
    scene.facility.stop_database()
    time.sleep(WHILE)
    scene.facility.start_database()


# --- attributes that change ----------------------------------------------------------


def removed(scene: Scene) -> None:
    """An attribute is removed from a device that runs, and added again."""
    scene.command(ONE, "RemoveAttribute", "volt2")
    time.sleep(WHILE)
    scene.command(ONE, "AddAttribute", "volt2")


#: What some attributes are after the restart, which they were not before.
OTHERS = {
    "volt1": {"label": "Another label"},
    "volt2": {"unit": "mV"},
    "volt3": {"type": "string", "value": "a text", "unit": ""},
    "volt4": {"format": "spectrum", "shape": [4], "value": [1.0, 2.0, 3.0, 4.0]},
}


def others(scene: Scene) -> None:
    """Over a restart attributes get another label, unit, type and format."""
    database = connect(scene.facility.tango_host)
    specs = [
        json.loads(text)
        for text in database.get_device_property(ONE, "Attributes")["Attributes"]
    ]
    changed = [json.dumps({**spec, **OTHERS.get(spec["name"], {})}) for spec in specs]
    scene.server.terminate()
    database.put_device_property(ONE, {"Attributes": changed})
    scene.server.start()


def without_events(scene: Scene) -> None:
    """Tango's polling in the server, which sends the events, is stopped and started."""
    device = scene.facility.device(ONE)
    period = device.get_attribute_poll_period("polled")
    device.stop_poll_attribute("polled")
    time.sleep(WHILE)
    scene.set(ONE, "polled", 99.5)
    device.poll_attribute("polled", period)


def failing(scene: Scene) -> None:
    """Half of the reads of some attributes raise, at random."""
    names = ("volt1", "polled", "calm")
    for name in names:
        scene.configure(ONE, name, error=0.5)
    end = time.monotonic() + WHILE
    number = 20
    while time.monotonic() < end:
        number += 1
        scene.change(number)
        time.sleep(0.5)
    for name in names:
        scene.configure(ONE, name, error=0.0)


def slow(scene: Scene) -> None:
    """An attribute takes longer than Tango waits for a call."""
    scene.configure(ONE, "calm", read_delay=4.0)
    time.sleep(WHILE)
    scene.configure(ONE, "calm", read_delay=0.0)


def storm(scene: Scene) -> None:
    """One attribute pushes 1,000 events a second; what is true of others is shown."""
    scene.configure(STORM, "storm", period=0.001)
    time.sleep(WHILE)
    scene.change(3)


# --- who else is there ---------------------------------------------------------------


def slow_to_read(scene: Scene) -> None:
    """The first read of what is written will be on its way.

    The device is read by all panels, one after the other, and nobody can write
    meanwhile: for less than Tango's timeout.
    """
    scene.configure(ONE, "rw", read_delay=0.3)


def written(scene: Scene) -> None:
    """It is written while its first read is on its way."""
    name = f"tango://{scene.facility.tango_host}/{ONE}/rw"
    for number, panel in enumerate(scene.panels.values()):
        panel.order("write", name=name, value=30.25 + number)
    for panel in scene.panels.values():
        assert panel.answer() == ""
    scene.configure(ONE, "rw", read_delay=0.0)


#: Why some faults are seen with TANGO_EVENT_CHECK_PERIOD alone.
CHECKS = (
    "Tango tells nobody; with ``TANGO_EVENT_CHECK_PERIOD = 8000``, see "
    ":doc:`../explanation/decisions/0030-checks-are-a-choice`."
)

FAULTS = (
    *(
        Fault(
            f"server killed, started after {seconds} s",
            partial(killed, seconds=seconds),
            quick=seconds == 1,
        )
        for seconds in (1, 8, 20)
    ),
    Fault("server stopped (SIGSTOP) for 15 s", stopped),
    Fault("server started after the window", started, before=down, quick=True),
    Fault("RestartServer", server_restarted, checks=True, note=CHECKS),
    Fault("DevRestart", device_restarted, quick=True),
    Fault("device moved to another server", moved),
    Fault("attribute removed, then back", removed, checks=True, note=CHECKS),
    Fault("another label, unit, type and format", others),
    Fault("polling in the server stopped, then started", without_events),
    Fault("half of the reads raise", failing),
    Fault("an attribute slower than the timeout", slow),
    Fault("1,000 events a second", storm, devices=(STORM, WELL)),
    Fault("database restarted", database_restarted),
    Fault(
        "two clients in one process",
        partial(killed, seconds=1),
        devices=(ONE, WELL),
        twice=True,
    ),
    Fault(
        "written while a first read is on its way",
        written,
        before=slow_to_read,
        quick=True,
    ),
)
