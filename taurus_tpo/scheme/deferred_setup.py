"""What attributes need, but not while a window is being built.

A thousand rows need a thousand subscriptions to configurations, beside those to values,
and a thousand looks at what may have been missed (decision 0032). All of it takes its
share of Python's lock from the thread that builds the rows. So it waits until no
attribute has come for a while.
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
from taurus_tpo.core.verification import in_company

#: For how long no attribute must have come, s: one row of a form may take a tenth. And
#: for how long where many have: to show what was built takes its time, too, so much for
#: each. At most for so long.
QUIET = 0.25
EACH = 0.0005
LONGEST_QUIET = 1.0

#: How long that is waited for, s: a program may make attributes for ever.
LONGEST_WAIT = 10.0

#: How many attributes have their turn at once: a thousand would freeze the window that
#: has just opened.
SOME = 25

#: How long it is until the next have theirs, s.
PACE = 0.03


class Pool(Protocol):
    """Asks devices: :class:`taurus_tpo.concurrency.io_pool.DevicePool`."""

    def submit(
        self,
        device: Any,
        name: Hashable,
        target: Any,
        kind: RequestKind,
        delay: float,
        patient: bool,
    ) -> Future[Any]:
        """Have ``device`` asked for its configuration."""

    def withdraw(self, device: Any, kind: RequestKind, name: Hashable) -> None:
        """Forget that."""


@dataclass(eq=False)
class _Group:
    """Attributes of one device that have their turns together.

    :param connection: what the pool knows the device by.
    :param attributes: those that were not cleaned up, by their identities.
    :param subscribed: whether they have had their first turn.
    """

    device: weakref.ref[Any]
    connection: Any
    attributes: dict[int, weakref.ref[Any]] = field(default_factory=dict)
    subscribed: bool = False

    @property
    def waits(self) -> bool:
        """Whether somebody needs to hear of the configuration, and does not yet.

        What was missed of a device that was away is seen to when it is back.
        """
        if self.subscribed:
            return False
        return any(attribute.is_listened_to for attribute in self.alive())

    def alive(self) -> list[Any]:
        """Return the attributes that there are still."""
        found = (reference() for reference in list(self.attributes.values()))
        return [attribute for attribute in found if attribute is not None]


class DeferredSetup:
    """Holds attributes back, and has them do what they have to do when there is time.

    Each has two turns: ``when_idle()``, when it subscribes to its configuration, and
    ``when_open()``, when that and its first subscription are sure to bring events.
    Right before each turn its device is asked for the configuration of all attributes,
    in one call: it may have changed since they were made, or were asked last. Keeps no
    attribute alive. All methods may be called from any thread.

    :param connection_of: returns the connection of a Taurus device.
    :param after: calls a function in so many seconds.
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
        #: Those who have waited long enough, by their connections.
        self._ready: dict[Any, _Group] = {}
        #: Those who have turns to come, by the identities of their attributes.
        self._groups: dict[int, _Group] = {}
        # Garbage is collected in whatever a thread is doing: this here, perhaps.
        self._lock = threading.RLock()
        self._last = self._since = float("-inf")
        #: Whether a timer is set.
        self._is_timed = False

    def hold(self, attribute: Any) -> None:
        """Let ``attribute`` have its turns, by a thread of the pool, some time."""
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
        """Request what is next if no window is being built; called by the timer."""
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
        """Return how long it is until nobody need be held back any more, s."""
        with self._lock:
            quiet = min(LONGEST_QUIET, max(QUIET, EACH * len(self._held)))
            end = min(self._last + quiet, self._since + LONGEST_WAIT)
        return end - self._clock.monotonic()

    def _line_up(self) -> None:
        """Sort those that are held back by their devices."""
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
        """Let ``attribute`` have its turns with ``group``, and not with an earlier."""
        key, reference = id(attribute), weakref.ref(attribute)
        with self._lock:
            before = self._groups.get(key)
            if before is not None:
                before.attributes.pop(key, None)
            group.attributes[key] = reference
            self._groups[key] = group

    def _next(self) -> Iterator[_Group]:
        """Take groups that are ready, with some attributes in all."""
        taken = 0
        while self._ready and taken < SOME:
            group = self._ready.pop(next(iter(self._ready)))
            taken += len(group.attributes)
            yield group

    def _is_more_to_do(self) -> bool:
        """Return whether there is more to do, for which a timer is to be set."""
        now = self._clock.monotonic()
        with self._lock:
            self._since = now
            self._is_timed = bool(self._ready or self._held)
            return self._is_timed

    def _ask(self, group: _Group, delay: float = 0.0) -> None:
        """Have the device of ``group`` asked, in ``delay`` s, for its next turn."""
        if group.alive():
            # Not by a name: another group of that device may be on its way.
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
        """Let ``group`` have its turn; called in a thread of the pool."""
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None and not group.subscribed:
            for attribute in group.alive():
                _have_turn(attribute, attribute.configuration.when_idle)
            group.subscribed = True
            self._ask(group, in_company(self._clock.monotonic(), str(group.connection)))
        elif isinstance(error, tango.DevFailed) and group.waits:
            self._ask(group, group.connection.retry_delay)
        else:
            self._dissolve(group)
            for attribute in group.alive() if error is None else ():
                _have_turn(attribute, attribute.configuration.when_open)

    def _dissolve(self, group: _Group) -> None:
        """Take note that those in ``group`` have had their turns."""
        with self._lock:
            for key in list(group.attributes):
                self._groups.pop(key, None)


def _have_turn(attribute: Any, turn: Callable[[], Any]) -> None:
    """Let ``attribute`` have its turn; what goes wrong is its own."""
    try:
        turn()
    except Exception as error:  # noqa: BLE001 - the others must have theirs
        attribute.error("%s: its configuration was not taken: %r", attribute, error)
        attribute.debug("details:", exc_info=True)
