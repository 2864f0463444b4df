"""Taurus's factory of the ``tango`` scheme, with modes to choose and a first read."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.tango.tangodevice import TangoDevice
from taurus.core.tango.tangofactory import TangoFactory
from taurus.core.taurusbasetypes import TaurusElementType
from taurus.taurusstatecontroller import application

from taurus_tpo import __version__, compat, decision, ending, submode
from taurus_tpo.clock import SYSTEM
from taurus_tpo.commandline import COMMAND_LINE
from taurus_tpo.connection import JANITOR, UNANSWERED, DeviceConnection
from taurus_tpo.customsettings import CUSTOM_SETTINGS
from taurus_tpo.decision import Authority, Decision
from taurus_tpo.firstread import FirstRead
from taurus_tpo.rules import AttributeName
from taurus_tpo.scheme import connector, reader
from taurus_tpo.scheme.attribute import TpoTangoAttribute
from taurus_tpo.scheme.connector import Patience
from taurus_tpo.scheme.delivery import DELIVERY
from taurus_tpo.scheme.device import TpoTangoDevice

#: How long the end of the process waits for reads that are under way, s.
CLOSING = 0.5

#: How long the first paint of a window may wait for values that are on their way, and
#: then for widgets to be told what has come, s.
FIRST_PAINT = 0.1

#: Where a Taurus device keeps its connection, so that both live as long.
_CONNECTION = "_taurus_tpo_connection"


class TpoTangoFactory(TangoFactory):
    """The singleton factory behind ``taurus.Factory("tango")``.

    What it adds to Taurus's own: the mode of each attribute
    (:meth:`set_event_sub_mode`, :meth:`decide_event_sub_mode`) and the pool of the
    first reads (:attr:`first_read`, :meth:`readAttributeFirstTime`).

    Methods may be called from any thread.
    """

    elementTypesMap = {  # noqa: RUF012 - as Taurus has it
        **TangoFactory.elementTypesMap,
        TaurusElementType.Device: TpoTangoDevice,
        TaurusElementType.Attribute: TpoTangoAttribute,
    }

    #: The pool of the first reads: ``pending()``, ``stats()``, ``wait(timeout)``.
    first_read: FirstRead

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Make the one instance; called by Taurus's ``Singleton``."""
        super().init(*args, **kwargs)
        self._left_behind = False
        # Taurus has registered cleanUp by now: what is registered later runs earlier.
        atexit.register(self._end)
        application.application_ready_eg.subscribeEvent(
            self._before_first_paint, with_first_event=False
        )
        self._introduce()

    def reInit(self) -> None:
        """Start afresh; called by Taurus at first and after :meth:`cleanUp`."""
        super().reInit()
        self._events_disabled = None
        self._program = Authority.named("program")
        self._patience = Patience()
        workers = CUSTOM_SETTINGS.current().first_read_workers
        self.first_read = FirstRead(reader.serve, workers, log=self)
        # Threads of their own: a device that does not answer delays no read.
        self._connector = FirstRead(
            connector.serve, workers, connector.THREAD_NAME, gather=0.0, log=self
        )

    def cleanUp(self) -> None:
        """End the first reads and clean up all that Taurus has made.

        Waits for calls that are under way: Tango cannot be cleaned up before.
        """
        if not self._left_behind:
            self._finish(None)
            super().cleanUp()

    def _end(self) -> None:
        """End it at exit, without waiting for a device that hangs."""
        if not self._finish(CLOSING):
            self.info("Calls to devices that do not answer are left behind")
            self._left_behind = ending.leave_tango_behind()

    def _finish(self, timeout: float | None) -> bool:
        """End all threads of the plugin.

        :param timeout: how long to wait for them, s; None for as long as it takes.
        :return: whether they have ended.
        """
        pools = (self._connector, self.first_read)
        for pool in pools:
            pool.close()
        for attribute in list(self.tango_attrs.values()):
            attribute.cleanUp()
        # What is answered late is given up after that: the janitor is the last.
        endings = [*(pool.close for pool in pools), UNANSWERED.wait, JANITOR.wait]
        begun = SYSTEM.monotonic()

        def left() -> float | None:
            spent = SYSTEM.monotonic() - begun
            return None if timeout is None else max(0.0, timeout - spent)

        return all([wait(left()) for wait in endings])

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Make devices and attributes without waiting for those that do not answer.

        What a window does by itself, for programs without one.
        """
        self._patience.hurried = True
        try:
            yield
        finally:
            self._patience.hurried = False

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
            :class:`taurus_tpo.rules.Rule`); None for all. The pattern said last is
            asked first.
        :raises taurus_tpo.submode.UnknownModeError: for a mode that is none.
        """
        parsed = None if mode is None else submode.parse(mode)
        self._program = self._program.saying(parsed, pattern)

    def decide_event_sub_mode(
        self, full_name: str, own: Authority | None = None
    ) -> Decision:
        """Return the mode of an attribute and what decided it.

        :param full_name: Taurus's full name; the attribute need not exist.
        :param own: what the program said to this very attribute.
        """
        general = (
            self._program,
            COMMAND_LINE.authority,
            CUSTOM_SETTINGS.current().authority,
        )
        authorities = general if own is None else (own, *general)
        name = AttributeName.of(full_name)
        return decision.decide(
            name, authorities, self.events_disabled_by(), compat.default_mode()
        )

    def events_disabled_by(self) -> str | None:
        """Return who disabled the subscription to events, or None if nobody did."""
        if self._events_disabled:
            return "set_tango_event_subscription_disabled"
        if self.is_tango_event_subscription_disabled():
            return "--disable-tango-event-subscription"
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

    # --- the first read ---

    def _before_first_paint(self, *_event: Any) -> None:
        """Let the values of healthy devices be there when a window is first painted.

        Called by Taurus, in the GUI thread, when its models are set and the event loop
        is about to start: nearly all values are there by then.
        """
        end = SYSTEM.monotonic() + FIRST_PAINT
        for attribute in list(self.tango_attrs.values()):
            left = end - SYSTEM.monotonic()
            if left <= 0:
                break
            if isinstance(attribute, TpoTangoAttribute):
                attribute.await_first_value(left)
        # Not in between: what widgets do would hold up the threads that read.
        DELIVERY.work(FIRST_PAINT)

    def readAttributeFirstTime(self, attribute: Any) -> Future[Any]:
        """Register a first read; returns at once.

        :param attribute: a ``TangoAttribute``, of ours or of somebody else's class. It
            is not kept alive.
        :return: gets the ``TangoAttrValue``, after the listeners were told, or the
            failure; cancelled if the read was in vain because the attribute is gone.
        """
        connection = self.connection(attribute.getParentObj())
        return self.first_read.ask(
            connection, attribute.getSimpleName().lower(), weakref.ref(attribute)
        )

    def connection(self, device: Any) -> DeviceConnection:
        """Return the connection of a Taurus device, the same one as long as it lives.

        :param device: any Taurus device object with ``getDeviceProxy``.
        """
        connection = vars(device).get(_CONNECTION)
        if connection is None:
            made = DeviceConnection(device)
            # Of two threads, one makes it in vain.
            connection = vars(device).setdefault(_CONNECTION, made)
        return connection

    def connect(self, device: Any, delay: float = 0.0) -> Future[Any]:
        """Ask in another thread whether ``device`` answers; returns at once.

        :param delay: when, s from now, unless it is being asked already.
        :return: gets the connection, or Tango's ``DevFailed``; cancelled if the device
            is gone.
        """
        connection = self.connection(device)
        return self._connector.ask(connection, "", weakref.ref(device), delay)

    def proxy_of(self, device: Any) -> Any:
        """Return the proxy of ``device``, None if it does not answer in good time.

        Whoever builds a window waits for moments only, see
        :class:`taurus_tpo.scheme.connector.Patience`.
        """
        connection = self.connection(device)
        asking = self._connector.owns(threading.current_thread())
        if connection.made_proxy is None and not asking:
            self._patience.wait(lambda: self.connect(device), connection.silent)
        return connection.made_proxy

    def _getDeviceClass(self, **kwargs: Any) -> type[TangoDevice]:
        klass = super()._getDeviceClass(**kwargs)
        return TpoTangoDevice if klass is TangoDevice else klass

    def _getAttributeClass(self, **params: Any) -> type[TangoAttribute]:
        klass = super()._getAttributeClass(**params)
        return TpoTangoAttribute if klass is TangoAttribute else klass
