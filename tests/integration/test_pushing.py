"""A server pushes for a minute, as fast as it can: no queue grows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from faults_support import PREAMBLE, name_of, told_by
from tango_support import facility_of

from taurus_tpo.sim import Facility

DEVICE = "sim/pushing/1"

#: For how long, s; what of that is the beginning, and how much the memory may grow from
#: its end on: less than a second of images takes.
PUSHING, BEGINNING, GROWTH = 60.0, 20.0, 60e6

FACILITY = """
[facility]
title = "Pushing"

[[server]]
name = "TpoSim/pushing"

[[server.device]]
name = "sim/pushing/1"

[[server.device.attribute]]
name = "image"
format = "image"
shape = [512, 512]
period = 0.01

[[server.device.attribute]]
name = "scalar{n:02}"
count = 10
period = 0.01
"""


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    with facility_of(tmp_path_factory, FACILITY) as running:
        yield running


#: Counts the memory; at the end of it all the server stops.
COUNTING = f"""{PREAMBLE}
import tango
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER
from taurus.core.taurusbasetypes import TaurusEventType

device = tango.DeviceProxy(job["device"])
memory, waiting = [], []
begun = time.monotonic()


def count():
    pages = int(open("/proc/self/statm").read().split()[1])
    memory.append((time.monotonic() - begun, pages * os.sysconf("SC_PAGE_SIZE")))
    boxes = [len(one.engine._actions._actions) for one in factory.attributes()]
    waiting.append(len(EVENT_DISPATCHER) + sum(boxes))


def stop():
    for name in job["names"]:
        request = {{"attribute": name, "period": 0.0}}
        device.Configure(json.dumps(request))


def grown():
    early = max(size for at, size in memory if at < {BEGINNING})
    return max(size for at, size in memory if at >= {BEGINNING}) - early
"""

#: A widget that takes longer for an image than the next one takes to come.
WIDGET = f"""{COUNTING}
from taurus.external.qt import Qt
from taurus.qt.qtgui.application import TaurusApplication
from taurus.qt.qtgui.display import TaurusLabel

app = TaurusApplication(["pushing"], cmd_line_parser=None)


class Slow(TaurusLabel):
    shown = None
    told = 0

    def handleEvent(self, source, kind, value):
        if getattr(value, "rvalue", None) is not None:
            time.sleep(0.03)
            self.shown = value
            self.told += 1


labels = [Slow() for _ in job["models"]]
for label, name in zip(labels, job["models"]):
    label.setModel(name)
while time.monotonic() - begun < {PUSHING}:
    app.processEvents()
    count()
    time.sleep(0.001)
stop()
newest = taurus.Attribute(job["models"][0])
end = time.monotonic() + 30
while labels[0].shown is not newest.known.value and time.monotonic() < end:
    app.processEvents()
print(json.dumps({{
    "grown": grown(), "waiting": max(waiting), "told": min(one.told for one in labels),
    "newest": labels[0].shown is newest.known.value,
}}), flush=True)
os._exit(0)
"""

#: A listener that is no widget, and blocks the thread that tells it of a poll, while
#: events come.
LISTENER = f"""{COUNTING}
class Blocks(Listener):
    said = None

    def __init__(self):
        super().__init__()
        self.kinds_told = []

    def eventReceived(self, source, kind, value):
        self.kinds_told.append(kind)
        if getattr(value, "rvalue", None) is not None:
            self.said = value
        if kind == TaurusEventType.Periodic:
            time.sleep(5)


attributes = [taurus.Attribute(name) for name in job["models"]]
listeners = [Blocks() for _ in attributes]
for attribute, listener in zip(attributes, listeners):
    attribute.addListener(listener)
    attribute.activatePolling(1000, force=True)
while time.monotonic() - begun < {PUSHING}:
    count()
    time.sleep(0.05)
stop()
for attribute in attributes:
    attribute.deactivatePolling()


def is_told():
    return all(one.said is a.known.value for one, a in zip(listeners, attributes))


eventually(is_told, "the newest is told")
print(json.dumps({{
    "grown": grown(), "waiting": max(waiting), "newest": True,
    "told": min(len(one.kinds_told) for one in listeners),
}}), flush=True)
os._exit(0)
"""


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("program", "names", "most"),
    [
        # Two images wait for the widget; each notification of it and its configuration.
        (WIDGET, ["image"], 10),
        (WIDGET, [f"scalar{number:02}" for number in range(1, 4)], 3 * 1000 + 10),
        # A thousand events for each listener, and what else is to be done.
        (LISTENER, [f"scalar{number:02}" for number in range(1, 11)], 10 * 1000 + 50),
        (LISTENER, ["image"], 10),
    ],
    ids=["an image", "scalars", "scalars that block", "an image that blocks"],
)
def test_no_queue_grows(facility, program, names, most):
    models = [name_of(facility, DEVICE, name) for name in names]
    device = name_of(facility, DEVICE, "")[:-1]
    told = told_by(
        program, facility, models=models, names=names, device=device, mode="AsyncRead"
    )
    for name in names:
        request = {"attribute": name, "period": 0.01}
        facility.device(DEVICE).Configure(json.dumps(request))
    assert told["newest"]
    assert told["told"] > 20
    assert told["waiting"] <= most
    assert told["grown"] < GROWTH
