"""The attribute of the ``tango`` scheme: what Taurus and programs call.

Its :class:`~taurus_tpo.scheme.attribute_engine.AttributeEngine` subscribes, caches and
tells listeners; its
:class:`~taurus_tpo.scheme.attribute_configuration.AttributeConfiguration` keeps the
configuration current. Types, units, ranges, encoding and decoding are those of Taurus's
own class.
"""

from __future__ import annotations

import threading
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
from taurus_tpo.core.precedence import Decision, ModeSource
from taurus_tpo.core.renamed import renamed
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

#: What Tango's configuration of an attribute has.
_CONFIGURATION = frozenset(
    name for name in dir(tango.AttributeInfoEx) if not name.startswith("_")
)

#: How long a new subscription waits for the old one to be given up, s.
GIVING_UP = 5.0

#: How long a program that polls waits for listeners that another thread tells, s.
TELLING = 1.0

#: How Taurus calls the states of the table.
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


class TpoTangoAttribute(TangoAttribute):
    """A Tango attribute whose mode can be chosen and that is read once by the pool.

    Made by the factory, never by hand. Methods may be called from any thread. Listeners
    are called with no lock held, one event after the other, in the order in which the
    cache was written: widgets in the thread of the GUI, in slices
    (:mod:`taurus_tpo.scheme.event_dispatch`); others in the thread that brought the
    news (Tango's or the pool's), as in stock Taurus.
    """

    def __init__(self, name: str = "", parent: Any = None, **kwargs: Any) -> None:
        self._clock: Clock = SYSTEM
        #: Its lifecycle, subscription and cache.
        self.engine = AttributeEngine(self)
        #: What the device has told of it.
        self.configuration = AttributeConfiguration(self)
        #: Whether a program asked for events though they are disabled.
        self.wants_events = False
        #: Whether a program has forced polling beside events.
        self.polls_beside_events = False
        #: Its device's connection; None before :meth:`connected` was called.
        self.connection: DeviceConnection | None = None
        self._said: ModeSource | None = None
        #: What the program has assigned; None: nothing.
        self._events_to_subscribe: Any = None
        # Reading the settings corrects those that Taurus's constructor cannot use.
        CUSTOM_SETTINGS.current()
        # Taurus's constructor registers the attribute before it is complete, and
        # another thread would get it then.
        register = kwargs.pop("storeCallback", None)
        # It assigns the mode of its own settings, which is no override.
        super().__init__(name, parent, **kwargs)
        self._said = _PROGRAM
        if not self.configuration.is_known:
            self.configuration.be_placeholder()
        if register is not None:
            register(self)

    def __getattr__(self, name: str) -> Any:
        """Return a field of Tango's configuration, as stock Taurus does.

        Waits for the device as :meth:`getAttributeInfoEx`. Stock Taurus recurses
        without end where its constructor has failed.
        """
        if "_pytango_attrinfoex" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no {name!r}")
        if name in _CONFIGURATION and not self.configuration.is_known:
            self.configuration.request()
        return super().__getattr__(name)

    def getAttributeProxy(self) -> Any:
        """Return the ``tango.AttributeProxy``; waits for the device.

        The same one each time, unlike stock Taurus's: the end of one can block the
        process, see :func:`taurus_tpo.tango_client.attribute_proxies.attribute_proxy`.

        :raises tango.DevFailed: where the attribute is not there.
        """
        return attribute_proxy(self.getFullName())

    def restart_in_child(self) -> None:
        """Replace locks in a forked process; called by the factory there."""
        self.engine.restart_in_child()
        self.configuration.restart_in_child()
        if self.connection is not None:
            self.connection.restart_in_child()

    # --- the mode ---

    @property
    def event_sub_mode(self) -> Any:
        """The mode, a ``tango.EventSubMode`` as in Taurus 5.4.

        Assigning one (or a name) is the program's word for this attribute alone; it
        counts from the next time that the attribute gets its first listener.

        :raises taurus_tpo.core.modes.UnknownModeError: when something else is assigned.
        """
        if self._said is None:
            # Taurus's constructor compares it with all five.
            return pytango_compat.tango_event_sub_mode(modes.DEFAULT)
        mode = self.event_sub_decision.mode
        return pytango_compat.tango_event_sub_mode(mode or modes.DEFAULT)

    @event_sub_mode.setter
    def event_sub_mode(self, mode: Any) -> None:
        if self._said is not None:
            self._said = self._said.saying(modes.parse(mode))

    @property
    def events_to_subscribe(self) -> Any:
        """The kinds of events to subscribe to, as in stock Taurus.

        Without ``"CHANGE_EVENT"`` in it the attribute is polled. What the program
        assigns counts from the next time that the attribute gets its first listener.
        """
        if self._events_to_subscribe is not None:
            return self._events_to_subscribe
        return taurus_compat.events_to_subscribe()

    @events_to_subscribe.setter
    def events_to_subscribe(self, kinds: Any) -> None:
        # Taurus's constructor assigns what the settings say: they may change.
        if self._said is not None:
            self._events_to_subscribe = kinds

    @property
    def event_sub_decision(self) -> Decision:
        """The mode and what decided it; mode None where the attribute is polled."""
        kinds = self._events_to_subscribe
        return self.factory().decide_event_sub_mode(
            self.getFullName(), self._said, None if kinds is None else tuple(kinds)
        )

    def choose_mode(self, mode: Any, by: str) -> None:
        """Decide its mode for the rest of the session, as somebody in a window does.

        It counts from the next subscription, see :meth:`subscribe_again`.

        :param mode: a name, or a ``tango.EventSubMode``; None takes back what was said.
        :param by: who says so, for people.
        :raises taurus_tpo.core.modes.UnknownModeError: for a mode that is none.
        """
        said = _PROGRAM if mode is None else ModeSource.named(by)
        self._said = said.saying(None if mode is None else modes.parse(mode))

    # --- polling ---

    def end_polling(self) -> None:
        """Stop polling, also where a program has forced it."""
        self.polls_beside_events = False
        taurus_compat.deactivate_polling(self)

    def enablePolling(self, force: bool = False) -> None:
        """Allow polling without events; ``force`` polls beside events, too.

        Polling that is not forced any more ends with the next event, as in stock
        Taurus.
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
            connection = self.connection = self.factory().connection(parent)
        return connection

    def push_event(self, event: Any) -> None:
        """Take an event of Tango; in a thread of Tango or of the caller."""
        if isinstance(event, tango.AttrConfEventData):
            self.configuration.take_event(event)
        else:
            self.engine.take_event(event)

    def decode(self, attr_value: Any) -> Any:
        """Return the ``TangoAttrValue`` of PyTango's ``attr_value``.

        The value of an enumeration without a label is the number, or None where its
        quality is invalid. (Stock Taurus raises.)
        """
        try:
            return super().decode(attr_value)
        except (IndexError, TypeError):
            if attr_value.type != tango.CmdArgType.DevEnum:
                raise
            return taurus_compat.decode_enum(self, attr_value)

    def _subscribeConfEvents(self, *_how: Any, **_kwargs: Any) -> None:
        """Subscribe to the configuration later; called by Taurus's constructor."""
        self.configuration.events.want()

    def _unsubscribeConfEvents(self) -> None:
        self.configuration.events.end()

    def _decodeAttrInfoEx(self, pytango_attrinfoex: Any = None) -> None:
        """Take Tango's configuration; called by Taurus, also by its constructor."""
        if pytango_attrinfoex is not None:
            self.configuration.make_readable(pytango_attrinfoex)
        super()._decodeAttrInfoEx(pytango_attrinfoex)
        self.configuration.note_decoded()

    def getAttributeInfoEx(self, cache: bool = True) -> Any:
        """Return Tango's ``AttributeInfoEx``; None where the device does not tell.

        Asks the device where it is not known, and waits for the answer in any thread.

        :param cache: False asks in any case.
        """
        if not cache or not self.configuration.is_known:
            self.configuration.request()
        return taurus_compat.configuration(self)

    def setLabel(self, lbl: str) -> None:
        """Set the label, at the device; waits for it as :meth:`getAttributeInfoEx`.

        :raises tango.DevFailed: where the device refuses.
        """
        self.getAttributeInfoEx()
        super().setLabel(lbl)

    def setRange(self, *limits: Any) -> None:
        """Set the range, as :meth:`setLabel` the label.

        :param limits: low and high, or a list of both.
        """
        self.getAttributeInfoEx()
        super().setRange(*limits)

    def setWarnings(self, *limits: Any) -> None:
        """Set the limits of warnings, as :meth:`setRange` the range."""
        self.getAttributeInfoEx()
        super().setWarnings(*limits)

    def setAlarms(self, *limits: Any) -> None:
        """Set the limits of alarms, as :meth:`setRange` the range."""
        self.getAttributeInfoEx()
        super().setAlarms(*limits)

    # --- reads ---

    def _readFirstTime(self) -> None:
        self.factory().readAttributeFirstTime(self)

    def await_first_value(self, timeout: float) -> None:
        """Wait for the first value or error, if one is on its way.

        :param timeout: how long at the most, s.
        """
        if self._value_is_coming() and self.connected().is_there:
            self.engine.await_something(timeout)

    def poll(
        self,
        single: bool = True,
        value: Any = None,
        time: float | None = None,
        error: Any = None,
    ) -> None:
        """Take what polling read, or poll now, and tell the listeners.

        They have been told when it returns, as in stock Taurus; but for widgets, and
        where a listener takes longer than :data:`TELLING` for what another thread
        tells it.

        :param single: read the device here and now, and ignore the rest.
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
        news = self.engine.news(value, error, begun, TaurusEventType.Periodic, True)
        self.engine.take_news(Input.READ, news)
        if not in_window_thread():
            self.engine.finish_telling(TELLING)

    def read(self, cache: Any = True) -> Any:
        """Return the ``TangoAttrValue``: ``rvalue``, ``wvalue``, ``quality``, ``time``.

        :param cache: False reads the device and waits for it. True takes the cached
            value; where there is none yet, waits for the first one, or reads the
            device if none is to come. A number takes the cached value if it is not
            older than so many ms. While an application starts, what is cached counts
            as it is, and None says that there is nothing yet.
        :raises tango.DevFailed: where the read failed; with ``cache``, where the last
            one did.
        """
        if not cache:
            return self._read_now()
        if application.state == ApplicationStates.STARTING:
            return value_of(self.known)
        if self.known.empty:
            return self._read_first(cache)
        if not self._is_kept_current():
            return self._read_anew()
        known = self.known
        if self._fresh_enough(known, cache):
            return value_of(known)
        return self._read_now()

    def _read_first(self, cache: Any) -> Any:
        """Return the first value that comes; read the device if none is to come."""
        # A device that has not answered yet is being asked already.
        connecting = self.state in CONNECTING
        self._raise_where_silent()
        forced = self.forces_read() and not connecting
        if forced or not self._value_is_coming():
            return self._read_now()
        self.engine.await_something()
        known = self.known
        if self._fresh_enough(known, cache):
            return value_of(known)
        return self._read_now()

    def _is_kept_current(self) -> bool:
        """Return whether what is cached changes by itself when the device changes.

        Nobody who listens and no polling: nothing does that (stock Taurus repeats what
        was read first for ever).
        """
        state = self.state
        return state in WORKING or state in CONNECTING or self.isPollingActive()

    def _read_anew(self) -> Any:
        """Read the device, which nothing keeps what is cached in line with.

        The thread of a window gets what is cached where the device does not answer in
        good time.
        """
        if in_window_thread() and not self._answers_in_time():
            return value_of(self.known)
        self._raise_where_silent()
        return self._read_now()

    def _answers_in_time(self) -> bool:
        """Return whether the thread of a window can wait for a call to its device."""
        device = self.getParentObj()
        if device is None or self.connected().answers_lately:
            return True
        return self.factory().answers_in_time(device)

    def _raise_where_silent(self) -> None:
        """Raise the error of a device that is known not to answer.

        :raises tango.DevFailed: that error.
        """
        connection = self.connected()
        error = connection.error
        if connection.silent and error is not None:
            raise fresh(error)

    def getValueObj(self, cache: Any = True) -> Any:
        """Return the ``TangoAttrValue``, or None where the read fails.

        What widgets call. The thread of a window waits for the first value for moments
        only, as long as healthy devices take: a later one comes with an event.
        """
        if cache and self.known.empty and in_window_thread():
            self._await_first_value_in_window()
            return self.known.value
        return super().getValueObj(cache)

    def getFragmentObj(self, fragmentName: str | None = None) -> Any:
        """Return what widgets show, as Taurus does.

        :raises AttributeError: for a value that cannot be known yet: neither the device
            nor its configuration has been heard of. Widgets show that as no value.
        """
        unknown = taurus_compat.configuration(self) is None and self.known.value is None
        of_value = (fragmentName or self.defaultFragmentName).partition(".")[0]
        if unknown and of_value in ("rvalue", "wvalue"):
            raise AttributeError(f"{self.getFullName()} has no value yet")
        return super().getFragmentObj(fragmentName)

    def _await_first_value_in_window(self) -> None:
        """Have the pool read it, and wait for that as long as a window may wait."""
        if application.state == ApplicationStates.STARTING:
            # As in stock Taurus: it comes before the first paint, or with an event.
            if not self._value_is_coming():
                self._readFirstTime()
        elif self.getParentObj() is not None:
            self.factory().read_in_time(self)

    def write(
        self,
        value: Any,
        with_read: bool = True,  # noqa: ARG002 - stock Taurus ignores it, too
    ) -> Any:
        """Write ``value`` and return what was read back; waits for the device.

        :return: None where nothing can be read back: of an attribute that is only
            written, and where that read fails. The value was written all the same: a
            warning says so, and the listeners are told the error.
        :raises tango.DevFailed: where the device does not answer, or refuses.
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
        return self._read_back(device) if self.isReadWrite() else None

    def _read_back(self, device: Any) -> Any:
        """Return what was written, as the device has it now, and tell the listeners."""
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
        # After a timeout the next one would only cost as much again.
        failed_slowly = timed_out(known.error) and self._is_kept_current()
        return cache is True or age < cache or failed_slowly

    def _read_now(self) -> Any:
        begun = self._clock.time()
        try:
            raw = self.connected().read_one(self.getSimpleName())
            news = self.engine.decoded(raw, begun)
        except tango.DevFailed as error:
            self.debug("read failed: %s", error.args[0].desc)
            news = error_news(error, begun)
        # What is cached is what the listeners know: they hear of it, too.
        self.engine.take_news(Input.READ, news)
        if news.error is not None:
            raise fresh(news.error)
        return news.value

    def forces_read(self) -> bool:
        """Whether Taurus reads it though its user has disabled polling."""
        return bool(self._should_force_read())

    def _value_is_coming(self) -> bool:
        """Return whether a value will come without this thread doing anything."""
        me = threading.current_thread()
        coming = self.is_listened_to or self.isPollingActive()
        return coming and not self.factory().first_read.owns(me)

    # --- listeners ---

    def addListener(self, listener: Any) -> Any:
        """Add a listener; the first one starts the subscription, or polling.

        :return: False if it listens already.
        """
        EVENT_DISPATCHER.pass_by(self)
        if not TaurusAttribute.addListener(self, listener):
            return False
        if not self.is_listened_to:
            self._listen()
        elif self.isPollingActive() or self.state not in FALLEN_BACK:
            self.engine.greet(listener)
        return True

    def _listen(self) -> None:
        """Begin to keep it current: by a subscription, or by polling."""
        polled = self.event_sub_decision.mode is None and not self.wants_events
        self.engine.happen(Input.LISTEN_POLLED if polled else Input.LISTEN)

    def removeListener(self, listener: Any) -> Any:
        """Remove a listener; after the last one the subscription is given up.

        :return: False if it did not listen.
        """
        removed = TaurusAttribute.removeListener(self, listener)
        if removed and not self.hasListeners():
            self.wants_events = False
            self.engine.happen(Input.UNLISTEN)
        return removed

    # --- state ---

    @property
    def server(self) -> Server | None:
        """What is known of its server, or of the database that has not told which.

        None before it was asked for; never waits.
        """
        return attribute_description.server_of(self)

    @property
    def facts(self) -> Facts:
        """What its status is told from; never waits."""
        return attribute_description.facts_of(self)

    story = renamed("story", "status")
    journal = renamed("journal", "history")

    @property
    def status(self) -> str:
        """What it does, and what it waits for, in a few words; never waits.

        ``server TangoTest/1 does not answer, next try in 4 s``, for instance.
        """
        return tell(self.facts)

    @property
    def is_listened_to(self) -> bool:
        """Whether somebody listens, so that it is kept up to date."""
        return self.state not in (State.IDLE, State.CLOSED)

    @property
    def is_missing(self) -> bool:
        """Whether those who listen see nothing of the device; never waits.

        An error that the device itself has told is something.
        """
        return attribute_description.is_missing(self)

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, str]]:
        """Return what tooltips tell, as Taurus does, and its mode and status."""
        decision = self.event_sub_decision
        mode = f"{decision.label}, decided by: {decision.decided_by}"
        told = (("mode", escape(mode)), ("state", escape(self.status)))
        return [*super().getDisplayDescrObj(cache), *told]

    def isUsingEvents(self) -> bool:
        """Return whether its subscription works."""
        return self.state in WORKING

    @property
    def state(self) -> State:
        """Its state in the table of transitions; finer than Taurus's."""
        return self.engine.state

    @property
    def known(self) -> Known[Any]:
        """The cached value or error; empty before the first one; never waits."""
        return self.engine.known

    @property
    def history(self) -> History:
        """Counts and times of what has happened to it."""
        return self.engine.history

    @property
    def is_being_subscribed(self) -> bool:
        """Whether Tango was asked to subscribe and has not answered yet."""
        return self.engine.is_being_subscribed

    def getSubscriptionState(self) -> Any:
        """Return Taurus's ``SubscriptionState``."""
        return _TAURUS_STATES[self.state]

    @property
    def closed(self) -> bool:
        """Whether it was cleaned up."""
        return self.state is State.CLOSED

    def subscribePendingEvents(self) -> None:
        """Subscribe now what was held back."""
        self.wants_events = True
        self.configuration.events.want()
        self.configuration.events.begin()
        self.engine.happen(Input.RESUBSCRIBE)

    def subscribe_again(self) -> None:
        """Give its subscription up and begin anew, in the mode that is decided now.

        Does nothing where nobody listens. Waits until the old one is given up, and in
        modes that wait for the new one: not for the thread of a window.
        """
        if not self.is_listened_to:
            return
        before = self.engine.subscription
        if before is not None:
            # Tango would go on with the one that it has.
            before.end_now(GIVING_UP)
        self.engine.happen(Input.UNLISTEN)
        if self.hasListeners():
            self._listen()
        if not self.hasListeners():
            # The last one went meanwhile.
            self.engine.happen(Input.UNLISTEN)

    def cleanUp(self) -> None:
        """End it: no event, no poll and no read reaches it any more."""
        # In __del__ the weak references to it may be cleared already.
        self.engine.belong_to(self)
        self.configuration.belong_to(self)
        self.engine.happen(Input.CLOSE)
        self.factory().deferred_setup.release(self)
        super().cleanUp()
