"""Taurus's factory of the ``tango`` scheme, with modes to choose and a first read."""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import threading
import weakref
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, Callable, Optional, cast

import tango
from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangofactory import TangoFactory
from taurus.core.taurusbasetypes import TaurusElementType
from taurus.core.taurusexception import DoubleRegistration, TaurusException
from taurus.taurusstatecontroller import application

from taurus_tpo import __version__
from taurus_tpo.concurrency.io_pool import GATHER, DevicePool
from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.concurrency.shared_future import own
from taurus_tpo.concurrency.timers import Timers
from taurus_tpo.core import modes, precedence
from taurus_tpo.core.clock import SYSTEM
from taurus_tpo.core.precedence import Decision, ModeSource
from taurus_tpo.core.rules import AttributeName
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.settings import CHANGE_EVENT
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.command_line import COMMAND_LINE
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme import batch_worker
from taurus_tpo.scheme.absent_proxy import AbsentProxy
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.authority import (
    InGoodTime,
    TpoTangoAuthority,
    goes_by_alias,
)
from taurus_tpo.scheme.database_readiness import DatabaseReadiness
from taurus_tpo.scheme.database_requests import DatabaseRequests
from taurus_tpo.scheme.deferred_setup import DeferredSetup
from taurus_tpo.scheme.device import TpoTangoDevice, of_the_pool
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER
from taurus_tpo.scheme.gui_thread import application_of_this_thread
from taurus_tpo.scheme.gui_wait_policy import GuiWaitPolicy
from taurus_tpo.scheme.name_cache import NAMES
from taurus_tpo.scheme.pending_devices import PendingDevices
from taurus_tpo.scheme.polled_report import PolledReport
from taurus_tpo.scheme.polling import Polling
from taurus_tpo.scheme.signal_wakeup import hear_signals
from taurus_tpo.tango_client import process_exit, pytango_compat
from taurus_tpo.tango_client.device import DeviceConnection, silence_of
from taurus_tpo.tango_client.server_registry import SERVER_REGISTRY
from taurus_tpo.tango_client.subscription import (
    CALLBACKS,
    LINGERING,
    OF_THE_PARENT,
    UNANSWERED,
    UNSUBSCRIBER,
)
from taurus_tpo.tango_client.subscription_queue import SUBSCRIBER, SUBSCRIPTION_QUEUE

#: How often an attribute is looked for that other threads make and let go meanwhile.
TRIES = 3

#: How long the end of the process waits for reads that are under way, s.
CLOSING = 0.5

#: How long it waits for what is under way to devices that are well, s.
STOPPING = 0.1

#: How long a fork waits for what Tango is subscribing to, s.
FORKING = 1.0

#: What Tango destroys only when no call to the device is under way.
_WAIT_FOR_TANGO = (
    tango.DeviceProxy,
    tango.AttributeProxy,
    tango.Group,
    tango.Database,
)

#: How long the first paint of a window may wait for values that are on their way, and
#: then for widgets to be told what has come, s.
FIRST_PAINT = 0.1

#: For how long the configuration that came with those of all attributes of a device is
#: the one of an attribute that is being made, s: in a script, and while a window is
#: built. Somebody may have changed it since. (A window looks once more, later.)
JUST_TOLD = {False: 0.05, True: 0.5}

#: By what name the pool knows what a program has asked for by name.
BY_NAME = "by name"

#: Where a Taurus device keeps its connection, so that both live as long.
_CONNECTION = "_taurus_tpo_connection"

#: Waits for something for so many seconds, None for as long as it takes; says whether
#: it has come.
_Wait = Callable[[Optional[float]], bool]


