"""The threads that call Taurus and Tango for the greenlets of one hub."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Hashable
from typing import Any, Callable, cast

import gevent
import tango
from gevent import monkey
from gevent.event import AsyncResult
from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool

from taurus_tpo.core.errors import fresh, no_answer_within
from taurus_tpo.tango_client import process_exit

#: Number of calls that run at a time: they compete with the hub for the interpreter.
WORKERS = 2

#: How long a call runs before it counts as blocked, s. Others then run beside it.
BLOCKED = 0.05

#: Largest number of threads of one hub, most of them blocked.
MOST_THREADS = 32

#: Name of the threads, for debuggers and the log.
THREAD_NAME = "taurus_tpo green"

#: How long a thread waits for a call before it ends, s.
IDLE = 5.0

#: How many calls of one key may be pending.
MOST_PENDING = 1000

#: How long the end of the process waits for running calls, s.
CLOSING = 0.5

_Outcome = tuple[Any, "BaseException | None"]

#: The running calls of all hubs: each holds its lock.
_RUNNING: set[Any] = set()

if hasattr(os, "register_at_fork"):
    # A forked child process has none of these threads.
    os.register_at_fork(after_in_child=_RUNNING.clear)

_allocate_lock = monkey.get_original("_thread", "allocate_lock")


class _ThreadCall:
    """A call that a greenlet waits for.

    :param action: what the thread calls.
    """

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action
        #: Gets the result and the error.
        self.outcome = AsyncResult()
        #: Whether nobody waits for it any more.
        self.is_withdrawn = False


class HubThreads:
    """Runs calls that may block in threads, for the greenlets of one hub.

    The calls of one key (a device) run one after the other, so that a device that hangs
    blocks one thread. A call that is blocked does not count, so that others go on. The
    threads are those of a ``gevent.threadpool.ThreadPool``, apart from the pool of the
    hub, which resolves host names. They do not keep the process alive.

    To be used in the thread of the hub.
    """

    def __init__(self, hub: Any) -> None:
        self._threads = ThreadPool(MOST_THREADS, hub=hub, idle_task_timeout=IDLE)
        self._slots = Semaphore(WORKERS)
        #: The pending calls of each key that has a greenlet to serve it.
        self._pending: dict[Hashable, deque[_ThreadCall]] = {}

    def run(
        self, key: Hashable, action: Callable[[], Any], timeout: float | None = None
    ) -> Any:
        """Call ``action`` in a thread and wait for the result in this greenlet.

        A call that has not begun is withdrawn if the greenlet is killed.

        :param timeout: s; None: no limit.
        :raises queue.Full: if too many calls of the key are pending.
        :raises TimeoutError: after ``timeout``.
        """
        call = self.submit(key, action)
        try:
            call.outcome.wait(timeout)
        finally:
            call.is_withdrawn = True
        if timeout is not None and not call.outcome.ready():
            raise no_answer_within(timeout)
        value, error = call.outcome.get(block=False)
        if error is not None:
            raise error
        return value

    def submit(self, key: Hashable, action: Callable[[], Any]) -> _ThreadCall:
        """Have ``action`` called after the earlier ones of ``key``; returns at once.

        :raises queue.Full: if too many calls of the key are pending.
        """
        call = _ThreadCall(action)
        calls = self._pending.get(key)
        if calls is None:
            self._pending[key] = calls = deque([call])
            gevent.spawn(self._serve, key, calls)
        elif len(calls) >= MOST_PENDING:
            raise queue.Full(f"{key}: too many pending calls")
        else:
            calls.append(call)
        return call

    def _serve(self, key: Hashable, calls: deque[_ThreadCall]) -> None:
        """Make the calls of ``key``; a greenlet of its own."""
        while calls:
            call = calls.popleft()
            if call.is_withdrawn:
                continue
            with self._slots:
                running = self._threads.spawn(_carry_out, call.action)
                running.wait(BLOCKED)
            call.outcome.set(running.get())
            # Not kept while the greenlet waits for the next.
            del call, running
        # No greenlet has run since there was no call.
        del self._pending[key]


def _carry_out(action: Callable[[], Any]) -> _Outcome:
    """Return the result of ``action``, or its error; in a thread."""
    threading.current_thread().name = THREAD_NAME
    running = _allocate_lock()
    running.acquire()
    _RUNNING.add(running)
    try:
        # Tango does not know these threads, and crashes if two of them subscribe.
        with tango.EnsureOmniThread():
            return action(), None
    except Exception as error:  # noqa: BLE001 - goes to the caller
        return None, detached(error)
    finally:
        _RUNNING.discard(running)
        running.release()


def detached(error: Exception) -> Exception:
    """Return a copy of ``error`` that refers to no frames, and to no other object.

    An attribute must not end in the thread of the hub. Python's ``AttributeError`` has
    a reference to the object without the attribute.
    """
    if isinstance(error, AttributeError):
        return AttributeError(*error.args)
    return cast(Exception, fresh(error))


def finish(timeout: float | None = None) -> bool:
    """Wait for the running calls of all hubs; return whether they have ended.

    To be called when Python ends: calls that begin meanwhile do not count.

    :param timeout: s; None: no limit.
    """
    end = None if timeout is None else time.monotonic() + timeout
    for running in tuple(_RUNNING):
        left = -1.0 if end is None else max(0.0, end - time.monotonic())
        if not running.acquire(timeout=left):
            return False
        running.release()
    return True


def end_with(factory: Any) -> None:
    """Have the process end although calls hang; once, when a factory was made.

    :param factory: of the ``tango`` scheme; None without Tango.
    """
    if hasattr(factory, "wait_at_end"):
        factory.wait_at_end(finish)
    else:
        atexit.register(_end_beside_stock)


def _end_beside_stock() -> None:
    """Let a process end in which stock Taurus may be in a call to a device."""
    if not finish(CLOSING) and process_exit.leave_tango_behind():
        process_exit.never_destroy(tango.DeviceProxy, tango.Database)
        process_exit.park_what_returns()


_OF_HUBS: weakref.WeakKeyDictionary[Any, HubThreads] = weakref.WeakKeyDictionary()


def threads() -> HubThreads:
    """Return the threads of the present hub."""
    hub = gevent.get_hub()
    found = _OF_HUBS.get(hub)
    if found is None:
        found = _OF_HUBS[hub] = HubThreads(hub)
    return found
