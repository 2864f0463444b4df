"""The subscription of one attribute to its configuration."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

import tango

from taurus_tpo.core.configuration_lifecycle import (
    ConfigurationEffect,
    ConfigurationInput,
    ConfigurationLifecycle,
    ConfigurationState,
)
from taurus_tpo.tango_client.subscription import Subscription

if TYPE_CHECKING:
    from taurus_tpo.scheme.attribute import TpoTangoAttribute


class ConfigurationEvents:
    """Carries out what :mod:`taurus_tpo.core.configuration_lifecycle` decides.

    Methods may be called from any thread.

    :param attribute: whose it is; not kept alive.
    """

    # Each attribute has one.
    __slots__ = (
        "__weakref__",
        "_attribute",
        "_lifecycle",
        "_lock",
        "_subscription",
        "heard",
    )

    def __init__(self, attribute: TpoTangoAttribute) -> None:
        self._attribute = weakref.ref(attribute)
        self._lifecycle = ConfigurationLifecycle()
        self._subscription: Subscription | None = None
        #: When an event came last, on the clock that never goes back.
        self.heard = float("-inf")
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: another thread may hold it."""
        self._lock = threading.Lock()

    @property
    def has_come(self) -> bool:
        """Whether the present subscription has brought the configuration."""
        return self._lifecycle.state is ConfigurationState.WORKING

    @property
    def works(self) -> bool:
        """Whether Tango has subscribed."""
        subscription = self._subscription
        return subscription is not None and subscription.works

    def want(self) -> None:
        """Begin it once the device answers and no window is being built."""
        answers = self._device_answers()
        what = ConfigurationInput.WANT_ANSWERED if answers else ConfigurationInput.WANT
        self._happen(what)

    def want_again(self) -> None:
        """The same where somebody wanted it before: the device has just answered."""
        if self._lifecycle.state is not ConfigurationState.UNWANTED:
            self.want()

    def begin(self) -> None:
        """Begin it now, if it is wanted and the device answers."""
        if self._device_answers():
            self._happen(ConfigurationInput.BEGIN)

    def end(self) -> None:
        """Give it up."""
        self._happen(ConfigurationInput.END)

    def take_event(self, now: float) -> bool:
        """Take note of an event; return whether it is the first of the subscription.

        :param now: on the clock that never goes back.
        """
        self.heard = now
        is_first = not self.has_come
        self._happen(ConfigurationInput.EVENT)
        return is_first

    def _device_answers(self) -> bool:
        attribute = self._attribute()
        return attribute is not None and attribute.device_answers

    def _happen(
        self, what: ConfigurationInput, about: Subscription | None = None
    ) -> None:
        """Feed an input; with ``about``, only where that is the present subscription.

        Something may be said of a subscription while it is being made.
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
        attribute = self._attribute()
        if effect is ConfigurationEffect.UNSUBSCRIBE:
            if ended is not None:
                ended.end()
        elif attribute is None:
            return
        elif effect is ConfigurationEffect.DEFER:
            attribute.factory().deferred_setup.hold(attribute)
        else:
            self._subscribe(attribute)

    def _subscribe(self, attribute: TpoTangoAttribute) -> None:
        try:
            begun = attribute.subscribe_configuration(self._rejected, self._refused)
        except tango.DevFailed as error:
            attribute.debug("No configuration events: %s", error.args[0].desc)
            self._happen(ConfigurationInput.REFUSED)
            return
        with self._lock:
            goes_on = self._lifecycle.is_begun
            if goes_on:
                self._subscription = begun
        if not goes_on:
            # It was given up, or has failed, while it was being made.
            begun.end()

    def _rejected(self, subscription: Subscription) -> None:
        self._happen(ConfigurationInput.REJECTED, subscription)

    def _refused(self, subscription: Subscription, *_error: Exception) -> None:
        self._happen(ConfigurationInput.REFUSED, subscription)
