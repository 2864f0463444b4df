"""Carries out what :mod:`taurus_tpo.core.lifecycle` decides for one attribute.

It owns the subscription. Listeners and Tango are called by its action queue, with no
lock held.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import tango
from taurus.core.taurusbasetypes import TaurusEventType

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
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme.attribute_dispatch import AttributeDispatch
from taurus_tpo.scheme.attribute_part import AttributePart, callback
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

#: Each lookup in an enumeration of Taurus is a call of a Python function.
_CHANGE, _PERIODIC = TaurusEventType.Change, TaurusEventType.Periodic


class AttributeEngine(AttributePart):
    """The lifecycle and the subscription of one attribute, and its effects.

    :param attribute: the owner.
    """

    __slots__ = (
        "_actions",
        "_clock",
        "_has_worked",
        "_life",
        "_only_caches",
        "_refusal",
        "_subscription",
        "_undecodable",
        "_verifier",
        "dispatch",
        "history",
    )

    def __init__(self, attribute: TpoTangoAttribute, clock: Clock = SYSTEM) -> None:
        super().__init__(attribute)
        self._clock = clock
        self._life = Lifecycle()
        #: Counts and times of what has happened.
        self.history = History()
        #: Whether a subscription has worked since the first listener was added.
        self._has_worked = False
        #: Whether the pending read only fills the cache.
        self._only_caches = False
        #: Why the last value could not be decoded; empty if it could.
        self._undecodable = ""
        self._actions = ActionQueue(WeakCallback(self._complain))
        #: The cached value, and what the listeners were told.
        self.dispatch = AttributeDispatch(attribute, self._actions, clock, self._lock)
        self._verifier = Verifier(attribute)
        self._subscription: Subscription | None = None
        #: Tango's reason for the last failure of the subscription.
        self._refusal = ""

    def restart_in_child(self) -> None:
        """Replace locks and actions in a forked child process."""
        super().restart_in_child()
        self._actions.restart_in_child()
        self.dispatch.continue_in_child(self._lock)
        self._verifier.restart_in_child()

    # --- state ---

    @property
    def state(self) -> State:
        """The state in the table of transitions."""
        return self._life.state

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

    # --- inputs ---

    def happen(self, what: Input, news: News | None = None) -> None:
        """Feed an input to the lifecycle and carry out the effects.

        :param news: result of a read or an event.
        """
        with self._lock:
            before = self._life.state
            self._note(what, news)
            if before is State.IDLE:
                self._has_worked = False
                self.dispatch.begin_again()
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

    def _note(self, what: Input, news: News | None) -> None:
        """Count an input in the history; with the lock held."""
        if news is None:
            if what in (Input.LISTEN, Input.LISTEN_POLLED):
                self.history.note_request(self._clock.monotonic())
            return
        if self._subscription is not None:
            self._subscription.awaits_read = False
        self.history.events += what is Input.EVENT
        self.history.reads += what is Input.READ
        if news.error is not None:
            self.history.take_error(news.error, self._clock.time())
        elif self.history.first_value is None:
            self.history.take_value(self._clock.monotonic())

    def _put(self, effect: Effect, news: News | None) -> None:
        """Queue ``effect``; with the lock held, which keeps the order of decisions."""
        if effect is not Effect.PUBLISH:
            self._actions.put(_CARRIED_OUT_BY[effect](self))
        elif news is not None:
            self.dispatch.publish(news, self._life.state)

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
        waits_unasked = mode is not None and mode.waits_unasked
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
        polled = attribute.isPollingActive()
        self.happen(Input.UNREACHABLE, error_news(error, ends_value=not polled))
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
        carrier = pytango_compat.carrier(mode, native)
        self.dispatch.expect_event()
        try:
            self._subscription = subscription = attribute.connected().subscribe(
                attribute.getSimpleName(),
                tango.EventType.CHANGE_EVENT,
                carrier,
                attribute.push_event,
                self._rejected,
                self._refused,
                after,
            )
        except tango.DevFailed as error:
            self._take_refusal(error)
            return
        if attribute.isPollingActive() and not mode.waits_unasked:
            with self._lock:
                subscription.awaits_read = self.dispatch.known.empty
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
        has_fallen_back = self._life.state in FALLEN_BACK
        if has_fallen_back:
            attribute.factory().poll_in_time(attribute)
        is_told = attribute.isPollingEnabled() or not has_fallen_back
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
            news = error_news(error, repeats=True, ends_value=True)
            self.take_news(Input.EVENT, news)
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
        known, state = self.dispatch.known, self._life.state
        newer = news.stamp > known.stamp
        was_sent = news.error is None and (
            state is State.UNTRUSTED or (state is State.OPENING and newer)
        )
        if self._attribute.polls_beside_events:
            self._stop_polling()
        self.take_news(Input.EVENT, news)
        if was_sent:
            self.happen(Input.OPENED)
        elif self.dispatch.known is known and not news.says_the_same(known):
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
        kind = _CHANGE
        is_poll = polls or self._attribute.isPollingActive()
        polled = is_poll and not self._is_read_for_tango
        if polled or (self.dispatch.last_told.empty and self._is_read_apart):
            kind = _PERIODIC
        # While Tango subscribes, also again after a loss, only changes are dispatched.
        is_beside = self._has_worked or self.is_being_subscribed
        repeats = polls and (self._attribute.polls_beside_events or not is_beside)
        news = self.news(
            reading.value,
            reading.error,
            reading.begun,
            kind,
            repeats,
            ends_value=not is_poll,
        )
        if not polls and self._verifier.is_passing(news):
            self._verifier.take_passing_error(news, looks)
        elif looks:
            self._verifier.take_look(news)
        else:
            self.take_news(Input.READ, news)
        return news.value, news.error

    def _accept_for_cache(self, reading: Reading) -> tuple[Any, Any]:
        news = self.news(
            reading.value,
            reading.error,
            reading.begun,
            _CHANGE,
            repeats=False,
            ends_value=True,
        )
        with self._lock:
            self._note(Input.READ, news)
            self.dispatch.cache_only(news)
        return news.value, news.error

    @property
    def _is_read_for_tango(self) -> bool:
        """Whether it is polled only until Tango has subscribed.

        Such a poll may deliver the first value when Tango has just answered.
        """
        attribute = self._attribute
        is_pending = self.is_being_subscribed or (
            self.dispatch.last_told.empty and attribute.isUsingEvents()
        )
        return is_pending and not attribute.isPollingForced()

    @property
    def _is_read_apart(self) -> bool:
        """Whether its subscription does not read.

        Stock Taurus then dispatches the first value as a poll.
        """
        mode = self._attribute.event_sub_decision.mode
        return mode is not None and not (
            mode.reads or pytango_compat.carrier(mode).reads
        )

    # --- decoding ---

    def news(
        self,
        raw: Any,
        error: Any,
        begun: float,
        kind: Any,
        repeats: bool,
        ends_value: bool,
    ) -> News:
        """Return the result of a read.

        :param raw: PyTango's ``DeviceAttribute``, unless there is an error.
        :param begun: when the read began, seconds since the epoch.
        :param kind: the ``TaurusEventType`` of a value.
        :param repeats: see :class:`taurus_tpo.scheme.news.News`.
        :param ends_value: as ``repeats``.
        """
        if error is not None:
            return error_news(error, begun, repeats, ends_value)
        return self.decoded(raw, begun, kind, repeats)

    def decoded(
        self,
        raw: Any,
        begun: float | None = None,
        kind: Any = _CHANGE,
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
