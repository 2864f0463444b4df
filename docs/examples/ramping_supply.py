"""An asyncio device server: a power supply that takes its time.

One thread serves everything: while a field is measured or a ramp runs, it answers other
calls. A background task watches the temperature.
"""

from __future__ import annotations

import asyncio

from tango import DevState, GreenMode
from tango.server import Device, attribute, command, device_property

#: How long a measurement of the field takes, s.
MEASUREMENT = 2.0

#: How often a ramp and the background task look, s.
STEP = 0.1

#: The current that heats the supply, A.
HEATING = 50.0

#: How warm it is, may be, and becomes, degrees.
COOL, LIMIT, HOT = 20.0, 30.0, 40.0


class RampingSupply(Device):
    """Ramps its current; too much of it heats the supply."""

    green_mode = GreenMode.Asyncio

    #: How fast the current changes, A/s.
    Rate = device_property(dtype=float, default_value=40.0)

    async def init_device(self) -> None:
        await super().init_device()
        self._current = 0.0
        self._temperature = COOL
        for name in ("state", "status", "current", "temperature"):
            self.set_change_event(name, True, False)
        self._show(DevState.STANDBY, "It is ready.")
        self._watching = asyncio.ensure_future(self._watch())

    async def delete_device(self) -> None:
        self._watching.cancel()

    @attribute(dtype=float, unit="A")
    async def current(self) -> float:
        return self._current

    @attribute(dtype=float, unit="degC")
    async def temperature(self) -> float:
        return self._temperature

    @attribute(dtype=float, unit="T")
    async def field(self) -> float:
        """Measure the field, which takes two seconds."""
        await asyncio.sleep(MEASUREMENT)
        return 0.02 * self._current

    @command(dtype_in=float, doc_in="the current, A")
    async def Ramp(self, current: float) -> None:
        """Ramp to a current; returns when it is reached."""
        self._show(DevState.MOVING, f"It ramps to {current:g} A.")
        while self._current != current:
            await asyncio.sleep(STEP)
            most = self.Rate * STEP
            self._current += max(-most, min(most, current - self._current))
            self.push_change_event("current", self._current)
        self._show(DevState.ON, f"It keeps {current:g} A.")

    async def _watch(self) -> None:
        """Watch the temperature, until the device is deleted."""
        while True:
            await asyncio.sleep(STEP)
            change = 1.0 if self._current > HEATING else -1.0
            temperature = max(COOL, min(HOT, self._temperature + change))
            if temperature != self._temperature:
                self._temperature = temperature
                self.push_change_event("temperature", temperature)
            if temperature > LIMIT and self.get_state() == DevState.ON:
                self._show(DevState.ALARM, "It is too hot.")

    def _show(self, state: DevState, status: str) -> None:
        self.set_state(state)
        self.set_status(status)
        self.push_change_event("state", state)
        self.push_change_event("status", status)


if __name__ == "__main__":
    RampingSupply.run_server()
