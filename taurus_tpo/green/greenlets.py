"""Waiting in greenlets for what other threads do."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from typing import Any, Callable

import gevent
from gevent import monkey
from gevent.event import AsyncResult, Event

#: Whether the threads and locks of Python's modules are those of gevent.
THREADS_ARE_REPLACED: bool = monkey.is_module_patched("threading")

#: A reentrant lock that any thread can wait for, also where gevent has replaced those
#: of ``threading``.
thread_lock: Callable[[], Any] = monkey.get_original("_thread", "RLock")


class ThreadSignal:
    """An event that any thread sets and a greenlet waits for.

    Only :meth:`set` may be called from any thread; the rest in the thread of the hub in
    which it was made. To be closed: until then the hub does not find that nothing can
    wake its greenlets.
    """

    def __init__(self) -> None:
        self._event = Event()
        # Reentrant: a garbage collection may set it in any code of this thread.
        self._lock = thread_lock()
        self._watcher = gevent.get_hub().loop.async_()
        self._watcher.start(self._event.set)

    def set(self) -> None:
        """Wake the greenlet; does nothing after :meth:`close`. Any thread."""
        with self._lock:
            if self._watcher is not None:
                self._watcher.send()

    def wait(self) -> None:
        """Wait for :meth:`set`; returns at once if it was called since."""
        self._event.wait()
        self._event.clear()

    def close(self) -> None:
        """Wake the greenlet for good; may be called again."""
        with self._lock:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()
        self._event.set()


def result_of(future: Future[Any]) -> Any:
    """Wait for the result of a thread's ``future`` in a greenlet; raise its error.

    The future is cancelled if the greenlet is killed.
    """
    signal = ThreadSignal()
    try:
        future.add_done_callback(lambda _future: signal.set())
        while not future.done():
            signal.wait()
    finally:
        signal.close()
        future.cancel()
    try:
        return future.result()
    except CancelledError:
        raise RuntimeError("the call was dropped, since the program ends") from None


def begin(action: Callable[..., Any], *args: Any, wait: bool) -> Any:
    """Call ``action`` here, or in a greenlet of its own.

    :param wait: False: in a greenlet of its own.
    :return: what the action returns, or an ``AsyncResult`` for that.
    """
    if wait:
        return action(*args)
    result = AsyncResult()
    greenlet = gevent.Greenlet(_outcome, action, args)
    greenlet.link_value(lambda done: _settle(result, *done.value))
    greenlet.link_exception(result)
    greenlet.start()
    return result


def _outcome(
    action: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Any, Exception | None]:
    """Return the result or the error; gevent prints an error that ends a greenlet."""
    try:
        return action(*args), None
    except Exception as error:  # noqa: BLE001 - goes to the caller
        return None, error


def _settle(result: AsyncResult, value: Any, error: Exception | None) -> None:
    if error is None:
        result.set(value)
    else:
        result.set_exception(error)
