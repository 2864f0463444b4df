"""Who says what to whom: the sequences that the documentation draws.

A sequence is a small table of messages between lanes. What a mode does is asked of the
mode (``tries``, ``raises``, ``reads``, its carrier), as the plugin does. A message that
tells an attribute something names the input, and one that carries out what has to be
done then names the effect. :func:`walk` goes through the table of an attribute's life
beside them: a sequence that says something else than the table ends the build.
``tests/integration/test_sequences.py`` holds them against attributes of real devices.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Union

from taurus_tpo.concurrency import io_pool, liveness
from taurus_tpo.core import modes, server_health, verification
from taurus_tpo.core.lifecycle import Effect, Input, Lifecycle, State
from taurus_tpo.core.modes import SubMode
from taurus_tpo.scheme import gui_wait_policy, polling


class Lane(enum.Enum):
    """Who takes part, from left to right."""

    WINDOW = "window"
    ATTRIBUTE = "attribute"
    OTHER = "attribute 2"
    POOL = "pool"
    SUBSCRIBER = "subscriber"
    TANGO = "Tango's thread"
    SERVER = "device server"


#: Those whose life is in the table.
ATTRIBUTES = (Lane.ATTRIBUTE, Lane.OTHER)

#: What need not be drawn: it happens where a setting asks for it.
OPTIONAL = frozenset({Effect.WATCH})


@dataclass(frozen=True)
class Message:
    """One arrow; from a lane to itself, what it does there.

    :param told: what it is for the attribute that receives it.
    :param carries: what it carries out for the attribute that sends it.
    :param answer: whether it ends what another one has begun.
    """

    sender: Lane
    receiver: Lane
    text: str
    told: Input | None = None
    carries: Effect | None = None
    answer: bool = False


@dataclass(frozen=True)
class Waits:
    """From here on the thread of the window waits, so long at the most."""

    at_most: str = ""


@dataclass(frozen=True)
class GoesOn:
    """From here on it does not."""


@dataclass(frozen=True)
class Later:
    """Some time passes."""

    text: str


Item = Union[Message, Waits, GoesOn, Later]
Items = Iterator[Item]


@dataclass(frozen=True)
class Sequence:
    """What happens, in order.

    :param title: the caption of the diagram, and its name for screen readers.
    """

    title: str
    items: tuple[Item, ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages alone."""
        return tuple(item for item in self.items if isinstance(item, Message))

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Who takes part, from left to right."""
        there = {lane for m in self.messages for lane in (m.sender, m.receiver)}
        return tuple(lane for lane in Lane if lane in there)


# --- what is said --------------------------------------------------------------------

_W, _A, _O = Lane.WINDOW, Lane.ATTRIBUTE, Lane.OTHER
_P, _B, _T, _S = Lane.POOL, Lane.SUBSCRIBER, Lane.TANGO, Lane.SERVER

#: Between a number and its unit.
_NO_BREAK = "\xa0"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:g}{_NO_BREAK}ms"


def _listed(seconds: Iterable[float]) -> str:
    *first, last = (f"{second:g}" for second in seconds)
    return f"{', '.join(first)} and {last}{_NO_BREAK}s"


def _after(pauses: Iterable[float]) -> Iterator[float]:
    total = 0.0
    for pause in pauses:
        total += pause
        yield total


def _asked() -> Items:
    """The pool asks before it calls."""
    yield Message(_P, _S, "probe")
    yield Message(_S, _P, "answer", answer=True)


def _told(lane: Lane = _A, what: str = "the value") -> Message:
    return Message(lane, _W, what, carries=Effect.PUBLISH)


def _wants_read(lane: Lane = _A) -> Message:
    return Message(lane, _P, "first read", carries=Effect.READ)


def _read() -> Items:
    """One read, from the pool to the window."""
    yield Message(_P, _S, "read_attributes")
    yield Message(_S, _P, "values", answer=True)
    yield Message(_P, _A, "the value", told=Input.READ)
    yield _told()


def _event() -> Items:
    yield Later("the value changes")
    yield Message(_S, _T, "event")
    yield Message(_T, _A, "the value", told=Input.EVENT)
    yield _told()
    yield Message(_T, _A, "events come through", told=Input.OPENED)


def _looks_once(lane: Lane = _A) -> Message:
    text = f"when idle, verify after {verification.CHANNEL_OPENS:g}{_NO_BREAK}s"
    return Message(lane, _P, text, carries=Effect.LOOK_ONCE)


def _returns(lane: Lane = _A) -> Message:
    return Message(lane, _W, "addListener returns", answer=True)


def _listens(lane: Lane = _A) -> Message:
    return Message(_W, lane, "addListener", told=Input.LISTEN)


def _has_answered(lane: Lane = _A) -> Message:
    text = "its device has answered"
    return Message(lane, lane, text, Input.CONNECTED, Effect.CONNECT)


def _news(carrier: SubMode) -> Input:
    """What the attribute is told by a subscription that succeeds."""
    return Input.EVENT if carrier.reads else Input.ACCEPTED


def _connects(mode: SubMode) -> Items:
    """From the listener to the word that the device answers."""
    if mode.raises:
        yield Waits()
    yield _listens()
    if mode.raises or not mode.tries:
        yield _has_answered()
        return
    # Somebody will have to wait, and the caller did not ask to.
    yield Message(_A, _P, "connect", carries=Effect.CONNECT)
    yield _returns()
    yield from _asked()
    yield Message(_P, _S, "request the configurations")
    yield Message(_S, _P, "of all attributes", answer=True)
    yield Message(_P, _A, "it answers", told=Input.CONNECTED)


def _subscribes(carrier: SubMode) -> Items:
    """From the word that the device answers to that of Tango."""
    effect = Effect.SUBSCRIBE
    what = "subscribe, read" if carrier.reads else "subscribe"
    if carrier.raises:
        yield Message(_A, _S, what, carries=effect)
    elif carrier.tries:
        yield Message(_A, _B, "subscribe", carries=effect)
        yield Message(_B, _S, what)
    else:
        yield Message(_A, _T, "subscribe", carries=effect)
        yield _returns()
        yield Message(_T, _S, what)


def _who_subscribes(carrier: SubMode) -> Lane:
    """Who waits for the device server."""
    if carrier.raises:
        return _A
    return _B if carrier.tries else _T


def _succeeds(carrier: SubMode) -> Items:
    by, news = _who_subscribes(carrier), _news(carrier)
    result = "the value" if carrier.reads else "subscribed"
    if by is _A:
        yield Message(_S, _A, result, told=news, answer=True)
    else:
        yield Message(_S, by, result, answer=True)
        said = result if carrier.reads else "subscribed, no data"
        yield Message(by, _A, said, told=news)


def _subscribed(carrier: SubMode) -> Items:
    """What follows a success: a value was brought, or has to be read."""
    if carrier.reads:
        yield _told()
    else:
        yield _wants_read()
    yield _looks_once()
    if carrier.raises:
        yield _returns()
        yield GoesOn()
    if not carrier.reads:
        company = f"{_ms(io_pool.GATHER)} for more reads"
        yield Message(_P, _P, company)
        yield from _read()


def opening(mode: SubMode, native: bool = False) -> Sequence:
    """What a healthy device and a widget say to each other in ``mode``.

    :param native: with ``TANGO_ASYNCREAD_NATIVE = True``.
    """
    carrier = modes.carrier(mode, native)
    items = (
        *_connects(mode),
        *_subscribes(carrier),
        *_succeeds(carrier),
        *_subscribed(carrier),
        *_event(),
    )
    how = ", left to Tango" if native else ""
    return Sequence(f"{mode}{how}: a healthy device", items)


def _fails(carrier: SubMode) -> Items:
    """From the subscription that fails to the read that takes its place."""
    by = _who_subscribes(carrier)
    if by is _A:
        yield Message(_S, _A, "refused", told=Input.REFUSED, answer=True)
        yield _wants_read()
        yield Message(_A, _T, "retry", carries=Effect.SUBSCRIBE_RETRYING)
        yield _returns()
        yield GoesOn()
        yield Message(_T, _S, "subscribe")
        by = _T
        yield Message(_S, by, "refused", answer=True)
        yield Message(by, _A, "failed", told=Input.FAILED)
    else:
        yield Message(_S, by, "refused", answer=True)
        yield Message(by, _A, "failed", told=Input.FAILED)
        yield _wants_read()


def _works_at_last(carrier: SubMode) -> Items:
    """Tango has retried, with success."""
    retrying = modes.RETRYING if carrier.raises else carrier
    yield Later("events are there")
    yield Message(_T, _S, "subscribe, read" if retrying.reads else "subscribe")
    result = "the value" if retrying.reads else "subscribed"
    yield Message(_S, _T, result, answer=True)
    said = result if retrying.reads else "subscribed, no data"
    yield Message(_T, _A, said, told=_news(retrying))
    yield Message(_A, _P, "stop polling", carries=Effect.STOP_POLLING)
    if retrying.reads:
        yield _told()
    else:
        yield _wants_read()
    yield _looks_again()
    yield from _read()


def _looks_again() -> Message:
    when = _listed(_after(verification.FIRST_CHECKS))
    text = f"verify after {when}"
    return Message(_A, _P, text, carries=Effect.LOOK_AGAIN)


def failing(mode: SubMode) -> Sequence:
    """What happens in ``mode`` where no subscription works, and then one does."""
    carrier = modes.carrier(mode, native_async_read=False)
    polls = f"poll, from {_ms(polling.UNANSWERED_FOR)} on"
    items = (
        *_connects(mode),
        Message(_A, _P, polls, carries=Effect.POLL),
        *_subscribes(carrier),
        *_fails(carrier),
        *_read(),
        Later("a polling period later, and so on"),
        *_read(),
        *_works_at_last(carrier),
    )
    return Sequence(f"{mode}: a subscription that fails", items)


def polled() -> Sequence:
    """What happens where events are disabled."""
    items = (
        Message(_W, _A, "addListener: no events wanted", Input.LISTEN_POLLED),
        Message(_A, _P, "poll", carries=Effect.POLL),
        _wants_read(),
        Message(_A, _A, "it has answered", Input.CONNECTED_POLLED, Effect.CONNECT),
        _returns(),
        *_read(),
        Later("a polling period later, and so on"),
        *_read(),
    )
    return Sequence("Polling: events are disabled", items)


def _made(lane: Lane) -> Items:
    """Taurus makes the first attribute of a device."""
    yield Waits(_ms(gui_wait_policy.ONE))
    yield Message(_W, lane, "made")
    yield Message(lane, _P, "connect to my device")
    yield Message(_P, _P, "ask the database for the server")
    yield Message(_P, _S, "probe")


def _configured() -> Items:
    yield Message(_P, _S, "request the configurations")
    yield Message(_S, _P, "of all attributes", answer=True)


def first_read() -> Sequence:
    """What happens until two attributes of a device have their first values."""
    items = (
        *_made(_A),
        Message(_S, _P, "answer", answer=True),
        *_configured(),
        Message(_P, _A, "type, unit, limits", answer=True),
        GoesOn(),
        Message(_W, _O, "made, with that configuration"),
        _listens(_A),
        _has_answered(_A),
        Message(_A, _T, "subscribe", carries=Effect.SUBSCRIBE),
        _listens(_O),
        _has_answered(_O),
        Message(_O, _T, "queue the subscription", carries=Effect.SUBSCRIBE),
        Message(_T, _S, "subscribe"),
        Message(_S, _T, "subscribed", answer=True),
        Message(_T, _A, "subscribed, no data", told=Input.ACCEPTED),
        _wants_read(_A),
        _looks_once(_A),
        Message(_T, _S, "subscribe"),
        Message(_S, _T, "subscribed", answer=True),
        Message(_T, _O, "subscribed, no data", told=Input.ACCEPTED),
        _wants_read(_O),
        _looks_once(_O),
        Message(_P, _P, f"{_ms(io_pool.GATHER)} for more reads"),
        *_asked(),
        Message(_P, _S, "read_attributes, both"),
        Message(_S, _P, "two values", answer=True),
        Message(_P, _A, "the value", told=Input.READ),
        Message(_P, _O, "the value", told=Input.READ),
        _told(_A),
        _told(_O),
    )
    return Sequence("The first read of two attributes of a device", items)


def silent() -> Sequence:
    """What happens where a server hangs when the window opens, and then answers."""
    pauses = _listed(server_health.RETRY_PAUSES)
    items = (
        *_made(_A),
        Message(_A, _W, "a placeholder", answer=True),
        GoesOn(),
        _listens(),
        Message(_A, _P, "connect", carries=Effect.CONNECT),
        _returns(),
        Later(f"no answer within {liveness.SILENCE:g} s"),
        Message(_P, _A, "it does not answer", told=Input.UNREACHABLE),
        _told(what="the error"),
        Message(_A, _P, "connect once it answers"),
        Message(_P, _S, f"probe, after {pauses}"),
        Later("the server answers again"),
        Message(_S, _P, "answer", answer=True),
        *_configured(),
        Message(_P, _A, "it answers", told=Input.CONNECTED),
        Message(_A, _W, "type, unit, limits"),
        Message(_A, _T, "subscribe", carries=Effect.SUBSCRIBE),
        Message(_T, _S, "subscribe"),
        Message(_S, _T, "subscribed", answer=True),
        Message(_T, _A, "subscribed, no data", told=Input.ACCEPTED),
        _wants_read(),
        _looks_again(),
        *_asked(),
        *_read(),
    )
    return Sequence("A server that hangs when the window opens", items)


#: Every sequence of the documentation, by the argument of its directive.
SEQUENCES = {
    **{mode.name: opening(mode) for mode in modes.MODES},
    "native": opening(modes.ASYNC_READ, native=True),
    "refused": failing(modes.SYNC_READ),
    "failed": failing(modes.DEFAULT),
    "polled": polled(),
    "first-read": first_read(),
    "silent": silent(),
}


# --- whether it is true --------------------------------------------------------------


class LieError(ValueError):
    """A sequence says something else than the table of an attribute's life."""


