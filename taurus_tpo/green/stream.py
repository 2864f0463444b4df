"""Events of attributes as an iterator for greenlets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import gevent
from taurus.core.taurusbasetypes import TaurusEventType

from taurus_tpo.concurrency.event_buffer import MOST, Event, EventBuffer
from taurus_tpo.green.calls import in_thread, plugin_is_on, prepare
from taurus_tpo.green.greenlets import ThreadSignal, thread_lock
from taurus_tpo.green.hub_threads import threads
from taurus_tpo.scheme.program_calls import StreamListener, key_of, made

#: How long the end of a stream waits for its listeners to be removed, s. A device that
#: hangs may take longer; its thread goes on.
LEAVING = 1.0

#: How often an attribute is tried that cannot be made, s.
DEFAULT_PERIOD = 3.0


class _StreamSubscription(StreamListener):
    """Follows one attribute; without the plugin, by polls."""

    def follow(self, period: float | None) -> None:
        """Begin to listen; without the plugin, poll until the stream ends.

        In a greenlet. An error is an event.

        :param period: of the polls, s; None: Taurus's.
        """
        prepare(self._model)
        if plugin_is_on():
            with self._errors():
                in_thread(self._model, self.listen)
        else:
            self._poll(period)

    def _poll(self, period: float | None) -> None:
        seconds = period
        while not self.has_ended:
            with self._errors():
                value, own = in_thread(self._model, self._read)
                seconds = own if period is None else period
                self.eventReceived(None, TaurusEventType.Periodic, value)
            # An attribute that cannot be made has no period of its own.
            gevent.sleep(DEFAULT_PERIOD if seconds is None else seconds)

    def _read(self) -> tuple[Any, float]:
        """Return the value, and Taurus's polling period, s; in a thread."""
        if self._attribute is None:
            self._attribute = made(self._model)
        attribute = self._attribute
        return attribute.read(cache=False), attribute.getPollingPeriod() / 1000

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Deliver an error as an event."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever Taurus raises
            self.eventReceived(None, TaurusEventType.Error, error)


class GreenEventStream:
    """The events of some attributes, for the time of a ``with`` block.

    Made by :func:`taurus_tpo.green.events`. Belongs to the hub in which the block is
    entered.
    """

    def __init__(
        self,
        models: tuple[str, ...],
        latest: bool = True,
        most: int = MOST,
        period: float | None = None,
    ) -> None:
        self._buffer = EventBuffer(latest, most, thread_lock())
        self._period = period
        self._subscriptions = {
            model: _StreamSubscription(model, self._deliver) for model in models
        }
        self._greenlets: list[Any] = []
        self._signal: ThreadSignal | None = None
        self._is_closed = False

    def __enter__(self) -> GreenEventStream:
        """Begin to listen; does not wait for the devices.

        :raises RuntimeError: if the stream was used before.
        """
        if self._signal is not None:
            raise RuntimeError("a stream of events can be used once")
        self._signal = ThreadSignal()
        self._greenlets = [
            gevent.spawn(subscription.follow, self._period)
            for subscription in self._subscriptions.values()
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the stream, and the iteration of another greenlet.

        Waits up to :data:`LEAVING` for the removal of the listeners, in this greenlet.
        """
        if self._is_closed or self._signal is None:
            return
        self._is_closed = True
        self._buffer.close()
        self._signal.close()
        gevent.killall(self._greenlets, block=False)
        ended = []
        pool = threads()
        for model, subscription in self._subscriptions.items():
            subscription.has_ended = True
            ended.append(pool.submit(key_of(model), subscription.end).outcome)
        gevent.wait(ended, timeout=LEAVING)

    def __iter__(self) -> GreenEventStream:
        return self

    def __next__(self) -> Event:
        """Return the next event; waits for it in this greenlet.

        :raises StopIteration: when the stream was closed.
        """
        if self._signal is None:
            raise RuntimeError("a stream of events is used in a with block")
        # Others have their turn, however fast the events are.
        gevent.sleep(0)
        while not self._is_closed:
            event = self._buffer.take()
            if event is not None:
                return event
            self._signal.wait()
        raise StopIteration

    def _deliver(self, event: Event) -> None:
        """Store an event and wake the reader; any thread."""
        signal = self._signal
        if self._buffer.put(event) and signal is not None:
            signal.set()


def events(
    *models: str, latest: bool = True, most: int = MOST, period: float | None = None
) -> GreenEventStream:
    """Listen to attributes.

    ::

        with green.events("sim/power/01/current") as stream:
            for event in stream:
                print(event.model, event.value or event.error)

    The first events of an attribute are what is known of it, then whatever Taurus tells
    a listener: a change or poll with the value, a new configuration, an error. A name
    that is not an attribute is an error of that name. Entering the block does not wait
    for the devices. The stream keeps the attributes, and its listeners, alive until the
    block is left; nothing is delivered after that.

    Without the plugin, which is off where ``gevent.monkey`` has replaced threads, there
    are no events of Tango: the attributes are polled, and each poll is an event.

    :param latest: of each model and kind of event, only the newest one is kept while
        the program does something else. False keeps all events, up to ``most``; then
        the oldest is dropped. :attr:`Event.lost` counts what was dropped.
    :param most: see ``latest``.
    :param period: of the polls where there are no events of Tango, s; None: Taurus's
        polling period of the attribute.
    """
    return GreenEventStream(
        tuple(dict.fromkeys(map(str, models))), latest, most, period
    )
