"""The power supply of a workshop: its device class, run by ``tango.test_context``."""

from __future__ import annotations

from tango import AttrWriteType, DevState
from tango.server import Device, attribute, command


class PowerSupply(Device):
    """A current that is written, and a voltage that follows it and that Tango polls."""

    def init_device(self) -> None:
        super().init_device()
        self._current = 0.0
        self.set_state(DevState.STANDBY)

    @attribute(
        dtype=float,
        unit="A",
        access=AttrWriteType.READ_WRITE,
        min_value=0.0,
        max_value=8.5,
    )
    def current(self) -> float:
        return self._current

    @current.write  # type: ignore[no-redef]
    def current(self, value: float) -> None:
        self._current = value

    @attribute(dtype=float, unit="V", polling_period=100, abs_change=0.1)
    def voltage(self) -> float:
        return 2.0 * self._current

    @command(dtype_in=float, dtype_out=str)
    def ramp(self, target: float) -> str:
        self._current = target
        return f"ramped to {target:g} A"

    @command
    def turn_on(self) -> None:
        self.set_state(DevState.ON)
