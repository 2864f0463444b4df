"""One subscription of Tango's, and how it is given up without harm."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from functools import partial
from typing import Any, Callable

import tango

from taurus_tpo.concurrency.foreign_calls import Callbacks
from taurus_tpo.concurrency.serial_executor import SerialExecutor
from taurus_tpo.concurrency.weak_callbacks import WeakCallback
from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.modes import SubMode
from taurus_tpo.tango_client import pytango_compat

_LOG = logging.getLogger(__name__)


class Subscription:
    """One subscription of Tango's, which can be ended at any time, from any thread.

    Tango 10.3 crashes when a subscription is given up while the thread that carries it
    out is at it (seen in ``safe_execute_callback_or_store_data``). So it is given up
    only when Tango has answered, a moment later, and its proxy, in which PyTango keeps
    the callback, lives on for a while. The unsubscriber does it, a thread of its own:
    giving up waits for the device.

    Nor can Tango tell two threads apart which it does not know (Python's are such): the
    second waits in vain for what the first has locked, and then it crashes (seen in
    ``TangoMonitor::get_monitor``).
    """

    def __init__(
        self, proxy: Any, callback: Callable[[Any], None], answered: bool
    ) -> None:
        self._proxy = proxy
        self._callback = WeakCallback(callback)
        # Whom it belongs to may be collected as garbage in the midst of this.
        self._lock = threading.RLock()
        self._answered = answered
        #: Whether Tango has answered when :meth:`begin` returns.
        self.tried = answered
        self._ended = False
        self._works = False
        self._heard = self._lost = False
        self._number: int | None = None
        #: Whether somebody has been told to give it up.
        self._given_up = False
        #: The thread that begins it: in some modes Tango calls back in that one.
        self._caller = 0
        #: Whether Tango was asked for it; whether it never was, or is given up again.
        self._begun = self._gone = False
        #: In which process that was.
        self._process = os.getpid()
        #: What is called once it is.
        self._when_gone: list[Callable[[], Any]] = []
        #: Called once Tango has answered, in its thread.
        self.on_answer: Callable[[], Any] | None = None

    @property
    def works(self) -> bool:
        """Whether it has brought something that is no error, and was not ended."""
        return self._works and not self._ended

    @property
    def was_lost(self) -> bool:
        """Whether it failed after an event: Tango subscribes anew by itself."""
        return self._lost

    @property
    def ended(self) -> bool:
        """Whether it was ended; it need not be begun any more."""
        return self._ended

    def begin(self, attribute: str, event_type: Any, mode: SubMode) -> None:
        """Subscribe, unless it was ended; to be called once.

        :raises tango.DevFailed: where the subscription fails and the mode raises.
        """
        self._caller = threading.get_ident()
        with self._lock:
            self._begun = not self._ended
        if not self._begun:
            self._answer()
            return
        if not self._answered:
            UNANSWERED.add(self)
        try:
            with tango.EnsureOmniThread():
                number = pytango_compat.subscribe(
                    self._proxy, attribute, event_type, self._called, mode
                )
        except tango.DevFailed:
            if self._answer()[0]:
                UNANSWERED.remove(self)
            self._be_gone()
            raise
        with self._lock:
            self._number = number
            # It may have been ended meanwhile: only now there is something to give up.
            due = self._is_due()
        if due:
            UNSUBSCRIBER.do(self._give_up, SYSTEM.monotonic() + _MOMENT)

    def end(self) -> None:
        """Give the subscription up; returns at once, and nobody is called any more."""
        if self._end():
            UNSUBSCRIBER.do(self._give_up)

    def end_now(self, timeout: float) -> bool:
        """The same, in the thread of the caller, which waits for the device.

        Where Tango has not answered yet, that is waited for first.

        :param timeout: how long to wait for Tango, s.
        :return: whether it is given up.
        """
        gone = threading.Event()
        if self._end():
            self._give_up()
        self.when_gone(gone.set)
        return gone.wait(timeout)

    def when_gone(self, action: Callable[[], Any]) -> None:
        """Have ``action`` called once this is given up, or never was begun.

        At once if it is; else in the thread that gives it up, or that ends it. The
        action must not wait for anything.
        """
        with self._lock:
            if not self._gone:
                self._when_gone.append(action)
                return
        action()

    def _end(self) -> bool:
        """Let nobody be called any more; return whether it is to be given up now."""
        with self._lock:
            self._ended = True
            due, begun = self._is_due(), self._begun
        if not begun:
            self._be_gone()
        return due

    def _be_gone(self) -> None:
        """Tell whoever waits that there is no such subscription any more."""
        with self._lock:
            self._gone = True
            actions, self._when_gone = self._when_gone, []
        for action in actions:
            action()

    def _is_due(self) -> bool:
        """Return, once, whether it is to be given up now; with the lock held."""
        is_there = self._answered and self._number is not None
        due = self._ended and is_there and not self._given_up
        self._given_up |= due
        return due

    def _called(self, event: Any) -> None:
        if threading.get_ident() == self._caller:
            self._take(event)
            return
        if not CALLBACKS.enter():
            return
        try:
            _name_thread()
            self._take(event)
        finally:
            CALLBACKS.leave()

    def _take(self, event: Any) -> None:
        failed = pytango_compat.is_subscription_failure(event)
        self._lost |= failed and self._heard
        self._heard |= not failed
        self._works = self._works or not event.err
        was_first, due = self._answer()
        try:
            if not self._ended:
                self._callback(event)
            elif due:
                UNSUBSCRIBER.do(self._give_up, SYSTEM.monotonic() + _MOMENT)
        finally:
            if was_first:
                # The last thing: Tango may be cleaned up from here on.
                UNANSWERED.remove(self)

    def _answer(self) -> tuple[bool, bool]:
        """Take note that Tango has answered.

        :return: whether that is news, and whether the subscription is to be given up.
        """
        with self._lock:
            was_first, self._answered = not self._answered, True
            due = self._is_due()
        if was_first:
            told, self.on_answer = self.on_answer, None
            if told is not None:
                told()
        return was_first, due

    def _give_up(self) -> None:
        """Give it up, and wait for the device; later where Tango is busy."""
        if self._process != os.getpid():
            # Tango's threads are in the parent: to call it here, or to let the proxy
            # go, would wait for them.
            OF_THE_PARENT.append(self._proxy)
            self._be_gone()
            return
        LINGERING.keep(self._proxy)
        number = self._number
        assert number is not None  # or nobody asks to give it up
        try:
            with tango.EnsureOmniThread():
                pytango_compat.unsubscribe(self._proxy, number)
        except tango.DevFailed as error:
            reason = error.args[0].reason
            if reason in (BUSY, _NO_SOCKET):
                UNSUBSCRIBER.do(self._give_up, SYSTEM.monotonic() + _WHILE)
                return
            if reason != _GONE:
                _LOG.warning("a subscription could not be given up: %s", error)
        self._be_gone()


def _name_thread() -> None:
    """Give a thread of Tango's a name that log lines can tell.

    Python calls one "Dummy-1" that it did not start.
    """
    thread = threading.current_thread()
    if thread.name.startswith("Dummy-"):
        thread.name = "Tango events"


def let_go(proxy: Any, process: int) -> None:
    """Destroy a ``DeviceProxy``, of which the caller has the last reference, elsewhere.

    Its end waits for a lock of Tango's, which a thread of Tango's may have that calls
    back, and waits for a lock of ours: whoever lets go of a device may have that one.
    Returns at once; may be called while Python collects garbage.

    :param process: the one that has made it. One that was forked since keeps it for
        ever: the lock may be one that nobody there releases.
    """
    if process == os.getpid():
        UNSUBSCRIBER.do(partial(_end_of, proxy))
    else:
        OF_THE_PARENT.append(proxy)


def _end_of(proxy: Any) -> None:
    """Let go of ``proxy``, in the thread that calls this and nowhere else."""


#: What a process that was forked keeps of its parent's for ever.
OF_THE_PARENT: list[Any] = []


class _Unanswered:
    """The subscriptions that Tango has not answered yet, kept alive; any thread.

    Of a proxy and its subscription each keeps the other alive, and nobody else need
    keep either: without this, Python would collect both while Tango is at it. Nor must
    Tango be cleaned up before: it waits for its thread, with Python's lock, which the
    thread needs in order to call back.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._subscriptions: set[Subscription] = set()
        self._clock = clock
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: those of the parent stay there."""
        OF_THE_PARENT.extend(self._subscriptions)
        self._subscriptions = set()
        self._changed = threading.Condition()
        self._last_answer = float("-inf")

    def add(self, subscription: Subscription) -> None:
        """Keep ``subscription`` until it is answered."""
        with self._changed:
            self._subscriptions.add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Let go of ``subscription``."""
        with self._changed:
            self._subscriptions.discard(subscription)
            self._last_answer = self._clock.monotonic()
            self._changed.notify_all()

    def wait(self, timeout: float | None) -> bool:
        """Wait until all are answered, s; return whether they are.

        And until Tango's thread has returned from the last callback.
        """
        with self._changed:
            answered = self._changed.wait_for(lambda: not self._subscriptions, timeout)
            pause = self._last_answer + _MOMENT - self._clock.monotonic()
        if answered and pause > 0:
            threading.Event().wait(pause)
        return answered


#: The calls of Tango's threads with what these subscriptions bring.
CALLBACKS = Callbacks()

#: The subscriptions of this process that wait for an answer.
UNANSWERED = _Unanswered()

#: How long Tango's thread may take to return from the callback, s.
_MOMENT = 0.1

#: Why Tango neither subscribes nor gives a subscription up: another thread is at it,
#: with a device that hangs; and how long to leave it alone then, s.
BUSY = "API_CommandTimedOut"
_WHILE = 1.0

#: The same, where there are too many sockets within the process: Tango opens two for
#: each that is given up, and ZeroMQ closes them behind (seen with cppTango 10.3.3 on a
#: busy machine). One that is never given up would call back when its proxy is gone.
_NO_SOCKET = "API_ZmqFailed"

#: Why it gives nothing up: it has done so by itself, as it does when it shuts down.
_GONE = "API_EventNotFound"

#: Gives subscriptions up.
UNSUBSCRIBER = SerialExecutor("taurus_tpo unsubscriber")


class _Lingering:
    """Proxies that live on for a while after a subscription was given up.

    A thread of Tango's may be about to call back. PyTango keeps the callback for that
    case, in the proxy: if the proxy goes too, as it does with the last attribute of a
    device, the thread calls what is there no more.
    """

    def __init__(self, seconds: float, clock: Clock = SYSTEM) -> None:
        self._seconds = seconds
        self._clock = clock
        self.restart_in_child()

    def restart_in_child(self) -> None:
        """Begin anew, in a process that was forked: it keeps what its parent had."""
        self._kept: deque[tuple[float, Any]] = deque()

    def keep(self, proxy: Any) -> None:
        """Keep ``proxy`` for a while, and let go of those whose time has come."""
        now = self._clock.monotonic()
        self._kept.append((now + self._seconds, proxy))
        while self._kept and self._kept[0][0] < now:
            self._kept.popleft()


#: Longer than Tango tries at a subscription: 3 s a call, and it makes several.
LINGERING = _Lingering(seconds=15.0)
