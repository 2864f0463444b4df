"""A queue that is emptied by a thread with an event loop, in time slices."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, Generic, TypeVar

from taurus_tpo.core.clock import SYSTEM, Clock

Item = TypeVar("Item")


class TimeSlicedQueue(Generic[Item]):
    """A queue that any thread fills and one thread, its worker, empties.

    The worker runs an event loop, which must not be blocked. So :meth:`turn` is called
    once when there are items, works for one slice, and is called again for the rest. An
    item may run the event loop recursively (a dialog does). The next call is therefore
    requested before an item is done, not after, so that the inner loop goes on with the
    rest. Only calls from an event loop nest like this: :meth:`pass_by` and :meth:`now`
    never do one item within another.

    :param do: does one item; must not raise.
    :param call: has the event loop call :meth:`turn` in the worker; any thread.
    :param call_again: the same, after other pending work of the event loop; called in
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
        """Return the number of pending items; may be called from any thread."""
        return len(self._items)

    def put(self, item: Item) -> None:
        """Append ``item``; may be called from any thread, and never waits."""
        self._items.append(item)
        self._have_called(self._call)

    def now(self, item: Item) -> None:
        """Do ``item`` at once, or after the pending items; called in the worker."""
        if self._items or self._busy:
            self.put(item)
            return
        self._busy = True
        try:
            self._do(item)
        finally:
            self._busy = False

    def turn(self, seconds: float) -> None:
        """Work for one slice; called by the event loop, in the worker."""
        with self._lock:
            self._called = False
        self._work(seconds)

    def pass_by(
        self, seconds: float, stop: Callable[[Item], bool] = lambda _: False
    ) -> None:
        """Work for up to ``seconds`` between other work, in the worker.

        Does nothing while an item is being done.

        :param stop: whether to leave an item, and those after it, for later.
        """
        if not self._busy:
            self._work(seconds, stop)

    def _work(
        self, seconds: float, stop: Callable[[Item], bool] = lambda _: False
    ) -> None:
        """Do items until ``seconds`` have passed, but at least one."""
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
