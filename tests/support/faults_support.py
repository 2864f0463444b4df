"""What the tests of servers that hang share."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import taurus
from program_support import start_program
from stopwatch import Stopwatch
from tango_support import SOON, Listener, eventually

from taurus_tpo.core import modes
from taurus_tpo.sim import Facility

#: The modes in which `make test` tries a fault: the default, and one that waits.
REPRESENTATIVE = (modes.ASYNC_READ, modes.SYNC)

#: A fault in each mode; `make test-faults` tries it in the others.
MODES = pytest.mark.parametrize(
    "mode",
    [
        pytest.param(m, marks=() if m in REPRESENTATIVE else pytest.mark.faults)
        for m in modes.MODES
    ],
    ids=str,
)

#: What one call to a silent device takes, s; a bug would cost one at least.
TIMEOUT = 3.0

#: What the longest call takes, s: the first on a proxy whose server has just gone.
ONE_CALL = 9.0

#: How long a caller may wait in the modes whose callers ask to wait: for such a call,
#: once a server; and a call to another may wait for Tango, which tries the same call.
#: Once an attribute would be more than twice as long.
ONCE = 3 * ONE_CALL

#: How long it may take after a server is back until it is shown, s: five; and three
#: times as much again for a busy machine.
BACK = 20.0

#: The threads of the plugin: eight that call devices, as many that are held by servers
#: which have just begun to hang, one that sees to alarms, the one that asks servers
#: whether they are there, the unsubscriber and the subscriber.
MOST_THREADS = 8 + 8 + 4


def name_of(facility: Facility, device: str, attribute: str) -> str:
    """Return the full name of an attribute."""
    return f"tango://{facility.tango_host}/{device}/{attribute}"


def volts(facility: Facility, device: str, first: int = 1, last: int = 20) -> list[str]:
    """Return the full names of the volts of a device, of one number after the other."""
    numbers = range(first, last + 1)
    return [name_of(facility, device, f"volt{number:02}") for number in numbers]


class Heard:
    """Attributes, each with a listener of its own."""

    def __init__(self, names: list[str]) -> None:
        self.attributes = [taurus.Attribute(name) for name in names]
        self.listeners = [Listener() for _ in names]

    def listen(self) -> float:
        """Let the listeners listen; return how long that took, s."""
        watch = Stopwatch()
        for attribute, listener in zip(self.attributes, self.listeners):
            attribute.addListener(listener)
        return watch.seconds

    def leave(self) -> float:
        """Let the listeners go; return how long that took, s."""
        watch = Stopwatch()
        for attribute, listener in zip(self.attributes, self.listeners):
            attribute.removeListener(listener)
        return watch.seconds

    def forget(self) -> None:
        """Let them forget what they have heard."""
        for listener in self.listeners:
            listener.heard.clear()

    def all_values(self) -> bool:
        """Return whether each has heard a value."""
        return all(listener.values for listener in self.listeners)

    def all_errors(self) -> bool:
        """Return whether each has heard an error."""
        return all(listener.errors for listener in self.listeners)


def heard(names: list[str], timeout: float = SOON) -> Heard:
    """Return attributes that have been listened to until all had their values."""
    found = Heard(names)
    found.listen()
    eventually(found.all_values, "all values come", timeout)
    return found


def in_time(condition: Callable[[], object], what: str) -> None:
    """Return when ``condition()`` is true; fail where that takes a timeout or more."""
    Stopwatch().until(condition, what, TIMEOUT)


def configure(facility: Facility, device: str, attribute: str, **changes: Any) -> None:
    """Change how long the reads of an attribute take, or how often they fail."""
    request = json.dumps({"attribute": attribute, **changes})
    facility.device(device).Configure(request)


def start_job(
    name: str,
    facility: Facility,
    job: dict[str, Any],
    stdin: int = subprocess.DEVNULL,
    **environment: str,
) -> subprocess.Popen[str]:
    """Start a program of ``tests/programs`` with a job, its first argument."""
    words = (name, json.dumps(job))
    return start_program(*words, facility=facility, stdin=stdin, **environment)


def finish(process: subprocess.Popen[str], timeout: float = 120.0) -> str:
    """Wait for a process, which must have ended well; return its last line.

    One that has not ended in time is killed.
    """
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"not ended:\n{output}\n{errors}") from None
    assert process.returncode == 0, f"{process.returncode}:\n{output}\n{errors}"
    assert "Traceback" not in errors, errors
    return (output.splitlines() or [""])[-1]


def told_by_program(name: str, facility: Facility, **job: Any) -> dict[str, Any]:
    """Run a program with a job and return what its last line tells, as JSON."""
    told: dict[str, Any] = json.loads(finish(start_job(name, facility, job)))
    return told


def resume_all(facility: Facility) -> None:
    """Let each server go on; nothing for one that runs, or does not exist."""
    for server in facility.servers.values():
        if server.running:
            server.resume()
