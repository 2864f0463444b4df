"""Fixed scenarios: one that shows it for each difference that is meant. Pure."""

from __future__ import annotations

from typing import Any

from tests.differential.scenario import (
    CLIENT,
    DATABASE,
    PROCESS,
    SERVER,
    SHOW,
    AttributeSpec,
    Scenario,
    Step,
)

_DOUBLE = (AttributeSpec("DevDouble_scalar_rw"),)


def _client(do: str, on: int = 0, **args: Any) -> Step:
    return Step(CLIENT, do, on, args)


def _server(do: str, on: int = 0, **args: Any) -> Step:
    return Step(SERVER, do, on, args)


_LISTEN = _client("listen", name="A")

#: By the key of the entry of the table that it shows.
SHOWING: dict[str, Scenario] = {
    "read-follows": Scenario(
        _DOUBLE,
        (
            _client("read"),
            _server("set", value=1),
            _client("read"),
            _client("get", what="rvalue"),
        ),
    ),
    "no-value-after-a-failed-poll": Scenario(
        (AttributeSpec(events=False),),
        # Listeners are expected to hear of it: the next step comes after the poll.
        (
            _LISTEN,
            _server("fail", event=True, failing=True),
            _client("get", what="rvalue"),
        ),
    ),
    "polls-for-nobody": Scenario(
        _DOUBLE, (_LISTEN, _client("unlisten", name="A")), "disabled"
    ),
    "read-is-told": Scenario(
        _DOUBLE,
        (
            _LISTEN,
            Step(CLIENT, "settle", args={"expect": [], "still": 6.0, "bound": 1.0}),
            _server("set", value=1, event=False),
            _client("read", cache=False),
        ),
    ),
    "silent-change": Scenario(_DOUBLE, (_LISTEN, _server("set", value=1, event=False))),
    "stamp-ahead": Scenario(
        _DOUBLE,
        (
            _LISTEN,
            _server("set", value=1, shift=60.0),
            _server("set", value=2, shift=-50.0),
        ),
    ),
    "enum-invalid": Scenario(
        (AttributeSpec("DevEnum_scalar_r"),),
        (_LISTEN, _server("set", value=1, quality="INVALID")),
    ),
    "not-decodable": Scenario(
        (AttributeSpec(config={"unit": "°C"}),), (_client("make"), _client("read"))
    ),
    "unit-changed": Scenario(_DOUBLE, (_LISTEN, _server("configure", unit="mm"))),
    "what-was-set": Scenario(
        (AttributeSpec("DevULong_spectrum_rw"),),
        (_client("set_range", low=-10.0, high=10.0),),
        "Async",
    ),
    "another-type": Scenario(
        _DOUBLE,
        (
            _LISTEN,
            Step(PROCESS, "retype", args={"kind": "DevString_scalar_r"}),
            _client("make"),
        ),
    ),
    "write-succeeded": Scenario(
        _DOUBLE, (_server("fail", event=False), _client("write", value=1))
    ),
    "knows-that-it-is-subscribed": Scenario(_DOUBLE, (_LISTEN,), "Async"),
    "stateless-waits-for-nobody": Scenario(
        _DOUBLE,
        (_LISTEN, _client("unlisten", name="A"), _client(SHOW)),
        "Stateless",
        venue="gui",
    ),
    "polling-timers": Scenario(
        _DOUBLE, (_LISTEN, _client("polling_timers")), "disabled"
    ),
    "subclasses": Scenario(_DOUBLE, (_client("exact_type"),)),
    "private-names": Scenario(_DOUBLE, (_LISTEN, _client("private_names"))),
    "comes-late": Scenario(
        _DOUBLE,
        (Step(PROCESS, "terminate"), _client("make"), Step(PROCESS, "start")),
    ),
    "short-absence": Scenario(
        _DOUBLE, (_LISTEN, Step(PROCESS, "kill"), Step(PROCESS, "start"))
    ),
}

#: What once went wrong, or might: they must not differ at all.
SAME: tuple[Scenario, ...] = (
    Scenario(_DOUBLE, (_LISTEN, _server("set", value=1), _client("read"))),
    Scenario(
        _DOUBLE,
        (_client("make"), _LISTEN, _client(SHOW), _client("get", what="rvalue")),
        venue="gui",
    ),
    Scenario(
        _DOUBLE,
        (Step(DATABASE, "busy"), _client("register_class"), _client("device")),
    ),
    Scenario(
        _DOUBLE,
        (
            _LISTEN,
            _server("set", value=1, shift=60.0),
            _server("set", value=2, shift=-50.0),
        ),
        "unfiltered",
    ),
    Scenario(
        _DOUBLE, (_LISTEN, _server("set", value=1), _client("read")), "no-change-events"
    ),
    Scenario(
        _DOUBLE,
        (_LISTEN, _server("fail"), _server("configure", label="another label")),
        "no-change-events",
    ),
    # A window is being built; stock Taurus has the value when addListener returns.
    Scenario(
        _DOUBLE, (_LISTEN, _client("read", cache=100000)), "Stateless", venue="gui"
    ),
    Scenario(_DOUBLE, (_LISTEN, _client("read")), "Stateless", venue="gui"),
    # Events of what can only be written have no set value, reads have.
    Scenario(
        (AttributeSpec("DevString_scalar_w"),),
        (_LISTEN, _server("fail", failing=False, event=True)),
        "Async",
    ),
    # Once a program's own read has failed, there is no last value.
    Scenario(
        _DOUBLE,
        (
            _LISTEN,
            _server("fail"),
            _client("read", cache=False),
            _server("configure", label="another label"),
        ),
        "no-change-events",
    ),
    # What was polled by force goes on until an event comes.
    Scenario(
        _DOUBLE,
        (
            _LISTEN,
            _client("enable_polling", force=True),
            _server("configure", unit="furlongs per fnord"),
            _client("enable_polling", force=False),
        ),
        "Sync",
    ),
    # An event with an error ends polls that a program has forced.
    Scenario(
        _DOUBLE,
        (
            _LISTEN,
            _client("enable_polling", force=True),
            _server("fail", event=True, failing=True),
        ),
        "SyncRead",
    ),
    # The device was just made by another thread: it may not have answered yet.
    Scenario(
        _DOUBLE,
        (
            Step(CLIENT, "unlisten_device", where="thread"),
            _client("set_label", label="another label"),
            _client("set_range", low=-10.0, high=10.0),
        ),
        venue="gui",
    ),
    # Who comes when nothing polls any more is not told what was polled last.
    Scenario(
        _DOUBLE,
        (_LISTEN, _client("disable_polling"), _client("listen", name="B")),
        "no-change-events",
    ),
    # The configuration comes with the last value after a poll that failed, also where
    # nothing polls any more.
    Scenario(
        _DOUBLE,
        (
            _LISTEN,
            _server("fail", event=True, failing=True),
            _client("disable_polling"),
            _server("configure", label="a label"),
        ),
        "disabled",
    ),
    # The first event of a subscription counts, however old its time stamp.
    Scenario(
        (AttributeSpec("DevDouble_scalar_w"),),
        (_LISTEN, _client("write", value=1)),
        "Async",
    ),
    # What nobody polls is read once, and nobody told, while the application runs.
    Scenario(
        _DOUBLE,
        (
            _client("disable_polling"),
            _client(SHOW),
            _LISTEN,
            _client("set_label", label="another label"),
        ),
        "disabled",
        venue="gui",
    ),
    # Who comes again is told the value, which stock Taurus does not do.
    Scenario(_DOUBLE, (_LISTEN, _client("unlisten", name="A"), _LISTEN), "Sync"),
)