class _Walk:
    """One attribute's walk through the table, and what is still to be carried out."""

    def __init__(self) -> None:
        self._life = Lifecycle()
        self._due: list[Effect] = []
        self._is_polled = False

    def carry_out(self, effect: Effect) -> None:
        """Take note that ``effect`` is carried out now.

        :raises LieError: where it is not its turn.
        """
        # The first poll is not due at once, and often there is none.
        others = [one for one in self._due if one is not Effect.POLL]
        turn = [Effect.POLL] if effect is Effect.POLL else others[:1]
        if effect not in turn or effect not in self._due:
            raise LieError(f"{effect} is not what has to be done: {self._due}")
        self._due.remove(effect)
        self._is_polled |= effect is Effect.POLL

    def happen(self, what: Input) -> State | None:
        """Let ``what`` happen; return the new state, or None if it is the same."""
        before = self._life.state
        for effect in self._life.feed(what):
            if effect is Effect.STOP_POLLING and not self._is_polled:
                self._due = [one for one in self._due if one is not Effect.POLL]
            elif effect not in OPTIONAL:
                self._due.append(effect)
        return None if self._life.state is before else self._life.state

    @property
    def due(self) -> tuple[Effect, ...]:
        """What is still to be carried out."""
        return tuple(self._due)


def walk(sequence: Sequence) -> Iterator[tuple[Item, State | None]]:
    """Return each item, and the state to which it has brought the attribute told.

    :raises LieError: where the table of an attribute's life says something else.
    """
    lives = {lane: _Walk() for lane in ATTRIBUTES}
    for item in sequence.items:
        state = None
        if isinstance(item, Message):
            if item.carries is not None:
                lives[item.sender].carry_out(item.carries)
            if item.told is not None:
                state = lives[item.receiver].happen(item.told)
        yield item, state
    for lane, life in lives.items():
        if life.due:
            raise LieError(f"{lane} has not carried out {life.due}")
