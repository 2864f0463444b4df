"""The attribute of the ``tango`` scheme: the interface for Taurus and programs.

Its :class:`~taurus_tpo.scheme.attribute_engine.AttributeEngine` subscribes, caches and
dispatches to listeners; its
:class:`~taurus_tpo.scheme.attribute_configuration.AttributeConfiguration` keeps the
configuration current. Types, units, ranges, encoding and decoding are those of Taurus's
own class.
"""

from __future__ import annotations

import threading
from functools import partial
from html import escape
from typing import Any

import tango
from taurus.core.tango.tangoattribute import TangoAttribute
from taurus.core.taurusattribute import TaurusAttribute
from taurus.core.taurusbasetypes import SubscriptionState, TaurusEventType
from taurus.taurusstatecontroller import ApplicationStates, application

from taurus_tpo.core import modes
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import fresh, reason_of
from taurus_tpo.core.history import History
from taurus_tpo.core.lifecycle import CONNECTING, WORKING, Input, State
from taurus_tpo.core.precedence import Decision, ModeInputs, ModeSource
from taurus_tpo.core.renamed import renamed
from taurus_tpo.core.rules import AttributeName
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.status import Facts, tell
from taurus_tpo.core.value_cache import Known
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme import attribute_description
from taurus_tpo.scheme.attribute_configuration import AttributeConfiguration
from taurus_tpo.scheme.attribute_engine import FALLEN_BACK, AttributeEngine
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER
from taurus_tpo.scheme.gui_wait_policy import in_window_thread
from taurus_tpo.scheme.news import error_news, timed_out, value_of
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.attribute_proxies import attribute_proxy
from taurus_tpo.tango_client.device import DeviceConnection

#: Fields of Tango's configuration of an attribute.
_CONFIGURATION = frozenset(
    name for name in dir(tango.AttributeInfoEx) if not name.startswith("_")
)

#: How long a new subscription waits for the old one to end, s.
GIVING_UP = 5.0

#: How long a program that polls waits for a dispatch in another thread, s.
TELLING = 1.0

#: Taurus's subscription state for each state of the lifecycle.
_TAURUS_STATES = {
    State.IDLE: SubscriptionState.Unsubscribed,
    State.CONNECTING: SubscriptionState.PendingSubscribe,
    State.RECONNECTING: SubscriptionState.PendingSubscribe,
    State.SUBSCRIBING: SubscriptionState.Subscribing,
    State.RESUBSCRIBING: SubscriptionState.Subscribing,
    State.SUBSCRIBED: SubscriptionState.Subscribed,
    State.OPENING: SubscriptionState.Subscribed,
    State.VERIFYING: SubscriptionState.Subscribed,
    State.UNTRUSTED: SubscriptionState.Subscribed,
    State.RETRYING: SubscriptionState.PendingSubscribe,
    State.POLLED: SubscriptionState.Unsubscribed,
    State.CLOSED: SubscriptionState.Unsubscribed,
}

#: Empty override of one attribute.
_PROGRAM = ModeSource.named("program")

#: The mode while Taurus's constructor runs, which compares it with all five.
_MODE_OF_NEW = pytango_compat.tango_event_sub_mode(modes.DEFAULT)


