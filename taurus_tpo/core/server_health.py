"""What is known of a server: no threads, no clock, no sockets."""

from __future__ import annotations

from dataclasses import dataclass

from taurus_tpo.core.giop import Address

#: For how long an answer counts, s: whoever would have to wait for a call that hangs
#: makes none to a server whose answer is older.
LATELY = 1.0

#: For how long a thread may go to a server without its being asked first, s. A call to
#: one that has hung since takes its thread for 9 s; ten servers behind a switch that
#: dies must not find more than a few threads on their way.
JUST_NOW = 0.02

#: How long a silent server is left alone, s: 1, 2, 4, 4...; see :func:`pause_after`.
RETRY_PAUSES = (1.0, 2.0, 4.0)


def pause_after(silences: int) -> float:
    """Return how long to leave a server alone that was silent so often in a row, s."""
    return RETRY_PAUSES[min(silences, len(RETRY_PAUSES)) - 1]


@dataclass(eq=False)
class Server:
    """A server: all devices in one process, which hang together.

    Written by the pool under its lock, but for ``heard`` and :meth:`doubt`; the
    attributes may be read by any thread.

    :param name: for people: ``TangoTest/1``, ``database host:port``.
    :param address: where it can be asked whether it is there; None where nobody knows.
    :param at_once: how many threads may be in a call to it, besides what holds for all.
    :param answered: when it answered a call last, or refused at once; on the clock that
        never goes back, s.
    :param heard: when somebody else has heard of it last: an event came, or Tango has
        subscribed; written by any thread.
    :param calls: whether to serve it is to call somebody, which may hold a thread.
    :param silences: how often in a row it was asked in vain.
    :param falls: how often it was found silent after it had answered.
    :param error: why it counts as silent.
    :param since: since when it does, seconds since the epoch.
    :param told: when it was found silent last, on the clock that never goes back.
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

    def __str__(self) -> str:
        return self.name

    @property
    def silent(self) -> bool:
        """Whether it is known not to answer."""
        return self.error is not None

    def silent_lately(self, now: float) -> bool:
        """Return whether it was found silent so lately that it need not be asked."""
        return self.silent and now < self.retry_at() + LATELY

    def answers_lately(self, now: float) -> bool:
        """Return whether it answered a moment ago."""
        return not self.silent and now - self.answered <= LATELY

    def heard_lately(self, now: float) -> bool:
        """Return whether it answered a moment ago, or somebody has heard of it."""
        return not self.silent and now - max(self.answered, self.heard) <= LATELY

    def answered_just_now(self, now: float) -> bool:
        """Return whether its answer is so young that a thread may go there."""
        return not self.silent and now - self.answered <= JUST_NOW

    def retry_at(self) -> float:
        """Return when a silent server may be asked again."""
        return self.told + pause_after(self.silences)

    def move(self, address: Address | None) -> None:
        """Take note of where it is now; each of its objects will do to find it."""
        if _where(self.address) != _where(address):
            self.address = address

    def answer(self, now: float) -> None:
        """Take note that it answered."""
        self.answered = now
        self.silences = 0
        self.error = None
        self.since = None

    def doubt(self) -> None:
        """Take note that a call to it timed out: it has to be asked; any thread."""
        self.answered = self.heard = float("-inf")

    def fall_silent(self, error: BaseException, now: float, time: float) -> None:
        """Take note that it does not answer.

        :param now: on the clock that never goes back.
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
