"""The device server of a facility, in each of PyTango's green modes.

``python -m taurus_tpo.sim.server INSTANCE --green-mode MODE -ORBendPoint ...`` serves
the devices that the Tango database of ``$TANGO_HOST`` lists for ``TpoSim/INSTANCE``.
A device is configured by its properties:

=========== ==========================================================================
Attributes  one JSON text per attribute, see ``AttributeSpec.to_json``
StartState  the state of the device
=========== ==========================================================================

The server does not read the facility file, so DevRestart, RestartServer and Init work
as for other servers.

Besides its attributes, a device has commands for tests:

=========================== ==========================================================
``Calls() -> JSON``         ``{"read_calls": 2, "attributes_read": 3, "batches":
                            [["volt1", "volt2"], ["volt1"]]}``: the read calls that
                            reached the code of the device. One call of
                            ``read_attributes`` counts once. The reads of Tango's own
                            polling and the read of a new subscription count too;
                            those answered from the polling cache do not. A read of
                            ``State`` counts as a read of the attributes with an
                            alarm, if any, because Tango reads them.
                            ``batches`` has the last 1000 calls.
``ResetCalls()``            resets the counters
``Truth() -> JSON``         name to value, as :mod:`taurus_tpo.sim.values` holds it
``SetValue(JSON)``          ``{"attribute": "volt1", "value": 3.5}``, optionally with
                            ``"push": false`` (no event) and ``"time"`` (epoch s)
``Configure(JSON)``         ``{"attribute": "volt1", "read_delay": 0.5, "error": 1.0,
                            "period": 0.001}``
``RemoveAttribute(text)``   removes the attribute from the device
``AddAttribute(text)``      adds it again, with the value that it held
``RunsIn() -> text``        the class of the executor that runs this command
=========================== ==========================================================

The time of a value is the time at which the device began to hold it, in reads and in
events.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import inspect
import json
import logging
import threading
import time
from collections.abc import Coroutine
from typing import Any, Callable

import tango
from tango.server import Device, attribute, command, device_property, get_worker, run

from taurus_tpo.sim.simulation import SimulatedError, Simulation
from taurus_tpo.sim.spec import GREEN_MODES, NUMERIC, AttributeSpec
from taurus_tpo.sim.values import KINDS, STATES, map_leaves

log = logging.getLogger(__name__)

SERVER = "TpoSim"
FORMATS = {
    "scalar": tango.AttrDataFormat.SCALAR,
    "spectrum": tango.AttrDataFormat.SPECTRUM,
    "image": tango.AttrDataFormat.IMAGE,
}
ACCESS = {
    "read": tango.AttrWriteType.READ,
    "read_write": tango.AttrWriteType.READ_WRITE,
}
#: The parameters that the command Configure can change.
_CONFIGURABLE = ("read_delay", "error", "error_text", "period")


def _to_tango(value: Any, type_: str) -> Any:
    """Convert a held value to PyTango's type."""
    if type_ != "state":
        return value
    return map_leaves(lambda name: tango.DevState.names[name], value)


