"""Taurus's factory of the ``tango`` scheme, with selectable modes and the pool."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable, Optional, cast

import tango
from taurus import getSchemeFromName
from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangofactory import TangoFactory
from taurus.core.taurusbasetypes import TaurusElementType
from taurus.core.taurusexception import DoubleRegistration, TaurusException
from taurus.taurusstatecontroller import application

from taurus_tpo import __version__
from taurus_tpo.concurrency.io_pool import GATHER, DevicePool
from taurus_tpo.concurrency.postponed_collections import PostponedCollections
from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.concurrency.shared_future import own
from taurus_tpo.concurrency.timers import Timers
from taurus_tpo.core import modes
from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.precedence import Decision, ModeInputs, ModeSource
from taurus_tpo.core.rules import AttributeName
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.settings import CHANGE_EVENT
from taurus_tpo.environment.command_line import COMMAND_LINE
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme import batch_worker
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.authority import (
    DatabaseOfDeviceClasses,
    TpoTangoAuthority,
    is_alias,
)
from taurus_tpo.scheme.database_client import DatabaseClient
from taurus_tpo.scheme.deferred_setup import DeferredSetup
from taurus_tpo.scheme.device import TpoTangoDevice, pooled_class
from taurus_tpo.scheme.device_access import DeviceAccess
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER
from taurus_tpo.scheme.gui_thread import application_of_this_thread
from taurus_tpo.scheme.gui_wait_policy import GuiWaitPolicy
from taurus_tpo.scheme.name_cache import (
    NAMES,
    AttributeNames,
    device_and_attribute,
    device_of,
)
from taurus_tpo.scheme.polled_report import PolledReport
from taurus_tpo.scheme.polling import Polling
from taurus_tpo.scheme.signal_wakeup import handle_signals
from taurus_tpo.tango_client import process_exit
from taurus_tpo.tango_client.client import TangoClient
from taurus_tpo.tango_client.database import UNCLAIMED_FOR
from taurus_tpo.tango_client.device import PREFETCHED, silence_of
from taurus_tpo.tango_client.inherited_connections import close_inherited
from taurus_tpo.tango_client.server_registry import ServerRegistry

#: How often a lookup is tried if other threads make and release the attribute
#: meanwhile.
TRIES = 3

#: How long the exit of the process waits for running reads, s.
CLOSING = 0.5

#: How long it waits for running calls to devices that answer, s.
STOPPING = 0.1

#: How long a fork waits for subscriptions that Tango is making, s.
FORKING = 1.0

#: Classes whose objects Tango destroys only while no call to the device is running.
_WAIT_FOR_TANGO = (
    tango.DeviceProxy,
    tango.AttributeProxy,
    tango.Group,
    tango.Database,
)

#: How long the first paint of a window may wait for pending values, and then for their
#: dispatch to widgets, s.
FIRST_PAINT = 0.1

#: The scheme of devices that a database knows.
TANGO = "tango"

#: Waits up to a number of seconds, None: no limit; returns whether the wait succeeded.
_Wait = Callable[[Optional[float]], bool]


class TpoTangoFactory(TangoFactory):
    """The singleton factory behind ``taurus.Factory("tango")``.

    It adds to Taurus's own factory the mode of each attribute
    (:meth:`set_event_sub_mode`, :meth:`decide_event_sub_mode`) and the pool
    (:attr:`first_read`, :meth:`readAttributeFirstTime`).

    Methods may be called from any thread.
    """

    elementTypesMap = {  # noqa: RUF012 - as Taurus has it
        **TangoFactory.elementTypesMap,
        TaurusElementType.Authority: TpoTangoAuthority,
        TaurusElementType.Device: TpoTangoDevice,
        TaurusElementType.Attribute: TpoTangoAttribute,
    }

    #: The pool for all requests to devices: connections, first reads and polls. For
    #: first reads: ``pending()``, ``stats()``, ``wait(timeout)``.
    first_read: DevicePool

    #: How long the GUI thread waits for devices.
    wait_policy: GuiWaitPolicy

    #: Requests to databases, by the same pool.
    database_client: DatabaseClient

    #: Defers the setup of attributes while a window is being built.
    deferred_setup: DeferredSetup

    #: Logs which attributes are polled instead of subscribed.
    polled_report: PolledReport

    #: Runs actions that would block their caller: a user interface, or a prefetch.
    background_tasks: SerialExecutor

    #: Postpones full garbage collections while many attributes are made.
    postponed_collections: PostponedCollections

    #: The connections of devices, and who waits for them.
    device_access: DeviceAccess

    #: Subscriptions, servers and the threads that call Tango to subscribe.
    tango_client: TangoClient

    #: The default database; None before the first request.
    dft_db: TpoTangoAuthority | None

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Initialize the only instance; called by Taurus's ``Singleton``."""
        #: Functions that wait for other threads that call devices.
        self._other_waits: list[_Wait] = []
        super().init(*args, **kwargs)
        self._left_behind = False
        # Taurus has registered cleanUp already: later registrations run earlier.
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_child=self._restart_in_child
            )
        application.application_ready_eg.subscribeEvent(
            self._before_first_paint, with_first_event=False
        )
        # A TaurusApplication makes the factories before it handles signals. A signal
        # between that and its event loop would end a loop that does not run. And
        # signals must be handled in a window without Tango attributes, too.
        made_for = application_of_this_thread()
        if made_for is not None:
            handle_signals(made_for)
        self._introduce()

    def reInit(self) -> None:
        """Set or reset all state; called by Taurus first, and after :meth:`cleanUp`."""
        super().reInit()
        NAMES.clear()
        self._events_disabled = None
        self._program = ModeSource.named("program")
        #: Devices, in lower case, whose class is not known, since the database did not
        #: answer.
        self._class_in_doubt: set[str] = set()
        self.wait_policy = GuiWaitPolicy()
        self._begin_pool()
        servers = ServerRegistry()
        self.database_client = DatabaseClient(
            servers, self.first_read, self.wait_policy
        )
        self._attribute_names = AttributeNames(self.database_client.is_database)
        self.tango_client = TangoClient(servers, self.database_client, log=self)
        self._begin()

    def _begin_pool(self) -> None:
        self.first_read = DevicePool(
            batch_worker.serve,
            CUSTOM_SETTINGS.current().first_read_workers,
            silence_of,
            batch_worker.refuse,
            log=self,
            do_later=self._do_later,
        )

    def _do_later(self, action: Callable[[], Any]) -> None:
        self.tango_client.unsubscriber.do(action)

    def _begin(self) -> None:
        """Make the other objects that have threads, or wait for them."""
        self._registering = threading.RLock()
        self.device_access = DeviceAccess(
            self.first_read, self.wait_policy, self.tango_client, log=self
        )
        self._timers = Timers(log=self)
        after = self._timers.after
        self._polling = Polling(self.poll_soon, after)
        self.deferred_setup = DeferredSetup(
            self.first_read, self.device_access.connection, after
        )
        self.polled_report = PolledReport(self.info, after)
        self.postponed_collections = PostponedCollections(
            after, lambda: CUSTOM_SETTINGS.current().postpones_collections
        )
        self.background_tasks = SerialExecutor("taurus_tpo background", log=self)

    def _before_fork(self) -> None:
        """Wait for the subscriptions that Tango is making; called by Python.

        A thread of Tango locks the list of all subscriptions while it makes one. In a
        process that is forked at that moment, the list stays locked: the child could
        neither subscribe nor end.
        """
        _wait_for(self.tango_client.waits, FORKING)

    def _restart_in_child(self) -> None:
        """Reset in a forked child process; called there by Python.

        The child has no threads of the plugin or of Tango: its requests would wait for
        ever for those of the parent. Pending work of the parent is left to the parent.
        """
        close_inherited(self.tango_client.servers.addresses())
        # Objects of the parent must not be destroyed here: Tango's locks may be held.
        mine = (dict(vars(one)) for one in (self, EVENT_DISPATCHER))
        self.tango_client.of_the_parent.extend(mine)
        self.tango_client.restart_in_child()
        EVENT_DISPATCHER.restart_in_child()
        self._begin_pool()
        self.database_client.restart_in_child(self.first_read)
        self._begin()
        for attribute in self.attributes():
            attribute.restart_in_child()

    def cleanUp(self) -> None:
        """End the pool and clean up all that Taurus has made.

        Waits for running calls: Tango cannot be cleaned up before.
        """
        if not self._left_behind:
            self._finish(None)
            super().cleanUp()

    def _end(self) -> None:
        """Clean up at exit, without waiting for a device that hangs.

        Tango is cleaned up only if no call is running: its cleanup waits for Tango's
        threads with Python's lock held, which a thread that delivers an event needs.
        """
        if self._finish(CLOSING):
            return
        if not self._stop():
            self.info("Python ends although calls to devices have not returned")
        self._left_behind = process_exit.leave_tango_behind()
        if self._left_behind:
            self.tango_client.callbacks.stop(STOPPING)
            process_exit.never_destroy(*_WAIT_FOR_TANGO)
            process_exit.park_what_returns()

    def _stop(self) -> bool:
        """Drop all pending actions; return whether the running ones have ended.

        Ending thousands of subscriptions takes Tango seconds, even if all devices are
        healthy. The remaining ones end with the process.
        """
        left = self.background_tasks.drop() + self.tango_client.drop()
        self.debug("%d pending actions were dropped", left)
        return self._await_end(STOPPING)

    def _finish(self, timeout: float | None) -> bool:
        """End all threads of the plugin.

        :param timeout: how long to wait for them, s; None: no limit.
        :return: whether they have ended.
        """
        self._polling.close()
        self.postponed_collections.close()
        self._timers.close()
        self.polled_report.report()
        self.first_read.close()
        for attribute in list(self.tango_attrs.values()):
            attribute.cleanUp()
        return self._await_end(timeout)

    def _await_end(self, timeout: float | None) -> bool:
        """Wait until all threads of the plugin have ended; return whether they have."""
        pools = (self._timers.close, self.first_read.close, self.background_tasks.wait)
        others = (*self._other_waits, *self.tango_client.waits)
        return _wait_for((*pools, *others), timeout)

    def wait_at_end(self, wait: Callable[[float | None], bool]) -> None:
        """Have the end of the process wait for other threads that call devices.

        :param wait: drops what they have not begun, and waits for the rest up to a
            number of seconds (None: no limit); returns whether they have ended.
        """
        if wait not in self._other_waits:
            self._other_waits.append(wait)

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Make devices and attributes without waiting for devices that do not answer.

        As the GUI thread does, for programs without a window. For the thread, or the
        asyncio task, that calls it. It may be nested.
        """
        with self.wait_policy.hurry():
            yield

    def _introduce(self) -> None:
        for problem in CUSTOM_SETTINGS.problems():
            self.warning("%s", problem)
        general = self.decide_event_sub_mode("")
        self.info(
            "taurus_tpo %s is on: event subscription mode %s, decided by: %s",
            __version__,
            general.label,
            general.decided_by,
        )

    # --- modes ---

    def set_event_sub_mode(self, mode: Any, pattern: str | None = None) -> None:
        """Set the mode of attributes that get their first listener from now on.

        :param mode: a name in any case, or a ``tango.EventSubMode``; None removes the
            setting.
        :param pattern: a shell glob for the attributes (see
            :class:`taurus_tpo.core.rules.Rule`); None: all attributes. Later patterns
            take precedence.
        :raises taurus_tpo.core.modes.UnknownModeError: for an unknown mode.
        """
        parsed = None if mode is None else modes.parse(mode)
        self._program = self._program.saying(parsed, pattern)

    def decide_event_sub_mode(
        self,
        full_name: str,
        own: ModeSource | None = None,
        events: tuple[str, ...] | None = None,
    ) -> Decision:
        """Return the mode of an attribute and its mode source.

        :param full_name: Taurus's full name; the attribute need not exist.
        :param own: override of this attribute by the program.
        :param events: kinds of events that the program has assigned to the attribute;
            they take precedence over the settings. None: not assigned.
        """
        return self.mode_inputs(own, events).decide(AttributeName.of(full_name))

    def mode_inputs(
        self, own: ModeSource | None = None, events: tuple[str, ...] | None = None
    ) -> ModeInputs:
        """Return all that decides a mode, besides the name of the attribute.

        :param own: see :meth:`decide_event_sub_mode`.
        :param events: see there.
        """
        general = (
            self._program,
            COMMAND_LINE.source,
            CUSTOM_SETTINGS.current().source,
        )
        return ModeInputs(
            general if own is None else (own, *general),
            self.events_disabled_by(events),
        )

    def events_disabled_by(self, events: tuple[str, ...] | None = None) -> str | None:
        """Return what disabled the subscription to events, or None.

        :param events: kinds of events that the program has assigned to the attribute,
            see :meth:`decide_event_sub_mode`.
        """
        if self._events_disabled:
            return "set_tango_event_subscription_disabled"
        if self.is_tango_event_subscription_disabled():
            return "--disable-tango-event-subscription"
        if events is not None:
            return None if CHANGE_EVENT in events else "attribute.events_to_subscribe"
        return CUSTOM_SETTINGS.current().events_disabled_by

    def set_tango_event_subscription_disabled(self, disable_subscription: Any) -> None:
        """Disable events for attributes that get their first listener from now on.

        :param disable_subscription: True disables, False enables, whatever the command
            line says; None leaves it to the command line.
        """
        self._events_disabled = disable_subscription

    def is_tango_event_subscription_disabled(self) -> bool:
        """Return whether the program or the command line disabled events."""
        said = self._events_disabled
        return COMMAND_LINE.events_disabled if said is None else bool(said)

    def set_tango_subscribe_enabled(self, value: Any) -> None:
        """Enable events; Taurus 5.2's name for the same switch."""
        self.set_tango_event_subscription_disabled(not value)

    def is_tango_subscribe_enabled(self) -> bool:
        """Return whether events are enabled; Taurus 5.2's name."""
        return not self.is_tango_event_subscription_disabled()

    # --- existing attributes ---

    def attributes(self) -> list[TpoTangoAttribute]:
        """Return the existing attributes, except for those of other classes."""
        found = list(self.tango_attrs.values())
        return [one for one in found if isinstance(one, TpoTangoAttribute)]

    # --- the first read ---

    def _before_first_paint(self, *_event: Any) -> None:
        """Wait for the values of healthy devices before a window is first painted.

        Called by Taurus, in the GUI thread, when its models are set and the event loop
        is about to start: nearly all values have arrived by then.
        """
        end = SYSTEM.monotonic() + FIRST_PAINT
        for attribute in self.attributes():
            left = end - SYSTEM.monotonic()
            if left <= 0:
                break
            attribute.await_first_value(left)
        # Not in between: the work of widgets would block the threads that read.
        EVENT_DISPATCHER.work(FIRST_PAINT)

    def readAttributeFirstTime(self, attribute: Any) -> Future[Any]:
        """Request a first read; returns at once.

        :param attribute: a ``TangoAttribute``, of the plugin's class or another one. It
            is not kept alive.
        :return: gets the ``TangoAttrValue`` after the dispatch to the listeners, or the
            error; cancelled if the attribute no longer exists. Each caller gets a
            separate future, which it may cancel.
        """
        return self._request_read(attribute, RequestKind.READ)

    def read_soon(self, attribute: Any) -> Future[Any]:
        """Request a read that somebody waits for; otherwise as the first read.

        It does not wait for others of its device, see :meth:`readAttributeFirstTime`.
        """
        return self._request_read(attribute, RequestKind.READ_AT_ONCE)

    def _request_read(self, attribute: Any, kind: RequestKind) -> Future[Any]:
        connection = self.device_access.connection(attribute.getParentObj())
        name, target = attribute.getSimpleName().lower(), weakref.ref(attribute)
        read = self.first_read.submit(connection, name, target, kind)
        # Other callers wait for the same read, which must not be cancelled with this
        # future.
        return own(read)

    def read_in_time(self, attribute: TpoTangoAttribute) -> Future[Any]:
        """Have ``attribute`` read now, and wait as long as permitted.

        Reads as fast as those of healthy devices do not count. If the read is done, the
        attribute has the value.

        :return: gets the value, or the error; it may not be done yet.
        """
        device = attribute.getParentObj()
        connection = self.device_access.connection(device)
        name = attribute.getSimpleName().lower()
        target = weakref.ref(attribute)
        answer = self.first_read.submit(
            connection, name, target, RequestKind.READ_AT_ONCE
        )
        self.wait_policy.wait_for_value(answer, connection)
        return answer

    # --- polling ---

    def addAttributeToPolling(
        self, attribute: Any, period: float, *_how: Any, **_more: Any
    ) -> None:
        """Poll ``attribute``; called by Taurus's attributes.

        :param period: ms. The other parameters are ignored, as in Taurus.
        """
        self._polling.add(attribute, period / 1000)

    def removeAttributeFromPolling(self, attribute: Any) -> None:
        """Stop polling ``attribute``; called by Taurus's attributes."""
        if self._polling.remove(attribute):
            self._withdraw(attribute, RequestKind.POLL)

    def poll_in_time(self, attribute: Any) -> None:
        """Poll ``attribute`` in each period if its polls were put off.

        Tango does not subscribe to it, so that they are all that it has.
        """
        period = self._polling.put_off(attribute)
        if period is not None:
            self.removeAttributeFromPolling(attribute)
            self._polling.add(attribute, period)

    def poll_soon(self, attribute: Any, delay: float = GATHER) -> Future[Any] | None:
        """Have ``attribute`` polled in ``delay`` s, or when its silent server answers.

        :return: None if it has no device.
        """
        return self._read_later(
            attribute, weakref.ref(attribute), RequestKind.POLL, delay
        )

    def verify_later(self, attribute: TpoTangoAttribute, delay: float) -> None:
        """Have ``attribute`` read in ``delay`` s for the verification.

        Or when its silent server answers. Replaces a pending request.
        """
        self._withdraw(attribute, RequestKind.LOOK)
        self._read_later(attribute, weakref.ref(attribute), RequestKind.LOOK, delay)

    def cancel_verification(self, attribute: TpoTangoAttribute) -> None:
        """Withdraw the request of :meth:`verify_later`."""
        self._withdraw(attribute, RequestKind.LOOK)

    def _read_later(
        self, attribute: Any, target: Callable[[], Any], kind: RequestKind, delay: float
    ) -> Future[Any] | None:
        parent = attribute.getParentObj()
        if parent is None:
            return None
        name = attribute.getSimpleName().lower()
        connection = self.device_access.connection(parent)
        return self.first_read.submit(
            connection, name, target, kind, delay, patient=True
        )

    def _withdraw(self, attribute: Any, kind: RequestKind) -> None:
        parent = attribute.getParentObj()
        if parent is not None:
            name = attribute.getSimpleName().lower()
            connection = self.device_access.connection(parent)
            self.first_read.withdraw(connection, kind, name, attribute)

    # --- databases, devices and attributes by name ---

    def getAuthority(self, name: str | None = None) -> TpoTangoAuthority | None:
        """Return the authority of a database; makes it if needed.

        The GUI thread waits for it only as long as permitted.

        :param name: such as ``tango://host:port``; None for the default database.
        :return: None if it does not answer, except for the default one.
        :raises taurus.core.taurusexception.TaurusException: for an invalid name.
        :raises tango.DevFailed: if the default one does not answer.
        """
        if name is not None:
            try:
                return self._authority(name)
            except tango.DevFailed as error:
                NAMES.doubt()
                self.debug("%s: %s", name, error.args[0].desc)
                return None
        if self.dft_db is None:
            default = self.get_default_tango_host()
            self.dft_db = self._authority(default or TpoTangoAuthority.default_name())
        return self.dft_db

    def _authority(self, name: str) -> TpoTangoAuthority:
        groups = self.getAuthorityNameValidator().getUriGroups(name)
        if groups is None:
            raise TaurusException(f"Invalid Tango authority name {name}")
        known = self.tango_db.get(f"{groups['scheme']}:{groups['authority']}")
        if known is None:
            known = TpoTangoAuthority(groups["host"], groups["port"])
            known.reach()
            self.tango_db[known.getFullName()] = known
        return cast(TpoTangoAuthority, known)

    def getDevice(
        self, dev_name: str, create_if_needed: bool = True, **kw: Any
    ) -> TangoDevice | None:
        """Return a Taurus device; makes it if needed.

        :param dev_name: its name, or its alias. If the database does not resolve the
            alias in time, the device has the alias as its name.
        :param create_if_needed: False returns None instead of making it.
        :raises taurus.core.taurusexception.TaurusException: for an invalid name.
        """
        known = self.tango_devs.get(dev_name)
        if known is not None and not self._class_in_doubt:
            return cast(TangoDevice, known)
        names = self.getDeviceNameValidator().getNames(dev_name)
        if names is None or names[0] is None or not is_alias(names[0]):
            if names is not None and str(names[0]).lower() in self._class_in_doubt:
                self._forget_of_no_class(names[0])
            return super().getDevice(dev_name, create_if_needed, **kw)
        device = self.tango_devs.get(names[0])
        if device is not None or not create_if_needed:
            return device
        where, _, alias = names[0].rpartition("/")
        authority = self.getAuthority(where)
        klass = self._getDeviceClass(db=authority, devname=alias)
        kw.update(storeCallback=self._storeDevice, parent=authority)
        try:
            return klass(names[0], **kw)
        except DoubleRegistration:
            # The database has resolved the alias meanwhile.
            return super().getDevice(dev_name, create_if_needed)

    def _getDeviceClass(self, **kwargs: Any) -> type[TangoDevice]:
        authority = kwargs.get("db")
        if not isinstance(authority, TpoTangoAuthority):
            return pooled_class(super()._getDeviceClass(**kwargs))
        asked = kwargs["db"] = DatabaseOfDeviceClasses(authority)
        klass = super()._getDeviceClass(**kwargs)
        if asked.in_doubt is not None:
            full_name = f"{authority.getFullName()}/{asked.in_doubt}"
            self._class_in_doubt.add(full_name.lower())
        return pooled_class(klass)

    def _storeDevice(self, dev: Any) -> None:
        super()._storeDevice(dev)
        authority = dev.getParentObj()
        if isinstance(authority, TpoTangoAuthority):
            authority.request_alias(dev)

    def _forget_of_no_class(self, full_name: str) -> None:
        """Forget a device that was made before its class was known, if it differs.

        Present references keep the old object; the next lookup makes one of the right
        class.
        """
        self._class_in_doubt.discard(full_name.lower())
        where, *devname = full_name.rsplit("/", 3)
        known = self.tango_devs.get(full_name)
        klass = self._getDeviceClass(
            db=self.getAuthority(where), devname="/".join(devname)
        )
        if known is not None and klass is not type(known):
            self.tango_devs.pop(full_name)
            for name, device in list(self.tango_alias_devs.items()):
                if device is known:
                    self.tango_alias_devs.pop(name)

    def getAttribute(
        self, attr_name: str, create_if_needed: bool = True, **kwargs: Any
    ) -> TangoAttribute | None:
        """Return a Taurus attribute, the same one in all threads; makes it if needed.

        :raises taurus.core.taurusexception.TaurusException: for an invalid name.
        """
        for _ in range(TRIES):
            found = super().getAttribute(attr_name, create_if_needed, **kwargs)
            if found is not None:
                return found
            # Another thread has made it first, and has released it meanwhile.
        return None

    def getAttributeNameValidator(self) -> AttributeNames:
        """Return the validator of attribute names."""
        return self._attribute_names

    def prefetch(self, models: Iterable[str]) -> None:
        """Connect to the devices of attributes that are about to be made.

        Returns at once. Devices are connected to in parallel, and each is asked once
        for the configurations. Attributes that are made in the next 10 s use these, or
        wait for them; a later change reaches them soon after, as an event. Values are
        not read.

        :param models: names of attributes. Those of other schemes are ignored, and
            those that are not valid, or whose device is not known: an exception is
            raised when the attribute is made.
        """
        devices: dict[str, list[str]] = {}
        for name in map(str, models):
            if getSchemeFromName(name) in self.schemes:
                device, attribute = device_and_attribute(name)
                devices.setdefault(device, []).append(attribute)
        held: list[Any] = []
        for device, attributes in devices.items():
            self.background_tasks.do(partial(self._prefetch, device, attributes, held))
        # The factory itself keeps no device alive.
        self._timers.after(PREFETCHED, held.clear)

    def _prefetch(self, name: str, attributes: list[str], held: list[Any]) -> None:
        """Prefetch from one device; called by a thread that may wait for a database.

        :param held: the device is appended to it.
        """
        if self.getDeviceNameValidator().isValid(name, strict=True):
            try:
                make = partial(self.getDevice, name)
                held.append(self.device_access.prefetch(make, attributes))
            except Exception as error:  # noqa: BLE001 - raised again for the attribute
                self.debug("%s: nothing is prefetched: %r", name, error)

    def look_up_devices(self, models: Iterable[str]) -> None:
        """Ask the database for what Taurus needs to make the devices of ``models``.

        It waits for the database as long as permitted if that has not answered yet, not
        for these answers. They are kept for 30 s, until the devices are made.

        :param models: names of attributes or devices. Others are ignored, and those of
            devices whose names are known.
        """
        of_tango = (
            name for name in models if name and getSchemeFromName(name) == TANGO
        )
        devices = dict.fromkeys(map(device_of, of_tango))
        authorities: dict[str | None, TpoTangoAuthority | None] = {}
        for device in devices:
            if device not in NAMES:
                self._look_up(device, authorities)
        if authorities:
            # The factory itself keeps no authority alive but the default one.
            self._timers.after(UNCLAIMED_FOR, authorities.clear)

    def _look_up(
        self, device: str, authorities: dict[str | None, TpoTangoAuthority | None]
    ) -> None:
        """Ask the database for one device; for none if that is not the name of one.

        :param authorities: those that were found before, by their names.
        """
        parts = self.getDeviceNameValidator().getUriGroups(device)
        if parts is None or parts["scheme"] != TANGO or parts["_devslashname"] is None:
            return
        where = parts["authority"]
        if where not in authorities:
            authorities[where] = self._authority_or_none(where and f"{TANGO}:{where}")
        authority = authorities[where]
        if authority is not None:
            authority.ask_ahead(parts["_devslashname"])

    def _authority_or_none(self, name: str | None) -> TpoTangoAuthority | None:
        try:
            return self.getAuthority(name)
        except (tango.DevFailed, TaurusException) as error:
            self.debug("nothing is asked of %s: %r", name or "the database", error)
            return None

    def _storeAttribute(self, attr: Any) -> None:
        # In one step, unlike Taurus: several threads may make it at once.
        name = attr.getFullName()
        with self._registering:
            known = self.tango_attrs.get(name)
            if known is None:
                self.tango_attrs[name] = attr
        if known is not None:
            raise DoubleRegistration(f"{name} has already been registered")
        self.postponed_collections.made()

    def forget_attribute(self, attribute: TpoTangoAttribute) -> None:
        """Let the next caller get a new attribute of that name; any thread.

        One that was cleaned up and is still referenced would be returned for ever. In
        stock Taurus it is, and adding a listener to it raises.
        """
        # Without a lock, since an attribute may be destroyed while it is held: only
        # this one is removed, and none is stored in its place before.
        name = attribute.getFullName()
        if self.tango_attrs.get(name) is attribute:
            self.tango_attrs.pop(name, None)

    def _getAttributeClass(self, **params: Any) -> type[TangoAttribute]:
        klass = super()._getAttributeClass(**params)
        return TpoTangoAttribute if klass is TangoAttribute else klass


def _wait_for(waits: Iterable[_Wait], timeout: float | None) -> bool:
    """Wait for all ``waits``; return whether all succeeded.

    :param timeout: for all together, s; None: no limit.
    """
    begun = SYSTEM.monotonic()

    def left() -> float | None:
        spent = SYSTEM.monotonic() - begun
        return None if timeout is None else max(0.0, timeout - spent)

    return all([wait(left()) for wait in waits])
