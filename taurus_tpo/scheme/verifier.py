"""Compares the cached value of one attribute with its device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taurus_tpo.core.errors import is_not_found
from taurus_tpo.core.lifecycle import WORKING, Input, State
from taurus_tpo.core.verification import Criteria, Verification, same
from taurus_tpo.environment import taurus_compat
from taurus_tpo.environment.custom_settings import CUSTOM_SETTINGS
from taurus_tpo.scheme.attribute_part import AttributePart
from taurus_tpo.scheme.news import News, timed_out

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute
    from taurus_tpo.scheme.attribute_engine import AttributeEngine


class Verifier(AttributePart):
    """Has its attribute read again, and feeds the result to the lifecycle.

    The delays and the number of reads are in :mod:`taurus_tpo.core.verification`.
    Called by the engine of its attribute only.

    :param attribute: the owner.
    """

    __slots__ = ("_has_passing_error", "_verification")

    def __init__(self, attribute: TpoTangoAttribute) -> None:
        super().__init__(attribute)
        #: The checks since the subscription works again.
        self._verification = Verification()
        #: Whether the last unrequested read failed and was not dispatched yet.
        self._has_passing_error = False

    @property
    def _engine(self) -> AttributeEngine:
        return self._attribute.engine

    @property
    def _last_told(self) -> Any:
        """The value that was dispatched last; None after an error."""
        return self._engine.dispatch.last_told.value

    # --- effects ---

    def look_once(self) -> None:
        """Check later whether a change was lost before the event channel was open."""
        attribute = self._attribute
        attribute.factory().deferred_setup.hold(attribute)

    def look_again(self) -> None:
        """Begin to check whether the cached value is current: events may not arrive."""
        attribute = self._attribute
        error = attribute.known.error
        late = self._is_late(error)
        # One that was removed and added again sends no events until then, either.
        anew = error is not None and is_not_found(error)
        anew |= self._engine.subscription_was_lost
        with self._lock:
            self._verification = Verification(late=late, proven=not anew)
            pause = self._verification.pause
        attribute.factory().verify_later(attribute, pause)

    def watch(self) -> None:
        """Have it compared at regular times, if the settings say so."""
        attribute = self._attribute
        period = CUSTOM_SETTINGS.current().event_check_period
        if period:
            attribute.factory().verify_later(attribute, period / 1000)
        else:
            attribute.factory().cancel_verification(attribute)

    def check(self) -> None:
        """Have it compared at its polling period, unless its user disabled polling."""
        attribute = self._attribute
        if attribute.isPollingEnabled():
            period = attribute.getPollingPeriod() / 1000
            attribute.factory().verify_later(attribute, period)

    # --- results ---

    def take_event(self) -> None:
        """Record an event."""
        with self._lock:
            self._verification.heard()

    def is_passing(self, news: News) -> bool:
        """Return whether an error may end soon, and is not dispatched yet.

        True for the error of an unrequested read while a subscription works: a device
        that is being re-created cannot be read meanwhile, and stock Taurus dispatches
        nothing. The second error in succession is dispatched.
        """
        attribute = self._attribute
        is_first = not self._has_passing_error
        told = self._last_told
        shows_value = attribute.state in WORKING and told is not None
        self._has_passing_error = news.error is not None and shows_value and is_first
        return self._has_passing_error

    def take_passing_error(self, news: News, looks: bool) -> None:
        """Verify soon whether the error of a read persists.

        :param looks: whether it was read for the verification.
        """
        attribute = self._attribute
        self._engine.count_read(news)
        if attribute.state is State.UNTRUSTED:
            self.check()
        elif attribute.state is not State.VERIFYING:
            self._engine.happen(Input.DOUBTED)
        elif looks:
            self._go_on(False, news.error)

    def take_look(self, news: News) -> None:
        """Process a read of the verification, and request the next one, if any."""
        attribute = self._attribute
        error, state, told = news.error, attribute.state, self._last_told
        agrees = error is None and self._agrees(news.value)
        if agrees and state in WORKING:
            # No event was due: nothing is dispatched, and the cache is not changed.
            self._engine.count_read(news)
        else:
            self._engine.take_news(Input.READ, news)
        taken = error is None and attribute.known.value is news.value
        if attribute.state is State.VERIFYING:
            self._go_on(agrees, error)
        elif taken and told is not None:
            # It is newer than the last event, and differs.
            self._engine.happen(Input.CONTRADICTED)
        elif attribute.state is State.OPENING:
            self._engine.happen(Input.VERIFIED)
        elif attribute.state is State.SUBSCRIBED:
            self.watch()
        if state is attribute.state is State.UNTRUSTED:
            self.check()

    def _is_late(self, error: Any) -> bool:
        """Return whether the read timed out although the server answers."""
        return timed_out(error) and not self._attribute.connected().server.silent

    def _agrees(self, value: Any) -> bool:
        """Return whether ``value`` may follow the dispatched value without an event."""
        attribute = self._attribute
        info = taurus_compat.configuration(attribute)
        told = self._last_told
        if info is None:
            return same(told, value)
        change = info.events.ch_event
        criteria = Criteria.of(change.abs_change, change.rel_change)
        return same(told, value, criteria)

    def _go_on(self, agrees: bool, error: Any) -> None:
        attribute, late = self._attribute, self._is_late(error)
        with self._lock:
            checked = self._verification
            last = checked.look(agrees) if error is None else checked.failed(late)
            pause = checked.pause
        if not last:
            attribute.factory().verify_later(attribute, pause)
        elif not checked.proven:
            self._engine.happen(Input.UNPROVEN)
        else:
            what = Input.VERIFIED if checked.trusted else Input.CONTRADICTED
            self._engine.happen(what)