class TpoTangoAttribute(TangoAttribute):
    """A Tango attribute with a selectable mode and a first read by the pool.

    Made by the factory only. Methods may be called from any thread. Listeners are
    called with no lock held, one event after the other, in the order of the writes to
    the cache: widgets in the GUI thread, in slices
    (:mod:`taurus_tpo.scheme.event_dispatch`); others in the thread that received the
    value (of Tango or of the pool), as in stock Taurus.
    """

    def __init__(self, name: str = "", parent: Any = None, **kwargs: Any) -> None:
        self._clock: Clock = SYSTEM
        #: Its lifecycle, subscription and cache.
        self.engine = AttributeEngine(self)
        #: Its configuration.
        self.configuration = AttributeConfiguration(self)
        #: Whether a program requested events although they are disabled.
        self.wants_events = False
        #: Whether a program has forced polling beside events.
        self.polls_beside_events = False
        #: Its device's connection; None before :meth:`connected` was called.
        self.connection: DeviceConnection | None = None
        self._said: ModeSource | None = None
        #: Value assigned by the program; None: none.
        self._events_to_subscribe: Any = None
        self._tooltip_lines = attribute_description.TooltipLines()
        #: The last decision and what it was made of.
        self._decided: tuple[ModeInputs, Decision] | None = None
        # Reading the settings replaces values that Taurus's constructor cannot use.
        CUSTOM_SETTINGS.current()
        # Taurus's constructor registers the attribute before it is complete, so that
        # another thread could get it.
        register = kwargs.pop("storeCallback", None)
        # It assigns the mode of its own settings, which is not an override.
        super().__init__(name, parent, **kwargs)
        self._said = _PROGRAM
        if not self.configuration.is_known:
            self.configuration.be_placeholder()
        if register is not None:
            register(self)

    def __getattr__(self, name: str) -> Any:
        """Return a field of Tango's configuration, as stock Taurus does.

        Waits for the device as :meth:`getAttributeInfoEx`. Stock Taurus recurses
        infinitely if its constructor has failed.
        """
        if "_pytango_attrinfoex" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no {name!r}")
        if name in _CONFIGURATION and not self.configuration.is_known:
            self.configuration.request()
        return super().__getattr__(name)

    def getAttributeProxy(self) -> Any:
        """Return the ``tango.AttributeProxy``; waits for the device.

        Unlike stock Taurus, returns the same proxy each time: destroying one can block
        the process, see
        :func:`taurus_tpo.tango_client.attribute_proxies.attribute_proxy`.

        :raises tango.DevFailed: if there is no such attribute.
        """
        return attribute_proxy(self.getFullName())

    def restart_in_child(self) -> None:
        """Replace locks in a forked child process; called by the factory."""
        self.engine.restart_in_child()
        self.configuration.restart_in_child()
        if self.connection is not None:
            self.connection.restart_in_child()

    # --- the mode ---

    @property
    def event_sub_mode(self) -> Any:
        """The mode, a ``tango.EventSubMode`` as in Taurus 5.4.

        Assigning one (or a name) overrides the mode of this attribute. It takes effect
        when the attribute next gets its first listener.

        :raises taurus_tpo.core.modes.UnknownModeError: when an unknown mode is
            assigned.
        """
        if self._said is None:
            return _MODE_OF_NEW
        mode = self.event_sub_decision.mode
        return pytango_compat.tango_event_sub_mode(mode or modes.DEFAULT)

    @event_sub_mode.setter
    def event_sub_mode(self, mode: Any) -> None:
        if self._said is not None:
            self._said = self._said.saying(modes.parse(mode))

    @property
    def events_to_subscribe(self) -> Any:
        """The kinds of events to subscribe to, as in stock Taurus.

        Without ``"CHANGE_EVENT"`` in it the attribute is polled. An assignment takes
        effect when the attribute next gets its first listener.
        """
        if self._events_to_subscribe is not None:
            return self._events_to_subscribe
        return taurus_compat.events_to_subscribe()

    @events_to_subscribe.setter
    def events_to_subscribe(self, kinds: Any) -> None:
        # Taurus's constructor assigns the value of the settings, which may change
        # later.
        if self._said is not None:
            self._events_to_subscribe = kinds

    @property
    def event_sub_decision(self) -> Decision:
        """The mode and its mode source; mode None if the attribute is polled."""
        kinds = self._events_to_subscribe
        inputs = self.factory().mode_inputs(
            self._said, None if kinds is None else tuple(kinds)
        )
        decided = self._decided
        if decided is None or not decided[0].decides_like(inputs):
            name = AttributeName.of(self.getFullName())
            self._decided = decided = inputs, inputs.decide(name)
        return decided[1]

    def choose_mode(self, mode: Any, by: str) -> None:
        """Override the mode for the rest of the session, for a user interface.

        It takes effect with the next subscription, see :meth:`subscribe_again`.

        :param mode: a name, or a ``tango.EventSubMode``; None removes the override.
        :param by: name of the mode source, for users.
        :raises taurus_tpo.core.modes.UnknownModeError: for an unknown mode.
        """
        said = _PROGRAM if mode is None else ModeSource.named(by)
        self._said = said.saying(None if mode is None else modes.parse(mode))

    # --- polling ---

    def end_polling(self) -> None:
        """Stop polling, even if a program has forced it."""
        self.polls_beside_events = False
        taurus_compat.deactivate_polling(self)

    def enablePolling(self, force: bool = False) -> None:
        """Allow polling without events; ``force`` polls in addition to events.

        Polling that is no longer forced ends with the next event, as in stock Taurus.
        """
        goes_on = self.polls_beside_events and self.isPollingActive()
        self.polls_beside_events = force or goes_on
        super().enablePolling(force)

    def disablePolling(self) -> None:
        """Forbid polling."""
        self.polls_beside_events = False
        super().disablePolling()

    # --- events and the configuration ---

    def connected(self) -> DeviceConnection:
        """Return the connection of its device; never waits.

        :raises tango.DevFailed: without a device.
        """
        connection = self.connection
        if connection is None:
            parent = self.getParentObj()
            if parent is None:
                reason = f"{self.getFullName()} has no device"
                tango.Except.throw_exception("TPO_NoDevice", reason, "_connected")
            connection = self.connection = self.factory().device_access.connection(
                parent
            )
        return connection

    def push_event(self, event: Any) -> None:
        """Process an event of Tango; in a thread of Tango or of the caller."""
        if isinstance(event, tango.AttrConfEventData):
            self.configuration.take_event(event)
        else:
            self.engine.take_event(event)

    def decode(self, attr_value: Any) -> Any:
        """Return the ``TangoAttrValue`` of PyTango's ``attr_value``.

        The value of an enumeration without a label is the number, or None if its
        quality is invalid; that of an image without elements is an empty array. (Stock
        Taurus raises.)
        """
        try:
            return super().decode(attr_value)
        except (IndexError, TypeError, ValueError):
            if attr_value.type != tango.CmdArgType.DevEnum:
                raise
            return taurus_compat.decode_enum(self, attr_value)

    def _subscribeConfEvents(self, *_how: Any, **_kwargs: Any) -> None:
        """Subscribe to the configuration later; called by Taurus's constructor."""
        self.configuration.events.want()

    def _unsubscribeConfEvents(self) -> None:
        self.configuration.events.end()

    def _decodeAttrInfoEx(self, pytango_attrinfoex: Any = None) -> None:
        """Decode Tango's configuration; called by Taurus, also by its constructor."""
        if pytango_attrinfoex is not None:
            self.configuration.make_readable(pytango_attrinfoex)
        super()._decodeAttrInfoEx(pytango_attrinfoex)
        self.configuration.note_decoded()

    def _unit_from_tango(self, unit: Any) -> Any:
        """Return a unit of the configuration; called by Taurus to decode it.

        Taurus itself logs one that is unknown.
        """
        try:
            return taurus_compat.unit(unit)
        except Exception:  # noqa: BLE001 - as Taurus, whatever its registry raises
            return super()._unit_from_tango(unit)

    def getAttributeInfoEx(self, cache: bool = True) -> Any:
        """Return Tango's ``AttributeInfoEx``; None if the device does not answer.

        Calls the device if the configuration is not known, and waits for it in any
        thread.

        :param cache: False calls the device in any case.
        """
        if not cache or not self.configuration.is_known:
            self.configuration.request()
        return taurus_compat.configuration(self)

    def setLabel(self, lbl: str) -> None:
        """Set the label in the device; waits for it as :meth:`getAttributeInfoEx`.

        :raises tango.DevFailed: if the device refuses.
        """
        self.getAttributeInfoEx()
        super().setLabel(lbl)

    def setRange(self, *limits: Any) -> None:
        """Set the range; as :meth:`setLabel`.

        :param limits: low and high, or a list of both.
        """
        self.getAttributeInfoEx()
        super().setRange(*limits)

    def setWarnings(self, *limits: Any) -> None:
        """Set the warning limits; as :meth:`setRange`."""
        self.getAttributeInfoEx()
        super().setWarnings(*limits)

    def setAlarms(self, *limits: Any) -> None:
        """Set the alarm limits; as :meth:`setRange`."""
        self.getAttributeInfoEx()
        super().setAlarms(*limits)

    # --- reads ---

    def _readFirstTime(self) -> None:
        self.factory().readAttributeFirstTime(self)

    def await_first_value(self, timeout: float) -> None:
        """Wait for the first value or error, if one is pending.

        :param timeout: s.
        """
        if not self._value_is_coming() or not self.connected().is_there:
            return
        if not self.factory().device_access.takes_long(self.getParentObj()):
            self.engine.dispatch.await_something(timeout)

    def poll(
        self,
        single: bool = True,
        value: Any = None,
        time: float | None = None,
        error: Any = None,
    ) -> None:
        """Process the result of a poll, or poll now, and dispatch it to the listeners.

        As in stock Taurus, the listeners were called when it returns. Exceptions:
        widgets; and if another thread is dispatching to a listener for longer than
        :data:`TELLING`.

        :param single: read the device in this thread, and ignore the other parameters.
        :param value: Tango's ``DeviceAttribute``.
        :param time: when the read began, seconds since the epoch.
        :param error: the failure of the read.
        """
        if single:
            begun = self._clock.time()
            try:
                value = self.connected().read_one(self.getSimpleName())
            except tango.DevFailed as failure:
                error = failure
        else:
            begun = self._clock.time() if time is None else time
        news = self.engine.news(
            value,
            error,
            begun,
            TaurusEventType.Periodic,
            repeats=True,
            ends_value=single,
        )
        self.engine.take_news(Input.READ, news)
        if not in_window_thread():
            self.engine.dispatch.finish_telling(TELLING)

    def read(self, cache: Any = True) -> Any:
        """Return the ``TangoAttrValue``: ``rvalue``, ``wvalue``, ``quality``, ``time``.

        :param cache: False reads the device and waits for it. True returns the cached
            value; without one, it waits for the first value, or reads the device if
            none is pending. A number returns the cached value if it is not older than
            that many ms. While an application starts, the cached value is returned
            whatever its age, and None if there is none; in Stateless, that is waited
            for as long as the GUI thread may.
        :raises tango.DevFailed: if the read failed; with ``cache``, if the last one
            did.
        """
        if not cache:
            return self._read_now()
        if application.state == ApplicationStates.STARTING:
            # Not a thread of the pool, which would wait for itself.
            if self.known.empty and in_window_thread():
                self._await_stateless_value()
            return value_of(self.known)
        if self.known.empty:
            return self._read_first(cache)
        if not self._is_kept_current():
            return self._read_anew()
        known = self.known
        if self._fresh_enough(known, cache):
            return value_of(known)
        return self._read_now()

    def _await_stateless_value(self) -> None:
        """Wait for the first value in Stateless, as long as the GUI thread may.

        In stock Taurus the value is there when ``addListener`` returns.
        """
        mode = self.event_sub_decision.mode
        is_stateless = mode is not None and mode.waits_unasked
        if is_stateless and self.is_listened_to:
            self.factory().read_in_time(self)

    def _read_first(self, cache: Any) -> Any:
        """Return the first value that arrives; read the device if none is pending."""
        # A request to a device that has not answered yet is pending already.
        connecting = self.state in CONNECTING
        self._raise_where_silent()
        forced = self.forces_read() and not connecting
        if forced or not self._value_is_coming():
            return self._read_now()
        self.engine.dispatch.await_something()
        known = self.known
        if self._fresh_enough(known, cache):
            return value_of(known)
        return self._read_now()

    def _is_kept_current(self) -> bool:
        """Return whether the cached value is updated when the device changes.

        Without listeners and polling it is not. (Stock Taurus returns the first value
        for ever.)
        """
        state = self.state
        return state in WORKING or state in CONNECTING or self.isPollingActive()

    def _read_anew(self) -> Any:
        """Read the device: nothing keeps the cached value current.

        In the GUI thread, returns the cached value if the device does not answer in
        time.
        """
        if in_window_thread() and not self._answers_in_time():
            return value_of(self.known)
        self._raise_where_silent()
        return self._read_now()

    def _answers_in_time(self) -> bool:
        """Return whether the GUI thread can wait for a call to its device."""
        device = self.getParentObj()
        if device is None or self.connected().answers_lately:
            return True
        return self.factory().device_access.answers_in_time(device)

    def _raise_where_silent(self) -> None:
        """Raise the error of a device that is known not to answer.

        :raises tango.DevFailed: that error.
        """
        connection = self.connected()
        error = connection.error
        if connection.silent and error is not None:
            raise fresh(error)

    def getValueObj(self, cache: Any = True) -> Any:
        """Return the ``TangoAttrValue``, or None if the read fails.

        Called by widgets. The GUI thread waits for the first value only as long as
        healthy devices take; a later value arrives as an event.
        """
        if cache and self.known.empty and in_window_thread():
            self._await_first_value_in_window()
            return self.known.value
        return super().getValueObj(cache)

    def getFragmentObj(self, fragmentName: str | None = None) -> Any:
        """Return what widgets show, as Taurus does.

        :raises AttributeError: for a value if neither a value nor a configuration is
            known. Widgets show that as no value.
        """
        unknown = taurus_compat.configuration(self) is None and self.known.value is None
        of_value = (fragmentName or self.defaultFragmentName).partition(".")[0]
        if unknown and of_value in ("rvalue", "wvalue"):
            raise AttributeError(f"{self.getFullName()} has no value yet")
        return super().getFragmentObj(fragmentName)

    def _await_first_value_in_window(self) -> None:
        """Have the pool read it, and wait as long as the GUI thread may."""
        if application.state == ApplicationStates.STARTING:
            # As in stock Taurus: it arrives before the first paint, or as an event.
            if not self._value_is_coming():
                self._readFirstTime()
        elif self.getParentObj() is not None:
            factory = self.factory()
            if not factory.wait_policy.values_come_later:
                factory.read_in_time(self)

    def write(self, value: Any, with_read: bool = True) -> Any:
        """Write ``value`` and return the value read back; waits for the device.

        :param with_read: as in stock Taurus, it has no effect since Taurus 5.3.
        :return: None if nothing can be read back: the attribute is write-only, or that
            read fails. The value was written all the same; a warning is logged, and the
            listeners get the error. Before Taurus 5.3, also None if it has events.
        :raises tango.DevFailed: if the device does not answer, or refuses.
        """
        self.connected().proxy()
        device = self.getParentObj()
        try:
            self.configuration.require()
            device.write_attribute(self.getSimpleName(), self.encode(value))
        except tango.DevFailed as error:
            first = error.args[0]
            self.error("[Tango] write failed (%s): %s", first.reason, first.desc)
            raise
        except Exception as error:
            self.error("[Tango] write failed: %s", error)
            raise
        return self._read_back(device) if self._is_read_back(with_read) else None

    def _is_read_back(self, with_read: bool) -> bool:
        """Return whether a write is followed by a read, as in stock Taurus."""
        if not self.isReadWrite():
            return False
        if taurus_compat.reads_after_each_write():
            return True
        # Stock Taurus has subscribed by then.
        has_events = self.isUsingEvents() or self.engine.is_being_subscribed
        return with_read and not has_events

    def _read_back(self, device: Any) -> Any:
        """Return the present value after a write, and dispatch it to the listeners."""
        begun = self._clock.time()
        kind = TaurusEventType.Periodic
        try:
            raw = device.read_attribute(self.getSimpleName())
            news = self.engine.decoded(raw, begun, kind, repeats=True)
        except tango.DevFailed as error:
            news = error_news(error, begun, repeats=True)
        self.engine.take_news(Input.READ, news)
        if news.error is not None:
            why = reason_of(news.error)
            self.warning("%s was written; reading it back failed: %s", self, why)
        return news.value

    def _fresh_enough(self, known: Known[Any], cache: Any) -> bool:
        age = (self._clock.time() - known.stamp) * 1000
        # After a timeout, another read would take as long.
        failed_slowly = timed_out(known.error) and self._is_kept_current()
        return cache is True or age < cache or failed_slowly

    def _read_now(self) -> Any:
        begun = self._clock.time()
        try:
            raw = self.connected().read_one(self.getSimpleName())
            news = self.engine.decoded(raw, begun)
        except tango.DevFailed as error:
            self.debug("read failed: %s", error.args[0].desc)
            news = error_news(error, begun, ends_value=True)
        # The cache never differs from what the listeners know.
        self.engine.take_news(Input.READ, news)
        if news.error is not None:
            raise fresh(news.error)
        return news.value

    def forces_read(self) -> bool:
        """Whether Taurus reads it although its user has disabled polling."""
        return bool(self._should_force_read())

    def _value_is_coming(self) -> bool:
        """Return whether a value will arrive without action of this thread."""
        me = threading.current_thread()
        coming = self.is_listened_to or self.isPollingActive()
        return coming and not self.factory().first_read.owns(me)

    # --- listeners ---

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one starts the subscription, or polling.

        :return: False if it is a listener already.
        """
        EVENT_DISPATCHER.pass_by(self)
        if not TaurusAttribute.addListener(self, listener):
            return False
        if not self.is_listened_to:
            self._listen()
        elif self.isPollingActive() or self.state not in FALLEN_BACK:
            self.engine.dispatch.greet(listener)
        return True

    def _listen(self) -> None:
        """Start the subscription, or polling."""
        polled = self.event_sub_decision.mode is None and not self.wants_events
        self.engine.happen(Input.LISTEN_POLLED if polled else Input.LISTEN)

    def removeListener(self, listener: Any) -> Any:
        """Remove a listener; after the last one the subscription is ended.

        :return: False if it was not a listener.
        """
        removed = TaurusAttribute.removeListener(self, listener)
        if removed and not self.hasListeners():
            self.wants_events = False
            self.engine.happen(Input.UNLISTEN)
        return removed

    # --- state ---

    @property
    def server(self) -> Server | None:
        """The health of its server, or of its database until the server is known.

        None before the first request; never waits.
        """
        return attribute_description.server_of(self)

    @property
    def facts(self) -> Facts:
        """The facts that its status is composed of; never waits."""
        return attribute_description.facts_of(self)

    story = renamed("story", "status")
    journal = renamed("journal", "history")

    @property
    def status(self) -> str:
        """What it does, and what it waits for, as a sentence; never waits.

        Example: ``server TangoTest/1 does not answer, next try in 4 s``.
        """
        return tell(self.facts)

    @property
    def is_listened_to(self) -> bool:
        """Whether it has listeners, so that it is kept current."""
        return self.state not in (State.IDLE, State.CLOSED)

    @property
    def is_missing(self) -> bool:
        """Whether its listeners have nothing from the device; never waits.

        An error that the device has raised is not missing.
        """
        return attribute_description.is_missing(self)

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, str]]:
        """Return the content of tooltips, as Taurus does, with mode and status."""
        decision = self.event_sub_decision
        mode = f"{decision.label}, decided by: {decision.decided_by}"
        told = (("mode", escape(mode)), ("state", escape(self.status)))
        lines = self._tooltip_lines.of(self, partial(super().getDisplayDescrObj, cache))
        return [*lines, *told]

    def isUsingEvents(self) -> bool:
        """Return whether its subscription works."""
        return self.state in WORKING

    @property
    def state(self) -> State:
        """Its state in the lifecycle; finer than Taurus's."""
        return self.engine.state

    @property
    def known(self) -> Known[Any]:
        """The cached value or error; empty before the first one; never waits."""
        return self.engine.dispatch.known

    @property
    def history(self) -> History:
        """Counts and times of events, reads and errors."""
        return self.engine.history

    @property
    def is_being_subscribed(self) -> bool:
        """Whether Tango was called to subscribe and has not answered yet."""
        return self.engine.is_being_subscribed

    def getSubscriptionState(self) -> Any:
        """Return Taurus's ``SubscriptionState``."""
        return _TAURUS_STATES[self.state]

    @property
    def closed(self) -> bool:
        """Whether :meth:`cleanUp` was called."""
        return self.state is State.CLOSED

    def subscribePendingEvents(self) -> None:
        """Subscribe now if the subscription was deferred."""
        self.wants_events = True
        self.configuration.events.want()
        self.configuration.events.begin()
        self.engine.happen(Input.RESUBSCRIBE)

    def subscribe_again(self) -> None:
        """End its subscription and subscribe again, in the mode that is decided now.

        Does nothing without listeners. Waits for the end of the old subscription, and
        in modes that wait for the new one: not to be called in the GUI thread.
        """
        if not self.is_listened_to:
            return
        before = self.engine.subscription
        if before is not None:
            # Otherwise Tango would go on with the old one.
            before.end_now(GIVING_UP)
        self.engine.happen(Input.UNLISTEN)
        if self.hasListeners():
            self._listen()
        if not self.hasListeners():
            # The last listener was removed meanwhile.
            self.engine.happen(Input.UNLISTEN)

    def cleanUp(self) -> None:
        """End it: no event, poll or read is delivered to it any more."""
        # In __del__ the weak references to it may be cleared already.
        for part in (self.engine, self.engine.dispatch, self.configuration):
            part.belong_to(self)
        self.engine.happen(Input.CLOSE)
        self.factory().deferred_setup.release(self)
        self.factory().forget_attribute(self)
        super().cleanUp()