def _from_tango(value: Any, type_: str) -> Any:
    """Convert a written value to the type in which it is held."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    # PyTango passes a scalar state as a DevState, but an array of them as numbers.
    held = (lambda state: STATES[int(state)]) if type_ == "state" else (lambda v: v)
    return map_leaves(held, plain)


def _tango_attribute(spec: AttributeSpec, device: Any) -> attribute:
    """Return the dynamic attribute described by ``spec``."""
    x, y = ([*spec.shape, 0, 0])[:2]
    given = {
        "label": spec.label,
        "unit": spec.unit,
        "doc": spec.description,
        "format": spec.display_format,
        "enum_labels": list(spec.enum_labels),
        **{key: getattr(spec, key) for key in NUMERIC},
    }
    return attribute(
        name=spec.name,
        dtype=getattr(tango, KINDS[spec.type].tango_type),
        dformat=FORMATS[spec.format],
        max_dim_x=x or 1,
        max_dim_y=y,
        access=ACCESS[spec.access],
        fget=device.read_simulated,
        fset=device.write_simulated if spec.access == "read_write" else None,
        **{key: value for key, value in given.items() if value not in (None, "", [])},
    )


class _Mover(threading.Thread):
    """Changes the values that have a period, and pushes their events; one per device.

    The device starts it when its attributes exist and ends it in ``delete_device``.
    """

    def __init__(self, device: Any) -> None:
        super().__init__(name=f"TpoSim mover of {device.get_name()}", daemon=True)
        self._device = device
        self._ending = False
        self._called = threading.Event()

    def run(self) -> None:
        # Tango requires this for pushing events from a thread not made by omniORB.
        pause: float | None = 0.0
        with tango.EnsureOmniThread():
            while not self._ending:
                self._called.wait(pause)
                self._called.clear()
                changed, pause = self._device.simulation.step_due()
                for name in changed:
                    self._push(name)

    def wake(self) -> None:
        """Compute the next due time again, after a change of a period."""
        self._called.set()

    def _push(self, name: str) -> None:
        try:
            self._device.push_simulated(name)
        except tango.DevFailed as error:
            # Another call, such as a slow read, held the device monitor for too long.
            log.warning("%s: %s not pushed: %s", self.name, name, error.args[0].desc)

    def end(self) -> None:
        """End the thread, and return when it has ended."""
        self._ending = True
        self._called.set()
        # A push needs the device monitor, which the caller may hold.
        with tango.AutoTangoAllowThreads(self._device):
            self.join()


class SimulatedDevice:
    """The methods of a simulated device, for all green modes.

    Methods that PyTango calls in the green mode are coroutines, as Asyncio requires. In
    the other modes they never suspend and run to completion in one step.
    :func:`device_class` builds a Tango device class from them.
    """

    simulation: Simulation
    mover: _Mover | None
    has_attributes: bool

    async def init_device(self: Any) -> None:
        self.get_device_properties()
        self.set_state(tango.DevState.names[self.StartState])
        self.set_status(f"The simulated device is {self.StartState}.")
        specs = [AttributeSpec.from_json(text) for text in self.Attributes]
        self.simulation = Simulation(specs, seed=self.get_name())
        self.mover = None
        # Tango creates the attributes only once, after the first init_device.
        if self.has_attributes:
            for spec in specs:
                self.hold_set_point(spec)
            self.start_mover()

    async def delete_device(self: Any) -> None:
        if self.mover is not None:
            self.mover.end()

    def initialize_dynamic_attributes(self: Any) -> None:
        for spec in self.simulation.specs:
            self.add_simulated(spec)
        self.has_attributes = True
        self.start_mover()

    def add_simulated(self: Any, spec: AttributeSpec) -> None:
        """Add the attribute described by ``spec`` to the device."""
        self.add_attribute(_tango_attribute(spec, self))
        if spec.events == "change":
            self.set_change_event(spec.name, True, False)
        self.hold_set_point(spec)

    def hold_set_point(self: Any, spec: AttributeSpec) -> None:
        """Set the set point of a writable attribute to the value of the file."""
        if spec.access == "read_write":
            written = self.get_device_attr().get_w_attr_by_name(spec.name)
            written.set_write_value(_to_tango(spec.value, spec.type))

    def start_mover(self: Any) -> None:
        """Start the thread that changes values, if any attribute has a period."""
        if self.mover is None and any(s.period for s in self.simulation.specs):
            self.mover = _Mover(self)
            self.mover.start()

    async def dev_state(self: Any) -> Any:
        # Tango's own would read each attribute with an alarm, which would be counted.
        return self.get_state()

    async def read_attr_hardware(self: Any, indices: Any) -> None:
        attributes = self.get_device_attr()
        self.simulation.count(
            [attributes.get_attr_by_ind(index).get_name() for index in indices]
        )

    async def read_simulated(self: Any, attr: Any) -> Any:
        name = attr.get_name()
        delay = self.simulation.spec(name).read_delay
        pause = self.sleep(delay) if delay else None
        if pause is not None:
            await pause
        return self.sample(name)

    async def write_simulated(self: Any, attr: Any) -> None:
        name = attr.get_name()
        type_ = self.simulation.spec(name).type
        self.simulation.set(name, _from_tango(attr.get_write_value(), type_))
        self.push_simulated(name)

    def sample(self: Any, name: str) -> tuple[Any, float, Any]:
        """Return value, time and quality; thread-safe.

        :raises tango.DevFailed: if the read is simulated to fail
        """
        try:
            value, when = self.simulation.sample(name)
        except SimulatedError as error:
            origin = f"{self.get_name()}/{name}"
            tango.Except.throw_exception("TpoSim_ReadFails", str(error), origin)
        type_ = self.simulation.spec(name).type
        return _to_tango(value, type_), when, tango.AttrQuality.ATTR_VALID

    def push_simulated(self: Any, name: str) -> None:
        """Push the result of a read, if ``events`` is ``change``; thread-safe."""
        if self.simulation.spec(name).events != "change":
            return
        try:
            data = self.sample(name)
        except tango.DevFailed as error:
            data = (error,)
        self.push_change_event(name, *data)

    async def Calls(self) -> str:
        """Return, as JSON, the read calls that reached the code of the device."""
        return self.simulation.calls()

    async def ResetCalls(self) -> None:
        """Reset the counters."""
        self.simulation.reset_calls()

    async def Truth(self) -> str:
        """Return, as JSON, the values that the device holds."""
        return json.dumps(self.simulation.truth())

    async def SetValue(self: Any, request: str) -> None:
        """Set a value, and push it."""
        options = json.loads(request)
        name = options["attribute"]
        self.simulation.set(name, options["value"], options.get("time"))
        if options.get("push", True):
            self.push_simulated(name)

    async def Configure(self: Any, request: str) -> None:
        """Change the read delay, the error rate or the period of an attribute."""
        changes = json.loads(request)
        name = changes.pop("attribute")
        if not set(changes) <= set(_CONFIGURABLE):
            raise ValueError(f"only {_CONFIGURABLE} can be changed, not {set(changes)}")
        self.simulation.configure(name, **changes)
        self.start_mover()
        if self.mover is not None:
            self.mover.wake()

    async def RemoveAttribute(self: Any, name: str) -> None:
        """Remove the attribute."""
        self.remove_attribute(self.simulation.spec(name).name)

    async def AddAttribute(self: Any, name: str) -> None:
        """Add the attribute again."""
        self.add_simulated(self.simulation.spec(name))

    async def RunsIn(self) -> str:
        """Return the class of the executor that runs this command."""
        return type(get_worker()).__name__


#: The input and output types of the commands.
_COMMANDS: dict[str, dict[str, Any]] = {
    "Calls": {"dtype_out": str},
    "ResetCalls": {},
    "Truth": {"dtype_out": str},
    "SetValue": {"dtype_in": str},
    "Configure": {"dtype_in": str},
    "RemoveAttribute": {"dtype_in": str},
    "AddAttribute": {"dtype_in": str},
    "RunsIn": {"dtype_out": str},
}


def _at_once(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Convert a coroutine that never suspends into a plain method."""

    @functools.wraps(method)
    def call(*args: Any) -> Any:
        try:
            method(*args).send(None)
        except StopIteration as end:
            return end.value
        raise RuntimeError(f"{method.__name__} suspends outside of Asyncio")

    return call


