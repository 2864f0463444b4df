"""A process that was forked uses the plugin; its parent's threads are not there."""

from __future__ import annotations

import json
import sys

import pytest
from tango_support import calls, eventually, model, run_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nobody forks there")

DEVICE = "sim/batch/1"

#: A parent that listens to an attribute, and is in the midst of much when it forks.
PROGRAM = """
import json, multiprocessing, os, signal, sys, threading, time
import taurus

class Listener:
    def __init__(self):
        self.heard = threading.Event()
    def eventReceived(self, source, kind, value):
        if getattr(value, "rvalue", None) is not None:
            self.heard.set()

def listens(name):
    attribute, listener = taurus.Attribute(name), Listener()
    attribute.addListener(listener)
    assert listener.heard.wait(60), name
    return attribute, listener

def use_it():
    same = taurus.Attribute(MODELS[0])
    told = [str(same.read(cache=False).rvalue.units)]
    other, listener = listens(MODELS[1])
    told.append(other.rvalue.magnitude)
    polled, again = taurus.Attribute(MODELS[2]), Listener()
    polled.changePollingPeriod(100)
    polled.activatePolling(100, force=True)
    polled.addListener(again)
    for _ in range(3):
        again.heard.clear()
        assert again.heard.wait(60)
    told.append(taurus.Device(DEVICE).state.name)
    told.append(other.getParentObj().getDeviceProxy().State().name)
    print(json.dumps(told), flush=True)

factory = taurus.Factory("tango")
kept = [listens(name) for name in MODELS[:1]]
"""

FORK = """
child = os.fork()
if child == 0:
    use_it()
    sys.exit()
_, status = os.waitpid(child, 0)
print("child", os.WEXITSTATUS(status))
"""

PROCESS = """
child = multiprocessing.get_context("fork").Process(target=use_it)
child.start()
child.join(100)
print("child", child.exitcode)
"""

#: The parent goes on as before.
GO_ON = """
print("parent", kept[0][0].read(cache=False).rvalue.magnitude)
more = listens(MODELS[3])
print("parent", more[0].rvalue.magnitude)
"""

#: What its threads are doing when it forks.
NOTHING, MUCH = (
    "",
    """
slow = [factory.readAttributeFirstTime(taurus.Attribute(name)) for name in MODELS[4:]]
while not any("reader" in thread.name for thread in factory.first_read.threads()):
    time.sleep(0.001)
time.sleep(0.1)
""",
)


@pytest.mark.parametrize("busy", [NOTHING, MUCH], ids=["idle", "busy"])
@pytest.mark.parametrize("fork", [FORK, PROCESS], ids=["fork", "multiprocessing"])
def test_a_forked_process_and_its_parent_go_on(batches, fork, busy):
    names = [model(batches, f"volt{number:02}", DEVICE) for number in range(1, 9)]
    # Another device: the parent is at it while the child reads.
    names[4:] = [name.replace("batch/1", "batch/2") for name in names[4:]]
    slow = {"attribute": "volt05", "read_delay": 2.0}
    device = batches.device("sim/batch/2")
    device.Configure(json.dumps(slow))
    code = f"MODELS, DEVICE = {names!r}, {names[0].rpartition('/')[0]!r}\n"
    try:
        done = run_python(code + PROGRAM + busy + fork + GO_ON, batches)
    finally:
        eventually(lambda: calls(batches, "sim/batch/2") is not None, "it is free")
        device.set_timeout_millis(60_000)
        device.Configure(json.dumps({**slow, "read_delay": 0.0}))
    assert done.returncode == 0, done.stderr
    told, child, *parent = done.stdout.splitlines()
    assert json.loads(told) == ["V", 0.0, "Ready", "ON"]
    assert child == "child 0"
    assert parent == ["parent 0.0", "parent 0.0"]


#: A parent for which something is being subscribed to when it forks.
SUBSCRIBES = """
import os, sys, threading, time
import taurus
from taurus_tpo.tango_client.subscription_queue import SUBSCRIBER

taurus.Factory("tango")
done, began = [], threading.Event()

def subscribe(seconds):
    began.set()
    time.sleep(seconds)
    done.append(seconds)

SUBSCRIBER.do(lambda: subscribe(SECONDS))
began.wait(60)
begun = time.monotonic()
child = os.fork()
if child == 0:
    print(done, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(time.monotonic() - begun)
"""


@pytest.mark.parametrize(("seconds", "known"), [(0.3, [0.3]), (30.0, [])])
def test_a_fork_waits_for_what_is_being_subscribed_to_but_not_for_long(
    batches, seconds, known
):
    """What Tango has locked for it would stay locked in the child for ever."""
    done = run_python(f"SECONDS = {seconds}\n{SUBSCRIBES}", batches)
    assert done.returncode == 0, done.stderr
    in_child, took = done.stdout.splitlines()
    assert json.loads(in_child) == known
    assert float(took) < 20
