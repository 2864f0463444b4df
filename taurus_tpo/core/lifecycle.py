"""The life of one attribute, as a table of transitions.

What happens to an attribute
is an :class:`Input`; the table answers with the next :class:`State` and the
:class:`Effect` s that somebody else (:mod:`taurus_tpo.scheme`) carries out, in order.

Two of the rules of the design can be read off it: a subscription that brought no data
is followed by a read, never only preceded by one; and an attribute is polled exactly in
the states without a working subscription.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class State(enum.Enum):
    """Where an attribute stands."""

    IDLE = "nobody listens"
    CONNECTING = "somebody listens; the device has not answered yet"
    RECONNECTING = "the same; it is known not to answer, or was lost"
    SUBSCRIBING = "the subscription was asked for and has not been answered"
    RESUBSCRIBING = "the same; the device was away before"
    SUBSCRIBED = "the subscription works"
    OPENING = "the same; the channel of its events may not be open yet"
    VERIFYING = "the same; what it may have missed, or an error, is looked after"
    UNTRUSTED = "the same; a change came without an event, it is checked regularly"
    RETRYING = "the subscription failed; Tango goes on trying, and it is polled"
    POLLED = "events are disabled, it is polled"
    CLOSED = "cleaned up"

    #: As it was called in version 0.1.
    SETTLING = VERIFYING


class Input(enum.Enum):
    """What can happen to an attribute."""

    LISTEN = "a listener came"
    LISTEN_POLLED = "a listener came; events are disabled"
    CONNECTED = "the device answers, or refuses at once; events are enabled"
    CONNECTED_POLLED = "the same; events are disabled"
    UNREACHABLE = "the device does not answer; it is asked again"
    REJECTED = "the device has not answered lately: nothing was subscribed to"
    RESUBSCRIBE = "somebody asks for the subscription again"
    ACCEPTED = "the subscription is there; it brought no data"
    REFUSED = "the subscription failed in the call; Tango does not retry"
    FAILED = "the subscription failed; Tango retries"
    EVENT = "an event brought a value, or the attribute's own error"
    READ = "a read brought a value, or an error"
    OPENED = "an event has come through the channel of the subscription"
    RENEWED = "the attribute may be another one now, as after a restart of its device"
    DOUBTED = "what an event or a read brought was an error"
    VERIFIED = "what is read agrees with what is cached, some time after that"
    UNPROVEN = "the same; but Tango subscribed anew, and no event has come since"
    CONTRADICTED = "what is read is not what is cached, and no event has told so"
    UNLISTEN = "the last listener went"
    CLOSE = "the attribute is cleaned up"


class Effect(enum.Enum):
    """What has to be done; carried out in the order given."""

    CONNECT = "ask whether the device answers, until it does"
    SUBSCRIBE = "subscribe in the attribute's mode"
    SUBSCRIBE_RETRYING = "subscribe in a mode in which Tango goes on trying"
    RENEW = "give the subscription up, then subscribe in such a mode"
    UNSUBSCRIBE = "give the subscription up"
    READ = "ask for a first read"
    LOOK_ONCE = "read it once more, when the channel of its events is open"
    LOOK_AGAIN = "read it again later, until what is read agrees with what is cached"
    WATCH = "compare the two at regular times, where the settings say so; else no more"
    CHECK = "compare the two at the polling period of the attribute"
    POLL = "start polling"
    STOP_POLLING = "stop polling, unless the user forced it"
    PUBLISH = "cache what the input brought and tell the listeners"


@dataclass(frozen=True)
class Step:
    """The answer of the table to one input."""

    state: State
    effects: tuple[Effect, ...] = ()


_S, _I, _E = State, Input, Effect

_CONNECTS = (_S.CONNECTING, _S.RECONNECTING)
_SUBSCRIBES = (_S.SUBSCRIBING, _S.RESUBSCRIBING)
_HAS_EVENTS = (_S.SUBSCRIBED, _S.OPENING, _S.VERIFYING, _S.UNTRUSTED)
_TRUSTED = (_S.SUBSCRIBED, _S.OPENING)
_LOOKED_AT = (_S.OPENING, _S.VERIFYING)
_NOT_PROVEN = (_S.OPENING, _S.UNTRUSTED)
# A late event of an earlier subscription may have made it look as if this one worked.
_BEING_SUBSCRIBED = (*_SUBSCRIBES, *_HAS_EVENTS, _S.RETRYING)
_NOT_BEING_SUBSCRIBED = (_S.IDLE, *_CONNECTS, _S.POLLED)
_LISTENED_TO = (*_CONNECTS, *_BEING_SUBSCRIBED, _S.POLLED)
_NOT_CONNECTING = (_S.IDLE, *_BEING_SUBSCRIBED, _S.POLLED)
_DEVICE_SAYS = (_I.CONNECTED, _I.CONNECTED_POLLED, _I.UNREACHABLE)
_TANGO_SAYS = (_I.ACCEPTED, _I.REFUSED, _I.FAILED, _I.EVENT)

_END = (_E.UNSUBSCRIBE, _E.STOP_POLLING)
_FALL_BACK = (_E.POLL, _E.READ)
_ASK_AGAIN = (_E.STOP_POLLING, _E.CONNECT)

#: What to do after a success: of the first subscription, and of one that was lost.
_WORKS: Mapping[Input, tuple[Effect, ...]] = {
    _I.ACCEPTED: (_E.STOP_POLLING, _E.READ),
    _I.EVENT: (_E.STOP_POLLING, _E.PUBLISH),
}
_WORKS_FIRST = {i: (*effects, _E.LOOK_ONCE) for i, effects in _WORKS.items()}
_WORKS_AGAIN = {i: (*effects, _E.LOOK_AGAIN) for i, effects in _WORKS.items()}

#: The whole life: every pair of state and input.
TABLE: Mapping[tuple[State, Input], Step] = {
    (_S.IDLE, _I.LISTEN): Step(_S.CONNECTING, (_E.CONNECT,)),
    (_S.IDLE, _I.RESUBSCRIBE): Step(_S.CONNECTING, (_E.CONNECT,)),
    # A program may rely on it that polling has begun when addListener returns.
    (_S.IDLE, _I.LISTEN_POLLED): Step(_S.POLLED, (*_FALL_BACK, _E.CONNECT)),
    (_S.IDLE, _I.READ): Step(_S.IDLE, (_E.PUBLISH,)),
    # Nothing is subscribed to before the device has answered.
    # Tango may take its time with the subscription: polling begins a little later.
    (_S.CONNECTING, _I.CONNECTED): Step(_S.SUBSCRIBING, (_E.POLL, _E.SUBSCRIBE)),
    (_S.RECONNECTING, _I.CONNECTED): Step(_S.RESUBSCRIBING, (_E.POLL, _E.SUBSCRIBE)),
    **{(s, _I.CONNECTED_POLLED): Step(_S.POLLED, _FALL_BACK) for s in _CONNECTS},
    **{(s, _I.UNREACHABLE): Step(_S.RECONNECTING, (_E.PUBLISH,)) for s in _CONNECTS},
    # Tango's callbacks may come late, after the subscription was given up.
    **{(s, i): Step(s) for s in _NOT_BEING_SUBSCRIBED for i in _TANGO_SAYS},
    # The subscription is on its way. Tango says that it is there before the server is
    # sure to send events: one that is due in that moment is lost.
    **{(_S.SUBSCRIBING, i): Step(_S.OPENING, e) for i, e in _WORKS_FIRST.items()},
    **{(_S.RESUBSCRIBING, i): Step(_S.VERIFYING, e) for i, e in _WORKS_AGAIN.items()},
    **{
        (s, _I.REFUSED): Step(_S.RETRYING, (_E.READ, _E.SUBSCRIBE_RETRYING))
        for s in _SUBSCRIBES
    },
    **{(s, _I.FAILED): Step(_S.RETRYING, (_E.READ,)) for s in _SUBSCRIBES},
    # The device has to be asked again, before anything is subscribed to.
    **{(s, _I.REJECTED): Step(_S.RECONNECTING, _ASK_AGAIN) for s in _BEING_SUBSCRIBED},
    (_S.SUBSCRIBING, _I.REJECTED): Step(_S.CONNECTING, _ASK_AGAIN),
    **{(s, _I.REJECTED): Step(s) for s in _NOT_BEING_SUBSCRIBED},
    # It works. A second success means that Tango subscribed anew (the server was
    # away): what changed in between is lost unless it is read. And for a while after
    # that the events of some attributes do not arrive.
    **{
        (s, i): Step(_S.VERIFYING, (_E.READ, _E.LOOK_AGAIN))
        for s in _HAS_EVENTS
        for i in (_I.ACCEPTED, _I.RENEWED)
    },
    # What is subscribed to or read later is the new one anyway.
    **{(s, _I.RENEWED): Step(s) for s in State if s not in _HAS_EVENTS},
    **{(s, _I.EVENT): Step(s, (_E.PUBLISH,)) for s in _HAS_EVENTS},
    **{(s, _I.FAILED): Step(_S.RETRYING, _FALL_BACK) for s in _HAS_EVENTS},
    # A late event of an earlier subscription made it look as if this one worked.
    **{
        (s, _I.REFUSED): Step(_S.RETRYING, (*_FALL_BACK, _E.SUBSCRIBE_RETRYING))
        for s in _HAS_EVENTS
    },
    # What has come through proves that all that comes later will.
    (_S.OPENING, _I.OPENED): Step(_S.SUBSCRIBED, (_E.WATCH,)),
    # That of some does, and of others does not.
    (_S.UNTRUSTED, _I.OPENED): Step(_S.VERIFYING, (_E.LOOK_AGAIN,)),
    **{(s, _I.OPENED): Step(s) for s in State if s not in _NOT_PROVEN},
    # Not everybody who repairs something sends an event.
    **{(s, _I.DOUBTED): Step(_S.VERIFYING, (_E.LOOK_AGAIN,)) for s in _TRUSTED},
    **{(s, _I.DOUBTED): Step(s) for s in State if s not in _TRUSTED},
    **{(s, _I.VERIFIED): Step(_S.SUBSCRIBED, (_E.WATCH,)) for s in _LOOKED_AT},
    # Tango may take the next event for one that it has had before, and drop it.
    (_S.VERIFYING, _I.UNPROVEN): Step(_S.SUBSCRIBING, (_E.POLL, _E.RENEW)),
    # The server promised events and sends none, or not for all changes.
    **{
        (s, _I.CONTRADICTED): Step(_S.UNTRUSTED, (_E.CHECK,))
        for s in (_S.SUBSCRIBED, *_LOOKED_AT)
    },
    # A look that was on its way when something else happened.
    **{(s, _I.VERIFIED): Step(s) for s in State if s not in _LOOKED_AT},
    **{(s, _I.UNPROVEN): Step(s) for s in State if s is not _S.VERIFYING},
    **{
        (s, _I.CONTRADICTED): Step(s)
        for s in State
        if s not in (_S.SUBSCRIBED, *_LOOKED_AT)
    },
    # It does not work, and Tango goes on trying.
    **{(_S.RETRYING, i): Step(_S.VERIFYING, e) for i, e in _WORKS_AGAIN.items()},
    (_S.RETRYING, _I.REFUSED): Step(_S.RETRYING),
    (_S.RETRYING, _I.FAILED): Step(_S.RETRYING),
    # Events are disabled.
    (_S.POLLED, _I.RESUBSCRIBE): Step(_S.RETRYING, (_E.SUBSCRIBE_RETRYING,)),
    # The same wherever somebody listens. A listener that died without a word leaves
    # its attribute listened to, so that LISTEN can come again.
    **{(s, i): Step(s) for s in _LISTENED_TO for i in (_I.LISTEN, _I.LISTEN_POLLED)},
    # So may the word of the device.
    **{(s, i): Step(s) for s in _NOT_CONNECTING for i in _DEVICE_SAYS},
    **{(s, _I.RESUBSCRIBE): Step(s) for s in _LISTENED_TO if s is not _S.POLLED},
    **{(s, _I.READ): Step(s, (_E.PUBLISH,)) for s in _LISTENED_TO},
    **{(s, _I.UNLISTEN): Step(_S.IDLE, _END) for s in _LISTENED_TO},
    (_S.IDLE, _I.UNLISTEN): Step(_S.IDLE),
    **{(s, _I.CLOSE): Step(_S.CLOSED, _END) for s in (_S.IDLE, *_LISTENED_TO)},
    # Nothing reaches an attribute after its cleanUp.
    **{(_S.CLOSED, i): Step(_S.CLOSED) for i in Input},
}

#: The states in which an attribute has a subscription that works.
WORKING = frozenset(_HAS_EVENTS)

#: The states in which nobody knows yet whether its device answers.
CONNECTING = frozenset(_CONNECTS)

#: The states in which an attribute is polled.
POLLED_STATES = frozenset({*_SUBSCRIBES, State.RETRYING, State.POLLED})


class Lifecycle:
    """One attribute's walk through the table.

    Not thread-safe: whoever owns it feeds it under a lock of its own.
    """

    def __init__(self) -> None:
        self.state = State.IDLE

    def feed(self, event: Input) -> tuple[Effect, ...]:
        """Go to the next state and return what has to be done."""
        step = TABLE[self.state, event]
        self.state = step.state
        return step.effects
