"""A process that was forked uses the plugin; its parent's threads are not there."""

from __future__ import annotations

import json
import sys

import pytest
from program_support import run_program
from tango_support import calls, eventually, model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nobody forks there")

DEVICE = "sim/batch/1"


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("fork", ["fork", "multiprocessing"])
def test_a_forked_process_and_its_parent_go_on(batches, fork, busy):
    names = [model(batches, f"volt{number:02}", DEVICE) for number in range(1, 9)]
    # Another device: the parent is at it while the child reads.
    names[4:] = [name.replace("batch/1", "batch/2") for name in names[4:]]
    slow = {"attribute": "volt05", "read_delay": 2.0}
    device = batches.device("sim/batch/2")
    device.Configure(json.dumps(slow))
    where = names[0].rpartition("/")[0]
    job = {"models": names, "device": where, "fork": fork, "busy": busy}
    try:
        done = run_program("fork_while_reading", json.dumps(job), facility=batches)
    finally:
        eventually(lambda: calls(batches, "sim/batch/2") is not None, "it is free")
        device.set_timeout_millis(60_000)
        device.Configure(json.dumps({**slow, "read_delay": 0.0}))
    assert done.returncode == 0, done.stderr
    assert "child 0" in done.stdout, done.stderr
    told, _, *parent = done.stdout.splitlines()
    assert json.loads(told) == ["V", 0.0, "Ready", "ON"]
    assert parent == ["parent 0.0", "parent 0.0"]


@pytest.mark.parametrize(("seconds", "known"), [(0.3, [0.3]), (30.0, [])])
def test_a_fork_waits_for_what_is_being_subscribed_to_but_not_for_long(
    batches, seconds, known
):
    """What Tango has locked for it would stay locked in the child for ever."""
    done = run_program("fork_while_subscribing", str(seconds), facility=batches)
    assert done.returncode == 0, done.stderr
    in_child, took = done.stdout.splitlines()
    assert json.loads(in_child) == known
    assert float(took) < 20
