"""The cached value of one attribute, and its dispatch to the listeners."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from taurus import Manager
from taurus.core.taurusbasetypes import TaurusEventType, TaurusSerializationMode

from taurus_tpo.concurrency.action_queue import ActionQueue
from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import Clock
from taurus_tpo.core.lifecycle import WORKING, State
from taurus_tpo.core.value_cache import NOTHING, Known, ValueCache
from taurus_tpo.environment import taurus_compat
from taurus_tpo.scheme.attribute_part import AttributePart, callback
from taurus_tpo.scheme.event_dispatch import EVENT_DISPATCHER, WAITING, most_waiting
from taurus_tpo.scheme.news import News

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute

#: The mode in which Taurus calls listeners in the thread that received the event. Each
#: lookup in an enumeration of Taurus is a call of a Python function.
_IN_THIS_THREAD = TaurusSerializationMode.TangoSerial


class AttributeDispatch(AttributePart):
    """Caches the last value or error, and records what the listeners were told.

    What is cached and what was dispatched never differ. Listeners are called by the
    action queue, with no lock held.

    :param attribute: the owner.
    :param actions: the queue of its engine.
    :param lock: the lock of its engine: what is decided and what is cached belong
        together.
    """

    __slots__ = (
        "_actions",
        "_cache",
        "_clock",
        "_first_event_since",
        "_heard",
        "_told",
        "_told_in",
    )

    def __init__(
        self,
        attribute: TpoTangoAttribute,
        actions: ActionQueue,
        clock: Clock,
        lock: threading.Lock,
    ) -> None:
        super().__init__(attribute, lock)
        self._actions = actions
        self._clock = clock
        self._cache: ValueCache[Any] = ValueCache()
        #: The last dispatch to the present listeners, and the state at that time.
        self._told: Known[Any] = NOTHING
        self._told_in = State.IDLE
        #: When the subscription was begun, until it brings a value, s.
        self._first_event_since: float | None = None
        #: Set with the first value or error; made by the first caller that waits.
        self._heard: threading.Event | None = None

    def continue_in_child(self, lock: threading.Lock) -> None:
        """Replace what threads of the parent may hold, in a forked child process."""
        self._lock = lock
        self._heard = None

    # --- what is known ---

    @property
    def known(self) -> Known[Any]:
        """The cached value or error; empty before the first one."""
        return self._cache.known

    @property
    def last_value(self) -> Any:
        """The last value that was cached, even if a poll failed after it.

        None after any other error.
        """
        return self._cache.last_value

    @property
    def last_told(self) -> Known[Any]:
        """What was dispatched last to the present listeners."""
        return self._told

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

    # --- news ---

    def begin_again(self) -> None:
        """Forget the last dispatch to earlier listeners; with the lock held."""
        self._told = NOTHING
        self._cache.begin_anew()

    def expect_event(self) -> None:
        """Record that a subscription is being begun."""
        self._first_event_since = self._clock.time()

    def publish(self, news: News, state: State) -> None:
        """Offer ``news`` to the cache; queue its dispatch if it was taken.

        With the lock held.

        :param state: the state of the attribute.
        """
        action = self._dispatch_of(news, state)
        if action is not None:
            # The size matters only if others are pending.
            is_one_of_many = self._actions.has_news
            most = most_waiting(news.value) if is_one_of_many else WAITING
            self._actions.put_news(action, most)

    def cache_only(self, news: News) -> None:
        """Offer ``news`` to the cache, for no listener; with the lock held."""
        self._cache_it(news)

    def _dispatch_of(self, news: News, state: State) -> Callable[[], Any] | None:
        """Offer ``news`` to the cache; return the function that dispatches it, or None.

        With the lock held.
        """
        if not self._cache_it(news):
            return None
        before, self._told = self._told, self._cache.known
        told_in, self._told_in = self._told_in, state
        if not news.is_always_told and news.says_the_same(before):
            is_stale = told_in not in WORKING and state in WORKING
            return self._refresh_tooltips if is_stale else None
        told = news.value if news.error is None else news.error
        return partial(self._tell, news.event_type, told)

    def _cache_it(self, news: News) -> bool:
        """Offer ``news`` to the cache; return whether it was taken.

        With the lock held.
        """
        now = self._clock.time()
        filtered = (
            news.begun is None
            and taurus_compat.filters_old_events()
            and not self._has_own_stamps(news, now)
        )
        taken = news.offer_to(self._cache, now, filtered)
        if self._heard is not None:
            self._heard.set()
        return taken

    def _has_own_stamps(self, news: News, now: float) -> bool:
        """Return whether the device sets time stamps that are not of the local clock.

        True for a first event that is older than any delay explains. Stock Taurus drops
        no first event of a subscription. With the lock held.

        :param news: an event.
        """
        since = self._first_event_since
        if news.error is not None or since is None:
            return False
        self._first_event_since = None
        return self._cache.known.stamp - news.stamp > now - since

    # --- the listeners ---

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
        if mode == _IN_THIS_THREAD:
            EVENT_DISPATCHER.tell(attribute, event_type, value, told)
        else:
            Manager().enqueueJob(
                WeakCallback(self._tell_in_job),
                job_args=(event_type, value, told),
                serialization_mode=mode,
            )

    def _refresh_tooltips(self) -> None:
        """Update tooltips after a new subscription, since no event does."""
        attribute = self._attribute
        EVENT_DISPATCHER.refresh_tooltips(attribute, taurus_compat.listeners(attribute))

    @callback
    def _tell_in_job(self, event_type: Any, value: Any, told: tuple[Any, ...]) -> None:
        attribute = self._attribute
        if not attribute.closed:
            EVENT_DISPATCHER.tell(attribute, event_type, value, told)
