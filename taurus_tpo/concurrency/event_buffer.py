"""The events that a stream has not delivered yet; bounded. No event loop, no Tango."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import Any

#: How many events are kept if each of them counts.
MOST = 1000


@dataclass(frozen=True, eq=False)
class Event:
    """An event of an attribute.

    :param model: the name that the stream was given.
    :param attribute: Taurus's attribute; None if it could not be made, or if the stream
        itself polls it.
    :param kind: its ``TaurusEventType``: ``Change``, ``Periodic``, ``Config`` or
        ``Error``.
    :param value: what Taurus passes to listeners: of a change or a poll the attribute's
        value object. None in case of an error.
    :param error: Tango's error; None for a value.
    :param lost: how many events the stream has dropped since the one that it delivered
        before.
    """

    __slots__ = ("attribute", "error", "kind", "lost", "model", "value")

    model: str
    attribute: Any
    kind: Any
    value: Any
    error: BaseException | None
    lost: int


class EventBuffer:
    """Events on their way from any thread to one reader, in order.

    If only the latest count, there is one event of each model and kind: the newest. The
    models take turns, so that one that changes all the time delays no other. Otherwise
    the oldest event is dropped for the newest when there are ``most``.

    Methods may be called from any thread.

    :param latest: whether only the newest event of each model and kind counts.
    :param most: how many are kept if not.
    :param lock: a reentrant lock that any thread may wait for; None: a new one.
    """

    def __init__(self, latest: bool = True, most: int = MOST, lock: Any = None) -> None:
        self._most = most
        # A garbage collection may dispatch an event in any code of this thread.
        self._lock = threading.RLock() if lock is None else lock
        #: By model, then by kind, the oldest first; unused if each event counts.
        self._newest: OrderedDict[str, OrderedDict[Any, Event]] | None
        self._newest = OrderedDict() if latest else None
        self._all: deque[Event] = deque()
        self._lost = 0
        self._closed = False

    def put(self, event: Event) -> bool:
        """Add ``event``; return whether the reader has to be woken.

        That is so if the buffer was empty. Does nothing after :meth:`close`.
        """
        with self._lock:
            if self._closed:
                return False
            was_empty = not (self._all or self._newest)
            dropped = self._keep(event)
            self._lost += dropped is not None
        # An event may refer to its attribute last: it is destroyed without the lock.
        del dropped
        return was_empty

    def take(self) -> Event | None:
        """Remove and return the next event; None without one."""
        with self._lock:
            event = self._next()
            if event is None:
                return None
            lost, self._lost = self._lost, 0
        return replace(event, lost=lost) if lost else event

    def close(self) -> None:
        """Drop all events, and those that are added from now on."""
        with self._lock:
            self._closed = True
            dropped = self._newest, self._all
            self._newest, self._all = None, deque()
        del dropped

    def _keep(self, event: Event) -> Event | None:
        """Store ``event``; return the one that is dropped for it."""
        if self._newest is not None:
            of_model = self._newest.setdefault(event.model, OrderedDict())
            # It moves to the end: an error before it must not be delivered after it.
            dropped = of_model.pop(event.kind, None)
            of_model[event.kind] = event
            return dropped
        dropped = self._all.popleft() if len(self._all) >= self._most else None
        self._all.append(event)
        return dropped

    def _next(self) -> Event | None:
        if not self._newest:
            return self._all.popleft() if self._all else None
        model, of_model = self._newest.popitem(last=False)
        _, event = of_model.popitem(last=False)
        if of_model:
            self._newest[model] = of_model
        return event
