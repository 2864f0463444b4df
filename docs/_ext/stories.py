"""Attributes as examples of what is told of them, and what that means for people.

The sentences themselves are those of ``taurus_tpo.core.status``.
"""

from __future__ import annotations

from taurus_tpo.core.lifecycle import State
from taurus_tpo.core.status import NO_EVENTS, Facts

_HUNG = {"server": "server TpoSim/gun", "silent": True}
_DOWN = {"server": "server TpoSim/undulator", "unreachable": True}

#: What is known of an attribute, and what people should make of it.
EXAMPLES: tuple[tuple[Facts, str], ...] = (
    (
        Facts(State.SUBSCRIBED, failed=True),
        "The last thing that the device told is an error: see *last error*. An event "
        "brings the value when there is one.",
    ),
    (
        Facts(State.RETRYING, period=3000, refusal=NO_EVENTS[0], failed=True),
        "The last read failed by itself. It is read on.",
    ),
    (
        Facts(State.CONNECTING, next_try=4.0, **_HUNG),  # type: ignore[arg-type]
        "The process hangs, or its host is not reachable. No thread waits for it; it "
        "is asked again by itself.",
    ),
    (
        Facts(State.SUBSCRIBED, **_HUNG),  # type: ignore[arg-type]
        "The same, in the moments in which it is asked.",
    ),
    (
        Facts(State.RETRYING, period=3000, **_DOWN),  # type: ignore[arg-type]
        "The server does not run. The first poll that finds it brings the value.",
    ),
    (
        Facts(State.CONNECTING),
        "Its server has not answered yet, or the configuration is on its way. For more "
        "than a second: the device is slow, or many wait.",
    ),
    (
        Facts(State.RECONNECTING),
        "It is known not to answer, and is tried again after a pause.",
    ),
    (Facts(State.SUBSCRIBING), "Tango was asked to subscribe."),
    (
        Facts(State.RESUBSCRIBING),
        "It was subscribed to, and Tango was asked to subscribe anew.",
    ),
    (
        Facts(State.SUBSCRIBING, period=3000),
        "Tango takes its time, so the attribute is polled meanwhile: other servers are "
        "being subscribed to, or hang.",
    ),
    (
        Facts(State.RETRYING, period=3000, refusal=NO_EVENTS[0]),
        "Neither the code of the device nor Tango's polling in the server sends "
        "events. Values are as old as the period. Its server can be told to poll it; "
        "then events come.",
    ),
    (
        Facts(State.RETRYING, period=3000, refusal="API_CantConnectToDevice"),
        "Tango could not subscribe, for the reason in parentheses. It tries every "
        "10 s; polling ends when it succeeds.",
    ),
    (
        Facts(State.RETRYING),
        "Tango goes on trying, and polling was stopped: no value comes.",
    ),
    (
        Facts(State.POLLED, period=3000, disabled_by="command line"),
        "Somebody wants no events; who, stands in parentheses.",
    ),
    (
        Facts(State.POLLED),
        "Neither events nor polls: nothing comes until somebody reads.",
    ),
    (
        Facts(State.SUBSCRIBED),
        "All is well: each change comes as an event.",
    ),
    (
        Facts(State.SUBSCRIBED, period=1000),
        "It is subscribed to; a program, or somebody in the inspector, wants polls as "
        "well.",
    ),
    (
        Facts(State.OPENING),
        "This is also told right after the first subscription, while one more read, "
        "or the first event, is awaited.",
    ),
    (
        Facts(State.VERIFYING),
        "Subscribed to again after a trouble. It is read some more times, for events "
        "may not arrive for a while.",
    ),
    (
        Facts(State.UNTRUSTED),
        "Its server promises events, and a read found a change of which none had come. "
        "It is read once in each polling period, until an event comes.",
    ),
    (
        Facts(State.IDLE),
        "A program has made it, and no widget listens. It is neither subscribed to nor "
        "polled.",
    ),
    (Facts(State.CLOSED), "It has ended, and will soon be gone."),
)
