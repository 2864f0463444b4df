"""The subscription of one attribute to its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tango

from taurus_tpo.core.configuration_lifecycle import (
    ConfigurationEffect,
    ConfigurationInput,
    ConfigurationLifecycle,
    ConfigurationState,
)
from taurus_tpo.scheme.attribute_part import AttributePart, callback
from taurus_tpo.tango_client.subscription import Subscription

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute


class ConfigurationEvents(AttributePart):
    """Carries out what :mod:`taurus_tpo.core.configuration_lifecycle` decides.

    :param attribute: the owner.
    """

    __slots__ = ("_lifecycle", "_subscription", "heard")

    def __init__(self, attribute: TpoTangoAttribute) -> None:
        super().__init__(attribute)
        self._lifecycle = ConfigurationLifecycle()
        self._subscription: Subscription | None = None
        #: Time of the last event, monotonic clock, s.
        self.heard = float("-inf")

    @property
    def has_come(self) -> bool:
        """Whether the present subscription has delivered the configuration."""
        return self._lifecycle.state is ConfigurationState.WORKING

    @property
    def works(self) -> bool:
        """Whether Tango has subscribed."""
        subscription = self._subscription
        return subscription is not None and subscription.works

    def want(self) -> None:
        """Have it begin once the device answers and no window is being built."""
        answers = self._attribute.configuration.device_answers
        what = ConfigurationInput.WANT_ANSWERED if answers else ConfigurationInput.WANT
        self._happen(what)

    def want_again(self) -> None:
        """As :meth:`want`, if it was wanted before: the device has just answered."""
        if self._lifecycle.state is not ConfigurationState.UNWANTED:
            self.want()

    def begin(self) -> None:
        """Begin it now, if it is wanted and the device answers."""
        if self._attribute.configuration.device_answers:
            self._happen(ConfigurationInput.BEGIN)

    def end(self) -> None:
        """End it."""
        self._happen(ConfigurationInput.END)

    def take_event(self, now: float) -> bool:
        """Record an event; return whether it is the first of the subscription.

        :param now: monotonic clock, s.
        """
        self.heard = now
        is_first = not self.has_come
        self._happen(ConfigurationInput.EVENT)
        return is_first

    def _happen(
        self, what: ConfigurationInput, about: Subscription | None = None
    ) -> None:
        """Feed an input.

        :param about: feed it only if this is the present subscription. A callback may
            arrive while the subscription is being made.
        """
        with self._lock:
            is_late = about is not None and (
                about.ended or self._subscription not in (None, about)
            )
            if is_late:
                return
            effects = self._lifecycle.feed(what)
            ended = None
            if not self._lifecycle.is_begun:
                ended, self._subscription = self._subscription, None
        for effect in effects:
            self._carry_out(effect, ended)

    def _carry_out(
        self, effect: ConfigurationEffect, ended: Subscription | None
    ) -> None:
        if effect is ConfigurationEffect.UNSUBSCRIBE:
            # Not through the attribute, which may be being destroyed.
            if ended is not None:
                ended.end()
        elif effect is ConfigurationEffect.DEFER:
            self._attribute.factory().deferred_setup.hold(self._attribute)
        else:
            self._subscribe(self._attribute)

    def _subscribe(self, attribute: TpoTangoAttribute) -> None:
        try:
            begun = attribute.configuration.subscribe(self._rejected, self._refused)
        except tango.DevFailed as error:
            attribute.debug("No configuration events: %s", error.args[0].desc)
            self._happen(ConfigurationInput.REFUSED)
            return
        with self._lock:
            goes_on = self._lifecycle.is_begun
            if goes_on:
                self._subscription = begun
        if not goes_on:
            # It was ended, or has failed, while it was being made.
            begun.end()

    @callback
    def _rejected(self, subscription: Subscription) -> None:
        self._happen(ConfigurationInput.REJECTED, subscription)

    @callback
    def _refused(self, subscription: Subscription, *_error: Exception) -> None:
        self._happen(ConfigurationInput.REFUSED, subscription)
