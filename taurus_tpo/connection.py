"""One object a Tango device; the one place where the plugin calls PyTango.

Floor 3: knows PyTango, and nothing of Taurus's objects.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Protocol

import tango

from taurus_tpo import compat
from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.submode import RETRYING, SubMode
from taurus_tpo.weak import WeakCall

#: The reason of the error where there is no ``DeviceProxy`` to call.
NO_PROXY = "TPO_NoDeviceProxy"


@dataclass(frozen=True)
class Reading:
    """What one read brought for one attribute: a value or an error.

    :param value: Tango's ``DeviceAttribute``.
    :param error: Tango's own ``DevFailed``.
    :param begun: when the call began, seconds since the epoch by our clock.
    """

    value: Any
    error: Any
    begun: float


class ProxyOwner(Protocol):
    """What a connection needs of the object that makes its proxy."""

    def getFullName(self) -> str:
        """Return the name of the device."""

    def getDeviceProxy(self) -> Any:
        """Return the ``tango.DeviceProxy``, or None where it could not be made."""


class DeviceConnection:
    """A Tango device as the plugin uses it.

    All methods may be called from any thread; those that reach the device wait for it.

    :param owner: makes the proxy and is not kept alive: Taurus's own device object, so
        that a class of somebody else's (Sardana's) can make it in its way.
    """

    def __init__(self, owner: ProxyOwner) -> None:
        self.name = owner.getFullName()
        self._owner = weakref.ref(owner)

    def __str__(self) -> str:
        return self.name

    def belongs_to(self, owner: ProxyOwner) -> bool:
        """Return whether ``owner`` makes the proxy of this connection."""
        return self._owner() is owner

    def proxy(self) -> Any:
        """Return the ``tango.DeviceProxy``.

        :raises tango.DevFailed: where it cannot be made.
        """
        owner = self._owner()
        proxy = None if owner is None else owner.getDeviceProxy()
        if proxy is None:
            description = (
                f"No DeviceProxy could be made for {self.name} (Taurus's log says why)"
            )
            tango.Except.throw_exception(NO_PROXY, description, "DeviceConnection")
        return proxy

    def configuration(self, attribute: str) -> Any:
        """Return the ``tango.AttributeInfoEx`` of ``attribute``; waits for the device.

        :raises tango.DevFailed: where the device does not tell.
        """
        return self.proxy().attribute_query(attribute)

    def read_one(self, attribute: str) -> Any:
        """Read one attribute, wait for it, and return its ``DeviceAttribute``.

        :raises tango.DevFailed: where the read fails.
        """
        return self.proxy().read_attribute(attribute)

    def read(self, attributes: Sequence[str], begun: float) -> list[Reading]:
        """Read ``attributes`` in one call, and wait for it.

        :param begun: the time of our clock, seconds since the epoch.
        :return: one reading an attribute, in their order. A call that fails as a whole
            is a failure of each.
        """
        try:
            answers = self.proxy().read_attributes(list(attributes))
        except tango.DevFailed as error:
            return [Reading(None, error, begun) for _ in attributes]
        return [_reading(answer, begun) for answer in answers]

    def subscribe(
        self, attribute: str, mode: SubMode, callback: Callable[[Any], None]
    ) -> Callable[[], None]:
        """Subscribe to the change events of ``attribute``.

        :param mode: how; the modes that try before they return wait for the device.
        :param callback: a bound method, which is not kept alive. It gets PyTango's
            events, in the thread of the caller or one of Tango's.
        :return: gives the subscription up.
        :raises tango.DevFailed: where the subscription fails and the mode raises.
        """
        return self._subscribe(attribute, tango.EventType.CHANGE_EVENT, mode, callback)

    def subscribe_configuration(
        self, attribute: str, callback: Callable[[Any], None]
    ) -> Callable[[], None]:
        """Subscribe to the configuration of ``attribute``; Tango goes on trying.

        :param callback: as for :meth:`subscribe`.
        :return: gives the subscription up.
        :raises tango.DevFailed: where there is no proxy.
        """
        return self._subscribe(
            attribute, tango.EventType.ATTR_CONF_EVENT, RETRYING, callback
        )

    def _subscribe(
        self,
        attribute: str,
        event_type: Any,
        mode: SubMode,
        callback: Callable[[Any], None],
    ) -> Callable[[], None]:
        proxy = self.proxy()
        weak = WeakCall(callback)
        number = compat.subscribe(proxy, attribute, event_type, weak, mode)
        return _Unsubscribe(proxy, number)


def _reading(answer: Any, begun: float) -> Reading:
    if answer.has_failed:
        return Reading(None, tango.DevFailed(*answer.get_err_stack()), begun)
    return Reading(answer, None, begun)


class _Unsubscribe:
    """Gives one subscription up; keeps the proxy, without which Tango would drop it."""

    def __init__(self, proxy: Any, number: int) -> None:
        self._proxy = proxy
        self._number = number

    def __call__(self) -> None:
        """Give it up; a subscription that Tango has given up already is none.

        :raises tango.DevFailed: for any other failure.
        """
        _LINGERING.keep(self._proxy)
        try:
            self._proxy.unsubscribe_event(self._number)
        except tango.DevFailed as error:
            if error.args[0].reason != "API_EventNotFound":
                raise


class _Lingering:
    """Proxies that live on for a while after a subscription was given up.

    A thread of Tango's may be about to call back when a subscription ends. PyTango
    keeps the callback for that case, in the proxy: if the proxy goes too, as it does
    with the last attribute of a device, the thread calls what is there no more (seen
    as a crash in ``safe_execute_callback_or_store_data``, cppTango 10.3.3).

    May be used from any thread.
    """

    def __init__(self, seconds: float, clock: Clock = SYSTEM) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: deque[tuple[float, Any]] = deque()

    def keep(self, proxy: Any) -> None:
        """Keep ``proxy`` for a while, and let go of those whose time has come."""
        now = self._clock.monotonic()
        self._kept.append((now + self._seconds, proxy))
        while self._kept and self._kept[0][0] < now:
            self._kept.popleft()


#: Longer than Tango tries at a subscription: 3 s a call, and it makes several.
_LINGERING = _Lingering(seconds=15.0)
