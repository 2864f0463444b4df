"""The health of a server: no threads, no clock, no sockets."""

from __future__ import annotations

from dataclasses import dataclass

from taurus_tpo.core.giop import Address

#: How long an answer counts as recent, s: a caller that must not be blocked does not
#: call a server whose last answer is older.
LATELY = 1.0

#: How long after an answer a server may be called without a probe, s. A call to a
#: server that has begun to hang holds its thread for 9 s. When a switch in front of ten
#: servers fails, only few threads may be in calls to them.
JUST_NOW = 0.02

#: A server is far if the network takes longer to it and back, s. To make a
#: ``DeviceProxy`` takes about twenty such round trips.
FAR = 0.0025

#: How many calls to one that is far are started together.
MOST_TOGETHER = 16

#: Pauses between probes of a server that does not answer, s: 1, 2, 4, 4...; see
#: :func:`pause_after`.
RETRY_PAUSES = (1.0, 2.0, 4.0)


def pause_after(silences: int) -> float:
    """Return the pause after ``silences`` successive failures to answer, s."""
    return RETRY_PAUSES[min(silences, len(RETRY_PAUSES)) - 1]


@dataclass(eq=False)
class Server:
    """A server: all devices of one process, which stop answering together.

    Written by the pool under its lock, except for ``heard`` and :meth:`doubt`; may be
    read by any thread.

    :param name: for users: ``TangoTest/1``, ``database host:port``.
    :param address: where it can be probed; None if that is unknown.
    :param at_once: largest number of threads in calls to it, besides the general
        limits.
    :param answered: when it last answered, or refused at once; monotonic clock, s.
    :param heard: when it last sent an event, or Tango last subscribed; monotonic clock,
        s; written by any thread.
    :param calls: whether serving it means a call, which may hold a thread.
    :param silences: number of successive failures to answer.
    :param falls: how often it stopped answering.
    :param error: why it counts as silent; None: it does not.
    :param since: since when it does, seconds since the epoch.
    :param told: when it last did not answer, monotonic clock, s.
    :param round_trip: how long the network takes to it and back, s; 0: not known.
        Written by the thread that probes it.
    """

    name: str
    address: Address | None = None
    at_once: float = float("inf")
    answered: float = float("-inf")
    heard: float = float("-inf")
    calls: bool = True
    silences: int = 0
    falls: int = 0
    error: BaseException | None = None
    since: float | None = None
    told: float = float("-inf")
    round_trip: float = 0.0

    def __str__(self) -> str:
        return self.name

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""
        return self.error is not None

    @property
    def is_far(self) -> bool:
        """Whether it is behind a slow link, see :data:`FAR`."""
        return self.round_trip > FAR

    @property
    def calls_together(self) -> int:
        """How many short calls to it are started together: one, unless it is far."""
        return MOST_TOGETHER if self.is_far else 1

    def silent_lately(self, now: float) -> bool:
        """Return whether it failed to answer so recently that it need not be probed."""
        return self.silent and now < self.retry_at() + LATELY

    def answers_lately(self, now: float) -> bool:
        """Return whether its last answer is recent, see :data:`LATELY`."""
        return not self.silent and now - self.answered <= LATELY

    def heard_lately(self, now: float) -> bool:
        """Return whether its last answer, event or subscription is recent."""
        return not self.silent and now - max(self.answered, self.heard) <= LATELY

    def answered_just_now(self, now: float) -> bool:
        """Return whether it may be called without a probe, see :data:`JUST_NOW`."""
        return not self.silent and now - self.answered <= JUST_NOW

    def retry_at(self) -> float:
        """Return when a server that does not answer may be probed again."""
        return self.told + pause_after(self.silences)

    def move(self, address: Address | None) -> None:
        """Record its address; any object at that host and port can be probed."""
        if _where(self.address) != _where(address):
            self.address = address

    def answer(self, now: float) -> None:
        """Record an answer."""
        self.answered = now
        self.silences = 0
        self.error = None
        self.since = None

    def doubt(self) -> None:
        """Record that a call timed out, so that a probe is needed; any thread."""
        self.answered = self.heard = float("-inf")

    def fall_silent(self, error: BaseException, now: float, time: float) -> None:
        """Record that it does not answer.

        :param now: monotonic clock, s.
        :param time: seconds since the epoch.
        """
        self.doubt()
        self.silences += 1
        self.told = now
        self.error = error
        if self.since is None:
            self.since = time
            self.falls += 1


def _where(address: Address | None) -> tuple[str, int] | None:
    return None if address is None else (address.host, address.port)
