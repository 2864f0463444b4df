"""Connection to a Tango device: its proxy, its configuration, its health."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Callable, NoReturn, Protocol

import tango

from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.configuration_cache import ConfigurationCache
from taurus_tpo.core.device_health import DeviceHealth
from taurus_tpo.core.errors import fresh, is_not_found
from taurus_tpo.core.modes import SubMode
from taurus_tpo.core.server_health import Server
from taurus_tpo.tango_client.client import TangoClient
from taurus_tpo.tango_client.database import no_answer_yet
from taurus_tpo.tango_client.device_subscriptions import DeviceSubscriptions
from taurus_tpo.tango_client.reads import Answer, Reading, read_at_once, read_beside
from taurus_tpo.tango_client.server_registry import DeviceLocation
from taurus_tpo.tango_client.subscription import Subscription
from taurus_tpo.tango_client.subscription_queue import PROMPT, SubscriptionRequest

#: Error reason: there is no ``DeviceProxy`` to call.
NO_PROXY = "TPO_NoDeviceProxy"

#: Error reason: the probe of a server was not answered. Tango would report the same
#: some seconds later.
SILENT_SERVER = "API_CantConnectToDevice"

#: How long a configuration that was read with all others of its device is valid, s.
CONFIGURATION_FRESH = 5.0

#: How long a configuration that a program has prefetched is used for a new attribute,
#: s.
PREFETCHED = 10.0


class ProxyOwner(Protocol):
    """What a connection needs of the object that makes its proxy."""

    def getFullName(self) -> str:
        """Return the name of the device."""

    def getDeviceProxy(self) -> Any:
        """Return the ``tango.DeviceProxy``, or None if it could not be made."""


class DeviceConnection(DeviceHealth):
    """A Tango device as the plugin uses it.

    All methods may be called from any thread; those that call the device, or its
    database, wait for it.

    :param owner: makes the proxy; not kept alive. It is Taurus's device object, so that
        other classes (Sardana's) can make the proxy in their own way.
    :param client: has the subscriptions and the servers.
    :param one_by_one: whether each attribute is read in a separate call.
    """

    def __init__(
        self,
        owner: ProxyOwner,
        client: TangoClient,
        clock: Clock = SYSTEM,
        one_by_one: bool = False,
    ) -> None:
        self.name = owner.getFullName()
        self._owner = weakref.ref(owner)
        self._client = client
        self.place = DeviceLocation.of(self.name)
        server, located = client.servers.first(self.place), not self.place.has_database
        # An owner that makes its proxy by itself has tried already.
        super().__init__(server, located, not hasattr(owner, "make_proxy"), clock)
        self._subscriptions = DeviceSubscriptions()
        self._proxy: Any = None
        #: The process that made it.
        self._process = os.getpid()
        self._configurations: ConfigurationCache[Any] = ConfigurationCache()
        #: When a program last prefetched its configurations, monotonic clock, s.
        self._prefetched = float("-inf")
        #: Whether the device has ever returned its configuration.
        self.configured = False
        #: The last known server of the device, for users; None until it is known.
        self.home: Server | None = server if located else None
        #: Set when the database was asked for the server, whether or not it is known.
        self.placed = threading.Event()
        if located:
            self.placed.set()
        #: Its read times, and whether the last call timed out.
        self.costs = ReadCosts(one_by_one)
        self.late = False

    def __del__(self) -> None:
        proxy = vars(self).get("_proxy")
        if proxy is not None and not sys.is_finalizing():
            self._client.destroy_later(proxy, self._process)

    def __str__(self) -> str:
        return self.name

    def restart_in_child(self) -> None:
        """Reset in a forked child process: a thread of the parent may hold a lock."""
        self._subscriptions.restart_in_child()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of its attributes when it returned all last; never waits."""
        return self._configurations.attributes

    def locate(self) -> None:
        """Ask the database for the server of the device; waits.

        :raises tango.DevFailed: if the database does not answer, or does not know it.
        """
        try:
            self.home = self.server = self._client.servers.find(self.place)
        except tango.DevFailed as error:
            self.failed(error)
            raise
        else:
            self.located = True
        finally:
            self.placed.set()

    @property
    def has_proxy(self) -> bool:
        """Whether its proxy was made, which requires the database."""
        return self._proxy is not None

    def lose(self) -> None:
        """Forget the server of the device, which has refused a call.

        It may run elsewhere the next time.
        """
        if self.place.has_database:
            self.located = False
            self.server = self._client.servers.first(self.place)

    def connect(self) -> None:
        """Make the proxy and read the configuration; waits.

        That of all attributes first, later that of the attributes in use. A device that
        refuses at once, because its server does not run, counts as answering: the
        subscription will report the error.

        :raises tango.DevFailed: if the device does not answer, or the database does not
            know it.
        """
        begun = self._clock.monotonic()
        try:
            proxy = self._make_proxy()
            publish = self._read_configurations(proxy, begun)
        except tango.DevFailed as error:
            prompt = self._clock.monotonic() - begun < PROMPT
            if not prompt or self._proxy is None:
                self.answers = False
                self.failed(error)
                raise
            self.refused(error)
        else:
            # Whoever finds a configuration finds a device that answers, too.
            self.connected()
            publish()
            self.configured = True
        self._owners_proxy()

    def _read_configurations(self, proxy: Any, begun: float) -> Callable[[], None]:
        """Read the configurations of all attributes, or of those that are in use.

        The device may have been restarted with others: a wanted attribute that it does
        not have makes it return all.

        :return: makes them known.
        :raises tango.DevFailed: if the device does not answer.
        """
        names = self._configurations.to_request() if self.configured else []
        if names:
            try:
                infos = proxy.get_attribute_config_ex(names)
            except tango.DevFailed as error:
                if not is_not_found(error):
                    raise
            else:
                return partial(self._configurations.take, _named(infos), begun)
        infos = proxy.attribute_list_query_ex()
        return partial(self._configurations.take_all, _named(infos), begun)

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
        """Return the owner's proxy; an owner without one takes ours."""
        owner = self._owner()
        return None if owner is None else owner.getDeviceProxy()

    @property
    def made_proxy(self) -> Any:
        """The ``DeviceProxy`` if the device answers, else None; never waits."""
        return self._proxy if self.answers else None

    @property
    def known_proxy(self) -> Any:
        """The ``DeviceProxy``, or None if not made; the device may not answer."""
        return self._proxy

    def proxy(self) -> Any:
        """Return the ``tango.DeviceProxy``; waits if the device has not answered.

        :raises tango.DevFailed: if it cannot be made, or the device does not answer.
        """
        if not self.answers:
            self.connect()
        return self._make_proxy()

    def fresh_configuration(
        self,
        attribute: str,
        within: float = CONFIGURATION_FRESH,
        since: float = float("-inf"),
    ) -> Any:
        """Return the ``tango.AttributeInfoEx`` of ``attribute`` from :meth:`connect`.

        None if that is too old, or does not exist. Never waits.

        :param within: how long ago the request may have been made, s.
        :param since: when the caller last learned of a change, monotonic clock, s; the
            request has to be later.
        """
        oldest = self._clock.monotonic() - within
        return self._configurations.get(attribute, max(oldest, since))

    def configuration_for_new(self, attribute: str, within: float) -> Any:
        """Return the ``tango.AttributeInfoEx`` for an attribute that is being made.

        As :meth:`fresh_configuration`; or from any request since a recent
        :meth:`prefetch`.
        """
        now = self._clock.monotonic()
        oldest = now - within
        if now - self._prefetched <= PREFETCHED:
            oldest = min(oldest, self._prefetched)
        return self._configurations.get(attribute, oldest)

    def prefetch(self, attributes: Iterable[str]) -> None:
        """Have the next request include ``attributes``, which are about to be made."""
        self._prefetched = self._clock.monotonic()
        for attribute in attributes:
            self._configurations.get(attribute, float("inf"))

    def forget_configurations(self) -> None:
        """Forget the configurations of all attributes: one has changed."""
        self._configurations.forget()

    def no_answer(self) -> NoReturn:
        """Raise the error that explains why there is no answer.

        :raises tango.DevFailed: always.
        """
        if self.error is not None:
            raise fresh(self.error)
        no_answer_yet(self.name)

    def configuration(self, attribute: str) -> Any:
        """Return the ``tango.AttributeInfoEx`` of ``attribute``; calls the device.

        Does not wait for a device that has not answered yet, or does not answer.

        :raises tango.DevFailed: if there is no answer, or the call fails.
        """
        if not self.answers or self.silent:
            self.no_answer()
        return self.requested_configuration(attribute)

    def requested_configuration(self, attribute: str) -> Any:
        """The same for a program that has requested it: waits for the device.

        :raises tango.DevFailed: if the call fails.
        """
        return self.proxy().attribute_query(attribute)

    def read_one(self, attribute: str) -> Any:
        """Read one attribute and return its ``DeviceAttribute``; waits.

        :raises tango.DevFailed: if the read fails.
        """
        return self.proxy().read_attribute(attribute)

    def read(self, attributes: Sequence[str], begun: float) -> list[Reading]:
        """Read ``attributes`` in one call; waits.

        :param begun: the time of our clock, seconds since the epoch.
        :return: one reading per attribute, in the same order.
        :raises tango.DevFailed: if the call fails as a whole.
        """
        answers = self.proxy().read_attributes(list(attributes))
        return [Reading.of(answer, begun) for answer in answers]

    def read_at_once(self, attributes: Sequence[str], begun: float) -> Iterator[Answer]:
        """Read each of ``attributes`` in a separate call, in parallel.

        :param begun: as for :meth:`read`.
        :return: the answers as they arrive, each within Tango's timeout.
        :raises tango.DevFailed: if there is no proxy.
        """
        return read_at_once(self.proxy(), attributes, begun, self._clock)

    def read_beside(
        self, attribute: str, other: str, begun: float
    ) -> tuple[Reading, float]:
        """Read ``attribute``, and ``other`` meanwhile, to test for parallel reads.

        :param begun: as for :meth:`read`.
        :return: the result of the first read, and the fraction of its time that the
            other took.
        :raises tango.DevFailed: if the first call fails as a whole.
        """
        return read_beside(self.proxy(), attribute, other, begun, self._clock)

    def subscribe(
        self,
        attribute: str,
        event_type: Any,
        mode: SubMode,
        callback: Callable[[Any], None],
        rejected: Callable[[Subscription], Any],
        refused: Callable[[Subscription, Exception], Any],
        after: Subscription | None = None,
    ) -> Subscription:
        """Subscribe to events of ``attribute``.

        :param event_type: a ``tango.EventType``.
        :param mode: in modes that raise, the call waits for the device. In the others,
            the subscription is queued, see :class:`SubscriptionQueue`.
        :param callback: a bound method, not kept alive. It gets PyTango's events, in
            the caller's thread or in one of Tango's.
        :param rejected: a bound method, called with the subscription if nothing was
            subscribed to because the device has not answered lately. The subscription
            may have been ended meanwhile.
        :param refused: a bound method, called with the subscription and the error if it
            failed at once, in a mode that does not raise.
        :param after: a subscription to end first: Tango would go on with it otherwise.
            Only in modes that do not raise.
        :return: the subscription, to be ended by the caller.
        :raises tango.DevFailed: if there is no proxy, or the subscription fails and the
            mode raises.
        """
        subscription = Subscription(
            self._client, self.proxy(), callback, answered=mode.tries
        )
        self._subscriptions.add(subscription)
        tell = WeakCallback(rejected), WeakCallback(refused)
        self._client.queue.add(
            SubscriptionRequest(self, subscription, attribute, event_type, mode, *tell),
            after,
        )
        return subscription

    @property
    def is_subscribed_to(self) -> bool:
        """Whether one of its subscriptions works."""
        return self._subscriptions.work


def _named(infos: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(info.name, info) for info in infos]


def silence_of(server: Server) -> Any:
    """Return the error for a server that does not answer, a ``DevFailed``."""
    where = "" if server.address is None else f" at {server.address}"
    description = (
        f"{server.name}{where} does not answer (it hangs, or its host is not reachable)"
    )
    try:
        tango.Except.throw_exception(SILENT_SERVER, description, "taurus_tpo")
    except tango.DevFailed as error:
        return error.with_traceback(None)
