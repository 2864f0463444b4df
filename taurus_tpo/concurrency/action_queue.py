"""Things to do, done one after the other, with no lock held while they are done."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Any, Callable


class ActionQueue:
    """A queue that is emptied by whichever thread finds it unattended.

    What one attribute has to do (subscribe, poll, tell its listeners) must happen in
    the order in which it was decided, whichever thread decided it, and without a lock:
    a listener may do anything, and Tango may take its time. So a thread that puts
    something in empties the box, unless another is at it already (or itself, further up
    the stack).

    :param on_error: takes what an action raises; the next one runs all the same.
    """

    __slots__ = ("_actions", "_attendant", "_lock", "_news", "_on_error")

    def __init__(self, on_error: Callable[[Exception], Any]) -> None:
        self._on_error = on_error
        self._actions: deque[Callable[[], None]] = deque()
        #: What of that may be dropped.
        self._news: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        #: The thread that is at it.
        self._attendant: int | None = None

    def put(self, *actions: Callable[[], None]) -> None:
        """Append ``actions``; :meth:`work` does them.

        To keep an order that was decided under a lock, call this under the same lock:
        it never waits.
        """
        self._actions.extend(actions)

    def put_news(self, action: Callable[[], None], most: int) -> None:
        """Append ``action``, as :meth:`put`; drop the oldest where ``most`` wait.

        For what is told to listeners: one of them may block while events come.
        """
        while len(self._news) >= most:
            # The one who does it all may be about to do this one.
            with contextlib.suppress(ValueError, IndexError):
                self._actions.remove(self._news.popleft())
        self._news.append(action)
        self._actions.append(action)

    def work(self) -> None:
        """Do what is in the box, unless some thread is doing so already."""
        while True:
            with self._lock:
                if self._attendant is not None or not self._actions:
                    return
                self._attendant = threading.get_ident()
                action = self._actions.popleft()
            with contextlib.suppress(ValueError, IndexError):
                self._news.remove(action)
            try:
                action()
            except Exception as error:  # noqa: BLE001 - a listener may raise anything
                self._on_error(error)
            finally:
                with self._lock:
                    self._attendant = None

    def finish(self, seconds: float) -> None:
        """Do what is in the box, or wait until the thread that is at it has done so.

        Nothing in the midst of an action: the rest follows that.

        :param seconds: how long to wait at the most.
        """
        if self._attendant == threading.get_ident():
            return
        done = threading.Event()
        self.put(done.set)
        self.work()
        done.wait(seconds)
