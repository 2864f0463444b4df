"""Taurus's device of the ``tango`` scheme; its proxy is made in another thread."""

from __future__ import annotations

import functools
from typing import Any

from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.taurusbasetypes import TaurusDevState, TaurusEventType
from taurus.core.taurusdevice import TaurusDevice

from taurus_tpo import compat


class DeviceOfThePool:
    """What makes a class of Taurus devices keep a GUI waiting for moments only.

    Comes before Taurus's own ``TangoDevice`` or a class that derives from it. Methods
    may be called from any thread.
    """

    #: Taurus's constructor asks for the proxy before it sets this.
    _deviceObj: Any = None

    def _createHWObject(self) -> Any:
        """Return the ``DeviceProxy``, or None while the device does not answer.

        Called by Taurus's constructor, and by ``getDeviceProxy`` until there is one.
        """
        return self.factory().proxy_of(self)  # type: ignore[attr-defined]

    def make_proxy(self) -> Any:
        """Make the ``DeviceProxy``, and wait for it; for the plugin's own threads."""
        return super()._createHWObject()  # type: ignore[misc]

    def attribute_query(self, attr_name: str) -> Any:
        """Return Tango's ``AttributeInfoEx``; called by Taurus's attributes.

        :raises tango.DevFailed: where the device does not tell.
        """
        return self.factory().configuration_of(self, attr_name)  # type: ignore[attr-defined]

    @property
    def state(self) -> Any:
        """Taurus's state of the device.

        In the thread of a window ``Undefined``, unless the device answers in good time.
        """
        if self._answers_in_time():
            return super().state  # type: ignore[misc]
        self._deviceState = TaurusDevState.Undefined
        return self._deviceState

    @property
    def description(self) -> str:
        """What the device says about itself, or what it has said last, as the state."""
        if self._answers_in_time():
            return str(super().description)  # type: ignore[misc]
        return str(self._description)  # type: ignore[attr-defined]

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, Any]]:
        """Return what the tool tip of a widget says, as far as it is known in time."""
        if self._answers_in_time():
            return list(super().getDisplayDescrObj(cache))  # type: ignore[misc]
        # Without the name of Tango's state, for which the other reads the device.
        return list(TaurusDevice.getDisplayDescrObj(self, cache))

    def _answers_in_time(self) -> bool:
        return bool(self.factory().answers_in_time(self))  # type: ignore[attr-defined]

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one makes the device listen to its own state.

        A later one is told the state that is known. (Taurus's own reads the device for
        that, and keeps the caller waiting.)

        :return: False if it listens already.
        """
        listened = self.hasListeners()  # type: ignore[attr-defined]
        added = TaurusDevice.addListener(self, listener)
        if added and listened:
            value = compat.device_state_value(self)
            self.fireEvent(TaurusEventType.Change, value, (listener,))  # type: ignore[attr-defined]
        elif added:
            self.stateObj.addListener(self)  # type: ignore[attr-defined]
        return added

    def eventReceived(self, event_src: Any, event_type: Any, event_value: Any) -> None:
        """Tell its listeners of its state; called by that.

        Where they have gone without a word, as a widget does that Qt deletes, the
        device listens no more: its state would be polled for ever.
        """
        if self.hasListeners():  # type: ignore[attr-defined]
            super().eventReceived(event_src, event_type, event_value)  # type: ignore[misc]
        else:
            event_src.removeListener(self)


class TpoTangoDevice(DeviceOfThePool, TangoDevice):
    """Taurus's own Tango device. Made by the factory, never by hand."""


@functools.cache
def of_the_pool(klass: type[TangoDevice]) -> type[TangoDevice]:
    """Return what the factory makes of a device class that somebody has registered.

    It is a ``klass`` in all but this: its proxy is made by the pool's threads.
    """
    if klass is TangoDevice:
        return TpoTangoDevice
    body = {"__doc__": klass.__doc__, "__module__": klass.__module__}
    kind: Any = type(klass)
    return kind(klass.__name__, (DeviceOfThePool, klass), body)
