"""Subscription to the configuration of one attribute, as a table of transitions.

It follows the subscription to the values (:mod:`taurus_tpo.core.lifecycle`) and is
deferred until no window is being built, since no row of a window needs it. The table is
total: it has an entry for each input in each state.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class ConfigurationState(enum.Enum):
    """State of the subscription."""

    UNWANTED = "nobody has asked for it, or it was given up"
    WANTED = "it is begun once the device answers and no window is being built"
    BEGUN = "it was begun, and has brought nothing yet"
    WORKING = "it has brought the configuration"


class ConfigurationInput(enum.Enum):
    """Input of the state machine."""

    WANT = "somebody asks for it; the device does not answer"
    WANT_ANSWERED = "somebody asks for it; the device answers"
    BEGIN = "no window is being built, and the device answers"
    REJECTED = "it was not begun, as the device has not answered lately"
    REFUSED = "Tango has not subscribed"
    EVENT = "an event has come"
    END = "the attribute is cleaned up"


class ConfigurationEffect(enum.Enum):
    """Action to carry out."""

    DEFER = "begin it when no window is being built"
    SUBSCRIBE = "begin it now"
    UNSUBSCRIBE = "give it up"


_S, _I, _E = ConfigurationState, ConfigurationInput, ConfigurationEffect
_Step = tuple[ConfigurationState, tuple[ConfigurationEffect, ...]]

_OPEN = (_S.BEGUN, _S.WORKING)
_NOT_OPEN = (_S.UNWANTED, _S.WANTED)

#: Next state and effects of each input in each state.
CONFIGURATION_TABLE: Mapping[tuple[ConfigurationState, ConfigurationInput], _Step] = {
    **{(s, _I.WANT): (_S.WANTED, ()) for s in _NOT_OPEN},
    **{(s, _I.WANT_ANSWERED): (_S.WANTED, (_E.DEFER,)) for s in _NOT_OPEN},
    **{(s, i): (s, ()) for s in _OPEN for i in (_I.WANT, _I.WANT_ANSWERED, _I.BEGIN)},
    (_S.UNWANTED, _I.BEGIN): (_S.UNWANTED, ()),
    (_S.WANTED, _I.BEGIN): (_S.BEGUN, (_E.SUBSCRIBE,)),
    **{(s, _I.REJECTED): (_S.WANTED, (_E.DEFER,)) for s in _OPEN},
    # Retried when a listener is added and the device has answered.
    **{(s, _I.REFUSED): (_S.WANTED, ()) for s in _OPEN},
    **{(s, i): (s, ()) for s in _NOT_OPEN for i in (_I.REJECTED, _I.REFUSED)},
    **{(s, _I.EVENT): (_S.WORKING, ()) for s in _OPEN},
    # Late event of a subscription that was ended.
    **{(s, _I.EVENT): (s, ()) for s in _NOT_OPEN},
    **{(s, _I.END): (_S.UNWANTED, (_E.UNSUBSCRIBE,)) for s in _OPEN},
    **{(s, _I.END): (_S.UNWANTED, ()) for s in _NOT_OPEN},
}


class ConfigurationLifecycle:
    """State of one subscription. Not thread-safe."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = ConfigurationState.UNWANTED

    @property
    def is_begun(self) -> bool:
        """Whether the subscription was begun and has not ended."""
        return self.state in _OPEN

    def feed(self, what: ConfigurationInput) -> tuple[ConfigurationEffect, ...]:
        """Apply an input; return the effects to carry out, in order."""
        self.state, effects = CONFIGURATION_TABLE[self.state, what]
        return effects
