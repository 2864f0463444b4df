"""Taurus's attribute of the ``tango`` scheme, as the plugin has it.

It carries out what the table of :mod:`taurus_tpo.core.lifecycle` decides. Taurus's own
class goes on doing all that has to do with the configuration: types, units, ranges,
encoding and decoding.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from html import escape
from operator import attrgetter
from typing import Any, Callable

import tango
from taurus import Manager
from taurus.core.tango.tangoattribute import TangoAttribute, TangoAttrValue
from taurus.core.taurusattribute import TaurusAttribute
from taurus.core.taurusbasetypes import (
    DataFormat,
    DataType,
    SubscriptionState,
    TaurusEventType,
    TaurusSerializationMode,
)
from taurus.taurusstatecontroller import ApplicationStates, application

from taurus_tpo.concurrency.action_queue import ActionQueue
from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core import modes
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import (
    fresh,
    is_late,
    is_unreachable,
    reason_of,
)
from taurus_tpo.core.history import History
from taurus_tpo.core.lifecycle import (
    CONNECTING,
    WORKING,
    Effect,
    Input,
    Lifecycle,
    State,
)
from taurus_tpo.core.modes import SubMode
from taurus_tpo.core.precedence import Decision, ModeSource
from taurus_tpo.core.renamed import renamed
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.server_health import Server
from taurus_tpo.core.status import Facts, tell
from taurus_tpo.core.value_cache import NOTHING, Known, ValueCache
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme.configuration_events import ConfigurationEvents
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER, most_waiting
from taurus_tpo.scheme.gui_thread import is_of_taurus
from taurus_tpo.scheme.gui_wait_policy import in_window_thread
from taurus_tpo.scheme.news import News, error_news, timed_out, value_of
from taurus_tpo.scheme.verifier import Verifier
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.attribute_proxies import attribute_proxy
from taurus_tpo.tango_client.device import DeviceConnection
from taurus_tpo.tango_client.reads import Reading
from taurus_tpo.tango_client.subscription import Subscription

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


#: The states in which it is polled for longer.
_FALLEN_BACK = (State.RETRYING, State.POLLED)


#: What the program has said to an attribute to which it has said nothing.
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
        self._lock = threading.Lock()
        self._life = Lifecycle()
        self._cache: ValueCache[Any] = ValueCache()
        #: What has happened to it so far.
        self.history = History()
        #: What those who listen now were told last.
        self._told: Known[Any] = NOTHING
        #: In which state that was.
        self._told_in = State.IDLE
        #: Whether a subscription has worked since somebody listens.
        self._has_worked = False
        #: When its subscription was begun, s, as long as that has brought no value.
        self._first_event_since: float | None = None
        #: Whether the read that it waits for only fills the cache.
        self._only_caches = False
        #: Why the last value could not be decoded; empty: it could.
        self._undecodable = ""
        #: Set with the first value or error; made for whoever waits for that.
        self._heard: threading.Event | None = None
        self._actions = ActionQueue(WeakCallback(self._complain))
        #: Compares what is cached with what its device says.
        self._verifier = Verifier(self)
        self._subscription: Subscription | None = None
        #: Its subscription to the configuration.
        self.configuration_events = ConfigurationEvents(self)
        #: What in the configuration could not be read.
        self._unreadable: tuple[str, ...] = ()
        #: Whether somebody asked for events though they are disabled.
        self._wants_events = False
        #: Whether it is polled beside events because a program has said so.
        self._polls_beside_events = False
        #: Tango's reason for which its subscription failed last.
        self._refusal = ""
        #: The configuration as it was when it was decoded.
        self._decoded_configuration: Any = None
        self._connection: DeviceConnection | None = None
        self._said: ModeSource | None = None
        #: What the program has assigned; None: nothing.
        self._events_to_subscribe: Any = None
        # Reading the settings makes them such that Taurus's constructor can use them.
        CUSTOM_SETTINGS.current()
        # Taurus's constructor calls it halfway, and another thread would get that half.
        register = kwargs.pop("storeCallback", None)
        # It assigns the mode of its own settings: not a word of the program's.
        super().__init__(name, parent, **kwargs)
        self._said = _PROGRAM
        if taurus_compat.configuration(self) is None:
            self._be_placeholder()
        if register is not None:
            register(self)

    def __getattr__(self, name: str) -> Any:
        """Return what Tango's configuration has under this name, as Taurus's own does.

        Waits for the device as :meth:`getAttributeInfoEx`. Taurus's own calls itself
        without end where its constructor has failed.
        """
        if "_pytango_attrinfoex" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no {name!r}")
        if name in _CONFIGURATION and taurus_compat.configuration(self) is None:
            self._ask_for_configuration()
        return super().__getattr__(name)

    def getAttributeProxy(self) -> Any:
        """Return the ``tango.AttributeProxy``; waits for the device.

        The same one each time, unlike stock Taurus's: the end of one can block the
        process, see :func:`taurus_tpo.tango_client.attribute_proxies.attribute_proxy`.

        :raises tango.DevFailed: where the attribute is not there.
        """
        return attribute_proxy(self.getFullName())

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked; called by the factory there.

        Another thread may have had its lock, and was perhaps telling its listeners.
        """
        self._lock = threading.Lock()
        self._actions = ActionQueue(WeakCallback(self._complain))
        self._heard = None
        self.configuration_events.restart_in_child()
        self._verifier.restart_in_child()
        if self._connection is not None:
            self._connection.restart_in_child()

    def _be_placeholder(self) -> None:
        """Look like something that widgets can show until the configuration arrives.

        TaurusForm leaves the row of a model without a format and a type out for good.
        """
        self.data_format = DataFormat._0D
        self.type = DataType.String
        self._await_type()

    def _await_type(self, delay: float = 0.0) -> None:
        """Have the device asked until it tells what the attribute is.

        Whoever has made it may never listen, but write.
        """
        parent = self.getParentObj()
        if parent is not None:
            # By one name: a device is asked once for all of its attributes.
            told = self.factory().connect(parent, "type", delay, patient=True)
            told.add_done_callback(WeakCallback(self._on_type))

    def _on_type(self, told: Future[Any]) -> None:
        """Take the configuration if the device has told it; called by the pool."""
        if (
            told.cancelled()
            or self.closed
            or taurus_compat.configuration(self) is not None
        ):
            return
        connection = self.connected()
        if told.exception() is None and connection.configured:
            self._take_fresh_configuration()
        else:
            silent = connection.server.silent
            self._await_type(0.0 if silent else connection.retry_delay)

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

    # --- what happens to it ---

    def happen(self, what: Input, news: News | None = None) -> None:
        with self._lock:
            before = self._life.state
            self._note(what, news)
            if before is State.IDLE:
                self._begin_anew()
            effects = self._life.feed(what)
            after = self._life.state
            self._has_worked |= after in WORKING
            for effect in effects:
                self._put(effect, news)
        if after in _FALLEN_BACK and before not in _FALLEN_BACK:
            self.factory().polled_report.add(self, self._why_polled())
        self._actions.work()

    def _why_polled(self) -> str:
        if self._life.state is State.POLLED:
            return "events are disabled"
        return self._refusal or "the subscription failed"

    def _begin_anew(self) -> None:
        """Forget what was told to those who listened before; with the lock held."""
        self._told = NOTHING
        self._has_worked = False
        self._cache.begin_anew()

    def _note(self, what: Input, news: News | None) -> None:
        """Count an input in the history; with the lock held."""
        if what in (Input.LISTEN, Input.LISTEN_POLLED):
            self.history.note_request(self._clock.monotonic())
        if news is None:
            return
        self.history.events += what is Input.EVENT
        self.history.reads += what is Input.READ
        if news.error is not None:
            self.history.take_error(news.error, self._clock.time())
        else:
            self.history.take_value(self._clock.monotonic())

    def _put(self, effect: Effect, news: News | None) -> None:
        """Have ``effect`` carried out after what is to be done before it.

        With the lock held.
        """
        if effect is not Effect.PUBLISH:
            self._actions.put(_CARRIED_OUT_BY[effect](self))
            return
        publication = self._publication(news)
        if publication is not None and news is not None:
            self._actions.put_news(publication, most_waiting(news.value))

    def _publication(self, news: News | None) -> Callable[[], Any] | None:
        """Let the cache have ``news``; return what tells the listeners of it, if any.

        With the lock held.
        """
        if news is None or not self._cache_it(news):
            return None
        before, self._told = self._told, self._cache.known
        told_in, self._told_in = self._told_in, self._life.state
        if not news.is_always_told and news.says_the_same(before):
            is_stale = told_in not in WORKING and self._life.state in WORKING
            return self._refresh_tooltips if is_stale else None
        told = news.value if news.error is None else news.error
        return partial(self._fire, news.event_type, told)

    def _cache_it(self, news: News) -> bool:
        """Offer ``news`` to the cache; return whether it was taken.

        With the lock held.
        """
        now = self._clock.time()
        filtered = taurus_compat.filters_old_events() and not self._has_own_stamps(
            news, now
        )
        taken = news.offer_to(self._cache, now, filtered)
        if self._heard is not None:
            self._heard.set()
        return taken

    def _has_own_stamps(self, news: News, now: float) -> bool:
        """Return whether an event is older than it can be late.

        So its device stamps events in its own way. Stock Taurus drops none before
        another event of the subscription; this one takes the first of such stamps, and
        is asked once a subscription. With the lock held.
        """
        since = self._first_event_since
        if news.begun is not None or news.error is not None or since is None:
            return False
        self._first_event_since = None
        return self._cache.known.stamp - news.stamp > now - since

    def _refresh_tooltips(self) -> None:
        """Have tooltips say that it is subscribed to: nothing else tells widgets so."""
        EVENT_DISPATCHER.refresh_tooltips(self, taurus_compat.listeners(self))

    def _complain(self, error: Exception) -> None:
        """Log what a listener or a call to Tango raised while it was served."""
        self.error("%s: %r", self.getFullName(), error)
        self.debug("details:", exc_info=error)

    # --- effects ---

    def _connect(self) -> None:
        connection = self.connected()
        connection.costs.enter(self.getSimpleName().lower())
        mode = self.event_sub_decision.mode
        # Stateless tries before it returns, but its caller did not ask to wait for it.
        tries_for_nobody = mode is not None and mode.tries and not mode.raises
        if connection.answers_lately and not tries_for_nobody:
            self._on_answer()
            return
        # Not by its name: one that is made anew must not share the fate of this one.
        future = self.factory().connect(self.getParentObj(), id(self))
        if mode is not None and mode.raises and not connection.silent:
            # Sync and SyncRead: the caller asked to wait; once a server.
            self.factory().wait_policy.wait_at_length(future, connection)
        future.add_done_callback(WeakCallback(self._on_connected))

    def _on_connected(self, future: Future[Any]) -> None:
        """Take the word of the pool; called in a thread of its own."""
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            self._on_answer()
            return
        self.happen(Input.UNREACHABLE, error_news(error))
        parent = self.getParentObj()
        waits = (*CONNECTING, State.POLLED)
        if self._life.state in waits and parent is not None:
            connection = self.connected()
            # A silent server is watched; whoever waits for it is told.
            delay = 0.0 if connection.server.silent else connection.retry_delay
            again = self.factory().connect(parent, id(self), delay, patient=True)
            again.add_done_callback(WeakCallback(self._on_connected))

    def _on_answer(self) -> None:
        if taurus_compat.configuration(self) is None:
            self._take_fresh_configuration()
        self.configuration_events.want_again()
        polled = self.event_sub_decision.mode is None and not self._wants_events
        self.happen(Input.CONNECTED_POLLED if polled else Input.CONNECTED)

    def _subscribe_as_decided(self) -> None:
        mode = self.event_sub_decision.mode or modes.RETRYING
        self._subscribe(mode)

    def _subscribe_retrying(self) -> None:
        self._subscribe(modes.RETRYING)

    def _renew(self) -> None:
        """Begin its subscription anew, once the one that it has is given up."""
        before = self._subscription
        self._give_subscription_up()
        self._subscribe(modes.RETRYING, after=before)

    def _subscribe(self, mode: SubMode, after: Subscription | None = None) -> None:
        native = CUSTOM_SETTINGS.current().native_async_read
        carrier = modes.carrier(mode, native)
        self._first_event_since = self._clock.time()
        try:
            self._subscription = self.connected().subscribe(
                self.getSimpleName(),
                carrier,
                self.push_event,
                self._rejected,
                self._refused,
                after,
            )
        except tango.DevFailed as error:
            self._take_refusal(error)
            return
        if carrier.tries and not carrier.tells_success:
            self.happen(Input.ACCEPTED)

    def _refused(self, subscription: Subscription, error: Exception) -> None:
        if self._is_present(subscription):
            self._take_refusal(error)

    def _take_refusal(self, error: Exception) -> None:
        self.debug("Subscription failed: %s", error)
        self._refusal = reason_of(error)
        self.happen(Input.REFUSED)

    def _rejected(self, subscription: Subscription) -> None:
        if self._is_present(subscription):
            self._subscription = None
            self.happen(Input.REJECTED)

    def _is_present(self, subscription: Subscription) -> bool:
        """Return whether what is said of ``subscription`` is not late.

        It may be said while that is being made.
        """
        is_mine = self._subscription in (None, subscription)
        return is_mine and not subscription.ended

    def _give_subscription_up(self) -> None:
        pool, connection = self.factory().first_read, self._connection
        if connection is not None:
            pool.withdraw(connection, RequestKind.CONNECT, id(self))
        subscription, self._subscription = self._subscription, None
        if subscription is not None and connection is not None:
            # Not of another one of that name, which has taken its place.
            name = self.getSimpleName().lower()
            pool.withdraw(connection, RequestKind.LOOK, name, self)
            subscription.end()

    def _poll_it(self) -> None:
        if not self.isPollingActive():
            taurus_compat.activate_polling(self)

    @property
    def _is_read_for_tango(self) -> bool:
        """Whether it is polled only because Tango takes its time to subscribe.

        Such a poll may bring the first value when Tango has just answered.
        """
        takes_time = self.is_being_subscribed or (
            self._told.empty and self.isUsingEvents()
        )
        return takes_time and not self.isPollingForced()

    @property
    def _reads_apart(self) -> bool:
        """Whether its mode brings no value: stock Taurus tells the first as a poll."""
        mode = self.event_sub_decision.mode
        return mode is not None and not mode.reads

    @property
    def is_being_subscribed(self) -> bool:
        """Whether Tango was asked to subscribe to it and has not answered yet."""
        return self._life.state in (State.SUBSCRIBING, State.RESUBSCRIBING)

    def _stop_polling_it(self) -> None:
        if not self.isPollingForced():
            self._end_polling()

    def _end_polling(self) -> None:
        self._polls_beside_events = False
        taurus_compat.deactivate_polling(self)

    def enablePolling(self, force: bool = False) -> None:
        """Let it be polled where there are no events; with ``force``, beside them, too.

        What was forced, and is not any more, goes on until an event comes, as in stock
        Taurus.
        """
        goes_on = self._polls_beside_events and self.isPollingActive()
        self._polls_beside_events = force or goes_on
        super().enablePolling(force)

    def disablePolling(self) -> None:
        """Let it not be polled, whatever comes."""
        self._polls_beside_events = False
        super().disablePolling()

    def connected(self) -> DeviceConnection:
        connection = self._connection
        if connection is None:
            parent = self.getParentObj()
            if parent is None:
                reason = f"{self.getFullName()} has no device"
                tango.Except.throw_exception("TPO_NoDevice", reason, "_connected")
            connection = self._connection = self.factory().connection(parent)
        return connection

    # --- what Tango says ---

    def push_event(self, event: Any) -> None:
        """Take an event of Tango's; called in the thread of Tango or of the caller."""
        if isinstance(event, tango.AttrConfEventData):
            self._on_configuration(event)
        elif pytango_compat.is_subscription_failure(event):
            self.debug("Subscription failed: %s", event.errors[:1])
            self._refusal = event.errors[0].reason if event.errors else ""
            self._on_failure()
        elif event.err:
            error = tango.DevFailed(*event.errors)
            self.take_news(Input.EVENT, error_news(error, repeats=True))
            if self.isPollingActive():
                # As in stock Taurus, also where a program has forced it.
                self._end_polling()
        elif event.attr_value is None:
            self.connected().heard()
            self.happen(Input.ACCEPTED)
        else:
            self.connected().heard()
            self._verifier.take_event()
            repeats = not self._is_read_by_tango
            self._on_value(self._decoded(event.attr_value, repeats=repeats))

    @property
    def _is_read_by_tango(self) -> bool:
        """Whether the next event brings what Tango has read while it subscribed.

        It is no change, and what polls have told meanwhile is not told again.
        """
        lost = self._life.state is State.RETRYING and self._has_worked
        return lost or self.is_being_subscribed

    def _on_value(self, news: News) -> None:
        """Take what an event brought; see whether it came through the channel.

        What Tango has read itself, and may tell twice, did not.
        """
        known, state = self._cache.known, self._life.state
        newer = news.stamp > known.stamp
        came_through = news.error is None and (
            state is State.UNTRUSTED or (state is State.OPENING and newer)
        )
        if self._polls_beside_events:
            self._stop_polling_it()
        self.take_news(Input.EVENT, news)
        if came_through:
            self.happen(Input.OPENED)
        elif self._cache.known is known and not news.says_the_same(known):
            # Its time stamp is older: either it is late, or the stamps have gone back.
            self.happen(Input.DOUBTED)

    def take_news(self, what: Input, news: News) -> None:
        """Take what an event or a read brought; an error is verified."""
        self.happen(what, news)
        if news.error is not None:
            self.happen(Input.DOUBTED)

    def _on_failure(self) -> None:
        """Let Tango go on trying, unless it is a server that hangs.

        Each try would keep Tango from subscribing to anything else, for 9 s of 10.
        """
        if self.connected().server.silent:
            self._give_subscription_up()
            self.happen(Input.REJECTED)
        else:
            self.happen(Input.FAILED)

    def _decoded(
        self,
        raw: Any,
        begun: float | None = None,
        event_type: Any = TaurusEventType.Change,
        repeats: bool = False,
    ) -> News:
        """Return what Tango's ``raw`` value says, or why it cannot be understood."""
        unknown = taurus_compat.configuration(self) is None
        try:
            self._be_of_the_type_of(raw)
            value = self.decode(raw)
        except Exception as error:  # noqa: BLE001 - whatever a server may send
            self._report_undecodable(repr(error))
            return error_news(error, begun, repeats)
        self._undecodable = ""
        if unknown and taurus_compat.configuration(self) is not None:
            self._announce_configuration()
        stamp = value.time.totime()
        return News(value, None, stamp, begun, event_type, repeats)

    def _report_undecodable(self, why: str) -> None:
        """Warn once, not at each value."""
        log = self.debug if why == self._undecodable else self.warning
        self._undecodable = why
        log("%s cannot be decoded: %s", self.getFullName(), why)

    def decode(self, attr_value: Any) -> Any:
        """Return the ``TangoAttrValue`` of PyTango's ``attr_value``.

        An enumeration without a label for the value has the number, or None where the
        server says that the value is invalid. (Taurus's own raises.)
        """
        try:
            return super().decode(attr_value)
        except (IndexError, TypeError):
            if attr_value.type != tango.CmdArgType.DevEnum:
                raise
            return taurus_compat.decode_enum(self, attr_value)

    def _be_of_the_type_of(self, raw: Any) -> None:
        """Take type and format from Tango's ``raw`` value where they have changed.

        The attribute has become another one while its device was away. What else the
        configuration says is on its way, and may come later than a value: widgets
        cannot show that of a text which has units, as a number has.
        """
        info = taurus_compat.configuration(self)
        if info is None or raw.is_empty:
            return
        if (raw.type, raw.data_format) != (info.data_type, info.data_format):
            info.data_type, info.data_format = raw.type, raw.data_format
            taurus_compat.decode_configuration(self, info)
            self._announce_configuration()

    def _subscribeConfEvents(self, *_how: Any, **_kwargs: Any) -> None:
        """Subscribe to the configuration later; called by Taurus's constructor."""
        self.configuration_events.want()

    def _unsubscribeConfEvents(self) -> None:
        self.configuration_events.end()

    @property
    def device_answers(self) -> bool:
        """Whether its device answers, or refuses at once; False without a device."""
        return self.getParentObj() is not None and self.connected().answers

    def subscribe_configuration(
        self,
        rejected: Callable[[Subscription], Any],
        refused: Callable[[Subscription, Exception], Any],
    ) -> Subscription:
        """Have Tango subscribe to the configuration; see ``DeviceConnection``."""
        return self.connected().subscribe_configuration(
            self.getSimpleName(), self.push_event, rejected, refused
        )

    def when_idle(self) -> None:
        """Subscribe to the configuration, now that no window is being built.

        Called by the pool; the device was asked for the configuration just now.
        """
        if not self.closed and self.getParentObj() is not None:
            self._take_fresh_configuration()
            self.configuration_events.begin()

    def when_open(self) -> None:
        """See what was missed while the channels of its events were not open yet.

        That of the configuration was opened late: until then nobody has told of a
        device that was made anew. Called as :meth:`when_idle` is, some time after.
        """
        if not self.closed and self.getParentObj() is not None:
            self._take_fresh_configuration()
            if self._life.state in (State.OPENING, State.SUBSCRIBED):
                self.factory().look_later(self, 0.0)

    def _take_fresh_configuration(self) -> None:
        """Take what its device has told just now, if no event was faster."""
        info = self.connected().fresh_configuration(
            self.getSimpleName(), since=self.configuration_events.heard
        )
        self._take_configuration(info)

    def _on_configuration(self, event: Any) -> None:
        if event.err:
            # The value that is cached stays true.
            self.debug("configuration event in error: %s", event.errors[:1])
            return
        self.connected().heard()
        # The first event of a subscription may bring nothing.
        first = self.configuration_events.take_event(self._clock.monotonic())
        info = getattr(event, "attr_conf", None)
        if first or info is None:
            self._take_configuration(info)
            return
        # What the device has told of all its attributes is older.
        self.connected().forget_configurations()
        # As in stock Taurus, each is told: an observer may count them.
        taurus_compat.decode_configuration(self, info)
        self._announce_configuration()
        # Also of a device that was made anew: nobody sends events of its values.
        self.happen(Input.RENEWED)

    def _take_configuration(self, info: Any) -> None:
        """Make ``info`` the configuration, where there is news in it."""
        if info is None:
            return
        self._make_readable(info)
        if info != self._decoded_configuration:
            taurus_compat.decode_configuration(self, info)
            self._announce_configuration()

    def _decodeAttrInfoEx(self, pytango_attrinfoex: Any = None) -> None:
        """Take Tango's configuration; called by Taurus, its constructor among it."""
        if pytango_attrinfoex is not None:
            self._make_readable(pytango_attrinfoex)
        super()._decodeAttrInfoEx(pytango_attrinfoex)
        taken = taurus_compat.configuration(self)
        # A copy: who changes a configuration (Taurus's panel) changes the object that
        # Taurus gives out, and what the device tells then would be no news.
        self._decoded_configuration = taken and tango.AttributeInfoEx(taken)

    def _make_readable(self, info: Any) -> None:
        """Empty the texts in ``info`` that are none; warn where that is news.

        One that is not in UTF-8, say: nobody can read it, and PyTango raises.
        """
        unreadable = pytango_compat.empty_unreadable(info)
        if unreadable and unreadable != self._unreadable:
            what = ", ".join(unreadable)
            self.warning("%s: its %s cannot be decoded, left empty", self, what)
        self._unreadable = unreadable

    def _announce_configuration(self) -> None:
        """Tell the listeners to look at the configuration again.

        As in stock Taurus, not where there is no value: but for widgets, of which the
        row of a device that was late becomes another one. And with the last value where
        a poll has brought an error, not where an event has.
        """
        value, told = self._cache.known.value, None
        if value is None and self.isPollingActive():
            value = self._cache.last_value
        if value is None:
            value = TangoAttrValue(attr=self)
            told = tuple(o for o in taurus_compat.listeners(self) if is_of_taurus(o()))
        self._actions.put(partial(self._fire, TaurusEventType.Config, value, told))
        self._actions.work()

    def getAttributeInfoEx(self, cache: bool = True) -> Any:
        """Return Tango's ``AttributeInfoEx``; None where the device does not tell.

        Asks the device where it is not known, and waits for it, in whatever thread.

        :param cache: False asks in any case.
        """
        if not cache or taurus_compat.configuration(self) is None:
            self._ask_for_configuration()
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

    def _ask_for_configuration(self) -> None:
        device = self.getParentObj()
        if device is None or not self.factory().reach_by_name(device):
            return
        try:
            info = self.connected().configuration(self.getSimpleName())
        except tango.DevFailed as error:
            self.debug("No configuration: %s", error.args[0].desc)
        else:
            self._take_configuration(info)

    # --- reads ---

    def _readFirstTime(self) -> None:
        self.factory().readAttributeFirstTime(self)

    def _read_it(self) -> None:
        """Have it read, unless it would be polled and its user has disabled that.

        As in stock Taurus, the cache is filled then, and nobody told, where the
        application runs or the Taurus custom settings say so.
        """
        is_told = self.isPollingEnabled() or self._life.state not in _FALLEN_BACK
        if is_told or self._should_force_read():
            self._only_caches = not is_told
            self._readFirstTime()

    def count_read(self, news: News) -> None:
        """Count a read that nobody is told."""
        with self._lock:
            self._note(Input.READ, news)

    @property
    def last_told(self) -> Known[Any]:
        """What those who listen now were told last."""
        return self._told

    @property
    def subscription_was_lost(self) -> bool:
        """Whether Tango has lost the present subscription since it was made."""
        subscription = self._subscription
        return subscription is not None and subscription.was_lost

    @property
    def known(self) -> Known[Any]:
        """What is cached, a value, an error or nothing yet; never waits."""
        return self._cache.known

    def known_since(self, asked: float) -> Any:
        """Return the value if listeners were told one of after ``asked``, else None.

        One that a read has brought which began before may be older than that.

        :param asked: seconds since the epoch by our clock.
        """
        told = self._told
        return told.value if told.as_of > asked else None

    def await_first_value(self, timeout: float) -> None:
        """Wait for the first value or error, if one is on its way.

        :param timeout: how long at the most, s.
        """
        if self._value_is_coming() and self.connected().is_there:
            self._await_something(timeout)

    def _await_something(self, timeout: float | None = None) -> None:
        """Wait until a value or an error is known; s, None for as long as it takes."""
        with self._lock:
            if not self._cache.known.empty:
                return
            heard = self._heard = self._heard or threading.Event()
        heard.wait(timeout)

    def accept_read(
        self, reading: Reading, looks: bool = False, polls: bool = True
    ) -> tuple[Any, Any]:
        """Take what the pool read: cache first, then listeners, as with an event.

        :param looks: whether it is to be compared with what was cached.
        :param polls: whether it is one of those reads of which each is told, as those
            of stock Taurus's polling are.
        :return: the ``TangoAttrValue``, or the error.
        """
        only_caches, self._only_caches = self._only_caches, False
        if only_caches and not (looks or polls):
            return self._accept_for_cache(reading)
        kind = TaurusEventType.Change
        is_poll = polls or self.isPollingActive()
        polled = is_poll and not self._is_read_for_tango
        if polled or (self._told.empty and self._reads_apart):
            kind = TaurusEventType.Periodic
        # While Tango subscribes, also anew to what it has lost, only news is told.
        is_beside = self._has_worked or self.is_being_subscribed
        repeats = polls and (self._polls_beside_events or not is_beside)
        news = self._news(reading.value, reading.error, reading.begun, kind, repeats)
        if not polls and self._verifier.is_passing(news):
            self._verifier.take_passing_error(news, looks)
        elif looks:
            self._verifier.take_look(news)
        else:
            self.take_news(Input.READ, news)
        return news.value, news.error

    def _accept_for_cache(self, reading: Reading) -> tuple[Any, Any]:
        """Take what the pool read without telling anybody; return it, or the error."""
        kind = TaurusEventType.Change
        news = self._news(reading.value, reading.error, reading.begun, kind, False)
        with self._lock:
            self._note(Input.READ, news)
            self._cache_it(news)
        return news.value, news.error

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
        news = self._news(value, error, begun, TaurusEventType.Periodic, True)
        self.take_news(Input.READ, news)
        if not in_window_thread():
            self._actions.finish(TELLING)

    def _news(
        self, raw: Any, error: Any, begun: float, kind: Any, repeats: bool
    ) -> News:
        if error is not None:
            return error_news(error, begun, repeats)
        return self._decoded(raw, begun, kind, repeats)

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
            return value_of(self._cache.known)
        if self._cache.known.empty:
            return self._read_first(cache)
        if not self._is_kept_current():
            return self._read_anew()
        known = self._cache.known
        if self._fresh_enough(known, cache):
            return value_of(known)
        return self._read_now()

    def _read_first(self, cache: Any) -> Any:
        """Return the first value that comes; read the device if none is to come."""
        # A device that has not answered yet is being asked already.
        connecting = self._life.state in CONNECTING
        self._raise_where_silent()
        forced = self._should_force_read() and not connecting
        if forced or not self._value_is_coming():
            return self._read_now()
        self._await_something()
        known = self._cache.known
        if self._fresh_enough(known, cache):
            return value_of(known)
        return self._read_now()

    def _is_kept_current(self) -> bool:
        """Return whether what is cached changes by itself when the device changes.

        Nobody who listens and no polling: nothing does that (stock Taurus repeats what
        was read first for ever).
        """
        state = self._life.state
        return state in WORKING or state in CONNECTING or self.isPollingActive()

    def _read_anew(self) -> Any:
        """Read the device, which nothing keeps what is cached in line with.

        The thread of a window gets what is cached where the device does not answer in
        good time.
        """
        if in_window_thread() and not self._answers_in_time():
            return value_of(self._cache.known)
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
        if cache and self._cache.known.empty and in_window_thread():
            self._await_first_value_in_window()
            return self._cache.known.value
        return super().getValueObj(cache)

    def getFragmentObj(self, fragmentName: str | None = None) -> Any:
        """Return what widgets show, as Taurus does.

        :raises AttributeError: for a value that cannot be known yet: neither the device
            nor its configuration has been heard of. Widgets show that as no value.
        """
        unknown = (
            taurus_compat.configuration(self) is None
            and self._cache.known.value is None
        )
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
            self._learn_type()
            device.write_attribute(self.getSimpleName(), self.encode(value))
        except tango.DevFailed as error:
            first = error.args[0]
            self.error("[Tango] write failed (%s): %s", first.reason, first.desc)
            raise
        except Exception as error:
            self.error("[Tango] write failed: %s", error)
            raise
        return self._read_back(device) if self.isReadWrite() else None

    def _learn_type(self) -> None:
        """Ask the device what the attribute is, unless that is known; waits for it.

        :raises tango.DevFailed: where the device does not tell.
        """
        if taurus_compat.configuration(self) is None:
            info = self.connected().configuration(self.getSimpleName())
            self._take_configuration(info)

    def _read_back(self, device: Any) -> Any:
        """Return what was written, as the device has it now, and tell the listeners."""
        begun = self._clock.time()
        kind = TaurusEventType.Periodic
        try:
            raw = device.read_attribute(self.getSimpleName())
            news = self._decoded(raw, begun, kind, repeats=True)
        except tango.DevFailed as error:
            news = error_news(error, begun, repeats=True)
        self.take_news(Input.READ, news)
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
            news = self._decoded(raw, begun)
        except tango.DevFailed as error:
            self.debug("read failed: %s", error.args[0].desc)
            news = error_news(error, begun)
        # What is cached is what the listeners know: they hear of it, too.
        self.take_news(Input.READ, news)
        if news.error is not None:
            raise fresh(news.error)
        return news.value

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
        elif self.isPollingActive() or self._life.state not in _FALLEN_BACK:
            with self._lock:
                # What is put in later is newer: nobody hears the old after the new.
                self._actions.put(partial(self._greet, listener, self._cache.known))
            self._actions.work()
        return True

    def _listen(self) -> None:
        """Begin to keep it current: by a subscription, or by polling."""
        polled = self.event_sub_decision.mode is None and not self._wants_events
        self.happen(Input.LISTEN_POLLED if polled else Input.LISTEN)

    def _greet(self, listener: Any, known: Known[Any]) -> None:
        """Tell a listener that came later what the others know already."""
        told = tuple(one for one in taurus_compat.listeners(self) if one() == listener)
        if known.value is not None:
            # Some widgets react to the one, some to the other.
            self._fire(TaurusEventType.Config, known.value, told)
            self._fire(TaurusEventType.Change, known.value, told)
        elif known.error is not None:
            self._fire(TaurusEventType.Error, known.error, told)

    def removeListener(self, listener: Any) -> Any:
        """Remove a listener; after the last one the subscription is given up.

        :return: False if it did not listen.
        """
        removed = TaurusAttribute.removeListener(self, listener)
        if removed and not self.hasListeners():
            self._wants_events = False
            self.happen(Input.UNLISTEN)
        return removed

    def _fire(
        self, event_type: Any, value: Any, listeners: tuple[Any, ...] | None = None
    ) -> None:
        told = taurus_compat.listeners(self) if listeners is None else listeners
        if not told or self.closed:
            return
        mode = self.getSerializationMode()
        if mode == TaurusSerializationMode.TangoSerial:
            EVENT_DISPATCHER.tell(self, event_type, value, told)
        else:
            Manager().enqueueJob(
                WeakCallback(self._fire_later),
                job_args=(event_type, value, told),
                serialization_mode=mode,
            )

    def _fire_later(self, event_type: Any, value: Any, told: tuple[Any, ...]) -> None:
        if not self.closed:
            EVENT_DISPATCHER.tell(self, event_type, value, told)

    # --- state ---

    @property
    def server(self) -> Server | None:
        """What is known of its server, or of the database that has not told which.

        None before it was asked for; never waits.
        """
        connection = self._connection
        return None if connection is None else connection.home or connection.server

    @property
    def facts(self) -> Facts:
        """What is known of where it stands; never waits."""
        connection, error = self._connection, self._cache.known.error
        # Whom it takes to go on: the database, where that is what hangs.
        awaited = None if connection is None else connection.server
        silent = awaited is not None and awaited.silent
        who, next_try = self.server, 0.0
        if silent and awaited is not None:
            who = awaited
            next_try = max(0.0, awaited.retry_at() - self._clock.monotonic())
        return Facts(
            state=self._life.state,
            period=self.getPollingPeriod() if self.isPollingActive() else None,
            server="" if who is None else f"server {who}",
            silent=silent,
            next_try=next_try,
            unreachable=error is not None and is_unreachable(error),
            disabled_by=self.factory().events_disabled_by() or "",
            refusal=self._refusal,
            failed=error is not None,
        )

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
        return self._life.state not in (State.IDLE, State.CLOSED)

    @property
    def is_missing(self) -> bool:
        """Whether those who listen see nothing of the device; never waits.

        An error that the device itself has told is something.
        """
        known = self._cache.known
        if known.value is not None or not self.is_listened_to:
            return False
        error = known.error
        return error is None or is_unreachable(error) or is_late(error)

    def getDisplayDescrObj(self, cache: bool = True) -> list[tuple[str, str]]:
        """Return what tooltips tell, as Taurus does, and its mode and status."""
        decision = self.event_sub_decision
        mode = f"{decision.label}, decided by: {decision.decided_by}"
        told = (("mode", escape(mode)), ("state", escape(self.status)))
        return [*super().getDisplayDescrObj(cache), *told]

    def isUsingEvents(self) -> bool:
        """Return whether its subscription works."""
        return self._life.state in WORKING

    @property
    def state(self) -> State:
        """Where it stands in its life; finer than Taurus's state of a subscription."""
        return self._life.state

    def getSubscriptionState(self) -> Any:
        """Return Taurus's ``SubscriptionState``."""
        return _TAURUS_STATES[self._life.state]

    @property
    def closed(self) -> bool:
        """Whether it was cleaned up."""
        return self._life.state is State.CLOSED

    def subscribePendingEvents(self) -> None:
        """Subscribe now what was held back."""
        self._wants_events = True
        self.configuration_events.want()
        self.configuration_events.begin()
        self.happen(Input.RESUBSCRIBE)

    def subscribe_again(self) -> None:
        """Give its subscription up and begin anew, in the mode that is decided now.

        Does nothing where nobody listens. Waits until the old one is given up, and in
        modes that wait for the new one: not for the thread of a window.
        """
        if not self.is_listened_to:
            return
        before = self._subscription
        if before is not None:
            # Tango would go on with the one that it has.
            before.end_now(GIVING_UP)
        self.happen(Input.UNLISTEN)
        if self.hasListeners():
            self._listen()
        if not self.hasListeners():
            # The last one went meanwhile.
            self.happen(Input.UNLISTEN)

    def cleanUp(self) -> None:
        """End it: no event, no poll and no read reaches it any more."""
        self.happen(Input.CLOSE)
        self.factory().deferred_setup.release(self)
        super().cleanUp()


#: Finds the method of an attribute that carries each effect out; publishing apart.
_CARRIED_OUT_BY = {
    Effect.CONNECT: attrgetter("_connect"),
    Effect.SUBSCRIBE: attrgetter("_subscribe_as_decided"),
    Effect.SUBSCRIBE_RETRYING: attrgetter("_subscribe_retrying"),
    Effect.RENEW: attrgetter("_renew"),
    Effect.UNSUBSCRIBE: attrgetter("_give_subscription_up"),
    Effect.READ: attrgetter("_read_it"),
    Effect.LOOK_ONCE: attrgetter("_verifier.look_once"),
    Effect.LOOK_AGAIN: attrgetter("_verifier.look_again"),
    Effect.WATCH: attrgetter("_verifier.watch"),
    Effect.CHECK: attrgetter("_verifier.check"),
    Effect.POLL: attrgetter("_poll_it"),
    Effect.STOP_POLLING: attrgetter("_stop_polling_it"),
}
