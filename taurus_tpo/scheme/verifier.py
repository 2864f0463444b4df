"""Compares what is cached of one attribute with what its device says."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from taurus_tpo.core.errors import is_not_found
from taurus_tpo.core.lifecycle import WORKING, Input, State
from taurus_tpo.core.verification import Criteria, Verification, same
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme.news import News, timed_out

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute


class Verifier:
    """Has its attribute read again, and feeds what comes of that to its lifecycle.

    When, and for how long, is in :mod:`taurus_tpo.core.verification`. Called by its
    attribute only, from any thread.

    :param attribute: whose it is; not kept alive.
    """

    # Each attribute has one.
    __slots__ = (
        "__weakref__",
        "_attribute",
        "_has_passing_error",
        "_lock",
        "_verification",
    )

    def __init__(self, attribute: TpoTangoAttribute) -> None:
        self._attribute = weakref.ref(attribute)
        #: What was seen since its subscription works again.
        self._verification = Verification()
        #: Whether the last read that nobody asked for brought an error, not told yet.
        self._has_passing_error = False
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: another thread may hold it."""
        self._lock = threading.Lock()

    @property
    def _owner(self) -> TpoTangoAttribute:
        attribute = self._attribute()
        assert attribute is not None, "its attribute alone calls it"
        return attribute

    # --- effects ---

    def look_once(self) -> None:
        """See later whether a change was lost while the channel was not open yet."""
        attribute = self._owner
        attribute.factory().deferred_setup.hold(attribute)

    def look_again(self) -> None:
        """See from now on whether what is cached is true: events may not arrive."""
        attribute = self._owner
        error = attribute.known.error
        late = self._is_late(error)
        # One that was removed and added again sends no events until then, either.
        anew = error is not None and is_not_found(error)
        anew |= attribute.subscription_was_lost
        with self._lock:
            self._verification = Verification(late=late, proven=not anew)
            pause = self._verification.pause
        attribute.factory().look_later(attribute, pause)

    def watch(self) -> None:
        """Have it compared at regular times, where the settings ask for it."""
        attribute = self._owner
        period = CUSTOM_SETTINGS.current().event_check_period
        if period:
            attribute.factory().look_later(attribute, period / 1000)
        else:
            attribute.factory().look_no_more(attribute)

    def check(self) -> None:
        """Have it compared at its polling period, unless its user disabled polling."""
        attribute = self._owner
        if attribute.isPollingEnabled():
            period = attribute.getPollingPeriod() / 1000
            attribute.factory().look_later(attribute, period)

    # --- what comes ---

    def take_event(self) -> None:
        """Take note that an event has come."""
        with self._lock:
            self._verification.heard()

    def is_passing(self, news: News) -> bool:
        """Return whether an error may be gone in a moment, and is not told yet.

        One that a read brings which nobody has asked for, while a subscription works:
        a device that is made anew cannot be read meanwhile, and stock Taurus tells
        nobody. The second in a row is told.
        """
        attribute = self._owner
        is_first = not self._has_passing_error
        shows_value = (
            attribute.state in WORKING and attribute.last_told.value is not None
        )
        self._has_passing_error = news.error is not None and shows_value and is_first
        return self._has_passing_error

    def take_passing_error(self, news: News, looks: bool) -> None:
        """See soon whether the error of a read that is not told stays.

        :param looks: whether it was read to be compared.
        """
        attribute = self._owner
        attribute.count_read(news)
        if attribute.state is State.UNTRUSTED:
            self.check()
        elif attribute.state is not State.VERIFYING:
            attribute.happen(Input.DOUBTED)
        elif looks:
            self._go_on(False, news.error)

    def take_look(self, news: News) -> None:
        """Take what was read to be compared; look once more, unless it is enough."""
        attribute = self._owner
        error, state, told = news.error, attribute.state, attribute.last_told.value
        agrees = error is None and self._agrees(news.value)
        if agrees and state in WORKING:
            # As no event was due, nothing is told, and the cache stays as it is.
            attribute.count_read(news)
        else:
            attribute.take_news(Input.READ, news)
        taken = error is None and attribute.known.value is news.value
        if attribute.state is State.VERIFYING:
            self._go_on(agrees, error)
        elif taken and told is not None:
            # It is newer than what events have told, and something else.
            attribute.happen(Input.CONTRADICTED)
        elif attribute.state is State.OPENING:
            attribute.happen(Input.VERIFIED)
        elif attribute.state is State.SUBSCRIBED:
            self.watch()
        if state is attribute.state is State.UNTRUSTED:
            self.check()

    def _is_late(self, error: Any) -> bool:
        """Return whether it takes too long; a server that is silent is waited for."""
        return timed_out(error) and not self._owner.connected().server.silent

    def _agrees(self, value: Any) -> bool:
        """Return whether no event is due that turns what was told into ``value``."""
        attribute = self._owner
        info = taurus_compat.configuration(attribute)
        told = attribute.last_told.value
        if info is None:
            return same(told, value)
        change = info.events.ch_event
        criteria = Criteria.of(change.abs_change, change.rel_change)
        return same(told, value, criteria)

    def _go_on(self, agrees: bool, error: Any) -> None:
        attribute, late = self._owner, self._is_late(error)
        with self._lock:
            checked = self._verification
            last = checked.look(agrees) if error is None else checked.failed(late)
            pause = checked.pause
        if not last:
            attribute.factory().look_later(attribute, pause)
        elif not checked.proven:
            attribute.happen(Input.UNPROVEN)
        else:
            attribute.happen(Input.VERIFIED if checked.trusted else Input.CONTRADICTED)
