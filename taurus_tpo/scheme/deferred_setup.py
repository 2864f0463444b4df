"""Setup of attributes that is deferred while a window is being built.

A thousand rows need a thousand subscriptions to configurations, besides those to
values, and a thousand verifications (decision 0032). All of it competes for Python's
lock with the thread that builds the rows. So it is deferred until no attribute was
added for a while.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable, Protocol

import tango

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.scheduler import RequestKind
from taurus_tpo.core.verification import delay_to_group

#: How long no attribute must have been added, s: at least QUIET (one row of a form may
#: take 0.1 s) and EACH per deferred attribute (showing them takes time, too), at most
#: LONGEST_QUIET.
QUIET = 0.25
EACH = 0.0005
LONGEST_QUIET = 1.0

#: Longest time that setup is deferred, s: a program may add attributes for ever.
LONGEST_WAIT = 10.0

#: How many attributes are set up together: a thousand would freeze the new window.
SOME = 25

#: Pause before the next ones are set up, s.
PACE = 0.03


class Pool(Protocol):
    """Serves requests: :class:`taurus_tpo.concurrency.io_pool.DevicePool`."""

    def submit(
        self,
        device: Any,
        name: Hashable,
        target: Any,
        kind: RequestKind,
        delay: float,
        patient: bool,
    ) -> Future[Any]:
        """Request the configuration of ``device``."""

    def withdraw(self, device: Any, kind: RequestKind, name: Hashable) -> None:
        """Withdraw the request."""


@dataclass(eq=False)
class _Group:
    """Attributes of one device that are set up together.

    :param connection: identifies the device in the pool.
    :param attributes: those that were not cleaned up, by their identities.
    :param subscribed: whether their first step is done.
    """

    device: weakref.ref[Any]
    connection: Any
    attributes: dict[int, weakref.ref[Any]] = field(default_factory=dict)
    subscribed: bool = False

    @property
    def waits(self) -> bool:
        """Whether a listener needs the configuration and does not get it yet.

        After the first step there is no retry: changes missed while the device was away
        are handled when it answers again.
        """
        if self.subscribed:
            return False
        return any(attribute.is_listened_to for attribute in self.alive())

    def alive(self) -> list[Any]:
        """Return the attributes that still exist."""
        found = (reference() for reference in list(self.attributes.values()))
        return [attribute for attribute in found if attribute is not None]


class DeferredSetup:
    """Defers the setup of attributes, and does it later.

    It has two steps: ``when_idle()`` subscribes to the configuration; ``when_open()``
    is called when that subscription, and the first one to the value, are sure to
    deliver events. Right before each step the configurations of the attributes in use
    are read in one call a device: they may have changed meanwhile. Keeps no attribute
    alive. All methods may be called from any thread.

    :param connection_of: returns the connection of a Taurus device.
    :param after: calls a function after a delay in s.
    """

    def __init__(
        self,
        pool: Pool,
        connection_of: Callable[[Any], Any],
        after: Callable[[float, Callable[[], Any]], Any],
        clock: Clock = SYSTEM,
    ) -> None:
        self._pool = pool
        self._connection_of = connection_of
        self._after = after
        self._clock = clock
        self._held: deque[weakref.ref[Any]] = deque()
        #: Groups that are due, by their connections.
        self._ready: dict[Any, _Group] = {}
        #: Groups with steps to do, by the identities of their attributes.
        self._groups: dict[int, _Group] = {}
        # A garbage collection may call release() in any code of this thread.
        self._lock = threading.RLock()
        self._last = self._since = float("-inf")
        #: Whether a timer is set.
        self._is_timed = False

    def hold(self, attribute: Any) -> None:
        """Defer the setup of ``attribute``; a thread of the pool does it later."""
        now, reference = self._clock.monotonic(), weakref.ref(attribute)
        with self._lock:
            self._last = now
            self._held.append(reference)
            is_timed, self._is_timed = self._is_timed, True
            if not is_timed:
                self._since = now
        if not is_timed:
            self._after(QUIET, self._go_on)

    def release(self, attribute: Any) -> None:
        """Forget ``attribute``, which was cleaned up.

        Takes no lock, see :meth:`taurus_tpo.concurrency.io_pool.DevicePool.withdraw`.
        """
        group = self._groups.pop(id(attribute), None)
        if group is not None:
            group.attributes.pop(id(attribute), None)
        if group is not None and not group.attributes:
            self._pool.withdraw(group.connection, RequestKind.CONNECT, id(group))

    def _go_on(self) -> None:
        """Request the next steps if no window is being built; called by the timer."""
        if not self._ready:
            left = self._until_quiet()
            if left > 0:
                self._after(left, self._go_on)
                return
            self._line_up()
        for group in self._next():
            self._ask(group)
        if self._is_more_to_do():
            self._after(PACE if self._ready else QUIET, self._go_on)

    def _until_quiet(self) -> float:
        """Return the remaining time of the deferral, s."""
        with self._lock:
            quiet = min(LONGEST_QUIET, max(QUIET, EACH * len(self._held)))
            end = min(self._last + quiet, self._since + LONGEST_WAIT)
        return end - self._clock.monotonic()

    def _line_up(self) -> None:
        """Group the deferred attributes by device."""
        while self._held:
            attribute = self._held.popleft()()
            if attribute is None or attribute.closed:
                continue
            device = attribute.getParentObj()
            if device is not None:
                connection = self._connection_of(device)
                made = _Group(weakref.ref(device), connection)
                self._join(attribute, self._ready.setdefault(connection, made))

    def _join(self, attribute: Any, group: _Group) -> None:
        """Add ``attribute`` to ``group``, and remove it from an earlier one."""
        key, reference = id(attribute), weakref.ref(attribute)
        with self._lock:
            before = self._groups.get(key)
            if before is not None:
                before.attributes.pop(key, None)
            group.attributes[key] = reference
            self._groups[key] = group

    def _next(self) -> Iterator[_Group]:
        """Take due groups with about :data:`SOME` attributes in total."""
        taken = 0
        while self._ready and taken < SOME:
            group = self._ready.pop(next(iter(self._ready)))
            taken += len(group.attributes)
            yield group

    def _is_more_to_do(self) -> bool:
        """Return whether a timer has to be set for more groups or attributes."""
        now = self._clock.monotonic()
        with self._lock:
            self._since = now
            self._is_timed = bool(self._ready or self._held)
            return self._is_timed

    def _ask(self, group: _Group, delay: float = 0.0) -> None:
        """Request the configuration for the next step of ``group`` in ``delay`` s."""
        if group.alive():
            # Not by name: another group of that device may have a pending request.
            answer = self._pool.submit(
                group.connection,
                id(group),
                group.device,
                RequestKind.CONNECT,
                delay,
                patient=True,
            )
            answer.add_done_callback(partial(self._on_answer, group))

    def _on_answer(self, group: _Group, answer: Future[Any]) -> None:
        """Do the next step of ``group``; called in a thread of the pool."""
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None and not group.subscribed:
            for attribute in group.alive():
                _run_setup(attribute, attribute.configuration.when_idle)
            group.subscribed = True
            self._ask(
                group, delay_to_group(self._clock.monotonic(), str(group.connection))
            )
        elif isinstance(error, tango.DevFailed) and group.waits:
            self._ask(group, group.connection.retry_delay)
        else:
            self._dissolve(group)
            for attribute in group.alive() if error is None else ():
                _run_setup(attribute, attribute.configuration.when_open)

    def _dissolve(self, group: _Group) -> None:
        """Forget ``group``, whose steps are done."""
        with self._lock:
            for key in list(group.attributes):
                self._groups.pop(key, None)


def _run_setup(attribute: Any, turn: Callable[[], Any]) -> None:
    """Do one step of ``attribute``; an exception does not affect the others."""
    try:
        turn()
    except Exception as error:  # noqa: BLE001 - the others must go on
        attribute.error(
            "%s: its configuration could not be processed: %r", attribute, error
        )
        attribute.debug("details:", exc_info=True)
