"""Carries out what :mod:`taurus_tpo.core.lifecycle` decides for one attribute.

It owns the subscription and the cached value, and records the last dispatch. Listeners
and Tango are called by its action queue, with no lock held.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Callable

import tango
from taurus import Manager
from taurus.core.taurusbasetypes import TaurusEventType, TaurusSerializationMode

from taurus_tpo.concurrency.action_queue import ActionQueue
from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core import modes
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import reason_of
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
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.value_cache import NOTHING, Known, ValueCache
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme.attribute_part import AttributePart, callback
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER, most_waiting
from taurus_tpo.scheme.news import News, error_news
from taurus_tpo.scheme.verifier import Verifier
from taurus_tpo.tango_client import pytango_compat
from taurus_tpo.tango_client.reads import Reading
from taurus_tpo.tango_client.subscription import Subscription

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute

_LOG = logging.getLogger(__name__)

#: The states in which an attribute is polled, not subscribed.
FALLEN_BACK = (State.RETRYING, State.POLLED)


class AttributeEngine(AttributePart):
    """The lifecycle, subscription and cache of one attribute, and its effects.

    :param attribute: the owner.
    """

    __slots__ = (
        "_actions",
        "_cache",
        "_clock",
        "_first_event_since",
        "_has_worked",
        "_heard",
        "_life",
        "_only_caches",
        "_refusal",
        "_subscription",
        "_told",
        "_told_in",
        "_undecodable",
        "_verifier",
        "history",
    )

    def __init__(self, attribute: TpoTangoAttribute, clock: Clock = SYSTEM) -> None:
        super().__init__(attribute)
        self._clock = clock
        self._life = Lifecycle()
        self._cache: ValueCache[Any] = ValueCache()
        #: Counts and times of what has happened.
        self.history = History()
        #: The last dispatch to the present listeners, and the state at that time.
        self._told: Known[Any] = NOTHING
        self._told_in = State.IDLE
        #: Whether a subscription has worked since the first listener was added.
        self._has_worked = False
        #: When the subscription was begun, until it brings a value, s.
        self._first_event_since: float | None = None
        #: Whether the pending read only fills the cache.
        self._only_caches = False
        #: Why the last value could not be decoded; empty if it could.
        self._undecodable = ""
        #: Set with the first value or error; made by the first caller that waits.
        self._heard: threading.Event | None = None
        self._actions = ActionQueue(WeakCallback(self._complain))
        self._verifier = Verifier(attribute)
        self._subscription: Subscription | None = None
        #: Tango's reason for the last failure of the subscription.
        self._refusal = ""

    def restart_in_child(self) -> None:
        """Replace locks and actions in a forked child process."""
        super().restart_in_child()
        self._actions = ActionQueue(WeakCallback(self._complain))
        self._heard = None
        self._verifier.restart_in_child()

    # --- state ---

    @property
    def state(self) -> State:
        """The state in the table of transitions."""
        return self._life.state

    @property
    def known(self) -> Known[Any]:
        """The cached value or error; empty before the first one."""
        return self._cache.known

    @property
    def last_value(self) -> Any:
        """The last value that was cached, even if an error came after it."""
        return self._cache.last_value

    @property
    def last_told(self) -> Known[Any]:
        """What was dispatched last to the present listeners."""
        return self._told

    @property
    def refusal(self) -> str:
        """Tango's reason for the last failure of the subscription; empty: none."""
        return self._refusal

    @property
    def subscription(self) -> Subscription | None:
        """The present subscription; None without one."""
        return self._subscription

    @property
    def subscription_was_lost(self) -> bool:
        """Whether Tango has lost the present subscription since it was made."""
        subscription = self._subscription
        return subscription is not None and subscription.was_lost

    @property
    def is_being_subscribed(self) -> bool:
        """Whether Tango was called to subscribe and has not answered yet."""
        return self._life.state in (State.SUBSCRIBING, State.RESUBSCRIBING)

    def known_since(self, asked: float) -> Any:
        """Return the value dispatched last if it is newer than ``asked``, else None.

        A value of a read that began before may be older.

        :param asked: local clock, seconds since the epoch.
        """
        told = self._told
        return told.value if told.as_of > asked else None

    def await_something(self, timeout: float | None = None) -> None:
        """Wait until a value or an error is known.

        :param timeout: s; None: no limit, for callers that know that one is pending.
        """
        with self._lock:
            if not self._cache.known.empty:
                return
            heard = self._heard = self._heard or threading.Event()
        heard.wait(timeout)

    # --- inputs ---

    def happen(self, what: Input, news: News | None = None) -> None:
        """Feed an input to the lifecycle and carry out the effects.

        :param news: result of a read or an event.
        """
        with self._lock:
            before = self._life.state
            self._note(what, news)
            if before is State.IDLE:
                self._begin_again()
            effects = self._life.feed(what)
            after = self._life.state
            self._has_worked |= after in WORKING
            for effect in effects:
                self._put(effect, news)
        if after in FALLEN_BACK and before not in FALLEN_BACK:
            attribute = self._attribute
            attribute.factory().polled_report.add(attribute, self._why_polled())
        self._actions.work()

    def take_news(self, what: Input, news: News) -> None:
        """Feed the result of an event or a read; an error is verified later."""
        self.happen(what, news)
        if news.error is not None:
            self.happen(Input.DOUBTED)

    def count_read(self, news: News) -> None:
        """Count a read that is not dispatched."""
        with self._lock:
            self._note(Input.READ, news)

    def _why_polled(self) -> str:
        if self._life.state is State.POLLED:
            return "events are disabled"
        return self._refusal or "the subscription failed"

    def _begin_again(self) -> None:
        """Forget the last dispatch to earlier listeners; with the lock held."""
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
        """Queue ``effect``; with the lock held, which keeps the order of decisions."""
        if effect is not Effect.PUBLISH:
            self._actions.put(_CARRIED_OUT_BY[effect](self))
            return
        publication = self._publication(news)
        if publication is not None and news is not None:
            self._actions.put_news(publication, most_waiting(news.value))

    # --- the cache and the listeners ---

    def _publication(self, news: News | None) -> Callable[[], Any] | None:
        """Offer ``news`` to the cache; return the function that dispatches it, or None.

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
        return partial(self._tell, news.event_type, told)

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
        """Return whether the device sets time stamps that are not of the local clock.

        True for a first event that is older than any delay explains. Stock Taurus drops
        no first event of a subscription. With the lock held.
        """
        since = self._first_event_since
        if news.begun is not None or news.error is not None or since is None:
            return False
        self._first_event_since = None
        return self._cache.known.stamp - news.stamp > now - since

    def _refresh_tooltips(self) -> None:
        """Update tooltips after a new subscription, since no event does."""
        attribute = self._attribute
        EVENT_DISPATCHER.refresh_tooltips(attribute, taurus_compat.listeners(attribute))

    def announce(
        self, event_type: Any, value: Any, listeners: tuple[Any, ...] | None = None
    ) -> None:
        """Dispatch an event after those that are queued already.

        :param listeners: weak references to the receivers; None: all listeners.
        """
        self._actions.put(partial(self._tell, event_type, value, listeners))
        self._actions.work()

    def greet(self, listener: Any) -> None:
        """Dispatch the cached value or error to an additional listener."""
        with self._lock:
            # With the lock held: news that is queued later is newer.
            self._actions.put(partial(self._greet, listener, self._cache.known))
        self._actions.work()

    def _greet(self, listener: Any, known: Known[Any]) -> None:
        present = taurus_compat.listeners(self._attribute)
        told = tuple(one for one in present if one() == listener)
        if known.value is not None:
            # Some widgets react to Config, some to Change.
            self._tell(TaurusEventType.Config, known.value, told)
            self._tell(TaurusEventType.Change, known.value, told)
        elif known.error is not None:
            self._tell(TaurusEventType.Error, known.error, told)

    def finish_telling(self, timeout: float) -> None:
        """Wait until all that is queued was dispatched, at most ``timeout`` s.

        Returns at once if a listener calls it.
        """
        self._actions.finish(timeout)

    def _tell(
        self, event_type: Any, value: Any, listeners: tuple[Any, ...] | None = None
    ) -> None:
        attribute = self._attribute
        told = taurus_compat.listeners(attribute) if listeners is None else listeners
        if not told or attribute.closed:
            return
        mode = attribute.getSerializationMode()
        if mode == TaurusSerializationMode.TangoSerial:
            EVENT_DISPATCHER.tell(attribute, event_type, value, told)
        else:
            Manager().enqueueJob(
                WeakCallback(self._tell_in_job),
                job_args=(event_type, value, told),
                serialization_mode=mode,
            )

    @callback
    def _tell_in_job(self, event_type: Any, value: Any, told: tuple[Any, ...]) -> None:
        attribute = self._attribute
        if not attribute.closed:
            EVENT_DISPATCHER.tell(attribute, event_type, value, told)

    def _complain(self, error: Exception) -> None:
        """Log an exception of a listener or of a call to Tango."""
        attribute = self._owner()
        if attribute is None:
            # An effect that was not carried out: a subscription may not be ended.
            _LOG.warning("an action of a destroyed attribute failed: %r", error)
            return
        attribute.error("%s: %r", attribute.getFullName(), error)
        attribute.debug("details:", exc_info=error)

    # --- effects: the connection and the subscription ---

    def _connect(self) -> None:
        attribute = self._attribute
        connection = attribute.connected()
        connection.costs.enter(attribute.getSimpleName().lower())
        mode = attribute.event_sub_decision.mode
        # Stateless subscribes in the caller's thread, but its caller does not expect to
        # wait.
        waits_unasked = mode is not None and mode.tries and not mode.raises
        if connection.answers_lately and not waits_unasked:
            self._on_answer()
            return
        # The identity, not the name: a new attribute of that name is another request.
        future = attribute.factory().device_access.connect(
            attribute.getParentObj(), id(attribute)
        )
        if mode is not None and mode.raises and not connection.silent:
            # Sync and SyncRead: the caller expects to wait; once a server.
            attribute.factory().wait_policy.wait_at_length(future, connection)
        future.add_done_callback(WeakCallback(self._on_connected))

    @callback
    def _on_connected(self, future: Future[Any]) -> None:
        """Process the result of a request to connect; in a thread of the pool."""
        attribute = self._attribute
        if future.cancelled():
            attribute.debug("The request to connect was withdrawn")
            return
        error = future.exception()
        if error is None:
            self._on_answer()
            return
        self.happen(Input.UNREACHABLE, error_news(error))
        parent = attribute.getParentObj()
        waits = (*CONNECTING, State.POLLED)
        if self._life.state in waits and parent is not None:
            connection = attribute.connected()
            again = attribute.factory().device_access.connect(
                parent, id(attribute), connection.patient_retry_delay, patient=True
            )
            again.add_done_callback(WeakCallback(self._on_connected))

    def _on_answer(self) -> None:
        attribute = self._attribute
        attribute.configuration.take_answer()
        is_polled = attribute.event_sub_decision.mode is None
        polled = is_polled and not attribute.wants_events
        self.happen(Input.CONNECTED_POLLED if polled else Input.CONNECTED)

    def _subscribe_as_decided(self) -> None:
        self._subscribe(self._attribute.event_sub_decision.mode or modes.RETRYING)

    def _subscribe_retrying(self) -> None:
        self._subscribe(modes.RETRYING)

    def _renew(self) -> None:
        """Subscribe again after ending the present subscription."""
        before = self._subscription
        self._unsubscribe()
        self._subscribe(modes.RETRYING, after=before)

    def _subscribe(self, mode: SubMode, after: Subscription | None = None) -> None:
        attribute = self._attribute
        native = CUSTOM_SETTINGS.current().native_async_read
        carrier = modes.carrier(mode, native)
        self._first_event_since = self._clock.time()
        try:
            self._subscription = attribute.connected().subscribe(
                attribute.getSimpleName(),
                carrier,
                attribute.push_event,
                self._rejected,
                self._refused,
                after,
            )
        except tango.DevFailed as error:
            self._take_refusal(error)
            return
        if carrier.tries and not carrier.tells_success:
            self.happen(Input.ACCEPTED)

    @callback
    def _refused(self, subscription: Subscription, error: Exception) -> None:
        if self._is_present(subscription):
            self._take_refusal(error)

    def _take_refusal(self, error: Exception) -> None:
        self._attribute.debug("Subscription failed: %s", error)
        self._refusal = reason_of(error)
        self.happen(Input.REFUSED)

    @callback
    def _rejected(self, subscription: Subscription) -> None:
        if self._is_present(subscription):
            self._subscription = None
            self.happen(Input.REJECTED)

    def _is_present(self, subscription: Subscription) -> bool:
        """Return whether a callback about ``subscription`` is not outdated.

        It may arrive while the subscription is being made.
        """
        is_mine = self._subscription in (None, subscription)
        return is_mine and not subscription.ended

    def _unsubscribe(self) -> None:
        attribute = self._attribute
        pool, connection = attribute.factory().first_read, attribute.connection
        if connection is not None:
            pool.withdraw(connection, RequestKind.CONNECT, id(attribute))
        subscription, self._subscription = self._subscription, None
        if subscription is not None and connection is not None:
            name = attribute.getSimpleName().lower()
            # Not the requests of a new attribute of that name.
            pool.withdraw(connection, RequestKind.LOOK, name, attribute)
            subscription.end()

    # --- effects: polls and reads ---

    def _poll(self) -> None:
        attribute = self._attribute
        if not attribute.isPollingActive():
            taurus_compat.activate_polling(attribute)

    def _stop_polling(self) -> None:
        attribute = self._attribute
        if not attribute.isPollingForced():
            attribute.end_polling()

    def _read(self) -> None:
        """Request a first read.

        If its user has disabled polling, and it would be polled, stock Taurus only
        fills the cache: while the application runs, or if the Taurus custom settings
        say so.
        """
        attribute = self._attribute
        is_told = attribute.isPollingEnabled() or self._life.state not in FALLEN_BACK
        if is_told or attribute.forces_read():
            self._only_caches = not is_told
            attribute.factory().readAttributeFirstTime(attribute)

    # --- events ---

    def take_event(self, event: Any) -> None:
        """Process an event of the value; in Tango's thread, or in the caller's."""
        attribute = self._attribute
        if pytango_compat.is_subscription_failure(event):
            attribute.debug("Subscription failed: %s", event.errors[:1])
            self._refusal = event.errors[0].reason if event.errors else ""
            self._take_failure()
        elif event.err:
            error = tango.DevFailed(*event.errors)
            self.take_news(Input.EVENT, error_news(error, repeats=True))
            if attribute.isPollingActive():
                # As in stock Taurus, also where a program has forced polling.
                attribute.end_polling()
        elif event.attr_value is None:
            attribute.connected().heard()
            self.happen(Input.ACCEPTED)
        else:
            attribute.connected().heard()
            self._verifier.take_event()
            repeats = not self._is_read_by_tango
            self._take_value(self.decoded(event.attr_value, repeats=repeats))

    @property
    def _is_read_by_tango(self) -> bool:
        """Whether the next event has the value that Tango read when it subscribed.

        It is no change: if a poll has dispatched it already, it is not dispatched
        again.
        """
        lost = self._life.state is State.RETRYING and self._has_worked
        return lost or self.is_being_subscribed

    def _take_value(self, news: News) -> None:
        """Process the value of an event; find out whether the server has sent it.

        A value that Tango has read itself, and may deliver twice, proves nothing.
        """
        known, state = self._cache.known, self._life.state
        newer = news.stamp > known.stamp
        was_sent = news.error is None and (
            state is State.UNTRUSTED or (state is State.OPENING and newer)
        )
        if self._attribute.polls_beside_events:
            self._stop_polling()
        self.take_news(Input.EVENT, news)
        if was_sent:
            self.happen(Input.OPENED)
        elif self._cache.known is known and not news.says_the_same(known):
            # Its time stamp is older: the event is late, or the device's clock was set
            # back.
            self.happen(Input.DOUBTED)

    def _take_failure(self) -> None:
        """Let Tango retry the subscription, unless the server hangs.

        Each retry would keep Tango from subscribing to anything else, for 9 s of 10.
        """
        if self._attribute.connected().server.silent:
            self._unsubscribe()
            self.happen(Input.REJECTED)
        else:
            self.happen(Input.FAILED)

    # --- reads ---

    def accept_read(
        self, reading: Reading, looks: bool = False, polls: bool = True
    ) -> tuple[Any, Any]:
        """Process a read of the pool: cache first, then listeners, as for an event.

        :param looks: whether it was read for the verification.
        :param polls: whether it is a poll: each one is dispatched, as in stock Taurus.
        :return: the ``TangoAttrValue``, or the error.
        """
        only_caches, self._only_caches = self._only_caches, False
        if only_caches and not (looks or polls):
            return self._accept_for_cache(reading)
        kind = TaurusEventType.Change
        is_poll = polls or self._attribute.isPollingActive()
        polled = is_poll and not self._is_read_for_tango
        if polled or (self._told.empty and self._is_read_apart):
            kind = TaurusEventType.Periodic
        # While Tango subscribes, also again after a loss, only changes are dispatched.
        is_beside = self._has_worked or self.is_being_subscribed
        repeats = polls and (self._attribute.polls_beside_events or not is_beside)
        news = self.news(reading.value, reading.error, reading.begun, kind, repeats)
        if not polls and self._verifier.is_passing(news):
            self._verifier.take_passing_error(news, looks)
        elif looks:
            self._verifier.take_look(news)
        else:
            self.take_news(Input.READ, news)
        return news.value, news.error

    def _accept_for_cache(self, reading: Reading) -> tuple[Any, Any]:
        kind = TaurusEventType.Change
        news = self.news(reading.value, reading.error, reading.begun, kind, False)
        with self._lock:
            self._note(Input.READ, news)
            self._cache_it(news)
        return news.value, news.error

    @property
    def _is_read_for_tango(self) -> bool:
        """Whether it is polled only until Tango has subscribed.

        Such a poll may deliver the first value when Tango has just answered.
        """
        attribute = self._attribute
        is_pending = self.is_being_subscribed or (
            self._told.empty and attribute.isUsingEvents()
        )
        return is_pending and not attribute.isPollingForced()

    @property
    def _is_read_apart(self) -> bool:
        """Whether its mode does not read.

        Stock Taurus then dispatches the first value as a poll.
        """
        mode = self._attribute.event_sub_decision.mode
        return mode is not None and not mode.reads

    # --- decoding ---

    def news(
        self, raw: Any, error: Any, begun: float, kind: Any, repeats: bool
    ) -> News:
        """Return the result of a read.

        :param raw: PyTango's ``DeviceAttribute``, unless there is an error.
        :param begun: when the read began, seconds since the epoch.
        :param kind: the ``TaurusEventType`` of a value.
        :param repeats: see :class:`taurus_tpo.scheme.news.News`.
        """
        if error is not None:
            return error_news(error, begun, repeats)
        return self.decoded(raw, begun, kind, repeats)

    def decoded(
        self,
        raw: Any,
        begun: float | None = None,
        kind: Any = TaurusEventType.Change,
        repeats: bool = False,
    ) -> News:
        """Return the value of ``raw``, or the decoding error; as :meth:`news`."""
        attribute = self._attribute
        unknown = taurus_compat.configuration(attribute) is None
        try:
            attribute.configuration.take_type_of(raw)
            value = attribute.decode(raw)
        except Exception as error:  # noqa: BLE001 - whatever a server may send
            self._report_undecodable(repr(error))
            return error_news(error, begun, repeats)
        self._undecodable = ""
        if unknown and taurus_compat.configuration(attribute) is not None:
            attribute.configuration.announce()
        return News(value, None, value.time.totime(), begun, kind, repeats)

    def _report_undecodable(self, why: str) -> None:
        """Warn once, not for each value."""
        attribute = self._attribute
        log = attribute.debug if why == self._undecodable else attribute.warning
        self._undecodable = why
        log("%s cannot be decoded: %s", attribute.getFullName(), why)


#: The method that carries out each effect, except for PUBLISH.
_CARRIED_OUT_BY = {
    Effect.CONNECT: attrgetter("_connect"),
    Effect.SUBSCRIBE: attrgetter("_subscribe_as_decided"),
    Effect.SUBSCRIBE_RETRYING: attrgetter("_subscribe_retrying"),
    Effect.RENEW: attrgetter("_renew"),
    Effect.UNSUBSCRIBE: attrgetter("_unsubscribe"),
    Effect.READ: attrgetter("_read"),
    Effect.LOOK_ONCE: attrgetter("_verifier.look_once"),
    Effect.LOOK_AGAIN: attrgetter("_verifier.look_again"),
    Effect.WATCH: attrgetter("_verifier.watch"),
    Effect.CHECK: attrgetter("_verifier.check"),
    Effect.POLL: attrgetter("_poll"),
    Effect.STOP_POLLING: attrgetter("_stop_polling"),
}
