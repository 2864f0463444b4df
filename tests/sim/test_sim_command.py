"""The command ``taurus tpo sim``, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tango
from paths import FACILITIES
from sim_support import SOON, children, is_alive

from taurus_tpo.sim import Facility
from taurus_tpo.sim.waiting import wait_until

#: A facility with a server of either sort.
UP_AND_HUNG = (FACILITIES / "up_and_hung.toml").read_text()

SIM = [sys.executable, "-c", "from taurus_tpo.sim.command import sim; sim()"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "facility.toml"
    file.write_text(UP_AND_HUNG)
    return file


@contextmanager
def running(
    arguments: list[str], environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until it has said which TANGO_HOST; give both."""
    process = subprocess.Popen(
        [*SIM, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        key, _, host = process.stdout.readline().strip().partition("=")
        assert key == "TANGO_HOST"
        yield process, host
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_runs_until_it_is_told_to_end(
    file: Path, shell_environment: dict[str, str], ending: signal.Signals
) -> None:
    with running([str(file)], shell_environment) as (process, host):
        assert host.startswith("127.0.0.1:")
        assert tango.DeviceProxy(f"tango://{host}/sim/up/1").volt == 1.5
        pids = children(process.pid)
        assert len(pids) == 3  # the database and two servers
        # Ctrl-C in a terminal is for the process group, and theirs is another.
        assert [os.getpgid(pid) for pid in pids] == pids
        assert process.stderr is not None
        assert "Up and hung" in process.stderr.readline()
        process.send_signal(ending)
        assert process.wait(SOON) == 0
        errors = process.stderr.read()
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert "TpoSim/hung" in errors
    assert "Traceback" not in errors
    assert [pid for pid in pids if is_alive(pid)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children")
def test_no_child_outlives_a_killed_command(
    file: Path, shell_environment: dict[str, str]
) -> None:
    with running([str(file)], shell_environment) as (process, _host):
        pids = children(process.pid)
        assert len(pids) == 3
        process.kill()
        process.wait()
        wait_until(lambda: not any(map(is_alive, pids)), SOON, "the end of all")


@pytest.mark.parametrize("by", ["option", "environment"])
def test_uses_a_database_that_is_there(
    file: Path, shell_environment: dict[str, str], by: str
) -> None:
    with Facility(FACILITIES / "modes.toml") as there:
        arguments = ["--tango-host", there.tango_host]
        if by == "environment":
            arguments = ["--existing"]
            shell_environment["TANGO_HOST"] = there.tango_host
        with running([str(file), *arguments], shell_environment) as (process, host):
            assert host == there.tango_host
            assert there.device("sim/up/1").volt == 1.5
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SOON)
            assert process.returncode == 0
        with pytest.raises(tango.DevFailed):
            there.device("sim/up/1")
        assert there.device("sim/modes/up").with_events == 1.5


def test_the_database_of_the_environment_is_not_touched_unasked(
    file: Path, shell_environment: dict[str, str]
) -> None:
    with Facility(FACILITIES / "modes.toml") as there:
        shell_environment["TANGO_HOST"] = there.tango_host
        with running([str(file)], shell_environment) as (_process, host):
            assert host != there.tango_host
            with pytest.raises(tango.DevFailed):
                there.device("sim/up/1")


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("[[server]]\nname = 'x'", [], ["facility.toml: server['x'].name", "'x'"]),
        (UP_AND_HUNG.replace("title", "titel"), [], ["facility.titel", "title?"]),
        (UP_AND_HUNG, ["--tango-host", "here"], ["'here'", "HOST:PORT"]),
        (UP_AND_HUNG, ["--existing"], ["TANGO_HOST is not set"]),
    ],
)
def test_error_is_a_message_and_exit_code_2(
    file: Path,
    shell_environment: dict[str, str],
    text: str,
    arguments: list[str],
    words: list[str],
) -> None:
    file.write_text(text)
    done = subprocess.run(
        [*SIM, str(file), *arguments],
        env=shell_environment,
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert [word for word in words if word not in done.stderr] == []
    assert "Traceback" not in done.stderr
