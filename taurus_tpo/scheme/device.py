"""Taurus's device of the ``tango`` scheme; its proxy is made by the pool."""

from __future__ import annotations

import functools
from typing import Any

from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.taurusbasetypes import TaurusDevState, TaurusEventType
from taurus.core.taurusdevice import TaurusDevice

from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.absent_proxy import AbsentProxy
from taurus_tpo.tango_client import pytango_compat


class DeviceOfThePool:
    """Mixin: a Taurus device class that does not block a window that is being built.

    Requests that Taurus makes by itself wait only as long as
    :class:`taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy` permits. Requests that a
    program makes wait as in stock Taurus.

    To be placed before Taurus's ``TangoDevice`` or a subclass of it. Methods may be
    called from any thread.
    """

    # Taurus's constructor registers the device, and waits for it, before it sets these:
    # another thread may use it by then. (It cannot be registered later: constructors of
    # other classes get its attributes, which get the device.)
    _deviceObj: Any = None
    _deviceStateObj: Any = None
    _deviceState: Any = TaurusDevState.Undefined

    def _createHWObject(self) -> Any:
        """Return the ``DeviceProxy``, or None while the device does not answer.

        Called by Taurus's constructor, possibly while a window is built.
        """
        return self.factory().device_access.proxy_of(self)

    def make_proxy(self) -> Any:
        """Make the ``DeviceProxy``; waits. For the plugin's own threads."""
        return pytango_compat.synchronous(super()._createHWObject())  # type: ignore[misc]

    def getDeviceProxy(self) -> Any:
        """Return the ``tango.DeviceProxy``; waits for the device, in any thread.

        If the server does not answer, waits once, as long as Tango. Then, and while it
        is known not to answer, returns an
        :class:`taurus_tpo.scheme.absent_proxy.AbsentProxy`.

        :return: None if the database does not know the device, or does not answer.
        """
        if self._deviceObj is None:
            found = self.factory().device_access.proxy_by_name(self)
            if isinstance(found, AbsentProxy):
                return found
            self._deviceObj = found
        self.factory().device_access.late.expect(self)
        return self._deviceObj

    def __getattr__(self, name: str) -> Any:
        """Return an attribute or method of the ``DeviceProxy``, as Taurus's class does.

        Waits for the device as :meth:`getDeviceProxy`.
        """
        # Not during Taurus's constructor, and not for names that Tango never has.
        if "_deviceObj" in vars(self) and not name.startswith("_"):
            found = self.getDeviceProxy()
            if isinstance(found, AbsentProxy):
                return getattr(found, name)
        return super().__getattr__(name)  # type: ignore[misc]

    def take_alias(self, alias: str) -> None:
        """Set the alias, which arrived after Taurus had requested it.

        The alias is the device's short name, which rows of forms show; they are
        rebuilt. Called by a thread of the pool.
        """
        self._simp_name = alias
        factory = self.factory()
        factory.tango_alias_devs[alias] = self
        factory.device_access.late.add(self)

    def isValidDev(self) -> bool:
        """Return whether there is a proxy; Taurus's old name."""
        return self.getDeviceProxy() is not None

    def attribute_query(self, attr_name: str) -> Any:
        """Return Tango's ``AttributeInfoEx``; called by Taurus's attributes.

        :raises tango.DevFailed: if there is no answer, or the call fails.
        """
        return self.factory().device_access.configuration_of(self, attr_name)

    @property
    def state(self) -> Any:
        """Taurus's state of the device; waits for it as :meth:`getDeviceProxy`.

        ``Undefined`` if the device does not answer.
        """
        if self.factory().device_access.reach_by_name(self):
            return super().state  # type: ignore[misc]
        self._deviceState = TaurusDevState.Undefined
        return self._deviceState

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, Any]]:
        """Return the content of the tooltip, as far as it is known in time."""
        if self.factory().device_access.answers_in_time(self):
            return list(super().getDisplayDescrObj(cache))  # type: ignore[misc]
        self._deviceState = TaurusDevState.Undefined
        return [
            ("name", self.getDisplayName(cache=cache)),
            ("description", str(self._description)),
            ("device state", self._deviceState.name),
        ]

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one makes the device listen to its own state.

        A later one gets the cached state. (Taurus's own method reads the device and
        blocks the caller.)

        :return: False if it is a listener already.
        """
        listened = self.hasListeners()
        added = TaurusDevice.addListener(self, listener)
        if added and listened:
            value = taurus_compat.device_state_value(self)
            self.fireEvent(TaurusEventType.Change, value, (listener,))
        elif added:
            self.stateObj.addListener(self)
        return added

    def eventReceived(self, event_src: Any, event_type: Any, event_value: Any) -> None:
        """Dispatch its state to its listeners; called by the state attribute.

        If they are gone without a call to ``removeListener``, as a widget that Qt
        deletes, the device stops listening: its state would be polled for ever.
        """
        if self.hasListeners():
            super().eventReceived(event_src, event_type, event_value)  # type: ignore[misc]
        else:
            event_src.removeListener(self)


class TpoTangoDevice(DeviceOfThePool, TangoDevice):
    """Taurus's own Tango device. Made by the factory only."""


@functools.cache
def pooled_class(klass: type[TangoDevice]) -> type[TangoDevice]:
    """Return the class that the factory uses for a registered device class.

    It is a subclass of ``klass`` whose proxy is made by the pool.
    """
    if klass is TangoDevice:
        return TpoTangoDevice
    body = {"__doc__": klass.__doc__, "__module__": klass.__module__}
    kind: Any = type(klass)
    return kind(klass.__name__, (DeviceOfThePool, klass), body)