class TpoTangoFactory(TangoFactory):
    """The singleton factory behind ``taurus.Factory("tango")``.

    What it adds to Taurus's own: the mode of each attribute
    (:meth:`set_event_sub_mode`, :meth:`decide_event_sub_mode`) and the pool of the
    first reads (:attr:`first_read`, :meth:`readAttributeFirstTime`).

    Methods may be called from any thread.
    """

    elementTypesMap = {  # noqa: RUF012 - as Taurus has it
        **TangoFactory.elementTypesMap,
        TaurusElementType.Authority: TpoTangoAuthority,
        TaurusElementType.Device: TpoTangoDevice,
        TaurusElementType.Attribute: TpoTangoAttribute,
    }

    #: The pool of all that the plugin asks of devices: connections, first reads and
    #: polling. Of first reads: ``pending()``, ``stats()``, ``wait(timeout)``.
    first_read: DevicePool

    #: How long whoever builds a window waits.
    wait_policy: GuiWaitPolicy

    #: What is asked of databases, by the same pool.
    database_requests: DatabaseRequests

    #: Holds back what attributes do when no window is being built.
    deferred_setup: DeferredSetup

    #: Logs which attributes are polled for want of a subscription.
    polled_report: PolledReport

    #: Does what somebody in a window wants done and cannot wait for.
    background_tasks: SerialExecutor

    #: The devices that were there later than a window asked for them.
    late_devices: PendingDevices

    #: The default database, once somebody has asked for it.
    dft_db: TpoTangoAuthority | None

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Make the one instance; called by Taurus's ``Singleton``."""
        super().init(*args, **kwargs)
        self._left_behind = False
        # Taurus has registered cleanUp by now: what is registered later runs earlier.
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_child=self._restart_in_child
            )
        application.application_ready_eg.subscribeEvent(
            self._before_first_paint, with_first_event=False
        )
        # A TaurusApplication makes the factories before it handles signals. One that
        # came between that and its event loop would end a loop that is not there; and
        # a window without an attribute of ours is to hear them, too.
        made_for = application_of_this_thread()
        if made_for is not None:
            hear_signals(made_for)
        self._introduce()

    def reInit(self) -> None:
        """Start afresh; called by Taurus at first and after :meth:`cleanUp`."""
        super().reInit()
        self._events_disabled = None
        self._program = ModeSource.named("program")
        #: The devices, in small letters, whose class the database has not told.
        self._class_in_doubt: set[str] = set()
        self.wait_policy = GuiWaitPolicy()
        self._begin()
        self._readiness = DatabaseReadiness(self.first_read, self.wait_policy)

    def _begin(self) -> None:
        """Make all that has threads, or waits for them."""
        self._registering = threading.RLock()
        workers = CUSTOM_SETTINGS.current().first_read_workers
        self.first_read = DevicePool(
            batch_worker.serve,
            workers,
            silence_of,
            batch_worker.refuse,
            log=self,
            do_later=UNSUBSCRIBER.do,
        )
        self.database_requests = DatabaseRequests(self.first_read, self.wait_policy)
        self._timers = Timers(log=self)
        after = self._timers.after
        self._polling = Polling(self.poll_soon, after)
        self.deferred_setup = DeferredSetup(self.first_read, self.connection, after)
        self.polled_report = PolledReport(self.info, after)
        self.background_tasks = SerialExecutor("taurus_tpo background", log=self)
        self.late_devices = PendingDevices(self.connect, self.connection)

    def _before_fork(self) -> None:
        """Wait until Tango has subscribed to what it was asked for; called by Python.

        A thread of Tango's locks what it knows of all subscriptions while it makes one.
        Where a process is forked at that moment, that is locked in the child for ever,
        which could subscribe to nothing, nor end.
        """
        waits = (UNANSWERED.wait, SUBSCRIBER.wait, UNSUBSCRIBER.wait)
        _wait_for(waits, FORKING)

    def _restart_in_child(self) -> None:
        """Begin anew, in a process that was forked; called there by Python.

        None of the plugin's threads is there, nor are Tango's: a request of the child
        would wait for ever for those that the parent had. What the parent was about to
        do, it does.
        """
        connections = (UNANSWERED, LINGERING, SERVER_REGISTRY)
        parts = (
            UNSUBSCRIBER,
            SUBSCRIBER,
            SUBSCRIPTION_QUEUE,
            CALLBACKS,
            *connections,
            EVENT_DISPATCHER,
        )
        # What they have of the parent's must not end here: Tango's locks may be held.
        OF_THE_PARENT.extend(dict(vars(one)) for one in (self, *parts))
        for part in parts:
            part.restart_in_child()
        self._begin()
        self._readiness.restart_in_child(self.first_read)
        for attribute in self.attributes():
            attribute.restart_in_child()

    def cleanUp(self) -> None:
        """End the first reads and clean up all that Taurus has made.

        Waits for calls that are under way: Tango cannot be cleaned up before.
        """
        if not self._left_behind:
            self._finish(None)
            super().cleanUp()

    def _end(self) -> None:
        """End it at exit, without waiting for a device that hangs.

        Tango is cleaned up where nothing is left to do: that waits for its threads,
        with Python's lock, which one needs that brings an event.
        """
        if self._finish(CLOSING):
            return
        if not self._stop():
            self.info("Calls to devices that do not answer are left behind")
        self._left_behind = process_exit.leave_tango_behind()
        if self._left_behind:
            CALLBACKS.stop(STOPPING)
            process_exit.keep_for_ever(*_WAIT_FOR_TANGO)
            process_exit.park_what_returns()

    def _stop(self) -> bool:
        """Do nothing more than what is under way; return whether that has ended.

        To give thousands of subscriptions up takes Tango seconds, where all devices are
        well. What is left of them ends with the process.
        """
        left = self.background_tasks.drop() + SUBSCRIBER.drop() + UNSUBSCRIBER.drop()
        self.debug("%d things are left undone", left)
        return self._await_end(STOPPING)

    def _finish(self, timeout: float | None) -> bool:
        """End all threads of the plugin.

        :param timeout: how long to wait for them, s; None for as long as it takes.
        :return: whether they have ended.
        """
        self._polling.close()
        self._timers.close()
        self.polled_report.report()
        self.first_read.close()
        for attribute in list(self.tango_attrs.values()):
            attribute.cleanUp()
        return self._await_end(timeout)

    def _await_end(self, timeout: float | None) -> bool:
        """Wait until all threads of the plugin have ended; return whether they have."""
        # What is answered late is given up after that: the unsubscriber is the last.
        others = (self.background_tasks.wait, UNANSWERED.wait)
        executors = (SUBSCRIBER.wait, UNSUBSCRIBER.wait)
        pools = (self._timers.close, self.first_read.close)
        return _wait_for((*pools, *others, *executors), timeout)

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Make devices and attributes without waiting for those that do not answer.

        What a window does by itself, for programs without one: for the thread, or the
        task of asyncio, that calls it. It may be nested.
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
        """Decide the mode of attributes that get their first listener from now on.

        :param mode: a name in any case, or a ``tango.EventSubMode``; None takes back
            what was said.
        :param pattern: a shell glob for the attributes it is about (see
            :class:`taurus_tpo.core.rules.Rule`); None for all. The pattern said last is
            asked first.
        :raises taurus_tpo.core.modes.UnknownModeError: for a mode that is none.
        """
        parsed = None if mode is None else modes.parse(mode)
        self._program = self._program.saying(parsed, pattern)

    def decide_event_sub_mode(
        self,
        full_name: str,
        own: ModeSource | None = None,
        events: tuple[str, ...] | None = None,
    ) -> Decision:
        """Return the mode of an attribute and what decided it.

        :param full_name: Taurus's full name; the attribute need not exist.
        :param own: what the program said to this very attribute.
        :param events: the kinds of events that the program has assigned to it; they
            outrank those of the settings. None: it has assigned none.
        """
        general = (
            self._program,
            COMMAND_LINE.source,
            CUSTOM_SETTINGS.current().source,
        )
        sources = general if own is None else (own, *general)
        name = AttributeName.of(full_name)
        return precedence.decide(
            name,
            sources,
            self.events_disabled_by(events),
            pytango_compat.default_mode(),
        )

    def events_disabled_by(self, events: tuple[str, ...] | None = None) -> str | None:
        """Return who disabled the subscription to events, or None if nobody did.

        :param events: what the program has assigned to an attribute, see
            :meth:`decide_event_sub_mode`.
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
        """Enable events; Taurus 5.2's word for the same switch."""
        self.set_tango_event_subscription_disabled(not value)

    def is_tango_subscribe_enabled(self) -> bool:
        """Return whether events are enabled; Taurus 5.2's word."""
        return not self.is_tango_event_subscription_disabled()

    # --- what there is ---

    def attributes(self) -> list[TpoTangoAttribute]:
        """Return the attributes that exist now, those of other classes left out."""
        found = list(self.tango_attrs.values())
        return [one for one in found if isinstance(one, TpoTangoAttribute)]

    # --- the first read ---

    def _before_first_paint(self, *_event: Any) -> None:
        """Let the values of healthy devices be there when a window is first painted.

        Called by Taurus, in the GUI thread, when its models are set and the event loop
        is about to start: nearly all values are there by then.
        """
        end = SYSTEM.monotonic() + FIRST_PAINT
        for attribute in self.attributes():
            left = end - SYSTEM.monotonic()
            if left <= 0:
                break
            attribute.await_first_value(left)
        # Not in between: what widgets do would hold up the threads that read.
        EVENT_DISPATCHER.work(FIRST_PAINT)

    def readAttributeFirstTime(self, attribute: Any) -> Future[Any]:
        """Register a first read; returns at once.

        :param attribute: a ``TangoAttribute``, of ours or of somebody else's class. It
            is not kept alive.
        :return: gets the ``TangoAttrValue``, after the listeners were told, or the
            failure; cancelled if the read was in vain because the attribute is gone. It
            is the caller's own, who may cancel it.
        """
        connection = self.connection(attribute.getParentObj())
        read = self.first_read.submit(
            connection, attribute.getSimpleName().lower(), weakref.ref(attribute)
        )
        # Others wait for the same read: whoever cancels this future must not end it.
        return own(read)

    def read_in_time(self, attribute: TpoTangoAttribute) -> Future[Any]:
        """Have ``attribute`` read now, and wait for that as long as a window may wait.

        What healthy devices take does not count. The attribute has the value then.

        :return: gets the value, or the failure; it may not be done yet.
        """
        device = attribute.getParentObj()
        connection = self.connection(device)
        name = attribute.getSimpleName().lower()
        target = weakref.ref(attribute)
        answer = self.first_read.submit(
            connection, name, target, RequestKind.READ_AT_ONCE
        )
        self.wait_policy.wait_for_value(answer, connection)
        return answer

    def connection(self, device: Any) -> DeviceConnection:
        """Return the connection of a Taurus device, the same one as long as it lives.

        :param device: any Taurus device object with ``getDeviceProxy``.
        """
        connection = vars(device).get(_CONNECTION)
        if connection is None:
            name = AttributeName.of_device(device.getFullName())
            patterns = CUSTOM_SETTINGS.current().read_one_by_one
            one_by_one = any(pattern.matches(name) for pattern in patterns)
            made = DeviceConnection(
                device, readiness=self._readiness, one_by_one=one_by_one
            )
            # Of two threads, one makes it in vain.
            connection = vars(device).setdefault(_CONNECTION, made)
        return connection

    def connect(
        self,
        device: Any,
        name: Hashable = "",
        delay: float = 0.0,
        patient: bool = False,
    ) -> Future[Any]:
        """Ask in another thread whether ``device`` answers; returns at once.

        :param name: of who wants to know; of all with one name, one asks.
        :param delay: when, s from now, unless it is being asked already.
        :param patient: where its server is known not to answer, wait until it does.
        :return: gets the connection, or Tango's ``DevFailed``.
        """
        connection = self.connection(device)
        return self.first_read.submit(
            connection, name, weakref.ref(device), RequestKind.CONNECT, delay, patient
        )

    def proxy_of(self, device: Any) -> Any:
        """Return the proxy of ``device``, None if it does not answer in good time.

        What Taurus asks for by itself: whoever builds a window waits for moments only,
        see :class:`taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy`.
        """
        connection = self.connection(device)
        if connection.made_proxy is None:
            self._reach(device, connection)
        return connection.made_proxy

    def proxy_by_name(self, device: Any) -> Any:
        """Return the proxy of ``device``; waits for it, in whatever thread.

        What a program asks for, see
        :meth:`taurus_tpo.scheme.gui_wait_policy.GuiWaitPolicy.wait_by_name`.

        :return: an ``AbsentProxy`` where its server does not answer; None where there
            can be no proxy: the database does not know the device, or does not answer.
        """
        connection = self.connection(device)
        self.reach_by_name(device)
        if connection.known_proxy is not None or not connection.located:
            return connection.known_proxy
        name = "/".join(connection.name.split("/")[-3:])
        find = partial(self._found_by_name, device)
        return AbsentProxy(name, device.getParentObj(), find, connection.no_answer)

    def _found_by_name(self, device: Any) -> Any:
        self.reach_by_name(device)
        return self.connection(device).known_proxy

    def reach_by_name(self, device: Any) -> bool:
        """Wait for ``device``, which a program has asked for; in whatever thread.

        :return: whether a call to it can be made; False while its server is silent.
        """
        connection = self.connection(device)
        if connection.made_proxy is None:
            self._wait_by_name(device, connection)
            self.late_devices.expect(device)
        return connection.made_proxy is not None and not connection.silent

    def _wait_by_name(self, device: Any, connection: DeviceConnection) -> None:
        if self.first_read.owns(threading.current_thread()):
            self._reach_here(connection)
        elif self.wait_policy.in_a_hurry and taurus_compat.fills_a_form():
            self._reach_if_it_runs(device, connection)
        else:
            ask = partial(self.connect, device, BY_NAME, 0.0)
            self.wait_policy.wait_by_name(ask, connection)

    def _reach_here(self, connection: DeviceConnection) -> None:
        """Connect in this thread, which is one of the pool: it would wait for itself.

        Not to a server that does not answer.
        """
        try:
            if not connection.located:
                connection.locate()
            if self.first_read.server_answers(connection.server):
                connection.proxy()
        except tango.DevFailed as error:
            self.debug("%s: %s", connection.name, error.args[0].desc)

    def _reach_if_it_runs(self, device: Any, connection: DeviceConnection) -> bool:
        """Wait for ``device`` if its server's process runs; return whether it answered.

        What a form of Taurus's asks for by itself while it is filled.
        """
        if connection.silent:
            return False
        answer = self.connect(device, BY_NAME)
        self.wait_policy.wait_if_it_runs(answer, connection)
        return answer.done()

    def configuration_of(self, device: Any, attribute: str) -> Any:
        """Return Tango's ``AttributeInfoEx`` of an attribute of ``device``.

        As long as :meth:`proxy_of` waits. Whoever builds a window asks a device that is
        down once, and not once for each attribute.

        :raises tango.DevFailed: where the device does not tell.
        """
        connection = self.connection(device)
        hurried = self.wait_policy.in_a_hurry
        known = connection.fresh_configuration(attribute, JUST_TOLD[hurried])
        is_down = connection.refused_lately and hurried
        if known is None and not is_down and self._reach(device, connection):
            known = connection.fresh_configuration(attribute)
            known = known or connection.configuration(attribute)
        if known is None and hurried:
            # What it told some time ago is better than nothing; it is looked at later.
            known = connection.fresh_configuration(attribute, math.inf)
        return known if known is not None else connection.no_answer()

    def answers_in_time(self, device: Any) -> bool:
        """Return whether a call to ``device`` can be waited for here.

        In the thread of a window only if it has answered a moment ago, for which it is
        asked, and waited for if its server's process runs.
        """
        if not self.wait_policy.in_a_hurry:
            return True
        connection = self.connection(device)
        answered = self._reach_if_it_runs(device, connection)
        return answered and connection.answers_lately

    def _reach(self, device: Any, connection: DeviceConnection) -> bool:
        """Ask ``device`` and wait as long as may be; return whether it was asked."""
        if self.first_read.owns(threading.current_thread()):
            # It is served by this very thread.
            return True
        if connection.silent and self.wait_policy.in_a_hurry:
            return False
        answer = self.connect(device)
        self.wait_policy.wait(answer, connection)
        return answer.done()

    # --- polling ---

    def addAttributeToPolling(
        self, attribute: Any, period: float, *_how: Any, **_more: Any
    ) -> None:
        """Poll ``attribute``; called by Taurus's attributes.

        :param period: ms. What Taurus accepts besides it ignores itself.
        """
        self._polling.add(attribute, period / 1000)

    def removeAttributeFromPolling(self, attribute: Any) -> None:
        """Poll ``attribute`` no more; called by Taurus's attributes."""
        if self._polling.remove(attribute):
            self._withdraw(attribute, RequestKind.POLL)

    def poll_soon(self, attribute: Any, delay: float = GATHER) -> Future[Any] | None:
        """Have ``attribute`` read in ``delay`` s, or when its silent server is back.

        :return: None where it has no device.
        """
        return self._read_later(
            attribute, weakref.ref(attribute), RequestKind.POLL, delay
        )

    def look_later(self, attribute: TpoTangoAttribute, delay: float) -> None:
        """Have ``attribute`` read in ``delay`` s, to compare it with what is cached.

        Or when its silent server is back. What was asked before counts no more.
        """
        self._withdraw(attribute, RequestKind.LOOK)
        self._read_later(attribute, weakref.ref(attribute), RequestKind.LOOK, delay)

    def look_no_more(self, attribute: TpoTangoAttribute) -> None:
        """Forget that ``attribute`` was to be compared with what is cached."""
        self._withdraw(attribute, RequestKind.LOOK)

    def _read_later(
        self, attribute: Any, target: Callable[[], Any], kind: RequestKind, delay: float
    ) -> Future[Any] | None:
        parent = attribute.getParentObj()
        if parent is None:
            return None
        name = attribute.getSimpleName().lower()
        connection = self.connection(parent)
        return self.first_read.submit(
            connection, name, target, kind, delay, patient=True
        )

    def _withdraw(self, attribute: Any, kind: RequestKind) -> None:
        parent = attribute.getParentObj()
        if parent is not None:
            name = attribute.getSimpleName().lower()
            connection = self.connection(parent)
            self.first_read.withdraw(connection, kind, name, attribute)

    # --- databases, and what is made of names ---

    def getAuthority(self, name: str | None = None) -> TpoTangoAuthority | None:
        """Return the object of a database; makes it where there is none yet.

        Whoever builds a window waits for it for moments only.

        :param name: as ``tango://host:port``; None for the default database.
        :return: None where it does not answer, unless that is the default one.
        :raises taurus.core.taurusexception.TaurusException: for a name that is none.
        :raises tango.DevFailed: where the default one does not answer.
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
        """Return a Taurus device; makes it where there is none yet.

        :param dev_name: its name, or its alias. Where the database does not say in time
            what that means, the device goes by its alias.
        :param create_if_needed: False returns None rather than make it.
        :raises taurus.core.taurusexception.TaurusException: for a name that is none.
        """
        names = self.getDeviceNameValidator().getNames(dev_name)
        if names is None or names[0] is None or not goes_by_alias(names[0]):
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
            # Meanwhile the database has said what it means.
            return super().getDevice(dev_name, create_if_needed)

    def _getDeviceClass(self, **kwargs: Any) -> type[TangoDevice]:
        authority = kwargs.get("db")
        if not isinstance(authority, TpoTangoAuthority):
            return of_the_pool(super()._getDeviceClass(**kwargs))
        asked = kwargs["db"] = InGoodTime(authority)
        klass = super()._getDeviceClass(**kwargs)
        if asked.in_doubt is not None:
            full_name = f"{authority.getFullName()}/{asked.in_doubt}"
            self._class_in_doubt.add(full_name.lower())
        return of_the_pool(klass)

    def _storeDevice(self, dev: Any) -> None:
        super()._storeDevice(dev)
        authority = dev.getParentObj()
        if isinstance(authority, TpoTangoAuthority):
            authority.tell_alias_later(dev)

    def _forget_of_no_class(self, full_name: str) -> None:
        """Forget a device whose class was not known when it was made, if that is now.

        Whoever has it keeps it; whoever asks next gets one of the right class.
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
        """Return a Taurus attribute, the same one in all threads; makes it if need be.

        :raises taurus.core.taurusexception.TaurusException: for a name that is none.
        """
        for _ in range(TRIES):
            found = super().getAttribute(attr_name, create_if_needed, **kwargs)
            if found is not None:
                return found
            # Another thread has made it first, and has let it go by now.
        return None

    def _storeAttribute(self, attr: Any) -> None:
        # In one step, as Taurus's own does not: several threads may make it at once.
        name = attr.getFullName()
        with self._registering:
            known = self.tango_attrs.get(name)
            if known is None:
                self.tango_attrs[name] = attr
        if known is not None:
            raise DoubleRegistration(f"{name} has already been registered")

    def _getAttributeClass(self, **params: Any) -> type[TangoAttribute]:
        klass = super()._getAttributeClass(**params)
        return TpoTangoAttribute if klass is TangoAttribute else klass


def _wait_for(waits: Iterable[_Wait], timeout: float | None) -> bool:
    """Wait for several things; return whether all have come.

    :param timeout: for all together, s; None for as long as it takes.
    """
    begun = SYSTEM.monotonic()

    def left() -> float | None:
        spent = SYSTEM.monotonic() - begun
        return None if timeout is None else max(0.0, timeout - spent)

    return all([wait(left()) for wait in waits])
