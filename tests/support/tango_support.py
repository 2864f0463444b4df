"""What the tests against real device servers share."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tango
import taurus
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.concurrency.io_pool import DevicePool
from taurus_tpo.sim import Facility
from taurus_tpo.sim.waiting import wait_until
from taurus_tpo.tango_client import pytango_compat

#: How long anything that should happen may take on a busy machine, s.
SOON = 60.0

#: How long a device may be kept by those who read it, s.
KEPT = 60.0

#: A test of what PyTango can do since 10.1: subscribe without a read.
NEEDS_MODES = pytest.mark.skipif(
    not pytango_compat.has_event_sub_mode(),
    reason="PyTango before 10.1 reads in each subscription",
)

UP = "sim/modes/up"
DOWN = "sim/modes/down"


def eventually(condition: Any, what: str, timeout: float = SOON) -> Any:
    """Return the first true value of ``condition()``.

    :raises TimeoutError: if there was none; what all threads do then is in the log.
    """
    try:
        return wait_until(condition, timeout, what)
    except TimeoutError:
        # Of the descriptor: Taurus replaces ``sys.stderr`` by one that has none.
        faulthandler.dump_traceback(2)
        _print_pool()
        raise


def _print_pool() -> None:
    """Print which requests are pending in the pool, and what each waits for."""
    pool = getattr(taurus.Factory("tango"), "first_read", None)
    if not isinstance(pool, DevicePool):
        return
    with pool._changed:
        schedule = dict(vars(pool._schedule))
        queues = list(pool._schedule._device_queues.items())
        print(f"pool: {pool._about_to_look} about to look, resting {pool._rests}")
    for name, value in schedule.items():
        print(f"    {name}: {value}")
    for device, queued in queues:
        print(f"    {device}: {vars(queued)} of {vars(device.server)}")


#: How many levels of what keeps an object alive are printed, and how many objects.
REFERRERS, MOST_REFERRERS = 6, 300


def eventually_collected(*references: weakref.ref[Any]) -> None:
    """Wait until Python has destroyed what ``references`` lead to.

    ``gc.collect()`` returns how many objects it has found: no condition.
    """

    def are_gone() -> bool:
        gc.collect()
        return all(reference() is None for reference in references)

    try:
        eventually(are_gone, f"they are collected: {references}")
    except TimeoutError:
        _print_referrers(*references)
        raise


def _print_referrers(*references: weakref.ref[Any]) -> None:
    """Print what keeps objects alive, what keeps that, and so on."""
    seen = {id(sys._getframe())}
    for found in filter(None, (reference() for reference in references)):
        print(f"kept: {found!r}")
        _print_those_of(found, seen, REFERRERS)


def _print_those_of(found: Any, seen: set[int], depth: int) -> None:
    """Print the referrers of ``found`` that were not seen, ``depth`` levels of them."""
    seen |= {id(found), id(sys._getframe())}
    referrers = gc.get_referrers(found)
    seen.add(id(referrers))
    for one in referrers if depth else ():
        if id(one) not in seen and len(seen) < MOST_REFERRERS:
            text = f"{type(one).__name__}: {str(one)[:300]}"
            print(f"{'    ' * (REFERRERS - depth + 1)}by {text}")
            _print_those_of(one, seen, depth - 1)


@contextlib.contextmanager
def facility_of(folders: pytest.TempPathFactory, text: str) -> Iterator[Facility]:
    """Run the facility of a file that says ``text``."""
    file = folders.mktemp("facility") / "facility.toml"
    file.write_text(text)
    with Facility(file) as running:
        yield running


def model(facility: Facility, attribute: str, device: str = UP) -> str:
    """Return the full name of an attribute: facilities of one process do not mix."""
    return f"tango://{facility.tango_host}/{device}/{attribute}"


def hold(facility: Facility, attribute: str, value: Any, **more: Any) -> None:
    """Make the server hold a value; pushes an event unless ``push=False``."""
    request = {"attribute": attribute, "value": value, **more}
    facility.device(UP).SetValue(json.dumps(request))


def calls(facility: Facility, device: str) -> list[list[str]]:
    """Return the attributes of each read call that reached the device."""
    return json.loads(command(facility, device, "Calls"))["batches"]


def command(facility: Facility, device: str, name: str, *argument: str) -> Any:
    """Let a device do something, also one that is kept by those who read it.

    For longer than Tango waits for a call, the client or the server: that gives up when
    another thread has the device for 3.2 s.
    """
    proxy = facility.device(device)
    proxy.set_timeout_millis(int(1000 * KEPT))
    answers: list[Any] = []

    def is_answered() -> bool:
        try:
            answers.append(proxy.command_inout(name, *argument))
        except tango.DevFailed as error:
            if error.args[0].reason != "API_CommandTimedOut":
                raise
        return bool(answers)

    eventually(is_answered, f"{device} is busy", KEPT)
    return answers[0]


def readers(factory: Any) -> list[threading.Thread]:
    """Return the threads that read; the one that asks servers is none of them.

    That one keeps its connections for a while.
    """
    threads = factory.first_read.threads()
    return [thread for thread in threads if "reader" in thread.name]


class Listener:
    """A Taurus listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, Any]] = []
        self.threads: list[str] = []

    def eventReceived(self, source: Any, kind: Any, value: Any) -> None:
        self.threads.append(threading.current_thread().name)
        self.heard.append((kind, value))

    @property
    def kinds(self) -> list[Any]:
        return [kind for kind, _ in self.heard]

    @property
    def values(self) -> list[Any]:
        return [plain(v) for kind, v in self.heard if kind in _WITH_VALUE]

    @property
    def value_kinds(self) -> list[Any]:
        """Which events brought the values; a configuration may come before them."""
        return [kind for kind, _ in self.heard if kind in _WITH_VALUE]

    @property
    def errors(self) -> list[Any]:
        return [value for kind, value in self.heard if kind == TaurusEventType.Error]


_WITH_VALUE = (TaurusEventType.Change, TaurusEventType.Periodic)


def plain(value: Any) -> Any:
    """Return the number or text in a TangoAttrValue."""
    rvalue = value.rvalue
    return getattr(rvalue, "magnitude", rvalue)


def sleeps(process: subprocess.Popen[str]) -> bool:
    """Return whether the main thread of ``process`` takes no time for a while."""
    stat = Path(f"/proc/{process.pid}/task/{process.pid}/stat")

    def spent() -> list[str]:
        return stat.read_text().rpartition(")")[2].split()[11:13]

    before = spent()
    time.sleep(0.3)
    return spent() == before


def push_until(facility: Facility, condition: Callable[[], object]) -> None:
    """Push the same value again and again: a new link takes a moment to carry."""

    def pushed() -> bool:
        hold(facility, "with_events", 1.5)
        return bool(condition())

    eventually(pushed, "an event comes")
