"""The health of a device: what its own calls and its server have shown."""

from __future__ import annotations

from taurus_tpo.core.clock import SYSTEM, Clock
from taurus_tpo.core.errors import fresh
from taurus_tpo.core.server_health import JUST_NOW, LATELY, Server

#: Longest pause between two attempts to connect to a device, s.
LONGEST_RETRY = 10.0

_NEVER = float("-inf")


class DeviceHealth:
    """Whether one device answers. Methods may be called from any thread.

    A device that refuses at once, because its server does not run, answers: the caller
    is not blocked, and the subscription reports the error.

    :param server: the server to call next: the database, until that has located the
        device.
    :param located: whether it is the server of the device itself.
    :param answers: whether the device counts as answering before its first call.
    """

    def __init__(
        self, server: Server, located: bool, answers: bool, clock: Clock = SYSTEM
    ) -> None:
        self.server = server
        self.located = located
        #: Whether the last attempt to connect was answered, or refused at once.
        self.answers = answers
        self._clock = clock
        self._error: BaseException | None = None
        self._failures = 0
        #: Time of the last answer, refusal or event, monotonic clock, s.
        self._heard = _NEVER
        #: Time of the last refusal to connect, monotonic clock, s.
        self._refused = _NEVER

    @property
    def error(self) -> BaseException | None:
        """Why it does not answer, a ``DevFailed``; None if it does."""
        return self.server.error or self._error

    @property
    def silent(self) -> bool:
        """Whether the device is known not to answer, or its server, which is probed.

        A server that no request waits for is not probed, so it may answer again
        unnoticed.
        """
        failed = self._error is not None and not self.answers
        return failed or self.server.silent_lately(self._clock.monotonic())

    @property
    def answers_lately(self) -> bool:
        """Whether the device, or its server, answered or refused recently."""
        if not self.answers or self.server.silent:
            return False
        now = self._clock.monotonic()
        heard = now - self._heard <= LATELY
        return heard or (self.located and self.server.heard_lately(now))

    @property
    def answered_just_now(self) -> bool:
        """Whether the device answered so recently that it needs no probe."""
        return self._clock.monotonic() - self._heard <= JUST_NOW

    @property
    def refused_lately(self) -> bool:
        """Whether it recently refused to return its configuration: it is down."""
        return self._clock.monotonic() - self._refused <= LATELY

    @property
    def is_there(self) -> bool:
        """Whether the device has answered, or at least its server or database."""
        now = self._clock.monotonic()
        return not self.silent and (self.answers or self.server.answers_lately(now))

    @property
    def retry_delay(self) -> float:
        """Pause before the next attempt to connect to a device that failed, s."""
        return min(LONGEST_RETRY, 2.0 ** max(0, self._failures - 1))

    @property
    def patient_retry_delay(self) -> float:
        """The same for a patient request, s.

        0 where the server does not answer: its next probe makes the request due.
        """
        return 0.0 if self.server.silent else self.retry_delay

    def heard(self) -> None:
        """Record that the device has just answered, or refused."""
        self._heard = self._clock.monotonic()
        if self.located:
            self.server.heard = self._heard

    def doubt(self) -> None:
        """Record that a call to it took so long that it has to be probed first."""
        self._heard = _NEVER
        self.server.doubt()

    def connected(self) -> None:
        """Record that an attempt to connect has succeeded."""
        self._failures = 0
        self._error = None
        self._refused = _NEVER
        self.answers = True
        self.heard()

    def failed(self, error: BaseException) -> None:
        """Record that an attempt to connect, or to locate the device, has failed."""
        self._error = fresh(error)
        self._failures += 1

    def refused(self, error: BaseException) -> None:
        """Record that an attempt to connect was refused at once."""
        self.failed(error)
        self.answers = True
        self.heard()
        self._refused = self._heard
