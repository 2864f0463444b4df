"""Status of an attribute, for users: its state, and what it waits for."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from taurus_tpo.core.lifecycle import WORKING, State

#: Tango's error reasons that mean: the attribute sends no events.
NO_EVENTS = (
    "API_AttributePollingNotStarted",
    "API_EventPropertiesNotSet",
    "API_PollObjNotFound",
)


class Condition(enum.Enum):
    """Class of a status, by which users sort attributes."""

    ERROR = "error"
    SILENT = "not answering"
    CONNECTING = "connecting"
    POLLED = "polled"
    SUBSCRIBED = "subscribed"
    IDLE = "idle"


@dataclass(frozen=True)
class Facts:
    """What the status of an attribute depends on.

    :param state: state of its lifecycle.
    :param period: its polling period, ms; None: it is not polled.
    :param server: the server or database that has to answer, for users.
    :param silent: whether that does not answer.
    :param next_try: time until it is probed again, s.
    :param unreachable: whether the last result says that no server was reached.
    :param disabled_by: what disabled events, for users; empty: unknown.
    :param refusal: Tango's reason for a failed subscription; empty: it did not fail.
    :param failed: whether the last result is an error.
    """

    state: State
    period: int | None = None
    server: str = ""
    silent: bool = False
    next_try: float = 0.0
    unreachable: bool = False
    disabled_by: str = ""
    refusal: str = ""
    failed: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether it has no listeners and is not polled."""
        return self.period is None and self.state in (State.IDLE, State.CLOSED)


def tell(facts: Facts) -> str:
    """Return the status as a short text."""
    if facts.is_idle:
        return _WORDS[facts.state]
    if facts.silent:
        return f"{facts.server} does not answer, {next_try(facts.next_try)}"
    if facts.unreachable:
        tried = "" if facts.period is None else f", tried every {facts.period} ms"
        return f"{facts.server or 'its server'} cannot be reached{tried}"
    if facts.period is not None:
        return f"polled every {facts.period} ms: {_why_polled(facts)}"
    return _WORDS[facts.state]


def condition(facts: Facts) -> Condition:
    """Return the class of the status."""
    if facts.is_idle:
        return Condition.IDLE
    if facts.silent or facts.unreachable:
        return Condition.SILENT
    if facts.failed:
        return Condition.ERROR
    if facts.state in WORKING:
        return Condition.SUBSCRIBED
    # It is polled while Tango is subscribing.
    return Condition.POLLED if facts.period is not None else Condition.CONNECTING


def next_try(seconds: float) -> str:
    """Return as text when a server that does not answer is probed again.

    :param seconds: time until then, s; may be negative.
    """
    return f"next try in {seconds:.0f} s" if seconds >= 0.5 else "it is being asked"


def _why_polled(facts: Facts) -> str:
    if facts.state is State.POLLED:
        return f"events are disabled ({facts.disabled_by or 'source unknown'})"
    if facts.state in (State.SUBSCRIBING, State.RESUBSCRIBING):
        return "Tango has not subscribed yet"
    if facts.state is not State.RETRYING:
        return "polling is forced"
    if facts.refusal in NO_EVENTS:
        return "the attribute sends no events"
    why = f" ({facts.refusal})" if facts.refusal else ""
    return f"the subscription failed{why}, Tango goes on trying"


_WORDS = {
    State.IDLE: "nobody listens",
    State.CONNECTING: "connecting",
    State.RECONNECTING: "connecting again: the device is not there",
    State.SUBSCRIBING: "subscribing",
    State.RESUBSCRIBING: "subscribing again",
    State.SUBSCRIBED: "subscribed to its events",
    State.OPENING: "subscribed to its events",
    State.VERIFYING: "subscribed to its events, and compared with the device",
    State.UNTRUSTED: "subscribed, but a change came without an event: it is read, too",
    State.RETRYING: "the subscription failed, Tango goes on trying",
    State.POLLED: "events are disabled, and so is polling",
    State.CLOSED: "closed",
}
