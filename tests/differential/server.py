"""The device server of the differential test: each device is what a scenario needs.

``python -m tests.differential.server INSTANCE -ORBendPoint ...``. A device has no
attributes until the command ``Prepare`` says which; that is kept in the database, so
that it has them again after a restart.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import tango
from tango.server import Device, attribute, command, device_property, run

from tests.differential.kinds import ACCESSES, KINDS, LABELS, Kind

SERVER = "Differential"
CLASS = "Differing"
FORMATS = {
    "scalar": tango.AttrDataFormat.SCALAR,
    "spectrum": tango.AttrDataFormat.SPECTRUM,
    "image": tango.AttrDataFormat.IMAGE,
}

#: How long after a write the event comes, s.
LATER = 0.06


def to_tango(kind: Kind, value: Any) -> Any:
    """Return a value of :mod:`~tests.differential.kinds` as PyTango takes it."""
    if kind.type == "DevEncoded":
        return value[0], bytes.fromhex(value[1])
    return _leaves(kind.type, value)


def _leaves(type_: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_leaves(type_, one) for one in value]
    if type_ == "DevState":
        return tango.DevState.names[value]
    if type_ in ("DevDouble", "DevFloat"):
        return float(value)
    return value


_ADDING = threading.Lock()


class _Attribute:
    """What the device holds of one attribute."""

    def __init__(self, spec: dict[str, Any], base: float) -> None:
        self.kind = KINDS[spec["kind"]]
        self.events = spec["events"]
        self.held = spec["stamps"] == "held"
        self.value = to_tango(self.kind, self.kind.values[0])
        self.stamp = base
        self.quality = tango.AttrQuality.ATTR_VALID
        self.failing = False
        #: Whether a call that reads it fails for all that it reads.
        self.fails_all = False
        #: How long a call that reads it and others waits for itself, s.
        self.waits = 0.0
        self.refusing = False
        self.delay = 0.0

    def sample(self) -> tuple[Any, ...]:
        """Return what a read or an event brings: value, time and quality."""
        if self.failing:
            tango.Except.throw_exception("Diff_ReadFails", "told to fail", "read")
        stamp = self.stamp if self.held else time.time()
        value = self.value if self.kind.type == "DevEncoded" else (self.value,)
        return (*value, stamp, self.quality)


class Differing(Device):
    """A device that a scenario drives."""

    Attributes = device_property(dtype=str, default_value="[]")
    Base = device_property(dtype=float, default_value=0.0)
    Note = device_property(dtype=str, default_value="a property")

    def init_device(self) -> None:
        super().init_device()
        if not hasattr(self, "held"):
            self.held: dict[str, _Attribute] = {}
        self.set_state(tango.DevState.ON)
        self.set_status("as prepared")
        self.set_change_event("State", True, False)

    def initialize_dynamic_attributes(self) -> None:
        self._add(json.loads(self.Attributes), self.Base)

    def _add(self, specs: list[dict[str, Any]], base: float) -> None:
        # Tango keeps what a class has in one list, without a lock.
        with _ADDING:
            self._add_one_after_the_other(specs, base)

    def _add_one_after_the_other(
        self, specs: list[dict[str, Any]], base: float
    ) -> None:
        for spec in specs:
            held = _Attribute(spec, base)
            # Of another type than its name says, once a server was changed.
            name = spec["name"]
            self.held[name] = held
            self.add_attribute(self._made(name, held.kind))
            if held.events:
                self.set_change_event(name, True, False)
            if held.kind.is_writable:
                written = self.get_device_attr().get_w_attr_by_name(name)
                if held.kind.type != "DevEncoded" and held.kind.format == "scalar":
                    written.set_write_value(held.value)

    def _made(self, name: str, kind: Kind) -> attribute:
        enum = {"enum_labels": list(LABELS)} if kind.type == "DevEnum" else {}
        memorized = {"memorized": True, "hw_memorized": True} if kind.memorized else {}
        x, y = {"scalar": (1, 0), "spectrum": (8, 0), "image": (8, 8)}[kind.format]
        return attribute(
            name=name,
            dtype=getattr(tango, kind.type),
            dformat=FORMATS[kind.format],
            max_dim_x=x,
            max_dim_y=y,
            access=getattr(tango.AttrWriteType, ACCESSES[kind.access]),
            fget=self.read_held if kind.is_readable else None,
            fset=self.write_held if kind.is_writable else None,
            **enum,
            **memorized,
        )

    def read_attr_hardware(self, attr_list: Any) -> None:
        """Fail the whole call, or keep it, where one of its attributes is told to."""
        attributes = self.get_device_attr()
        names = [attributes.get_attr_by_ind(index).get_name() for index in attr_list]
        # Tango's own State and Status are not held.
        if any(name in self.held and self.held[name].fails_all for name in names):
            tango.Except.throw_exception("Diff_HookFails", "told to fail", "hook")
        if len(names) > 1:
            waits = (self.held[name].waits for name in names if name in self.held)
            time.sleep(max(waits, default=0.0))

    def read_held(self, attr: Any) -> Any:
        held = self.held[attr.get_name()]
        if held.delay:
            time.sleep(held.delay)
        return held.sample()

    def write_held(self, attr: Any) -> None:
        name = attr.get_name()
        held = self.held[name]
        if held.refusing:
            tango.Except.throw_exception("Diff_WriteFails", "told to refuse", "write")
        value = attr.get_write_value()
        held.value = value.tolist() if hasattr(value, "tolist") else value
        held.stamp += 0.001
        # Later than the answer, as of what takes its time: the order is one.
        threading.Timer(LATER, self._push_later, (name,)).start()

    def _push_later(self, name: str) -> None:
        with tango.EnsureOmniThread():
            self.push(name)

    def push(self, name: str) -> None:
        """Send what a read would find, where the code sends events."""
        held = self.held[name]
        if not held.events:
            return
        try:
            sample = held.sample()
        except tango.DevFailed as error:
            sample = (error,)
        self.push_change_event(name, *sample)

    @command(dtype_in=str)
    def Prepare(self, request: str) -> None:
        """Have the attributes that a scenario needs, now and after a restart."""
        wanted = json.loads(request)
        base = wanted["base"]
        database = tango.Util.instance().get_database()
        properties = {"Attributes": [json.dumps(wanted["attributes"])], "Base": [base]}
        database.put_device_property(self.get_name(), properties)
        self._add(wanted["attributes"], base)

    @command(dtype_in=str)
    def Drive(self, request: str) -> None:
        """Carry a step of the server out."""
        step = json.loads(request)
        getattr(self, f"do_{step['do']}")(step.get("name", ""), **step["args"])

    def do_set(
        self,
        name: str,
        value: int,
        quality: str = "VALID",
        shift: float = 0.001,
        event: bool = True,
    ) -> None:
        held = self.held[name]
        held.value = to_tango(held.kind, held.kind.values[value])
        held.quality = getattr(tango.AttrQuality, f"ATTR_{quality}")
        held.stamp += shift
        if event:
            self.push(name)

    def do_push(self, name: str) -> None:
        self.push(name)

    def do_fail(self, name: str, failing: bool = True, event: bool = True) -> None:
        self.held[name].failing = failing
        if event:
            self.push(name)

    def do_fail_all(self, name: str, failing: bool = True) -> None:
        self.held[name].fails_all = failing

    def do_wait_in_company(self, name: str, seconds: float) -> None:
        self.held[name].waits = seconds

    def do_refuse(self, name: str, refusing: bool = True) -> None:
        self.held[name].refusing = refusing

    def do_slow(self, name: str, seconds: float) -> None:
        self.held[name].delay = seconds

    def do_busy(self, name: str, seconds: float) -> None:
        time.sleep(seconds)

    def do_state(self, name: str, value: str) -> None:
        state = tango.DevState.names[value]
        self.set_state(state)
        self.push_change_event("State", state)

    @command(dtype_in=str, dtype_out=str)
    def Echo(self, text: str) -> str:
        """Return the text."""
        return text

    @command
    def Refuse(self) -> None:
        """Raise."""
        tango.Except.throw_exception("Diff_CommandFails", "told to refuse", "Refuse")


def main() -> None:
    """Serve until told to end."""
    run((Differing,), args=[SERVER, *sys.argv[1:]])


if __name__ == "__main__":
    main()
