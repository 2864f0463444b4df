"""Actions that are run one after the other, with no lock held."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Any, Callable


class _DroppableAction:
    """An update of listeners, which may be dropped.

    :param action: runs it.
    """

    __slots__ = ("_action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def __call__(self) -> None:
        self._action()


class ActionQueue:
    """A queue of actions that any thread fills and one thread at a time empties.

    The actions of one attribute (subscribe, poll, call its listeners) must run in the
    order in which they were decided, whichever thread decided it, and without a lock: a
    listener may do anything, and a call to Tango may block. So a thread that adds
    actions also runs them, unless another thread, or the same one further up the stack,
    already does.

    :param on_error: called with what an action raises; the next action runs all the
        same.
    """

    __slots__ = ("_actions", "_attendant", "_lock", "_news", "_on_error")

    def __init__(self, on_error: Callable[[Exception], Any]) -> None:
        self._on_error = on_error
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Reset in a forked child process: a thread of the parent may hold the lock."""
        self._actions: deque[Callable[[], None]] = deque()
        #: The subset of these that may be dropped.
        self._news: deque[_DroppableAction] = deque()
        self._lock = threading.Lock()
        #: The thread that runs an action.
        self._attendant: int | None = None

    def put(self, *actions: Callable[[], None]) -> None:
        """Append ``actions``; :meth:`work` runs them.

        To keep an order that was decided under a lock, call this under the same lock:
        it never waits.
        """
        self._actions.extend(actions)

    @property
    def has_news(self) -> bool:
        """Whether an action of :meth:`put_news` is pending."""
        return bool(self._news)

    def put_news(self, action: Callable[[], None], most: int) -> None:
        """Append ``action``, as :meth:`put`; drop the oldest if ``most`` are pending.

        For updates of listeners: a listener may block while events arrive.
        """
        while len(self._news) >= most:
            # The thread that empties the queue may have taken it already.
            with contextlib.suppress(ValueError, IndexError):
                self._actions.remove(self._news.popleft())
        news = _DroppableAction(action)
        self._news.append(news)
        self._actions.append(news)

    def work(self) -> None:
        """Run the pending actions, unless a thread is doing so already."""
        with self._lock:
            if self._attendant is not None or not self._actions:
                return
            self._attendant = threading.get_ident()
            action: Callable[[], None] | None = self._actions.popleft()
        try:
            while action is not None:
                self._run(action)
                # Ends this action and begins the next one: the lock is taken once.
                with self._lock:
                    action = self._actions.popleft() if self._actions else None
                    if action is None:
                        self._attendant = None
        except BaseException:
            self._attendant = None
            raise

    def _run(self, action: Callable[[], None]) -> None:
        if isinstance(action, _DroppableAction):
            # Another thread may have dropped it.
            with contextlib.suppress(ValueError, IndexError):
                self._news.remove(action)
        try:
            action()
        except Exception as error:  # noqa: BLE001 - a listener may raise anything
            self._on_error(error)

    def finish(self, seconds: float) -> None:
        """Run the pending actions, or wait until the thread that does so has finished.

        Does nothing when called by an action: the remaining actions follow it.

        :param seconds: longest time to wait, s.
        """
        if self._attendant == threading.get_ident():
            return
        done = threading.Event()
        self.put(done.set)
        self.work()
        done.wait(seconds)
