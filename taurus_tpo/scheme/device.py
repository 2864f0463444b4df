"""Taurus's device of the ``tango`` scheme; its proxy is made in another thread."""

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
    """What makes a class of Taurus devices hold up no window that is being built.

    What Taurus asks by itself waits for moments only, see
    :class:`taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy`. What a program asks for by
    name it waits for, as in stock Taurus.

    Comes before Taurus's own ``TangoDevice`` or a class that derives from it. Methods
    may be called from any thread.
    """

    # Taurus's constructor registers the device, and waits for it, before it sets these:
    # another thread may have it by then. (It cannot be registered later: constructors
    # of other classes ask for its attributes, which ask for it.)
    _deviceObj: Any = None
    _deviceStateObj: Any = None
    _deviceState: Any = TaurusDevState.Undefined

    def _createHWObject(self) -> Any:
        """Return the ``DeviceProxy``, or None while the device does not answer.

        Called by Taurus's constructor: by Taurus itself, which builds a window.
        """
        return self.factory().proxy_of(self)

    def make_proxy(self) -> Any:
        """Make the ``DeviceProxy``, and wait for it; for the plugin's own threads."""
        return pytango_compat.synchronous(super()._createHWObject())  # type: ignore[misc]

    def getDeviceProxy(self) -> Any:
        """Return the ``tango.DeviceProxy``; waits for the device, in whatever thread.

        For a server that does not answer once, as long as Tango waits. Then, and while
        it is known not to answer, returns what stands in for it
        (:class:`taurus_tpo.scheme.absent_proxy.AbsentProxy`).

        :return: None where the database does not know the device, or does not answer.
        """
        if self._deviceObj is None:
            found = self.factory().proxy_by_name(self)
            if isinstance(found, AbsentProxy):
                return found
            self._deviceObj = found
        self.factory().late_devices.expect(self)
        return self._deviceObj

    def __getattr__(self, name: str) -> Any:
        """Return what the ``DeviceProxy`` has under this name, as Taurus's own does.

        Waits for the device as :meth:`getDeviceProxy`.
        """
        # Not in the midst of Taurus's constructor, and not for what Tango never has.
        if "_deviceObj" in vars(self) and not name.startswith("_"):
            found = self.getDeviceProxy()
            if isinstance(found, AbsentProxy):
                return getattr(found, name)
        return super().__getattr__(name)  # type: ignore[misc]

    def take_alias(self, alias: str) -> None:
        """Take the alias, which the database has told later than Taurus asked for it.

        It is the device's short name, by which rows of forms go. Widgets that show it
        are built anew. Called by a thread of the pool.
        """
        self._simp_name = alias
        factory = self.factory()
        factory.tango_alias_devs[alias] = self
        factory.late_devices.add(self)

    def isValidDev(self) -> bool:
        """Return whether there is a proxy; Taurus's old word."""
        return self.getDeviceProxy() is not None

    def attribute_query(self, attr_name: str) -> Any:
        """Return Tango's ``AttributeInfoEx``; called by Taurus's attributes.

        :raises tango.DevFailed: where the device does not tell.
        """
        return self.factory().configuration_of(self, attr_name)

    @property
    def state(self) -> Any:
        """Taurus's state of the device; waits for it as :meth:`getDeviceProxy`.

        ``Undefined`` where it does not answer.
        """
        if self.factory().reach_by_name(self):
            return super().state  # type: ignore[misc]
        self._deviceState = TaurusDevState.Undefined
        return self._deviceState

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, Any]]:
        """Return what the tool tip of a widget says, as far as it is known in time."""
        if self.factory().answers_in_time(self):
            return list(super().getDisplayDescrObj(cache))  # type: ignore[misc]
        self._deviceState = TaurusDevState.Undefined
        return [
            ("name", self.getDisplayName(cache=cache)),
            ("description", str(self._description)),
            ("device state", self._deviceState.name),
        ]

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one makes the device listen to its own state.

        A later one is told the state that is known. (Taurus's own reads the device for
        that, and keeps the caller waiting.)

        :return: False if it listens already.
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
        """Tell its listeners of its state; called by that.

        Where they have gone without a word, as a widget does that Qt deletes, the
        device listens no more: its state would be polled for ever.
        """
        if self.hasListeners():
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