def _sleep(green_mode: str) -> Callable[[float], Any]:
    """Return the sleep function of a green mode, which lets other devices run."""
    if green_mode == "Gevent":
        import gevent

        return gevent.sleep
    return asyncio.sleep if green_mode == "Asyncio" else time.sleep


def device_class(name: str, green_mode: str) -> Any:
    """Return the Tango device class ``name`` for the devices of ``green_mode``."""
    methods = {
        key: _at_once(method)
        if inspect.iscoroutinefunction(method) and green_mode != "Asyncio"
        else method
        for key, method in vars(SimulatedDevice).items()
        if inspect.isfunction(method)
    }
    commands = {key: command(methods[key], **io) for key, io in _COMMANDS.items()}
    body = {
        "__doc__": f"A simulated {name}.",
        "green_mode": getattr(tango.GreenMode, green_mode),
        "has_attributes": False,
        "sleep": staticmethod(_sleep(green_mode)),
        "Attributes": device_property(dtype=(str,), default_value=[]),
        "StartState": device_property(dtype=str, default_value="ON"),
    }
    return type(Device)(name, (Device,), {**body, **methods, **commands})


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or the command Kill of the admin device."""
    parser = argparse.ArgumentParser(prog=SERVER, description=__doc__)
    parser.add_argument("instance")
    parser.add_argument("--green-mode", choices=GREEN_MODES, default=GREEN_MODES[0])
    options, of_tango = parser.parse_known_args(arguments)
    server = f"{SERVER}/{options.instance}"
    names = tango.Database().get_server_class_list(server)
    classes = [device_class(name, options.green_mode) for name in names]
    run(classes, args=[SERVER, options.instance, *of_tango])


if __name__ == "__main__":
    main()
