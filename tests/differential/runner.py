"""Runs a scenario against one program: its steps, and what was observed."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tango

from taurus_tpo.sim.process import Process
from tests.differential.compare import has_events
from tests.differential.facility import DeviceServer, Facility
from tests.differential.scenario import (
    CLIENT,
    DATABASE,
    PAIRINGS,
    SERVER,
    SHOW,
    AttributeSpec,
    Pairing,
    Scenario,
    Step,
)
from tests.support.paths import ROOT

log = logging.getLogger(__name__)


#: How long a step of a client may take until it counts as hung, s.
HANGS = 40.0

#: What a step that hangs, or a program that ends, is observed as.
HUNG, CRASHED = "hung", "crashed"

#: How many devices are tried until one can be prepared.
PREPARED = 3

#: How far in the past the time stamps of a scenario are, s.
PAST = 1000.0

#: How long nothing new may come after a step, and at the end, s.
STILL, LAST = 0.3, 4.5

#: The same at the end where processes have come and gone, s.
LAST_OF_PROCESS = 14.0

#: How long what a step should bring about may take, s.
BOUND = 4.0

PLUGIN, STOCK = "plugin", "stock"


class ProgramEndedError(Exception):
    """The process of a program is no more."""


class NotPreparedError(Exception):
    """A device does not have the attributes: the database of a busy machine is slow."""


class Program:
    """A process with Taurus, with the plugin or without; answers from any thread.

    :param side: :data:`PLUGIN` or :data:`STOCK`.
    """

    def __init__(
        self, side: str, pairing: Pairing, venue: str, host: str, log: Path
    ) -> None:
        environment = {
            **os.environ,
            "TANGO_HOST": host,
            "TAURUS_TPO": "1" if side == PLUGIN else "0",
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(ROOT),
        }
        settings = dict(pairing.settings)
        if mode := pairing.plugin if side == PLUGIN else pairing.stock:
            settings["TANGO_EVENT_SUB_MODE"] = mode
        said = json.dumps({"disabled": pairing.disabled, "settings": settings})
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.differential.worker", venue, said],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
            env=environment,
            text=True,
        )
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._child.poll() is None

    def ask(self, run: str, do: str, timeout: float = HANGS, **more: Any) -> Any:
        """Return the answer to a request.

        :raises ProgramEndedError: where it has ended, or ends meanwhile.
        :raises concurrent.futures.TimeoutError: where it does not answer.
        """
        answer: Future[Any] = Future()
        with self._lock:
            self._count += 1
            self._waiting[self._count] = answer
            request = {"id": self._count, "run": run, "do": do, **more}
            try:
                self._child.stdin.write(json.dumps(request) + "\n")  # type: ignore[union-attr]
                self._child.stdin.flush()  # type: ignore[union-attr]
            except OSError as error:
                raise ProgramEndedError(str(error)) from None
        try:
            result = answer.result(timeout)
        except FutureTimeout:
            # Where it hangs is in its log then.
            self._child.send_signal(signal.SIGUSR1)
            raise
        if isinstance(result, dict) and "broken" in result:
            raise RuntimeError(result["broken"])
        return result

    def _read(self) -> None:
        for line in self._child.stdout or ():
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer["id"])
            waiting.set_result(answer["result"])
        code = self._child.wait()
        with self._lock:
            left, self._waiting = self._waiting, {}
        for waiting in left.values():
            waiting.set_exception(ProgramEndedError(f"ended with {code}"))

    def end(self) -> None:
        """End it, whatever it does."""
        self._child.kill()
        self._child.wait()


class Run:
    """One scenario with one program.

    :param devices: the names of devices that nobody has looked at.
    :param server: the process of its server, where nobody else's device is in it.
    """

    def __init__(
        self,
        scenario: Scenario,
        program: Program,
        facility: Facility,
        devices: list[str],
        server: DeviceServer | None = None,
    ) -> None:
        self._process = server
        self._stutter: Stutter | None = None
        # Tango takes its time to see that a server has gone.
        self._last = LAST if server is None else LAST_OF_PROCESS
        # A program that builds its window does not wait.
        self._shown = scenario.venue == "script"
        self._scenario = scenario
        self._program = program
        self._facility = facility
        self._devices = devices
        self._names = [spec.of_kind.name for spec in scenario.attributes]
        self._base = float(int(time.time() - PAST))
        self._listeners: dict[str, int] = {}
        self._raw: list[Any] = []

    def observe(self) -> dict[str, Any]:
        """Carry all steps out, and return what the program observed.

        :raises NotPreparedError: where the devices cannot be used.
        """
        try:
            self._prepare()
        except tango.DevFailed as error:
            raise NotPreparedError(str(error.args[0].desc)) from error
        steps: list[dict[str, Any]] = []
        observed: dict[str, Any] = {"steps": steps, "told": {}, "log": []}
        try:
            places = [spec.device for spec in self._scenario.attributes]
            self._ask(
                "begin",
                names=self._names,
                places=places,
                base=self._base,
                devices=self._devices,
            )
            for at, step in enumerate(self._scenario.steps):
                result = self._do(step)
                if step.who == CLIENT or result is not None:
                    steps.append({"at": at, "step": str(step), "result": result})
            self._settle([], self._last)
            observed["end"] = self._client(Step(CLIENT, "look"))
            observed.update(self._ask("finish"))
        except ProgramEndedError as error:
            observed["fate"] = f"{CRASHED}: {error}"
        except FutureTimeout:
            observed["fate"] = f"{HUNG} in step {len(steps)}"
        finally:
            if self._stutter is not None:
                self._stutter.end()
        return observed

    # --- the server ---

    def _prepare(self) -> None:
        for place, device in enumerate(self._devices):
            raw = tango.DeviceProxy(f"tango://{self._facility.host}/{device}")
            raw.set_timeout_millis(30000)
            self._raw.append(raw)
            specs = [one for one in self._scenario.attributes if one.device == place]
            for spec in specs:
                if spec.config:
                    self._configure(device, spec)
            request = {"attributes": list(map(_prepared, specs)), "base": self._base}
            # raw.Prepare() raises AttributeError where the device does not answer.
            raw.command_inout("Prepare", json.dumps(request))

    def _configure(self, device: str, spec: AttributeSpec) -> None:
        """Put configuration into the database, before the attribute is there."""
        # A text beside a list goes there as Latin-1.
        database = tango.Database(*self._facility.host.split(":"))
        config = {spec.of_kind.name: dict(spec.config)}
        database.put_device_attribute_property(device, config)

    def _server(self, step: Step) -> Any:
        """Carry a step of the server out; return the reason where it refuses."""
        try:
            self._drive(step)
        except tango.DevFailed as error:
            return {"refused": error.args[0].reason}
        return None

    def _drive(self, step: Step) -> None:
        raw = self._raw[self._scenario.attributes[step.on].device]
        if step.do == "configure":
            self._set_config(raw, self._names[step.on], **step.args)
        elif step.do == "dev_restart":
            tango.DeviceProxy(raw.adm_name()).DevRestart(raw.dev_name())
        elif step.do == "busy":
            raw.command_inout_asynch("Drive", self._request(step), True)
        else:
            raw.command_inout("Drive", self._request(step))

    def _request(self, step: Step) -> str:
        name = self._names[step.on]
        return json.dumps({"do": step.do, "name": name, "args": step.args})

    def _set_config(self, raw: Any, name: str, **changes: str) -> None:
        info = raw.get_attribute_config(name)
        for key, value in changes.items():
            setattr(info, key, value)
        raw.set_attribute_config(info)

    # --- their processes ---

    def _fault(self, step: Step) -> None:
        process: Any = self._process
        if step.who == DATABASE:
            process = self._facility.database
        if step.do == "restart":
            process.kill()
            process.start()
        elif step.do == "retype":
            process.kill()
            self._retype(step)
            process.start()
        elif step.do == "busy":
            self._stutter = Stutter(process)
        elif step.do != "start" or not process.running:
            getattr(process, step.do)()

    def _retype(self, step: Step) -> None:
        """Let an attribute have another type when its server is started."""
        spec = self._scenario.attributes[step.on]
        specs = [
            _prepared(one)
            for one in self._scenario.attributes
            if one.device == spec.device
        ]
        for prepared in specs:
            if prepared["name"] == spec.of_kind.name:
                prepared["kind"] = step.args["kind"]
        database = tango.Database(*self._facility.host.split(":"))
        database.put_device_property(
            self._devices[spec.device], {"Attributes": [json.dumps(specs)]}
        )

    # --- the client ---

    def _do(self, step: Step) -> Any:
        result = None
        if step.who == CLIENT:
            result = self._client(step)
        elif step.who == SERVER:
            result = self._server(step)
        else:
            self._fault(step)
        self._shown |= step.do == SHOW
        expected = self._expected(step)
        if self._shown:
            self._settle(expected, STILL, step.do.startswith("listen"))
        return result

    def _expected(self, step: Step) -> list[str]:
        """Return the listeners that a step should have told something."""
        key = f"{step.args.get('name', 'A')}{step.on}"
        if step.who == CLIENT and step.do == "listen":
            new = key not in self._listeners
            self._listeners[key] = step.on
            return [key] if new else []
        if step.who == CLIENT and step.do == "listen_all":
            new_ones = {f"A{on}": on for on in range(len(self._names))}
            self._listeners.update(new_ones)
            return list(new_ones)
        if step.who == CLIENT and step.do in ("unlisten", "drop"):
            gone = [key] if step.do == "unlisten" else self._on(step.on)
            for one in gone:
                self._listeners.pop(one, None)
        if step.do == "listen_device":
            return [str(step.args.get("name", "D"))]
        changes = step.who == SERVER and step.do in ("set", "fail", "push")
        # What comes without an event is told by the next poll.
        is_told = step.args.get("event", True) or not has_events(
            self._scenario, step.on
        )
        return self._on(step.on) if changes and is_told else []

    def _on(self, on: int) -> list[str]:
        return [key for key, at in self._listeners.items() if at == on]

    def _settle(
        self, expect: list[str], still: float, subscribing: bool = False
    ) -> None:
        args = {
            "expect": expect,
            "still": still,
            "bound": BOUND,
            "subscribing": subscribing,
        }
        self._client(Step(CLIENT, "settle", args=args))

    def _client(self, step: Step) -> Any:
        return self._ask("step", step=asdict(step))

    def _ask(self, do: str, **more: Any) -> Any:
        return self._program.ask(self._devices[0], do, **more)


def _prepared(spec: AttributeSpec) -> dict[str, Any]:
    """Return what the server must know of an attribute."""
    return {
        "name": spec.of_kind.name,
        "kind": spec.kind,
        "events": spec.events,
        "stamps": spec.stamps,
    }


class Stutter:
    """Makes a process slow: it stands still for most of the time."""

    #: For how long it stands still, and goes on, s.
    STANDS, GOES = 0.15, 0.05

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(self.GOES):
            self._process.hang()
            self._ending.wait(self.STANDS)
            self._process.resume()

    def end(self) -> None:
        """Let it be as fast as it is."""
        self._ending.set()
        self._thread.join()


class Pair:
    """The programs of a pairing, started when they are needed, and again."""

    def __init__(self, pairing: str, facility: Facility) -> None:
        self._pairing = PAIRINGS[pairing]
        self._facility = facility
        self._lock = threading.Lock()
        #: By side, and by how many servers had crashed when it was started.
        self._programs: dict[tuple[str, int], Program] = {}

    def program(self, side: str) -> Program:
        """Return the program of a side, which runs.

        Another one than before a server crashed: Tango subscribes in one thread, which
        tries to renew all subscriptions to that server then.
        """
        key = side, self._facility.crashes()
        with self._lock:
            program = self._programs.get(key)
            if program is None or not program.runs:
                program = self._programs[key] = self.new_program(side)
            return program

    def new_program(
        self, side: str, venue: str = "script", facility: Facility | None = None
    ) -> Program:
        """Return a new process."""
        facility = facility or self._facility
        log = self._facility.log / f"{side}-{self._pairing.name}.log"
        return Program(side, self._pairing, venue, facility.host, log)

    def observe(self, scenario: Scenario, side: str) -> dict[str, Any]:
        """Return what a side observes of a scenario."""
        if scenario.needs_own_processes:
            return self._observe_apart(scenario, side)
        program = self.program(side)
        for _ in range(PREPARED - 1):
            try:
                return self._run(scenario, program).observe()
            except NotPreparedError as error:
                log.warning("other devices are taken: %s", error)
        return self._run(scenario, program).observe()

    def _run(self, scenario: Scenario, program: Program) -> Run:
        """Return a run with devices that nobody has looked at."""
        devices = [self._facility.device() for _ in range(scenario.devices)]
        return Run(scenario, program, self._facility, devices)

    def _observe_apart(self, scenario: Scenario, side: str) -> dict[str, Any]:
        """Return the same, of a scenario that needs processes of its own."""
        if not any(step.who == DATABASE for step in scenario.steps):
            return self._observe_in(self._facility, scenario, side)
        with Facility(self._facility.log) as facility:
            return self._observe_in(facility, scenario, side)

    def _observe_in(
        self, facility: Facility, scenario: Scenario, side: str
    ) -> dict[str, Any]:
        server = None
        if scenario.stops_processes:
            server = facility.add_server(scenario.devices, is_stopped=True)
            devices = server.devices
        else:
            devices = [facility.device() for _ in range(scenario.devices)]
        program = self.new_program(side, scenario.venue, facility)
        try:
            return Run(scenario, program, facility, devices, server).observe()
        finally:
            program.end()
            if server is not None:
                server.kill()

    def end(self) -> None:
        """End all."""
        for program in self._programs.values():
            program.end()
