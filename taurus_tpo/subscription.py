"""The life of one attribute, as a table of transitions.

Floor 1: no Tango, no Taurus, no Qt, no threads, no clock. What happens to an attribute
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
    SUBSCRIBING = "the subscription was asked for and has not been answered"
    SUBSCRIBED = "the subscription works"
    RETRYING = "the subscription failed; Tango goes on trying, and it is polled"
    POLLED = "events are disabled, it is polled"
    CLOSED = "cleaned up"


class Input(enum.Enum):
    """What can happen to an attribute."""

    LISTEN = "a listener came"
    CONNECTED = "the device answers, or refuses at once; events are enabled"
    CONNECTED_POLLED = "the same; events are disabled"
    UNREACHABLE = "the device does not answer; it is asked again"
    TURNED_AWAY = "the device has not answered lately: nothing was subscribed to"
    RESUBSCRIBE = "somebody asks for the subscription again"
    ACCEPTED = "the subscription is there; it brought no data"
    REFUSED = "the subscription failed in the call; Tango does not retry"
    FAILED = "the subscription failed; Tango retries"
    EVENT = "an event brought a value, or the attribute's own error"
    READ = "a read brought a value, or an error"
    UNLISTEN = "the last listener went"
    CLOSE = "the attribute is cleaned up"


class Effect(enum.Enum):
    """What has to be done; carried out in the order given."""

    CONNECT = "ask whether the device answers, until it does"
    SUBSCRIBE = "subscribe in the attribute's mode"
    SUBSCRIBE_RETRYING = "subscribe in a mode in which Tango goes on trying"
    UNSUBSCRIBE = "give the subscription up"
    READ = "ask for a first read"
    POLL = "start polling"
    STOP_POLLING = "stop polling, unless the user forced it"
    PUBLISH = "cache what the input brought and tell the listeners"


@dataclass(frozen=True)
class Step:
    """The answer of the table to one input."""

    state: State
    effects: tuple[Effect, ...] = ()


_S, _I, _E = State, Input, Effect

_LISTENED_TO = (_S.CONNECTING, _S.SUBSCRIBING, _S.SUBSCRIBED, _S.RETRYING, _S.POLLED)
_END = (_E.UNSUBSCRIBE, _E.STOP_POLLING)
_WORKS = (_E.STOP_POLLING, _E.PUBLISH)
_NOT_CONNECTING = (_S.IDLE, _S.SUBSCRIBING, _S.SUBSCRIBED, _S.RETRYING, _S.POLLED)
_DEVICE_SAYS = (_I.CONNECTED, _I.CONNECTED_POLLED, _I.UNREACHABLE)
_TANGO_SAYS = (_I.ACCEPTED, _I.REFUSED, _I.FAILED, _I.EVENT)
_FALL_BACK = (_E.POLL, _E.READ)
_ASK_AGAIN = (_E.STOP_POLLING, _E.CONNECT)
# A late event of an earlier subscription may have made it look as if this one worked.
_BEING_SUBSCRIBED = (_S.SUBSCRIBING, _S.SUBSCRIBED, _S.RETRYING)
_NOT_BEING_SUBSCRIBED = (_S.IDLE, _S.CONNECTING, _S.POLLED)

#: The whole life: every pair of state and input.
TABLE: Mapping[tuple[State, Input], Step] = {
    (_S.IDLE, _I.LISTEN): Step(_S.CONNECTING, (_E.CONNECT,)),
    (_S.IDLE, _I.RESUBSCRIBE): Step(_S.CONNECTING, (_E.CONNECT,)),
    (_S.IDLE, _I.READ): Step(_S.IDLE, (_E.PUBLISH,)),
    # Nothing is subscribed to before the device has answered.
    # Tango may take its time with the subscription: polling begins a little later.
    (_S.CONNECTING, _I.CONNECTED): Step(_S.SUBSCRIBING, (_E.POLL, _E.SUBSCRIBE)),
    (_S.CONNECTING, _I.CONNECTED_POLLED): Step(_S.POLLED, _FALL_BACK),
    (_S.CONNECTING, _I.UNREACHABLE): Step(_S.CONNECTING, (_E.PUBLISH,)),
    # Tango's callbacks may come late, after the subscription was given up.
    **{(_S.IDLE, i): Step(_S.IDLE) for i in _TANGO_SAYS},
    **{(_S.CONNECTING, i): Step(_S.CONNECTING) for i in _TANGO_SAYS},
    **{(_S.POLLED, i): Step(_S.POLLED) for i in _TANGO_SAYS},
    # The subscription is on its way.
    (_S.SUBSCRIBING, _I.ACCEPTED): Step(_S.SUBSCRIBED, (_E.STOP_POLLING, _E.READ)),
    (_S.SUBSCRIBING, _I.EVENT): Step(_S.SUBSCRIBED, _WORKS),
    (_S.SUBSCRIBING, _I.REFUSED): Step(_S.RETRYING, (_E.READ, _E.SUBSCRIBE_RETRYING)),
    (_S.SUBSCRIBING, _I.FAILED): Step(_S.RETRYING, (_E.READ,)),
    # The device has to be asked again, before anything is subscribed to.
    **{(s, _I.TURNED_AWAY): Step(_S.CONNECTING, _ASK_AGAIN) for s in _BEING_SUBSCRIBED},
    **{(s, _I.TURNED_AWAY): Step(s) for s in _NOT_BEING_SUBSCRIBED},
    # It works. A second success means that Tango subscribed anew (the server was
    # away): what changed in between is lost unless it is read.
    (_S.SUBSCRIBED, _I.ACCEPTED): Step(_S.SUBSCRIBED, (_E.READ,)),
    (_S.SUBSCRIBED, _I.EVENT): Step(_S.SUBSCRIBED, (_E.PUBLISH,)),
    (_S.SUBSCRIBED, _I.FAILED): Step(_S.RETRYING, _FALL_BACK),
    # A late event of an earlier subscription made it look as if this one worked.
    (_S.SUBSCRIBED, _I.REFUSED): Step(
        _S.RETRYING, (*_FALL_BACK, _E.SUBSCRIBE_RETRYING)
    ),
    # It does not work, and Tango goes on trying.
    (_S.RETRYING, _I.ACCEPTED): Step(_S.SUBSCRIBED, (_E.STOP_POLLING, _E.READ)),
    (_S.RETRYING, _I.EVENT): Step(_S.SUBSCRIBED, _WORKS),
    (_S.RETRYING, _I.REFUSED): Step(_S.RETRYING),
    (_S.RETRYING, _I.FAILED): Step(_S.RETRYING),
    # Events are disabled.
    (_S.POLLED, _I.RESUBSCRIBE): Step(_S.RETRYING, (_E.SUBSCRIBE_RETRYING,)),
    # The same wherever somebody listens. A listener that died without a word leaves
    # its attribute listened to, so that LISTEN can come again.
    **{(s, _I.LISTEN): Step(s) for s in _LISTENED_TO},
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
WORKING = frozenset({State.SUBSCRIBED})

#: The states in which an attribute is polled.
POLLED_STATES = frozenset({State.SUBSCRIBING, State.RETRYING, State.POLLED})


class Life:
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
