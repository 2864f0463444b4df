"""Events of attributes as an asynchronous iterator."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.aio.calls import CALLS
from taurus_tpo.aio.outcomes import outcomes
from taurus_tpo.concurrency.event_buffer import MOST, Event, EventBuffer
from taurus_tpo.core.errors import fresh
from taurus_tpo.scheme.program_calls import StreamListener

_LOG = logging.getLogger(__name__)

#: How long the end of a stream waits for its listeners to be removed, s. A device that
#: hangs may take longer; its thread goes on.
LEAVING = 1.0


class _Subscription(StreamListener):
    """Follows one attribute.

    :meth:`begin` and :meth:`end` are called by the threads of
    :class:`taurus_tpo.aio.calls.TaurusCalls`, in this order.
    """

    def begin(self) -> None:
        """Make the attribute and listen to it; an error is its event."""
        try:
            self.listen(CALLS.made)
        except Exception as error:  # noqa: BLE001 - whatever Taurus raises
            # A copy: a traceback keeps what it leads to alive.
            told = fresh(error)
            self.eventReceived(self._attribute, TaurusEventType.Error, told)


class EventStream:
    """The events of some attributes, for the time of an ``async with`` block.

    Made by :func:`taurus_tpo.aio.events`. Belongs to the event loop in which the block
    is entered.
    """

    def __init__(
        self, models: tuple[str, ...], latest: bool = True, most: int = MOST
    ) -> None:
        self._buffer = EventBuffer(latest, most)
        self._subscriptions = {
            model: _Subscription(model, self._deliver) for model in models
        }
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._closed = False

    async def __aenter__(self) -> EventStream:
        """Begin to listen; does not wait for the devices.

        :raises RuntimeError: if the stream was used before.
        """
        if self._loop is not None:
            raise RuntimeError("a stream of events can be used once")
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        for model, subscription in self._subscriptions.items():
            CALLS.submit(model, subscription.begin)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening; waits up to :data:`LEAVING` for the listeners' removal."""
        self._close()
        ended: list[Future[Any]] = []
        for model, subscription in self._subscriptions.items():
            subscription.has_ended = True
            # With a name: it goes on if this task is cancelled.
            ended.append(CALLS.submit(model, subscription.end, subscription))
        for model, outcome in zip(self._subscriptions, await outcomes(ended, LEAVING)):
            if isinstance(outcome, Exception):
                _LOG.warning("%s: ending its events: %r", model, outcome)

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        """Return the next event; waits for it.

        :raises StopAsyncIteration: when the block is left.
        """
        if self._news is None:
            raise RuntimeError("a stream of events is used in an async with block")
        # Others have their turn, however fast the events are.
        await asyncio.sleep(0)
        while not self._closed:
            event = self._buffer.take()
            if event is not None:
                return event
            self._news.clear()
            await self._news.wait()
        raise StopAsyncIteration

    def _deliver(self, event: Event) -> None:
        """Store an event and wake the reader; any thread."""
        loop, news = self._loop, self._news
        if self._buffer.put(event) and loop is not None and news is not None:
            # A loop that was closed with the stream in use has no readers.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(news.set)

    def _close(self) -> None:
        self._closed = True
        self._buffer.close()
        if self._news is not None:
            self._news.set()


def events(*models: str, latest: bool = True, most: int = MOST) -> EventStream:
    """Listen to attributes.

    ::

        async with aio.events("sim/power/01/current") as stream:
            async for event in stream:
                print(event.model, event.value or event.error)

    The first events of an attribute are what is known of it, then whatever Taurus tells
    a listener: a change or poll with the value, a new configuration, an error. A name
    that is not an attribute is an error of that name. Entering the block does not wait
    for the devices. The stream keeps the attributes, and its listeners, alive until the
    block is left; nothing is delivered after that.

    :param latest: of each model and kind of event, only the newest one is kept while
        the program does something else. False keeps all events, up to ``most``; then
        the oldest is dropped. :attr:`Event.lost` counts what was dropped.
    :param most: see ``latest``.
    """
    return EventStream(tuple(dict.fromkeys(map(str, models))), latest, most)
