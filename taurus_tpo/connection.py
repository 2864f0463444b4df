"""One object a Tango device; the one place where the plugin calls PyTango.

Floor 3: knows PyTango, and nothing of Taurus's objects.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Protocol

import tango

from taurus_tpo import compat
from taurus_tpo.clock import SYSTEM, Clock
from taurus_tpo.errors import fresh
from taurus_tpo.janitor import Janitor
from taurus_tpo.submode import RETRYING, SubMode
from taurus_tpo.weak import WeakCall

#: The reason of the error where there is no ``DeviceProxy`` to call.
NO_PROXY = "TPO_NoDeviceProxy"

#: The reason of the error where a device has not answered yet.
NOT_YET = "TPO_NoAnswerYet"

#: A failure that took longer is one of a device that does not answer, s: a device that
#: is down refuses in some ms, Tango's timeouts are 3 s.
SILENCE = 1.0

#: For how long a configuration that came with all others of its device is good, s.
FRESH = 5.0

#: The longest time between two attempts at a device that does not answer, s.
LONGEST_RETRY = 10.0


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

    def __init__(self, owner: ProxyOwner, clock: Clock = SYSTEM) -> None:
        self.name = owner.getFullName()
        self._owner = weakref.ref(owner)
        self._clock = clock
        self._proxy: Any = None
        self._failures = 0
        self._configurations: dict[str, Any] = {}
        self._configured = float("-inf")
        #: Whether the device answers, or refuses at once: nobody waits for it. One
        #: whose owner has made the proxy already has had its chance.
        self.answers = not hasattr(owner, "make_proxy")
        #: Why it does not answer; None while that is not known.
        self.error: Any = None

    def __str__(self) -> str:
        return self.name

    @property
    def silent(self) -> bool:
        """Whether the device is known not to answer."""
        return self.error is not None and not self.answers

    @property
    def retry_delay(self) -> float:
        """How long to wait before a silent device is asked again, s: 1, 2, 4... 10."""
        return min(LONGEST_RETRY, 2.0 ** (self._failures - 1))

    def connect(self) -> None:
        """Make the proxy and ask for the configuration of all attributes; waits.

        A device that refuses at once, because its server does not run, answers as well
        as one that tells its configuration: the subscription will say what is wrong.

        :raises tango.DevFailed: where the device does not answer, or the database does
            not know it.
        """
        begun = self._clock.monotonic()
        try:
            proxy = self._make_proxy()
            infos = proxy.attribute_list_query_ex()
        except tango.DevFailed as error:
            self.error = error
            prompt = self._clock.monotonic() - begun < SILENCE
            self.answers = prompt and self._proxy is not None
            if not self.answers:
                self._failures += 1
                raise
        else:
            self._configurations = {info.name.lower(): info for info in infos}
            self._configured = self._clock.monotonic()
            self._failures = 0
            self.error = None
            self.answers = True
        self._owners_proxy()

    def _make_proxy(self) -> Any:
        if self._proxy is None:
            make = getattr(self._owner(), "make_proxy", self._owners_proxy)
            self._proxy = make()
        if self._proxy is None:
            description = (
                f"No DeviceProxy could be made for {self.name} (Taurus's log says why)"
            )
            tango.Except.throw_exception(NO_PROXY, description, "DeviceConnection")
        return self._proxy

    def _owners_proxy(self) -> Any:
        """Return the owner's proxy; an owner that had none takes ours."""
        owner = self._owner()
        return None if owner is None else owner.getDeviceProxy()

    @property
    def made_proxy(self) -> Any:
        """The ``DeviceProxy`` of a device that answers, else None; never waits."""
        return self._proxy if self.answers else None

    def proxy(self) -> Any:
        """Return the ``tango.DeviceProxy``; waits where the device has not answered.

        :raises tango.DevFailed: where it cannot be made, or the device does not answer.
        """
        if not self.answers:
            self.connect()
        return self._make_proxy()

    def configuration(self, attribute: str) -> Any:
        """Return the ``tango.AttributeInfoEx`` of ``attribute``.

        The one that came when the device answered first, if that was just now; else
        asks the device, and waits for it. A device that has not answered yet, or does
        not, is not waited for.

        :raises tango.DevFailed: where the device does not tell.
        """
        if not self.answers:
            if self.error is not None:
                raise fresh(self.error)
            tango.Except.throw_exception(NOT_YET, f"{self.name}: no answer yet", "")
        if self._clock.monotonic() - self._configured < FRESH:
            # Whoever asks twice wants to know what has changed.
            known = self._configurations.pop(attribute.lower(), None)
            if known is not None:
                return known
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
    ) -> Subscription:
        """Subscribe to the change events of ``attribute``.

        :param mode: how; the modes that try before they return wait for the device.
        :param callback: a bound method, which is not kept alive. It gets PyTango's
            events, in the thread of the caller or one of Tango's.
        :return: the subscription, to be ended.
        :raises tango.DevFailed: where the subscription fails and the mode raises.
        """
        return self._subscribe(attribute, tango.EventType.CHANGE_EVENT, mode, callback)

    def subscribe_configuration(
        self, attribute: str, callback: Callable[[Any], None]
    ) -> Subscription:
        """Subscribe to the configuration of ``attribute``; Tango goes on trying.

        :param callback: as for :meth:`subscribe`.
        :return: the subscription, to be ended.
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
    ) -> Subscription:
        subscription = Subscription(self.proxy(), callback, answered=mode.tries)
        subscription.begin(attribute, event_type, mode)
        return subscription


def _reading(answer: Any, begun: float) -> Reading:
    if answer.has_failed:
        return Reading(None, tango.DevFailed(*answer.get_err_stack()), begun)
    return Reading(answer, None, begun)


class Subscription:
    """One subscription of Tango's, which can be ended at any time, from any thread.

    Tango 10.3 crashes when a subscription is given up while the thread that carries it
    out is at it (seen in ``safe_execute_callback_or_store_data``). So it is given up
    only when Tango has answered, a moment later, and its proxy, in which PyTango keeps
    the callback, lives on for a while. The janitor does it: giving up waits for the
    device.
    """

    def __init__(
        self, proxy: Any, callback: Callable[[Any], None], answered: bool
    ) -> None:
        self._proxy = proxy
        self._callback = WeakCall(callback)
        self._lock = threading.Lock()
        self._answered = answered
        self._ended = False
        self._number: int | None = None
        if not answered:
            UNANSWERED.add(self)

    def begin(self, attribute: str, event_type: Any, mode: SubMode) -> None:
        """Subscribe; to be called once.

        :raises tango.DevFailed: where the subscription fails and the mode raises.
        """
        try:
            self._number = compat.subscribe(
                self._proxy, attribute, event_type, self._called, mode
            )
        except tango.DevFailed:
            self._answer()
            raise

    def end(self) -> None:
        """Give the subscription up; returns at once, and nobody is called any more."""
        with self._lock:
            due = self._answered and not self._ended
            self._ended = True
        if due:
            JANITOR.do(self._give_up)

    def _called(self, event: Any) -> None:
        was_first, ended = self._answer()
        if not ended:
            self._callback(event)
        elif was_first:
            JANITOR.do(self._give_up, SYSTEM.monotonic() + _MOMENT)

    def _answer(self) -> tuple[bool, bool]:
        """Take note that Tango has answered.

        :return: whether that is news, and whether the subscription was ended before.
        """
        with self._lock:
            was_first, ended = not self._answered, self._ended
            self._answered = True
        if was_first:
            UNANSWERED.remove(self)
        return was_first, ended

    def _give_up(self) -> None:
        _LINGERING.keep(self._proxy)
        try:
            self._proxy.unsubscribe_event(self._number)
        except tango.DevFailed as error:
            # Tango gives all up by itself when it shuts down.
            if error.args[0].reason != "API_EventNotFound":
                raise


class _Unanswered:
    """The subscriptions that Tango has not answered yet, kept alive; any thread.

    Of a proxy and its subscription each keeps the other alive, and nobody else need
    keep either: without this, Python would collect both while Tango is at it. Nor must
    Tango be cleaned up before: it waits for its thread, with Python's lock, which the
    thread needs in order to call back.
    """

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._changed = threading.Condition()

    def add(self, subscription: Subscription) -> None:
        """Keep ``subscription`` until it is answered."""
        with self._changed:
            self._subscriptions.add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Let go of ``subscription``."""
        with self._changed:
            self._subscriptions.discard(subscription)
            self._changed.notify_all()

    def wait(self, timeout: float | None) -> bool:
        """Wait until all are answered, s; return whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._subscriptions, timeout)


#: The subscriptions of this process that wait for an answer.
UNANSWERED = _Unanswered()

#: How long Tango's thread may take to return from the callback, s.
_MOMENT = 0.1

#: Gives subscriptions up.
JANITOR = Janitor()


class _Lingering:
    """Proxies that live on for a while after a subscription was given up.

    A thread of Tango's may be about to call back. PyTango keeps the callback for that
    case, in the proxy: if the proxy goes too, as it does with the last attribute of a
    device, the thread calls what is there no more.
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
