"""Lifecycle of one attribute, as a table of transitions.

The table gives the next :class:`State` for each :class:`Input`, and a list of
:class:`Effect`, which :mod:`taurus_tpo.scheme` carries out in order.

Two design rules are visible in it: a subscription without data is followed by a read,
never only preceded by one; and an attribute is polled only in states without a working
subscription.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class State(enum.Enum):
    """State of an attribute."""

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

    #: Name in version 0.1.
    SETTLING = VERIFYING

    # By identity: that of Enum is a Python function, called for each event.
    __hash__ = object.__hash__


class Input(enum.Enum):
    """Input of the lifecycle."""

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

    __hash__ = object.__hash__


class Effect(enum.Enum):
    """Action to carry out; effects are carried out in the given order."""

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

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Step:
    """Entry of the table: next state and effects."""

    state: State
    effects: tuple[Effect, ...] = ()


_S, _I, _E = State, Input, Effect

_CONNECTS = (_S.CONNECTING, _S.RECONNECTING)
_SUBSCRIBES = (_S.SUBSCRIBING, _S.RESUBSCRIBING)
_HAS_EVENTS = (_S.SUBSCRIBED, _S.OPENING, _S.VERIFYING, _S.UNTRUSTED)
_TRUSTED = (_S.SUBSCRIBED, _S.OPENING)
_LOOKED_AT = (_S.OPENING, _S.VERIFYING)
_NOT_PROVEN = (_S.OPENING, _S.UNTRUSTED)
# A late event of an earlier subscription can make the present one seem to work.
_BEING_SUBSCRIBED = (*_SUBSCRIBES, *_HAS_EVENTS, _S.RETRYING)
_NOT_BEING_SUBSCRIBED = (_S.IDLE, *_CONNECTS, _S.POLLED)
_LISTENED_TO = (*_CONNECTS, *_BEING_SUBSCRIBED, _S.POLLED)
_NOT_CONNECTING = (_S.IDLE, *_BEING_SUBSCRIBED, _S.POLLED)
_DEVICE_SAYS = (_I.CONNECTED, _I.CONNECTED_POLLED, _I.UNREACHABLE)
_TANGO_SAYS = (_I.ACCEPTED, _I.REFUSED, _I.FAILED, _I.EVENT)

_END = (_E.UNSUBSCRIBE, _E.STOP_POLLING)
_FALL_BACK = (_E.POLL, _E.READ)
_ASK_AGAIN = (_E.STOP_POLLING, _E.CONNECT)

#: Effects of a success: of a first subscription, and of one that was lost.
_WORKS: Mapping[Input, tuple[Effect, ...]] = {
    _I.ACCEPTED: (_E.STOP_POLLING, _E.READ),
    _I.EVENT: (_E.STOP_POLLING, _E.PUBLISH),
}
_WORKS_FIRST = {i: (*effects, _E.LOOK_ONCE) for i, effects in _WORKS.items()}
_WORKS_AGAIN = {i: (*effects, _E.LOOK_AGAIN) for i, effects in _WORKS.items()}

#: All transitions: one for every pair of state and input.
TABLE: Mapping[tuple[State, Input], Step] = {
    (_S.IDLE, _I.LISTEN): Step(_S.CONNECTING, (_E.CONNECT,)),
    (_S.IDLE, _I.RESUBSCRIBE): Step(_S.CONNECTING, (_E.CONNECT,)),
    # Programs may rely on polling having started when addListener returns.
    (_S.IDLE, _I.LISTEN_POLLED): Step(_S.POLLED, (*_FALL_BACK, _E.CONNECT)),
    (_S.IDLE, _I.READ): Step(_S.IDLE, (_E.PUBLISH,)),
    # Subscribe only when the device has answered. Tango may need long for that, so the
    # attribute is polled meanwhile.
    (_S.CONNECTING, _I.CONNECTED): Step(_S.SUBSCRIBING, (_E.POLL, _E.SUBSCRIBE)),
    (_S.RECONNECTING, _I.CONNECTED): Step(_S.RESUBSCRIBING, (_E.POLL, _E.SUBSCRIBE)),
    **{(s, _I.CONNECTED_POLLED): Step(_S.POLLED, _FALL_BACK) for s in _CONNECTS},
    **{(s, _I.UNREACHABLE): Step(_S.RECONNECTING, (_E.PUBLISH,)) for s in _CONNECTS},
    # Late callback of a subscription that was ended.
    **{(s, i): Step(s) for s in _NOT_BEING_SUBSCRIBED for i in _TANGO_SAYS},
    # Tango reports success before the server is certain to send events: an event that
    # is due in between is lost.
    **{(_S.SUBSCRIBING, i): Step(_S.OPENING, e) for i, e in _WORKS_FIRST.items()},
    **{(_S.RESUBSCRIBING, i): Step(_S.VERIFYING, e) for i, e in _WORKS_AGAIN.items()},
    **{
        (s, _I.REFUSED): Step(_S.RETRYING, (_E.READ, _E.SUBSCRIBE_RETRYING))
        for s in _SUBSCRIBES
    },
    **{(s, _I.FAILED): Step(_S.RETRYING, (_E.READ,)) for s in _SUBSCRIBES},
    # Check that the device answers before subscribing again.
    **{(s, _I.REJECTED): Step(_S.RECONNECTING, _ASK_AGAIN) for s in _BEING_SUBSCRIBED},
    (_S.SUBSCRIBING, _I.REJECTED): Step(_S.CONNECTING, _ASK_AGAIN),
    **{(s, _I.REJECTED): Step(s) for s in _NOT_BEING_SUBSCRIBED},
    # A second success means that Tango subscribed again after the server was away.
    # Changes in between are lost unless they are read, and the events of some
    # attributes do not arrive for a while.
    **{
        (s, i): Step(_S.VERIFYING, (_E.READ, _E.LOOK_AGAIN))
        for s in _HAS_EVENTS
        for i in (_I.ACCEPTED, _I.RENEWED)
    },
    # Later subscriptions and reads apply to the new attribute.
    **{(s, _I.RENEWED): Step(s) for s in State if s not in _HAS_EVENTS},
    **{(s, _I.EVENT): Step(s, (_E.PUBLISH,)) for s in _HAS_EVENTS},
    **{(s, _I.FAILED): Step(_S.RETRYING, _FALL_BACK) for s in _HAS_EVENTS},
    # A late event of an earlier subscription made this one seem to work.
    **{
        (s, _I.REFUSED): Step(_S.RETRYING, (*_FALL_BACK, _E.SUBSCRIBE_RETRYING))
        for s in _HAS_EVENTS
    },
    # An event proves that the channel is open.
    (_S.OPENING, _I.OPENED): Step(_S.SUBSCRIBED, (_E.WATCH,)),
    # Events arrive, but perhaps not for all changes.
    (_S.UNTRUSTED, _I.OPENED): Step(_S.VERIFYING, (_E.LOOK_AGAIN,)),
    **{(s, _I.OPENED): Step(s) for s in State if s not in _NOT_PROVEN},
    # The end of an error does not always send an event.
    **{(s, _I.DOUBTED): Step(_S.VERIFYING, (_E.LOOK_AGAIN,)) for s in _TRUSTED},
    **{(s, _I.DOUBTED): Step(s) for s in State if s not in _TRUSTED},
    **{(s, _I.VERIFIED): Step(_S.SUBSCRIBED, (_E.WATCH,)) for s in _LOOKED_AT},
    # Tango may drop the next event as a duplicate.
    (_S.VERIFYING, _I.UNPROVEN): Step(_S.SUBSCRIBING, (_E.POLL, _E.RENEW)),
    # The server does not send events for all changes.
    **{
        (s, _I.CONTRADICTED): Step(_S.UNTRUSTED, (_E.CHECK,))
        for s in (_S.SUBSCRIBED, *_LOOKED_AT)
    },
    # Outdated result of a verification.
    **{(s, _I.VERIFIED): Step(s) for s in State if s not in _LOOKED_AT},
    **{(s, _I.UNPROVEN): Step(s) for s in State if s is not _S.VERIFYING},
    **{
        (s, _I.CONTRADICTED): Step(s)
        for s in State
        if s not in (_S.SUBSCRIBED, *_LOOKED_AT)
    },
    # The subscription failed and Tango retries.
    **{(_S.RETRYING, i): Step(_S.VERIFYING, e) for i, e in _WORKS_AGAIN.items()},
    (_S.RETRYING, _I.REFUSED): Step(_S.RETRYING),
    (_S.RETRYING, _I.FAILED): Step(_S.RETRYING),
    # Events are disabled.
    (_S.POLLED, _I.RESUBSCRIBE): Step(_S.RETRYING, (_E.SUBSCRIBE_RETRYING,)),
    # All states with listeners. A listener that was destroyed without being removed
    # leaves its attribute in them, so LISTEN can occur again.
    **{(s, i): Step(s) for s in _LISTENED_TO for i in (_I.LISTEN, _I.LISTEN_POLLED)},
    # A late answer of the device.
    **{(s, i): Step(s) for s in _NOT_CONNECTING for i in _DEVICE_SAYS},
    **{(s, _I.RESUBSCRIBE): Step(s) for s in _LISTENED_TO if s is not _S.POLLED},
    **{(s, _I.READ): Step(s, (_E.PUBLISH,)) for s in _LISTENED_TO},
    **{(s, _I.UNLISTEN): Step(_S.IDLE, _END) for s in _LISTENED_TO},
    (_S.IDLE, _I.UNLISTEN): Step(_S.IDLE),
    **{(s, _I.CLOSE): Step(_S.CLOSED, _END) for s in (_S.IDLE, *_LISTENED_TO)},
    # cleanUp is final.
    **{(_S.CLOSED, i): Step(_S.CLOSED) for i in Input},
}

#: States with a working subscription.
WORKING = frozenset(_HAS_EVENTS)

#: States in which it is unknown whether the device answers.
CONNECTING = frozenset(_CONNECTS)

#: States in which the attribute is polled.
POLLED_STATES = frozenset({*_SUBSCRIBES, State.RETRYING, State.POLLED})


class Lifecycle:
    """State machine of one attribute.

    Not thread-safe: the owner calls it under its own lock.
    """

    def __init__(self) -> None:
        self.state = State.IDLE

    def feed(self, event: Input) -> tuple[Effect, ...]:
        """Apply an input; return the effects to carry out, in order."""
        step = TABLE[self.state, event]
        self.state = step.state
        return step.effects
