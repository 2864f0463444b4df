"""Things to do, done by one thread of many duties, a slice of its time at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, Generic, TypeVar

from taurus_tpo.core.clock import SYSTEM, Clock

Item = TypeVar("Item")


class TimeSlicedQueue(Generic[Item]):
    """A queue that any thread fills and one thread, its worker, empties.

    The worker lives in an event loop, which it must not hold up. So it is called once
    when there is something to do, works for a moment, and is called again for the rest.
    Whatever it does may have the event loop run inside it (a dialog does): the rest is
    called for before an item is done, not after, and that loop goes on with it. Only
    calls from an event loop come in between like this: :meth:`pass_by` and :meth:`now`
    never do one item inside another.

    :param do: does one item; must not raise.
    :param call: has the event loop call :meth:`turn` in the worker; from any thread.
    :param call_again: the same, after what else the event loop has to do; called in
        the worker.
    """

    def __init__(
        self,
        do: Callable[[Item], Any],
        call: Callable[[], Any],
        call_again: Callable[[], Any],
        clock: Clock = SYSTEM,
    ) -> None:
        self._do = do
        self._call = call
        self._call_again = call_again
        self._clock = clock
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()
        self._called = False
        self._busy = False

    def __len__(self) -> int:
        """Return how many items wait; may be called from any thread."""
        return len(self._items)

    def put(self, item: Item) -> None:
        """Append ``item``; may be called from any thread, and never waits."""
        self._items.append(item)
        self._have_called(self._call)

    def now(self, item: Item) -> None:
        """Do ``item`` at once, or after those that wait; called in the worker."""
        if self._items or self._busy:
            self.put(item)
            return
        self._busy = True
        try:
            self._do(item)
        finally:
            self._busy = False

    def turn(self, seconds: float) -> None:
        """Work for a slice; called by the event loop, in the worker."""
        with self._lock:
            self._called = False
        self._work(seconds)

    def pass_by(
        self, seconds: float, stop: Callable[[Item], bool] = lambda _: False
    ) -> None:
        """Work for a moment between other things, in the worker.

        Does nothing inside an item that is being done.

        :param stop: whether to leave an item, and those after it, for later.
        """
        if not self._busy:
            self._work(seconds, stop)

    def _work(
        self, seconds: float, stop: Callable[[Item], bool] = lambda _: False
    ) -> None:
        """Do items until ``seconds`` have passed, and one at the least."""
        end = self._clock.monotonic() + seconds
        outer, self._busy = self._busy, True
        try:
            while self._items and not stop(self._items[0]):
                item = self._items.popleft()
                if self._items:
                    self._have_called(self._call_again)
                self._do(item)
                if self._clock.monotonic() >= end:
                    return
        finally:
            self._busy = outer

    def _have_called(self, call: Callable[[], Any]) -> None:
        with self._lock:
            if self._called:
                return
            self._called = True
        call()
