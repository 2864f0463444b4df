"""One object a Tango device: its proxy, its configuration, its health."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NoReturn, Protocol

import tango

from taurus_tpo.core.batching import ReadCosts
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.modes import RETRYING, SubMode
from taurus_tpo.core.server_health import JUST_NOW, LATELY, Server
from taurus_tpo.tango_client.database import no_answer_yet
from taurus_tpo.tango_client.reads import Answer, Reading, read_at_once, read_beside
from taurus_tpo.tango_client.server_registry import (
    SERVER_REGISTRY,
    DeviceLocation,
    ServerRegistry,
)
from taurus_tpo.tango_client.subscriber import PROMPT, Readiness, Subscriber
from taurus_tpo.tango_client.subscription import Subscription, let_go

#: The reason of the error where there is no ``DeviceProxy`` to call.
NO_PROXY = "TPO_NoDeviceProxy"

#: The reason of the error where a server was asked whether it is there, in vain: what
#: Tango would have said some seconds later.
SILENT_SERVER = "API_CantConnectToDevice"

#: For how long a configuration that came with all others of its device is good, s.
CONFIGURATION_FRESH = 5.0

#: The longest time between two attempts at a device that does not answer, s.
LONGEST_RETRY = 10.0


class ProxyOwner(Protocol):
    """What a connection needs of the object that makes its proxy."""

    def getFullName(self) -> str:
        """Return the name of the device."""

    def getDeviceProxy(self) -> Any:
        """Return the ``tango.DeviceProxy``, or None where it could not be made."""


class DeviceConnection:
    """A Tango device as the plugin uses it.

    All methods may be called from any thread; those that reach the device, or its
    database, wait for it.

    :param owner: makes the proxy and is not kept alive: Taurus's own device object, so
        that a class of somebody else's (Sardana's) can make it in its way.
    :param readiness: says when Tango may subscribe; without, always.
    :param one_by_one: whether each attribute is to be read in a call of its own.
    """

    def __init__(
        self,
        owner: ProxyOwner,
        clock: Clock = SYSTEM,
        directory: ServerRegistry = SERVER_REGISTRY,
        readiness: Readiness | None = None,
        one_by_one: bool = False,
    ) -> None:
        self.name = owner.getFullName()
        self._owner = weakref.ref(owner)
        self._clock = clock
        self._directory = directory
        self._place = DeviceLocation.of(self.name)
        self._subscriber = Subscriber(self._place, readiness, clock)
        self._proxy: Any = None
        #: In which process it was made.
        self._process = os.getpid()
        self._failures = 0
        self._configurations: dict[str, Any] = {}
        self._attributes: tuple[str, ...] = ()
        #: When the device was asked for them, and when it has told.
        self._configuring = self._configured = float("-inf")
        self._heard = float("-inf")
        self._refused = float("-inf")
        #: Whom it takes to go on: the database until that has told the server.
        self.server: Server = directory.first(self._place)
        #: The one that the device belongs to, as far as anybody knew last: what people
        #: want to see. None before the database has told.
        self.home: Server | None = None if self._place.has_database else self.server
        #: Set once it is known which server that is, or that nobody knows it.
        self.placed = threading.Event()
        self.located = not self._place.has_database
        if self.located:
            self.placed.set()
        #: What its reads take, and whether the last one timed out.
        self.costs = ReadCosts(one_by_one)
        self.late = False
        #: Whether the device has answered, or refused at once. One whose owner has made
        #: the proxy already has had its chance.
        self.answers = not hasattr(owner, "make_proxy")
        self._error: Any = None

    def __del__(self) -> None:
        proxy = vars(self).get("_proxy")
        if proxy is not None and not sys.is_finalizing():
            let_go(proxy, self._process)

    def __str__(self) -> str:
        return self.name

    @property
    def error(self) -> Any:
        """Why it does not answer, Tango's ``DevFailed``; None where it does."""
        return self.server.error or self._error

    @property
    def silent(self) -> bool:
        """Whether the device is known not to answer, or its server, which is watched.

        A server for which nobody waits may be back without anybody knowing.
        """
        failed = self._error is not None and not self.answers
        return failed or self.server.silent_lately(self._clock.monotonic())

    @property
    def answers_lately(self) -> bool:
        """Whether the device, or one beside it, answered or refused a moment ago."""
        if not self.answers or self.server.silent:
            return False
        now = self._clock.monotonic()
        heard = now - self._heard <= LATELY
        return heard or (self.located and self.server.heard_lately(now))

    @property
    def answered_just_now(self) -> bool:
        """Whether that was so short a time ago that it need not be asked."""
        return self._clock.monotonic() - self._heard <= JUST_NOW

    @property
    def refused_lately(self) -> bool:
        """Whether it refused a moment ago to tell its configuration: it is down."""
        return self._clock.monotonic() - self._refused <= LATELY

    @property
    def is_there(self) -> bool:
        """Whether the device has answered, or at least its server or database."""
        now = self._clock.monotonic()
        return not self.silent and (self.answers or self.server.answers_lately(now))

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: another thread may have a lock."""
        self._subscriber.restart_in_child()

    def heard(self) -> None:
        """Take note that the device has answered just now, or refused."""
        self._heard = self._clock.monotonic()
        if self.located:
            self.server.heard = self._heard

    def doubt(self) -> None:
        """Take note that a call to it took so long that it has to be asked first."""
        self._heard = float("-inf")
        self.server.doubt()

    @property
    def configured(self) -> bool:
        """Whether the device has told its configuration, some time."""
        return self._configured > float("-inf")

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of its attributes, as the device told them last; never waits."""
        return self._attributes

    @property
    def retry_delay(self) -> float:
        """How long to wait before a device that failed is asked again, s."""
        return min(LONGEST_RETRY, 2.0 ** max(0, self._failures - 1))

    def locate(self) -> None:
        """Ask the database which server the device belongs to; waits.

        :raises tango.DevFailed: where the database does not tell.
        """
        try:
            self.home = self.server = self._directory.find(self._place)
        except tango.DevFailed as error:
            self._failed(error)
            raise
        else:
            self.located = True
        finally:
            self.placed.set()

    @property
    def has_proxy(self) -> bool:
        """Whether its proxy was made, for which it takes the database."""
        return self._proxy is not None

    def lose(self) -> None:
        """Forget which server the device belongs to: it has refused.

        It may be running elsewhere the next time.
        """
        if self._place.has_database:
            self.located = False
            self.server = self._directory.first(self._place)

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
            prompt = self._clock.monotonic() - begun < PROMPT
            self.answers = prompt and self._proxy is not None
            self._failed(error)
            if not self.answers:
                raise
            self.heard()
            self._refused = self._heard
        else:
            self._configurations = {info.name.lower(): info for info in infos}
            self._attributes = tuple(info.name for info in infos)
            self._configuring, self._configured = begun, self._clock.monotonic()
            self._failures = 0
            self._error = None
            self._refused = float("-inf")
            self.answers = True
            self.heard()
        self._owners_proxy()

    def _failed(self, error: Any) -> None:
        self._error = fresh(error)
        self._failures += 1

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

    @property
    def known_proxy(self) -> Any:
        """The ``DeviceProxy``, once there is one; the device may not answer."""
        return self._proxy

    def proxy(self) -> Any:
        """Return the ``tango.DeviceProxy``; waits where the device has not answered.

        :raises tango.DevFailed: where it cannot be made, or the device does not answer.
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
        """Return the ``tango.AttributeInfoEx`` that came with those of all attributes.

        None if that is some time ago, or not yet. Never waits.

        :param within: how long ago the device may have been asked, s.
        :param since: when the caller has heard of a change last; what was asked for
            before that is older. On the clock that never goes back.
        """
        age = self._clock.monotonic() - self._configuring
        if age > within or self._configuring < since:
            return None
        return self._configurations.get(attribute.lower())

    def forget_configurations(self) -> None:
        """Forget what the device has told of all its attributes: one has changed."""
        self._configurations = {}

    def no_answer(self) -> NoReturn:
        """Raise why there is no answer.

        :raises tango.DevFailed: always.
        """
        if self.error is not None:
            raise fresh(self.error)
        no_answer_yet(self.name)

    def configuration(self, attribute: str) -> Any:
        """Return the ``tango.AttributeInfoEx`` of ``attribute``; asks the device.

        A device that has not answered yet, or does not, is not waited for.

        :raises tango.DevFailed: where the device does not tell.
        """
        if not self.answers or self.silent:
            self.no_answer()
        return self.proxy().attribute_query(attribute)

    def read_one(self, attribute: str) -> Any:
        """Read one attribute, wait for it, and return its ``DeviceAttribute``.

        :raises tango.DevFailed: where the read fails.
        """
        return self.proxy().read_attribute(attribute)

    def read(self, attributes: Sequence[str], begun: float) -> list[Reading]:
        """Read ``attributes`` in one call, and wait for it.

        :param begun: the time of our clock, seconds since the epoch.
        :return: one reading an attribute, in their order.
        :raises tango.DevFailed: where the call fails as a whole.
        """
        answers = self.proxy().read_attributes(list(attributes))
        return [Reading.of(answer, begun) for answer in answers]

    def read_at_once(self, attributes: Sequence[str], begun: float) -> Iterator[Answer]:
        """Read each of ``attributes`` in a call of its own, all at once.

        :param begun: as for :meth:`read`.
        :return: the answers as they come, each within Tango's timeout.
        :raises tango.DevFailed: where there is no proxy.
        """
        return read_at_once(self.proxy(), attributes, begun, self._clock)

    def read_beside(
        self, attribute: str, other: str, begun: float
    ) -> tuple[Reading, float]:
        """Read ``attribute``, and ``other`` meanwhile, to see whether that is possible.

        :param begun: as for :meth:`read`.
        :return: what the first has brought, and which part of its time the other took.
        :raises tango.DevFailed: where the first call fails as a whole.
        """
        return read_beside(self.proxy(), attribute, other, begun, self._clock)

    def subscribe(
        self,
        attribute: str,
        mode: SubMode,
        callback: Callable[[Any], None],
        rejected: Callable[[Subscription], Any],
        refused: Callable[[Subscription, Exception], Any],
        after: Subscription | None = None,
    ) -> Subscription:
        """Subscribe to the change events of ``attribute``.

        :param mode: how; the modes that raise wait for the device. The others are
            carried out when it is their turn, see :class:`SubscriptionQueue`.
        :param callback: a bound method, which is not kept alive. It gets PyTango's
            events, in the thread of the caller or one of Tango's.
        :param rejected: another, told where nothing is subscribed to because the
            device has not answered lately. It gets the subscription, which may have
            been ended meanwhile.
        :param refused: another, told why the subscription failed at once, in a mode
            that does not raise. It gets the subscription, and the error.
        :param after: one that is given up first: Tango would go on with it where it is
            still there. In a mode that does not raise.
        :return: the subscription, to be ended.
        :raises tango.DevFailed: where the subscription fails and the mode raises.
        """
        kind = tango.EventType.CHANGE_EVENT
        return self._subscriber.subscribe(
            self, attribute, kind, mode, callback, rejected, refused, after
        )

    def subscribe_configuration(
        self,
        attribute: str,
        callback: Callable[[Any], None],
        rejected: Callable[[Subscription], Any],
        refused: Callable[[Subscription, Exception], Any],
    ) -> Subscription:
        """Subscribe to the configuration of ``attribute``; Tango goes on trying.

        :param callback: as for :meth:`subscribe`, and so are the other two.
        :return: the subscription, to be ended.
        :raises tango.DevFailed: where there is no proxy.
        """
        kind = tango.EventType.ATTR_CONF_EVENT
        return self._subscriber.subscribe(
            self, attribute, kind, RETRYING, callback, rejected, refused
        )


def silence_of(server: Server) -> Any:
    """Return the error of a server that does not answer, a ``DevFailed``."""
    where = "" if server.address is None else f" at {server.address}"
    description = (
        f"{server.name}{where} does not answer (it hangs, or its host is not reachable)"
    )
    try:
        tango.Except.throw_exception(SILENT_SERVER, description, "taurus_tpo")
    except tango.DevFailed as error:
        return error.with_traceback(None)
