"""A process that was forked uses the plugin; its parent's threads are not there."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import sys
from typing import Any

import pytest
from program_support import run_program
from tango_support import calls, eventually, model

from taurus_tpo.core.giop import Address
from taurus_tpo.tango_client.inherited_connections import close_inherited

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


def test_parent_and_child_read_at_the_same_time(batches):
    """Over connections of their own: neither reads the answer to the other's call."""
    name = model(batches, "volt09", DEVICE)
    done = run_program("fork_and_read_in_both", name, facility=batches)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert json.loads(line) == {"values": [0.0], "errors": []}
    assert len(done.stdout.splitlines()) == 2


def _listening(where: Any) -> socket.socket:
    made = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    made.bind(where)
    made.listen()
    return made


def _connected(server: socket.socket) -> tuple[socket.socket, socket.socket]:
    client = socket.socket(server.family)
    client.connect(server.getsockname())
    return client, server.accept()[0]


def test_connections_to_tango_are_closed_and_no_others(tmp_path):
    """The other end, which stands for the parent's, stays open."""
    local = tmp_path / "omni-operator"
    local.mkdir()
    nowhere = ("127.0.0.1", 0)
    places = (nowhere, str(local / "1"), nowhere, str(tmp_path / "1"))
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(_listening(where)) for where in places]
        pairs = [_connected(server) for server in servers]
        for end in itertools.chain(*pairs):
            stack.enter_context(end).settimeout(20)
        port = servers[0].getsockname()[1]
        known = {Address("localhost", port, b""), Address("no host", port, b"")}
        parents = [os.dup(client.fileno()) for client, _ in pairs]
        for number in parents:
            stack.callback(os.close, number)
        numbers = [client.fileno() for client, _ in pairs]
        kept = {number: os.fstat(number).st_ino for number in numbers}
        close_inherited(known)
        replaced = [os.fstat(number).st_ino != kept[number] for number in numbers]
        assert replaced == [True, True, False, False]
        for client, _ in pairs[:2]:
            assert client.recv(1) == b""
            with pytest.raises(BrokenPipeError):
                client.send(b"x")
        for client, end in pairs[2:]:
            client.send(b"x")
            assert end.recv(1) == b"x"


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
